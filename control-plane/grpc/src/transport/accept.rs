//! The accept loop: bounded connections, bounded handshakes, a deadline on each, and silence about garbage.
//!
//! What does not become a connection of ours is closed and counted, and never logged above `debug`: a port scanner
//! must not fill a disk.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use entente_app::pki;
use metrics::counter;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::connection::{Connection, Connections, Cut};
use super::gate;
use super::peer::Peer;
use super::tls::{Port, Tls};

/// The slowest handshake seen over a poor link took 2 s; one that takes longer is stuck or meant to be.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// A handshake is a signature's worth of work: more at a time only make all of them late.
const CONCURRENT_HANDSHAKES: usize = 64;

/// Twice the fleet that is foreseen for one server, so that a reconnecting fleet fits beside what it replaces. Each
/// connection is a file descriptor: the process needs a limit above this.
const MAX_CONNECTIONS: usize = 16_000;

/// Without a certificate an agent only enrols, which is rare: strangers must not take the places of the fleet.
const MAX_ANONYMOUS: usize = 256;

/// With one certificate, on all ports: an agent needs one connection, and a second while it renews or reconnects; a
/// principal may be a pipeline that runs the command line many times at once. So nobody takes the places of all. By
/// certificate and not by name, or one that counts no more would cut its successor's.
const MAX_OF_ONE_CERTIFICATE: usize = 64;

/// Enrolling takes a few seconds.
const ANONYMOUS_FOR: Duration = Duration::from_secs(60);

/// Connections whose handshake is done, waiting to be served: taking one is quick.
const BACKLOG: usize = 64;

/// Out of file descriptors: trying again at once would only burn.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What one port takes.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub connections: usize,
    /// How many with one certificate. A newer one ends the oldest.
    pub of_one_certificate: usize,
    /// How many of them may be without a client certificate, and for how long.
    pub anonymous: usize,
    pub anonymous_for: Duration,
    pub handshakes: usize,
    pub handshake_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: MAX_CONNECTIONS,
            of_one_certificate: MAX_OF_ONE_CERTIFICATE,
            anonymous: MAX_ANONYMOUS,
            anonymous_for: ANONYMOUS_FOR,
            handshakes: CONCURRENT_HANDSHAKES,
            handshake_timeout: HANDSHAKE_TIMEOUT,
        }
    }
}

struct Acceptor {
    port: Port,
    tls: Arc<Tls>,
    trust_domain: Arc<str>,
    connections: Arc<Connections>,
    limits: Limits,
    handshakes: Semaphore,
    anonymous: Arc<Semaphore>,
}

/// Accepts until `stop`, and yields what has a verified peer. The socket closes at `stop`.
pub fn incoming(
    socket: TcpListener,
    port: Port,
    tls: Arc<Tls>,
    trust_domain: Arc<str>,
    connections: Arc<Connections>,
    limits: Limits,
    stop: CancellationToken,
) -> ReceiverStream<io::Result<Connection>> {
    let (accepted, stream) = mpsc::channel(BACKLOG);
    let handshakes = Semaphore::new(limits.handshakes);
    let anonymous = Arc::new(Semaphore::new(limits.anonymous));
    let acceptor = Arc::new(Acceptor { port, tls, trust_domain, connections, limits, handshakes, anonymous });
    let places = Arc::new(Semaphore::new(limits.connections));
    tokio::spawn(async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = accept(&socket, acceptor, places, accepted) => {}
        }
    });
    ReceiverStream::new(stream)
}

async fn accept(
    socket: &TcpListener,
    acceptor: Arc<Acceptor>,
    places: Arc<Semaphore>,
    accepted: mpsc::Sender<io::Result<Connection>>,
) {
    while !accepted.is_closed() {
        let (tcp, address) = match socket.accept().await {
            Ok(pair) => pair,
            Err(error) => {
                counter!("entente_accept_errors_total", "port" => acceptor.port.word()).increment(1);
                debug!(%error, "cannot accept");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            acceptor.count_refused("full", address);
            continue;
        };
        let (acceptor, accepted) = (acceptor.clone(), accepted.clone());
        // A task of its own, so that what a handshake needs is freed when it is done.
        tokio::spawn(async move {
            if let Some(connection) = acceptor.handshake(tcp, address, place).await {
                // The server is shutting down if nobody takes it.
                let _ = accepted.send(Ok(connection)).await;
            }
        });
    }
}

impl Acceptor {
    async fn handshake(&self, tcp: TcpStream, address: SocketAddr, place: OwnedSemaphorePermit) -> Option<Connection> {
        let attempt = Box::pin(self.attempt(tcp, address, place));
        let reason = match tokio::time::timeout(self.limits.handshake_timeout, attempt).await {
            Ok(Ok(connection)) => return Some(connection),
            Ok(Err(reason)) => reason,
            Err(_) => "timeout",
        };
        self.count_refused(reason, address);
        None
    }

    async fn attempt(
        &self,
        tcp: TcpStream,
        address: SocketAddr,
        place: OwnedSemaphorePermit,
    ) -> Result<Connection, &'static str> {
        tcp.set_nodelay(true).map_err(|_| "gone")?;
        // Whoever says nothing waits here, and takes no handshake's turn from those who speak. Readiness alone would
        // not do: a new socket may look readable for a moment.
        if tcp.peek(&mut [0]).await.map_err(|_| "gone")? == 0 {
            return Err("gone");
        }
        let turn = self.handshakes.acquire().await.expect("the semaphore is never closed");
        let acceptor = TlsAcceptor::from(self.tls.config(self.port));
        let tls = acceptor.accept(tcp).await.map_err(|error| {
            debug!(%error, %address, "handshake failed");
            if gate::refused(&error) { "identity" } else { "handshake" }
        })?;
        drop(turn);
        let certificate = tls.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let credential =
            certificate.map(|leaf| pki::Peer::read(leaf, &self.trust_domain)).transpose().map_err(|error| {
                debug!(%error, %address, "certificate without an identity of ours");
                "identity"
            })?;
        let mut places = vec![place];
        if credential.is_none() {
            places.push(self.anonymous.clone().try_acquire_owned().map_err(|_| "anonymous")?);
        }
        let connection = self.connections.next_id();
        let peer = Peer { connection, address, opened: Instant::now(), credential, cut: Cut::default() };
        let connections = (self.connections.clone(), self.limits.of_one_certificate);
        Ok(Connection::open(tls, peer, connections, places))
    }

    fn count_refused(&self, reason: &'static str, address: SocketAddr) {
        counter!("entente_connections_refused_total", "port" => self.port.word(), "reason" => reason).increment(1);
        debug!(reason, %address, port = self.port.word(), "connection refused");
    }
}
