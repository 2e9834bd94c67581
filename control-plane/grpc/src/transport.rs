//! How connections come in: our own accept loop, mutual TLS, who is at the other end, and how a live connection is
//! cut.
//!
//! Knows nothing of gRPC methods or of intent. [`tls`] holds the certificates and swaps them whole, [`peer`] is
//! who came in, [`accept`] bounds and times the handshakes, `gate` lets each port's own in, and [`connection`]
//! is the stream that fails as soon as its identity is no longer welcome. [`limits`] has the numbers; `unfinished`,
//! `turns` and `anonymous` keep to them, each counting by `source`.

pub mod accept;
mod anonymous;
pub mod connection;
mod crowd;
mod cut;
mod gate;
mod hello;
pub mod limits;
pub mod peer;
mod port;
mod source;
pub mod tls;
mod turns;
mod unfinished;

pub use accept::{incoming, listen};
pub use connection::{Connection, Connections};
pub use limits::{Limits, Places};
pub use peer::Peer;
pub use port::Port;
pub use tls::{Material, Tls, TlsError};

#[cfg(test)]
mod tests;
