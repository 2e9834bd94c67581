//! What agents call: to enrol, to renew, and the stream.
//!
//! `Connect` is taken out of the generated service, because its answer is made of frames that are already encoded
//! ([`stream`]). What is sent when, pings, and who must go are `entente-app`'s decisions; nothing here has a timer
//! but the one for `Hello`.

mod admission;
mod convert;
mod frames;
mod stream;

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use entente_app::{App, AppError, EnrollRequest};
use entente_proto::agent::v1 as wire;
use entente_proto::agent::v1::agent_service_server::{AgentService, AgentServiceServer};
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::{Request, Response, Status, Streaming};
use tower::Service;

pub use admission::Rate;

use crate::call::{CallId, peer};
use crate::status::status;
use admission::Admission;

const CONNECT: &str = "/entente.agent.v1.AgentService/Connect";

/// A token and a signing request; anyone may send one.
const MAX_ENROLL_BYTES: usize = 64 << 10;

/// `entente.agent.v1.AgentService`.
#[derive(Clone)]
pub(crate) struct AgentServer {
    app: App,
    admission: Arc<Admission>,
    unary: AgentServiceServer<Unary>,
}

impl AgentServer {
    pub(crate) fn new(app: App, rate: Rate) -> Self {
        let unary = AgentServiceServer::new(Unary(app.clone())).max_decoding_message_size(MAX_ENROLL_BYTES);
        Self { app, admission: Arc::new(Admission::new(rate, Instant::now())), unary }
    }
}

impl NamedService for AgentServer {
    const NAME: &'static str = <AgentServiceServer<Unary> as NamedService>::NAME;
}

impl Service<http::Request<Body>> for AgentServer {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        if request.uri().path() != CONNECT {
            return self.unary.call(request);
        }
        let (app, admission) = (self.app.clone(), self.admission.clone());
        Box::pin(async move {
            let response = stream::connect(app, &admission, request).await;
            Ok(response.unwrap_or_else(Status::into_http))
        })
    }
}

/// The methods that the generated service may have.
#[derive(Clone)]
struct Unary(App);

#[tonic::async_trait]
impl AgentService for Unary {
    async fn enroll(&self, request: Request<wire::EnrollRequest>) -> Result<Response<wire::EnrollResponse>, Status> {
        let call = CallId::of(&request);
        let asked = request.into_inner();
        let enrol =
            EnrollRequest { token: &asked.token, csr_pem: &asked.csr_pem, entra_tenant: &asked.entra_tenant_id };
        let enrolled = self.0.enroll(&enrol).await.map_err(|error| status(&error, call))?;
        Ok(Response::new(wire::EnrollResponse {
            agent: enrolled.agent.to_string(),
            certificate_pem: enrolled.certificate_pem,
            ca_pem: enrolled.ca_pem,
            root_key: enrolled.root_key.to_vec().into(),
        }))
    }

    async fn renew(&self, request: Request<wire::RenewRequest>) -> Result<Response<wire::RenewResponse>, Status> {
        let call = CallId::of(&request);
        let peer = peer(request.extensions()).clone();
        let renewed = async {
            let credential = peer.credential.as_ref().ok_or(AppError::Unauthenticated)?;
            self.0.renew(credential, &request.get_ref().csr_pem).await
        };
        let renewed = renewed.await.map_err(|error| status(&error, call))?;
        Ok(Response::new(wire::RenewResponse { certificate_pem: renewed.certificate_pem, ca_pem: renewed.ca_pem }))
    }

    type ConnectStream = futures::stream::Empty<Result<wire::ConnectResponse, Status>>;

    async fn connect(
        &self,
        _: Request<Streaming<wire::ConnectRequest>>,
    ) -> Result<Response<Self::ConnectStream>, Status> {
        unreachable!("AgentServer takes this path out before it gets here")
    }
}
