//! The other end of one connection. Its certificate is read once, right after the handshake; whether its holder is
//! still welcome is `entente-app`'s to say, at every call.

use std::net::SocketAddr;
use std::time::Instant;

use entente_app::pki::{self, Serial, Who};

use super::cut::Cut;

/// Who is connected, and the handle that ends the connection.
#[derive(Debug)]
pub struct Peer {
    /// Counts up within one run of the server.
    pub connection: u64,
    pub address: SocketAddr,
    pub opened: Instant,
    /// None on the agents' port before enrolment, where a client certificate is optional.
    pub credential: Option<pki::Peer>,
    pub(super) cut: Cut,
}

impl Peer {
    /// None before enrolment.
    pub fn who(&self) -> Option<&Who> {
        self.credential.as_ref().map(|credential| &credential.who)
    }

    pub(super) fn serial(&self) -> Option<Serial> {
        self.credential.as_ref().map(|credential| credential.serial)
    }

    /// Ends the connection: whatever is read from or written to it fails from now on.
    pub fn cut(&self) {
        self.cut.now();
    }
}
