//! The accept loop: a place for each connection, a whole hello before anything is done for it, a turn for its
//! handshake, and a deadline on each.
//!
//! Clients without a certificate cannot block others: a silent one loses its place when it is needed (`unfinished.rs`),
//! and each address waits in its own queue (`turns.rs`). What does not become a connection of ours is closed and counted, and never logged
//! above `debug`: a port scanner must not fill a disk.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use entente_app::pki;
use entente_tasks::Tasks;
use metrics::counter;
use rustls::server::Accepted;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;
use tokio_rustls::StartHandshake;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tracing::debug;

use super::anonymous::Anonymous;
use super::connection::{Connection, Connections};
use super::cut::Cut;
use super::gate;
use super::hello::hello;
use super::limits::Limits;
use super::peer::Peer;
use super::port::Port;
use super::source::Source;
use super::tls::Tls;
use super::turns::Turns;
use super::unfinished::{Seat, Unfinished};

/// Connections that the kernel keeps for us until we accept them: those of a fleet that comes back at once. What does
/// not fit is sent again by the client after a second. Linux takes no more than `net.core.somaxconn`, by default this.
const LISTEN_BACKLOG: u32 = 4_096;

/// Connections whose handshake is done, waiting to be served: taking one is quick.
const BACKLOG: usize = 64;

/// Out of file descriptors or memory: trying again at once would only burn.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

struct Acceptor {
    port: Port,
    tls: Arc<Tls>,
    trust_domain: Arc<str>,
    connections: Arc<Connections>,
    limits: Limits,
    places: Arc<Semaphore>,
    unfinished: Arc<Unfinished>,
    turns: Arc<Turns>,
    anonymous: Arc<Anonymous>,
    tasks: Tasks,
}

/// Listens, with a backlog that fits a fleet.
///
/// # Errors
/// The address is taken or is none of ours.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A server that starts again need not wait for what its last connections left.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(LISTEN_BACKLOG)
}

/// Accepts until the tasks are told to stop, and yields what has a verified peer. The socket closes then, and handshakes
/// that are under way are dropped.
pub fn incoming(
    socket: TcpListener,
    port: Port,
    tls: Arc<Tls>,
    trust_domain: Arc<str>,
    connections: Arc<Connections>,
    limits: Limits,
    tasks: Tasks,
) -> ReceiverStream<io::Result<Connection>> {
    let (accepted, stream) = mpsc::channel(BACKLOG);
    let acceptor = Arc::new(Acceptor {
        port,
        tls,
        trust_domain,
        connections,
        limits,
        places: Arc::new(Semaphore::new(limits.places.of(port))),
        unfinished: Unfinished::new(limits.unfinished_of_one_source(port)),
        turns: Turns::new(limits.handshakes),
        anonymous: Anonymous::new(limits.anonymous, limits.anonymous_of_one_source),
        tasks: tasks.clone(),
    });
    tasks.spawn_until_stop("accept", accept(socket, acceptor, accepted));
    ReceiverStream::new(stream)
}

async fn accept(socket: TcpListener, acceptor: Arc<Acceptor>, accepted: mpsc::Sender<io::Result<Connection>>) {
    while !accepted.is_closed() {
        let (tcp, address) = match socket.accept().await {
            Ok(pair) => pair,
            Err(error) => {
                acceptor.cannot_accept(&error).await;
                continue;
            }
        };
        let Some(place) = acceptor.place().await else {
            acceptor.count_refused("full", address);
            continue;
        };
        // Here and not in the task below, so that who is accepted next can displace this one.
        let seat = acceptor.unfinished.enter(Source::of(address.ip()));
        let (tasks, acceptor, accepted) = (&acceptor.tasks, acceptor.clone(), accepted.clone());
        // A task of its own, so that what a handshake needs is freed when it is done.
        tasks.spawn_until_stop("handshake", async move {
            if let Some(connection) = acceptor.admit(tcp, address, seat, place).await {
                // The server is shutting down if nobody takes it.
                let _ = accepted.send(Ok(connection)).await;
            }
        });
    }
}

/// Whether an error of `accept` is of one connection that is gone already, and says nothing about the next.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

