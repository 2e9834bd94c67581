//! `run`: one server, from its configuration to its last connection.
//!
//! In this order: read every file, bind every port, open the store, and only then begin. A task that ends before it
//! should, by an error or a panic, stops the whole server: half a control plane is worse than one that restarts.

mod descriptors;
mod materials;
mod metrics_port;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use entente_app::{App, provision, system_clock};
use entente_grpc::server::Server;
use entente_grpc::transport::{Limits, Tls, listen};
use entente_model::Timestamp;
use entente_seal::PublicKey;
use entente_store_embedded::SledStore;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::backup::BackupSocket;
use crate::config::Config;
use crate::failure::Failure;
use crate::statements::Statements;
use crate::{files, init};
pub(crate) use materials::{Expiry, Materials, open_keys};

/// Where the ports are, once they are bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    pub api: SocketAddr,
    pub agents: SocketAddr,
    pub metrics: SocketAddr,
    pub pid: u32,
}

/// How whoever started the server learns that it serves.
#[derive(Debug, Default)]
pub struct Ready {
    /// Gets [`Bound`] as JSON, whole or not at all.
    pub file: Option<PathBuf>,
    /// The same for a program that runs the server inside itself.
    pub sender: Option<tokio::sync::oneshot::Sender<Bound>>,
}

/// The three ports, listening.
struct Sockets {
    api: TcpListener,
    agents: TcpListener,
    metrics: TcpListener,
}

/// Serves until `stop`, or until something that must not fail fails.
///
/// # Errors
/// What kept it from starting, or what stopped it.
pub async fn run(config: Config, ready: Ready, stop: CancellationToken) -> Result<(), Failure> {
    // Before anything makes a TLS configuration; another one of the same kind is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let places = descriptors::share();
    let materials = Materials::load(&config)?;
    open_keys(&config).iter().for_each(|warning| tracing::warn!("{warning}"));
    let recorder = metrics_port::recorder()?;
    materials.expiries()?.iter().for_each(|expiry| metrics_port::record_expiry(expiry.what, expiry.end));
    let sockets = Sockets::bind(&config)?;
    let bound = sockets.bound()?;
    let store = open(&config, &materials).await?;
    let backups = BackupSocket::bind(&config.data)?;
    let tls = Arc::new(Tls::new(&materials.tls).map_err(|error| Failure::because("TLS cannot be used", error))?);
    let app_config = config.app(config.agent_address(bound.agents));
    let app = App::open(store.clone(), app_config, materials.online, materials.ca, system_clock())
        .await
        .map_err(|error| Failure::because("cannot start from the store", error))?;
    let (begins, ends) = materials::validity(&materials.tls.certificate_pem)?;
    app.note_server_certificate(begins, ends);
    app.start();
    let limits = Limits { places, ..Limits::default() };
    let server = Server { rate: config.rate(), limits, ..Server::new(app.clone(), tls, stop.child_token()) };
    let (tasks, Sockets { api, agents, metrics }) = (&server.tasks, sockets);
    // However this function is left.
    let _stop = tasks.stop.clone().drop_guard();
    let (for_api, for_agents, review) = (server.clone(), server.clone(), server.clone());
    tasks.essential("api", async move { for_api.serve_api(api).await });
    tasks.essential("agents", async move { for_agents.serve_agents(agents).await });
    tasks.essential("review", async move {
        review.review().await;
        Ok::<_, Infallible>(())
    });
    tasks.essential("metrics", metrics_port::serve(server.clone(), metrics, recorder, store.clone()));
    tasks.essential("reload", reload(config.clone(), server.clone(), store.clone()));
    let stop = tasks.stop.clone();
    tasks.essential("backup", async move { stop.run_until_cancelled(backups.serve(&*store)).await.unwrap_or(Ok(())) });
    announce(ready, bound)?;
    tasks.stop.cancelled().await;
    drain(&server, Duration::from_secs(config.timing.drain_seconds.into())).await;
    tasks.fault().map_or(Ok(()), |fault| Err(Failure::because("the server stopped by itself", fault)))
}

