//! The services on their ports: which port serves what, how long a call may take, and how serving ends.
//!
//! Sockets are bound by the caller, so that a port that is taken is said before anything runs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use entente_app::App;
use entente_app::pki::Who;
use entente_proto::access::v1::access_service_server::{self, AccessServiceServer};
use entente_proto::access::v1::admin_service_server::{self, AdminServiceServer};
use entente_proto::fleet::v1::fleet_service_server::{self, FleetServiceServer};
use entente_tasks::Tasks;
use metrics::{counter, gauge};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Server as Grpc;
use tracing::{info, warn};

use crate::access::AccessApi;
use crate::admin::AdminApi;
use crate::agent::{AgentServer, Rate};
use crate::call::{Calls, who};
use crate::fleet::FleetApi;
use crate::transport::{Connections, Limits, Peer, Port, Tls, incoming};

/// `ApplyIntent` takes 4 MiB, counted as JSON, which is never shorter than the same on the wire.
const MAX_APPLY_BYTES: usize = 4 << 20;

/// Every other request is a name, a page, or one resource.
const MAX_REQUEST_BYTES: usize = 1 << 20;

/// A plan may take an agent half a minute; nothing takes longer.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// Below the minutes after which middleboxes forget an idle connection.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(60);

/// A peer that has not answered by then is gone.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// Calls at a time on one connection: a CLI has one, a console some; an agent has its stream and a renewal.
const MAX_STREAMS: u32 = 64;

/// Far more than our clients send.
const MAX_HEADER_BYTES: u32 = 16 << 10;

/// Before a principal's connections are cut, so that the answer to the call that ended it gets through: it may be its own.
const FAREWELL: Duration = Duration::from_millis(250);

/// The longest that a connection outlives its certificate, if
/// its owner neither calls nor reads its farewell. `entente-app` ends streams by itself, and sooner.
const REVIEW_PERIOD: Duration = Duration::from_secs(10);

/// Everything that the ports share.
#[derive(Debug, Clone)]
pub struct Server {
    pub app: App,
    pub tls: Arc<Tls>,
    pub connections: Arc<Connections>,
    pub limits: Limits,
    pub rate: Rate,
    /// How often everyone who is connected is looked at again.
    pub review: Duration,
    /// What the ports run; its `stop` ends accepting, and lets calls end.
    pub tasks: Tasks,
}

/// Why a port is no longer served.
#[derive(Debug, thiserror::Error)]
#[error("the {port} port cannot be served")]
pub struct ServeError {
    port: &'static str,
    source: tonic::transport::Error,
}

impl Server {
    pub fn new(app: App, tls: Arc<Tls>, stop: CancellationToken) -> Self {
        let (connections, limits, rate) = (Arc::default(), Limits::default(), Rate::default());
        Self { app, tls, connections, limits, rate, review: REVIEW_PERIOD, tasks: Tasks::new(stop) }
    }

    /// Serves the service provider's API, health and reflection, until `stop` and until every call has ended.
    pub async fn serve_api(&self, socket: TcpListener) -> Result<(), ServeError> {
        let (health, health_service) = tonic_health::server::health_reporter();
        let app = &self.app;
        let access = AccessServiceServer::new(AccessApi(app.clone())).max_decoding_message_size(MAX_APPLY_BYTES);
        let admin = AdminServiceServer::new(AdminApi(app.clone())).max_decoding_message_size(MAX_REQUEST_BYTES);
        let fleet = FleetServiceServer::new(FleetApi(app.clone())).max_decoding_message_size(MAX_REQUEST_BYTES);
        health.set_serving::<AccessServiceServer<AccessApi>>().await;
        health.set_serving::<AdminServiceServer<AdminApi>>().await;
        health.set_serving::<FleetServiceServer<FleetApi>>().await;
        let (v1, v1alpha) = (reflection(), reflection());
        let routes = Routes::new(access)
            .add_service(admin)
            .add_service(fleet)
            .add_service(health_service)
            .add_service(v1.build_v1().expect("the build's own descriptors can be read"))
            // grpcurl up to 1.8.6 and Python's reflection client ask for the older one.
            .add_service(v1alpha.build_v1alpha().expect("the build's own descriptors can be read"));
        let stop = self.tasks.stop.clone();
        let unhealthy = async move {
            stop.cancelled().await;
            health.set_service_status("", tonic_health::ServingStatus::NotServing).await;
            health.set_not_serving::<AccessServiceServer<AccessApi>>().await;
            health.set_not_serving::<AdminServiceServer<AdminApi>>().await;
            health.set_not_serving::<FleetServiceServer<FleetApi>>().await;
        };
        self.serve(Port::Api, socket, routes, unhealthy).await
    }