impl Acceptor {
    /// The next connection may well be accepted, and none of this ends the port.
    async fn cannot_accept(&self, error: &io::Error) {
        counter!("entente_accept_errors_total", "port" => self.port.word()).increment(1);
        debug!(%error, "cannot accept");
        if !is_of_one_connection(error) {
            // Its descriptor is what is missing, most likely.
            self.unfinished.displace();
            tokio::time::sleep(ACCEPT_PAUSE).await;
        }
    }

    /// A place for one more, if need be that of a connection which has not shown who it is.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        match self.places.clone().try_acquire_owned() {
            Ok(place) => Some(place),
            // What is displaced gives its place back as soon as it is awake.
            Err(_) if self.unfinished.displace() => self.places.clone().acquire_owned().await.ok(),
            Err(_) => None,
        }
    }

    async fn admit(
        &self,
        tcp: TcpStream,
        address: SocketAddr,
        mut seat: Seat,
        place: OwnedSemaphorePermit,
    ) -> Option<Connection> {
        let displaced = seat.displaced();
        let attempt = tokio::select! {
            () = displaced.cancelled() => Err("displaced"),
            attempt = Box::pin(self.attempt(tcp, address, &mut seat)) => attempt,
        };
        let reason = match attempt {
            Ok((tls, credential)) if seat.finish() => return Some(self.open(tls, address, credential, place)),
            Ok(_) => "displaced",
            Err(reason) => reason,
        };
        self.count_refused(reason, address);
        None
    }

    /// From the first byte to a peer that is known.
    async fn attempt(
        &self,
        tcp: TcpStream,
        address: SocketAddr,
        seat: &mut Seat,
    ) -> Result<(TlsStream<TcpStream>, Option<pki::Peer>), &'static str> {
        tcp.set_nodelay(true).map_err(|_| "gone")?;
        let said = timeout(self.limits.hello_timeout, hello(&tcp)).await.map_err(|_| "timeout")?;
        let said = said.map_err(|error| {
            debug!(%error, %address, "no hello");
            if error.kind() == io::ErrorKind::InvalidData { "handshake" } else { "gone" }
        })?;
        seat.has_said_hello();
        let tls = self.handshake(tcp, said, seat.source()).await?.map_err(|error| {
            debug!(%error, %address, "handshake failed");
            if gate::refused(&error) { "identity" } else { "handshake" }
        })?;
        let certificate = tls.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let credential =
            certificate.map(|leaf| pki::Peer::read(leaf, &self.trust_domain)).transpose().map_err(|error| {
                debug!(%error, %address, "certificate without an identity of ours");
                "identity"
            })?;
        Ok((tls, credential))
    }

    /// The clock starts at the turn. A client that does not answer soon goes on without its turn.
    async fn handshake(
        &self,
        tcp: TcpStream,
        said: Accepted,
        source: Source,
    ) -> Result<io::Result<TlsStream<TcpStream>>, &'static str> {
        let turn = self.turns.take(source).await;
        let mut handshake = StartHandshake::from_parts(said, tcp).into_stream(self.tls.config(self.port));
        if let Ok(done) = timeout(self.limits.turn(), &mut handshake).await {
            return Ok(done);
        }
        drop(turn);
        let rest = self.limits.handshake_timeout.saturating_sub(self.limits.turn());
        timeout(rest, handshake).await.map_err(|_| "timeout")
    }

    fn open(
        &self,
        tls: TlsStream<TcpStream>,
        address: SocketAddr,
        credential: Option<pki::Peer>,
        place: OwnedSemaphorePermit,
    ) -> Connection {
        let connection = self.connections.next_id();
        let peer = Arc::new(Peer { connection, address, opened: Instant::now(), credential, cut: Cut::default() });
        let guest = peer.credential.is_none().then(|| self.anonymous.enter(&peer));
        Connection::open(tls, peer, (self.connections.clone(), self.limits.of_one_certificate), (place, guest))
    }

    fn count_refused(&self, reason: &'static str, address: SocketAddr) {
        counter!("entente_connections_refused_total", "port" => self.port.word(), "reason" => reason).increment(1);
        debug!(reason, %address, port = self.port.word(), "connection refused");
    }
}
