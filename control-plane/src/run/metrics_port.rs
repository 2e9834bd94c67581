//! The metrics port: Prometheus' text over mutual TLS, for principals.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use entente_grpc::server::Server;
use entente_grpc::transport::{Connection, Port, incoming};
use entente_model::Timestamp;
use entente_store::Store;
use entente_store_embedded::SledStore;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tokio_stream::StreamExt;
use tracing::debug;

use crate::failure::Failure;

/// From a call that is answered from memory to one that waits for an agent.
const CALL_BUCKETS_SECONDS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 5.0, 30.0];

/// A scraper asks within a second of connecting; what has not in this time is not one.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// How often histograms are folded, so that an unscraped server does not grow.
const UPKEEP_PERIOD: Duration = Duration::from_secs(15);

/// The recorder is the process's: a program that runs two servers gets one.
static RECORDER: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

pub(super) fn recorder() -> Result<PrometheusHandle, Failure> {
    let mut recorder = RECORDER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(recorder) = &*recorder {
        return Ok(recorder.clone());
    }
    let failed = |error| Failure::because("metrics cannot be recorded", error);
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full("entente_call_seconds".into()), &CALL_BUCKETS_SECONDS)
        .map_err(failed)?;
    Ok(recorder.insert(builder.install_recorder().map_err(failed)?).clone())
}

pub(super) async fn serve(
    server: Server,
    socket: TcpListener,
    recorder: PrometheusHandle,
    store: Arc<SledStore>,
) -> Result<(), Failure> {
    let trust_domain = server.app.trust_domain().into();
    let (tls, connections, tasks) = (server.tls.clone(), server.connections.clone(), server.tasks.clone());
    let mut incoming = incoming(socket, Port::Metrics, tls, trust_domain, connections, server.limits, tasks.clone());
    let mut upkeep = tokio::time::interval(UPKEEP_PERIOD);
    loop {
        tokio::select! {
            () = tasks.stop.cancelled() => return Ok(()),
            _ = upkeep.tick() => recorder.run_upkeep(),
            connection = incoming.next() => match connection {
                Some(Ok(connection)) => {
                    let scrape = scrape(connection, server.clone(), recorder.clone(), store.clone());
                    tasks.spawn_until_stop("scrape", scrape);
                }
                Some(Err(error)) => debug!(%error, "a scraper's connection failed"),
                None => return Ok(()),
            },
        }
    }
}

async fn scrape(connection: Connection, server: Server, recorder: PrometheusHandle, store: Arc<SledStore>) {
    let peer = connection.peer().clone();
    let answer = service_fn(move |request: Request<Incoming>| {
        let known = peer.credential.as_ref().is_some_and(|credential| server.app.principal_of(credential).is_ok());
        let kind = request.headers().get(header::CONTENT_TYPE);
        let is_call = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
        let response = match (known, request.method(), request.uri().path()) {
            _ if is_call => not_the_api(),
            (false, _, _) => text(StatusCode::FORBIDDEN, "the certificate names no principal\n".into()),
            (true, &Method::GET, "/metrics") => {
                store_gauges(&*store);
                text(StatusCode::OK, recorder.render())
            }
            _ => text(StatusCode::NOT_FOUND, "metrics are at /metrics\n".into()),
        };
        async move { Ok::<_, Infallible>(response) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    builder.http2().timer(TokioTimer::new());
    if let Err(error) = builder.serve_connection(TokioIo::new(connection), answer).await {
        debug!(%error, "a scraper went away");
    }
}

/// To a client of the API that is at the wrong port, in its own language: a status without a body.
fn not_the_api() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/grpc"));
    // 12 is UNIMPLEMENTED (gRPC: status codes).
    headers.insert("grpc-status", header::HeaderValue::from_static("12"));
    let text = "this is the metrics port of a control plane; its API is at another port, 7443 by default";
    headers.insert("grpc-message", header::HeaderValue::from_static(text));
    response
}

fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let kind = header::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// When something ends by itself, in seconds since 1970.
pub(super) fn record_expiry(what: &'static str, end: Timestamp) {
    metrics::gauge!("entente_expire_time_seconds", "what" => what).set(end.as_unix() as f64);
}

/// The store counts for itself: its numbers are read when they are asked for.
fn store_gauges(store: &dyn Store) {
    let stats = store.stats();
    metrics::gauge!("entente_store_revision").set(store.revision().0 as f64);
    metrics::gauge!("entente_store_failed").set(u8::from(stats.failed));
    metrics::gauge!("entente_store_full").set(u8::from(stats.full));
    metrics::counter!("entente_store_commits_total").absolute(stats.commits);
    metrics::counter!("entente_store_conflicts_total").absolute(stats.conflicts);
    metrics::counter!("entente_store_syncs_total").absolute(stats.groups);
    metrics::counter!("entente_store_bytes_total").absolute(stats.bytes);
    metrics::counter!("entente_store_sync_microseconds_total").absolute(stats.sync_micros);
}