    /// Serves the agents, until `stop` and until every stream has ended: ask [`App::shutdown`] for that.
    pub async fn serve_agents(&self, socket: TcpListener) -> Result<(), ServeError> {
        let routes = Routes::new(AgentServer::new(self.app.clone(), self.rate));
        self.serve(Port::Agents, socket, routes, self.tasks.stop.cancelled()).await
    }

    async fn serve(
        &self,
        port: Port,
        socket: TcpListener,
        routes: Routes,
        stop: impl Future<Output = ()>,
    ) -> Result<(), ServeError> {
        let trust_domain = self.app.trust_domain().into();
        let (tls, connections) = (self.tls.clone(), self.connections.clone());
        let incoming = incoming(socket, port, tls, trust_domain, connections, self.limits, self.tasks.clone());
        Grpc::builder()
            .layer(Calls(self.app.clone()))
            .timeout(CALL_TIMEOUT)
            .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
            .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
            .http2_max_header_list_size(MAX_HEADER_BYTES)
            .max_concurrent_streams(MAX_STREAMS)
            .add_routes(routes.prepare())
            .serve_with_incoming_shutdown(incoming, stop)
            .await
            .map_err(|source| ServeError { port: port.word(), source })
    }

    /// Looks again and again at everyone who is connected, and cuts who is no longer welcome, until `stop`. A principal
    /// that ends is not kept until the next look.
    pub async fn review(&self) {
        let mut period = tokio::time::interval(self.review);
        loop {
            tokio::select! {
                () = self.tasks.stop.cancelled() => return,
                _ = period.tick() => self.cut_unwelcome(|_| true),
                () = self.app.principal_gone() => {
                    let gone = Instant::now();
                    tokio::time::sleep(FAREWELL).await;
                    // Who comes later is told why, and an agent has still to read why it is sent away.
                    let is_open = |peer: &Peer| peer.opened <= gone && matches!(peer.who(), Some(Who::Principal(_)));
                    self.cut_unwelcome(is_open);
                }
            }
        }
    }

    fn cut_unwelcome(&self, of: impl Fn(&Peer) -> bool) {
        gauge!("entente_connections").set(self.connections.count() as f64);
        let cut = self.connections.cut_where(|peer| of(peer) && self.is_unwelcome(peer));
        counter!("entente_connections_cut_total").increment(cut as u64);
    }

    fn is_unwelcome(&self, peer: &Peer) -> bool {
        let Some(credential) = &peer.credential else { return peer.opened.elapsed() > self.limits.anonymous_for };
        let unwelcome = match credential.who {
            Who::Agent(_) => self.app.check_agent(credential).is_err(),
            Who::Principal(_) => self.app.principal_of(credential).is_err(),
        };
        if unwelcome {
            info!(who = who(peer), connection = peer.connection, "cut: the certificate is no longer accepted");
        }
        unwelcome
    }

    /// Ends what is still open after the drain's deadline.
    pub fn cut_all(&self) {
        let cut = self.connections.cut_where(|_| true);
        if cut > 0 {
            warn!(connections = cut, "cut: still open at the deadline");
        }
    }
}

fn reflection() -> tonic_reflection::server::Builder<'static> {
    // What is described elsewhere in the same descriptors, the agents' service, is not served on this port.
    [access_service_server::SERVICE_NAME, admin_service_server::SERVICE_NAME, fleet_service_server::SERVICE_NAME]
        .into_iter()
        .chain([tonic_health::pb::health_server::SERVICE_NAME])
        .fold(tonic_reflection::server::Builder::configure(), |builder, served| builder.with_service_name(served))
        .register_encoded_file_descriptor_set(entente_proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

#[cfg(test)]
mod tests;