impl Sockets {
    fn bind(config: &Config) -> Result<Self, Failure> {
        Ok(Self {
            api: bind(config.listen.api)?,
            agents: bind(config.listen.agents)?,
            metrics: bind(config.listen.metrics)?,
        })
    }

    fn bound(&self) -> Result<Bound, Failure> {
        let of = |socket: &TcpListener| {
            socket.local_addr().map_err(|error| Failure::because("a port's address cannot be read", error))
        };
        let (api, agents, metrics) = (of(&self.api)?, of(&self.agents)?, of(&self.metrics)?);
        Ok(Bound { api, agents, metrics, pid: std::process::id() })
    }
}

fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    listen(address).map_err(|error| Failure::because(format!("cannot listen on {address}"), error))
}

/// Opens the store and takes in what the root key has signed since.
async fn open(config: &Config, materials: &Materials) -> Result<Arc<SledStore>, Failure> {
    if !config.data.exists() {
        let text = format!("there is no store in {}; make one with init, or restore a backup", config.data.display());
        return Err(Failure::failed(text));
    }
    let store = init::open_store(&config.data)?;
    import(&store, materials.root, &materials.statements).await?;
    Ok(Arc::new(store))
}

async fn import(store: &SledStore, root: PublicKey, statements: &Statements) -> Result<(), Failure> {
    for (signed, _) in &statements.all {
        provision::import(store, root, signed)
            .await
            .map_err(|error| Failure::because("the store refuses a statement of the root key", error))?;
    }
    Ok(())
}

fn announce(ready: Ready, bound: Bound) -> Result<(), Failure> {
    info!(api = %bound.api, agents = %bound.agents, metrics = %bound.metrics, "serving");
    if let Some(path) = ready.file {
        let text = serde_json::to_string(&bound).expect("addresses have a JSON form");
        files::replace(&path, &text)?;
    }
    if let Some(sender) = ready.sender {
        // Whoever asked and went away does not need it any more.
        let _ = sender.send(bound);
    }
    Ok(())
}

/// On SIGHUP, reads the certificates and the root key's statements anew. What cannot be used changes nothing.
async fn reload(config: Config, server: Server, store: Arc<SledStore>) -> Result<(), Failure> {
    let mut hangups = signal(SignalKind::hangup()).map_err(|error| Failure::because("cannot await SIGHUP", error))?;
    while server.tasks.stop.run_until_cancelled(hangups.recv()).await.is_some() {
        let reloaded = materials::tls(&config).and_then(|material| {
            let used = server.tls.reload(&material);
            used.map_err(|error| Failure::because("the new certificates cannot be used", error))?;
            materials::validity(&material.certificate_pem)
        });
        match reloaded {
            Ok((begins, end)) => {
                server.app.note_server_certificate(begins, end);
                metrics_port::record_expiry("server_certificate", end);
                info!(%end, "certificates reloaded");
            }
            Err(failure) => error!(error = failure.chain(), "the old certificates stay"),
        }
        match restate(&config, &server.app, &store).await {
            Ok(end) => {
                metrics_port::record_expiry("delegation", end);
                info!(%end, "the online key may sign until then");
            }
            Err(failure) => error!(error = failure.chain(), "what the root key stated before stays in force"),
        }
    }
    Ok(())
}

/// Takes in what the root key has signed since, such as a new delegation of the same online key.
async fn restate(config: &Config, app: &App, store: &SledStore) -> Result<Timestamp, Failure> {
    let root = config.root_public_key().map_err(Failure::Usage)?;
    import(store, root, &Statements::load(&config.signing.statements, root)?).await?;
    app.restate().await.map_err(|error| Failure::because("the statements cannot be taken up", error))
}

/// Lets calls and streams end, and cuts what is left at the deadline.
async fn drain(server: &Server, deadline: Duration) {
    info!(connections = server.connections.count(), "stopping");
    match tokio::join!(server.app.shutdown(deadline), server.tasks.ended(deadline)) {
        (true, true) => info!("stopped: every call and stream has ended"),
        (false, _) | (_, false) => {
            warn!(connections = server.connections.count(), "stopped at the deadline");
            server.cut_all();
        }
    }
}
