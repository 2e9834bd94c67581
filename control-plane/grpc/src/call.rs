//! What every call goes through: an id, a line in the log, a count, and the question who asks.
//!
//! The log names method, principal, code and time, and never what a request or an answer holds.

mod id;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};
use std::time::Instant;

use entente_app::pki::Who;
use entente_app::{App, AppError, Caller};
use metrics::{counter, histogram};
use prost::Message;
use prost_types::FileDescriptorSet;
use tonic::body::Body;
use tonic::{Code, Request, Response, Status};
use tower::{Layer, Service};
use tracing::{debug, info};
use uuid::Uuid;

use crate::roles;
use crate::status::status;
use crate::transport::Peer;

pub(crate) use id::CallId;

/// The other end of the connection on which a call came in.
pub(crate) fn peer(extensions: &http::Extensions) -> &Arc<Peer> {
    extensions.get().expect("every connection carries its peer")
}

/// Runs one operation for a principal: asks who it is, and turns what goes wrong into a status.
pub(crate) async fn answer<T, R, F>(
    app: &App,
    request: Request<T>,
    operation: impl FnOnce(App, Caller, T) -> F,
) -> Result<Response<R>, Status>
where
    F: Future<Output = Result<R, AppError>>,
{
    let call = CallId::of(&request);
    let caller = caller(app, peer(request.extensions())).map_err(|error| status(&error, call))?;
    match operation(app.clone(), caller, request.into_inner()).await {
        Ok(answer) => Ok(Response::new(answer)),
        Err(error) => Err(status(&error, call)),
    }
}

fn caller(app: &App, peer: &Peer) -> Result<Caller, AppError> {
    app.principal_of(peer.credential.as_ref().ok_or(AppError::Unauthenticated)?)
}

/// Puts the above around all services of a port.
#[derive(Debug, Clone)]
pub(crate) struct Calls(pub(crate) App);

#[derive(Debug, Clone)]
pub(crate) struct Called<S> {
    app: App,
    inner: S,
}

impl<S> Layer<S> for Calls {
    type Service = Called<S>;

    fn layer(&self, inner: S) -> Called<S> {
        Called { app: self.0.clone(), inner }
    }
}

impl<S> Service<http::Request<Body>> for Called<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        let entry = CallRecord::new(&request);
        request.extensions_mut().insert(entry.id);
        if let Err(error) = may_call(&self.app, &entry) {
            let response = status(&error, entry.id).into_http();
            entry.done(&response);
            return Box::pin(std::future::ready(Ok(response)));
        }
        let answer = self.inner.call(request);
        Box::pin(async move {
            let response = answer.await?;
            entry.done(&response);
            Ok(response)
        })
    }
}

/// Whether the caller has the role that the method needs at least.
fn may_call(app: &App, entry: &CallRecord) -> Result<(), AppError> {
    match roles::least(&entry.method) {
        Some(role) => caller(app, &entry.peer)?.needs(role),
        None => Ok(()),
    }
}

/// A call's line in the log.
struct CallRecord {
    id: CallId,
    peer: Arc<Peer>,
    method: String,
    start: Instant,
}

impl CallRecord {
    fn new(request: &http::Request<Body>) -> Self {
        let path = request.uri().path().trim_start_matches('/');
        // A path is the caller's to choose: what is not ours would grow the metrics without a bound.
        let method = if METHODS.contains(path) { path } else { "unknown" };
        let peer = peer(request.extensions()).clone();
        Self { id: CallId(Uuid::new_v4()), peer, method: method.into(), start: Instant::now() }
    }

    fn done(self, response: &http::Response<Body>) {
        let took = self.start.elapsed();
        // A call that fails has its status in the headers; what a stream ends with is not known yet.
        let code = response.headers().get("grpc-status").map_or(Code::Ok, |it| Code::from_bytes(it.as_bytes()));
        counter!("entente_calls_total", "method" => self.method.clone(), "code" => word(code)).increment(1);
        histogram!("entente_call_seconds", "method" => self.method.clone()).record(took.as_secs_f64());
        let (who, id, took_ms) = (who(&self.peer), self.id, took.as_millis());
        if self.method.starts_with("grpc.") {
            debug!(method = self.method, who, code = word(code), took_ms, call_id = %id, "call");
        } else {
            info!(method = self.method, who, code = word(code), took_ms, call_id = %id, "call");
        }
    }
}

/// The resource name of the peer, for the log.
pub(crate) fn who(peer: &Peer) -> String {
    match peer.who() {
        Some(Who::Agent(agent)) => agent.to_string(),
        Some(Who::Principal(principal)) => principal.to_string(),
        None => "nobody".into(),
    }
}

fn word(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// Every method that is served, as in a path without its first slash.
pub(crate) static METHODS: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let sets = [
        entente_proto::DESCRIPTORS,
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
    ];
    sets.into_iter().flat_map(methods).collect()
});

fn methods(descriptors: &[u8]) -> Vec<String> {
    let set = FileDescriptorSet::decode(descriptors).expect("a build wrote them");
    let mut methods = Vec::new();
    for file in &set.file {
        for service in &file.service {
            let path = |method: &str| format!("{}.{}/{method}", file.package(), service.name());
            methods.extend(service.method.iter().map(|method| path(method.name())));
        }
    }
    methods
}
