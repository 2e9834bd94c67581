//! A TLS stream that can be ended from outside, and the list of all that are open.
//!
//! A certificate that is revoked or has ended does not close what was opened with it; cutting does. The peer sees
//! the connection end, whatever was in flight on it.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use entente_app::pki::Serial;
use metrics::counter;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

use super::anonymous::Guest;
use super::peer::Peer;

/// All open connections of all ports.
#[derive(Debug, Default)]
pub struct Connections {
    next: AtomicU64,
    open: Mutex<HashMap<Option<Serial>, Of>>,
}

/// Those with one certificate, or without any, the oldest first.
type Of = BTreeMap<u64, Arc<Peer>>;

impl Connections {
    pub(super) fn next_id(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    fn open(&self) -> std::sync::MutexGuard<'_, HashMap<Option<Serial>, Of>> {
        // The map is whole between any two statements, so a panic elsewhere leaves nothing half done.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many are open.
    pub fn count(&self) -> usize {
        self.open().values().map(BTreeMap::len).sum()
    }

    /// Everyone who is connected now.
    pub fn peers(&self) -> Vec<Arc<Peer>> {
        self.open().values().flat_map(BTreeMap::values).cloned().collect()
    }

    /// Lists a peer. Where there would be more than `most`, the oldest connections with its certificate make room: a client that
    /// leaks connections must not be kept out by them.
    fn list(&self, peer: &Arc<Peer>, most: usize) {
        let mut open = self.open();
        let same = open.entry(peer.serial()).or_default();
        if peer.serial().is_some() {
            // What was cut is listed until its task lets go of it.
            let here: Vec<_> = same.values().filter(|older| !older.cut.is_done()).collect();
            let too_many = (here.len() + 1).saturating_sub(most);
            here.into_iter().take(too_many).for_each(|oldest| oldest.cut());
            counter!("entente_connections_cut_total").increment(too_many as u64);
        }
        same.insert(peer.connection, peer.clone());
    }

    fn unlist(&self, peer: &Peer) {
        let (mut open, serial) = (self.open(), peer.serial());
        if let Some(same) = open.get_mut(&serial) {
            same.remove(&peer.connection);
            if same.is_empty() {
                open.remove(&serial);
            }
        }
    }

    /// Cuts the connections whose peer is `unwelcome`. Says how many.
    pub fn cut_where(&self, unwelcome: impl Fn(&Peer) -> bool) -> usize {
        let peers = self.peers();
        let cut = peers.iter().filter(|peer| unwelcome(peer));
        cut.map(|peer| peer.cut()).count()
    }
}

/// A place on the port, and one among those without a certificate, if it has none.
type Held = (OwnedSemaphorePermit, Option<Guest>);

/// One accepted connection, its handshake done.
#[derive(Debug)]
pub struct Connection {
    tls: TlsStream<TcpStream>,
    peer: Arc<Peer>,
    connections: Arc<Connections>,
    /// Frees this connection's place when it is dropped, and its place among those without a certificate.
    _held: Held,
}

impl Connection {
    /// Its identity has `most` connections at a time.
    pub(super) fn open(
        tls: TlsStream<TcpStream>,
        peer: Arc<Peer>,
        (connections, most): (Arc<Connections>, usize),
        held: Held,
    ) -> Self {
        connections.list(&peer, most);
        Self { tls, peer, connections, _held: held }
    }

    pub fn peer(&self) -> &Arc<Peer> {
        &self.peer
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.connections.unlist(&self.peer);
    }
}

impl Connected for Connection {
    type ConnectInfo = Arc<Peer>;

    fn connect_info(&self) -> Arc<Peer> {
        self.peer.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // Before the check, so that a cut between the two still wakes us.
        self.peer.cut.reader.register(cx.waker());
        self.peer.cut.check()?;
        Pin::new(&mut self.tls).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.peer.cut.check()?;
        Pin::new(&mut self.tls).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.peer.cut.check()?;
        Pin::new(&mut self.tls).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.tls.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.peer.cut.check()?;
        Pin::new(&mut self.tls).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_shutdown(cx)
    }
}
