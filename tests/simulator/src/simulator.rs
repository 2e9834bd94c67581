//! Starting and stopping: the listener, the accept loop, the files of the data directory.

use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::call_log::CallLog;
use crate::control::{Client, ControlError};
use crate::front;
use crate::tls::{self, Identity, TlsError};
use crate::world::World;

/// A client that does not finish its handshake holds a task this long.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How a simulator is to run.
#[derive(Debug, Clone)]
pub struct Config {
    pub listen: SocketAddr,
    /// Where `ca.pem`, `address` and `control-token` are written; `None` writes nothing.
    pub data: Option<PathBuf>,
    /// A certificate of one's own; otherwise one is made with an authority of its own.
    pub identity: Option<Identity>,
    /// Appends every request as a line of JSON.
    pub call_log: Option<PathBuf>,
    /// Decides ids, jitter and the dice of faults.
    pub seed: u64,
    /// The bearer token of the control API; made if absent.
    pub control_token: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            data: None,
            identity: None,
            call_log: None,
            seed: 1,
            control_token: None,
        }
    }
}

/// Why it did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("simulator: cannot listen on {address}")]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("simulator: cannot write {path}")]
    Write { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A stand-in for Entra ID, Microsoft Graph and ARM.
#[derive(Debug)]
pub struct Simulator;

/// One that runs; it stops when this is dropped.
#[derive(Debug)]
pub struct Running {
    pub addr: SocketAddr,
    /// What a client has to trust.
    pub ca_pem: String,
    pub control_token: String,
    cut: CancellationToken,
    task: JoinHandle<()>,
}

impl Simulator {
    /// Binds, writes the data directory and serves on the current tokio runtime.
    pub async fn start(config: Config) -> Result<Running, StartError> {
        tls::install_provider();
        let (ca_pem, identity) = match &config.identity {
            Some(identity) => (identity.certificate_pem.clone(), identity.clone()),
            None => tls::self_made()?,
        };
        let tls = TlsAcceptor::from(tls::server_config(&identity)?);
        let listener = TcpListener::bind(config.listen)
            .await
            .map_err(|source| StartError::Listen { address: config.listen, source })?;
        let addr = listener.local_addr().map_err(|source| StartError::Listen { address: config.listen, source })?;
        let control_token = config.control_token.clone().unwrap_or_else(|| uuid::Uuid::new_v4().simple().to_string());
        if let Some(data) = &config.data {
            write_data(data, addr, &ca_pem, &control_token)?;
        }
        let log = CallLog::open(config.call_log.as_deref())
            .map_err(|source| StartError::Write { path: config.call_log.clone().unwrap_or_default(), source })?;
        let world = Arc::new(World::new(config.seed, control_token.clone(), log));
        let cut = CancellationToken::new();
        let task = tokio::spawn(accept(listener, tls, world, cut.clone()));
        Ok(Running { addr, ca_pem, control_token, cut, task })
    }
}

impl Running {
    /// `https://127.0.0.1:PORT`: login, Graph, ARM and control API alike.
    pub fn url(&self) -> String {
        format!("https://{}", self.addr)
    }

    pub fn control(&self) -> Result<Client, ControlError> {
        Client::new(&self.url(), &self.ca_pem, &self.control_token)
    }

    /// Cuts every connection and waits for the listener to close.
    pub async fn stop(mut self) {
        self.cut.cancel();
        // A panic of the accept loop has been reported by the runtime already.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.cut.cancel();
    }
}

fn write_data(data: &Path, addr: SocketAddr, ca_pem: &str, token: &str) -> Result<(), StartError> {
    let fail = |path: &Path| {
        let path = path.to_owned();
        move |source| StartError::Write { path, source }
    };
    std::fs::create_dir_all(data).map_err(fail(data))?;
    // The address comes last: a reader who finds it can rely on the other two.
    for (name, text, mode) in
        [("ca.pem", ca_pem, 0o644), ("control-token", token, 0o600), ("address", &format!("https://{addr}"), 0o644)]
    {
        let path = data.join(name);
        // Written to another file and renamed, so it is never read in part, and with its mode from the first byte.
        let aside = data.join(format!(".{name}"));
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(mode)
            .open(&aside)
            .map_err(fail(&aside))?;
        file.write_all(text.as_bytes()).map_err(fail(&aside))?;
        std::fs::rename(&aside, &path).map_err(fail(&path))?;
    }
    Ok(())
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, world: Arc<World>, cut: CancellationToken) {
    loop {
        tokio::select! {
            () = cut.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(tokio::spawn(connection(stream, tls.clone(), world.clone(), cut.child_token()))),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    // Out of descriptors: a busy loop would make it worse.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            },
        }
    }
}

/// Serves one connection until the client goes, the simulator stops, or a fault cuts it.
async fn connection(stream: TcpStream, tls: TlsAcceptor, world: Arc<World>, cut: CancellationToken) {
    let _ = stream.set_nodelay(true);
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await else { return };
    let cutter = cut.clone();
    let service = service_fn(move |request| {
        let (world, cutter) = (world.clone(), cutter.clone());
        async move {
            match front::serve(world, request).await {
                Some(response) => Ok(response),
                None => {
                    cutter.cancel();
                    Err(std::io::Error::other("cut on purpose"))
                }
            }
        }
    });
    let builder = Builder::new(TokioExecutor::new());
    tokio::select! {
        () = cut.cancelled() => {}
        // Ignore how a client disconnected.
        _ = builder.serve_connection(TokioIo::new(stream), service) => {}
    }
}
