//! How connections come in: our own accept loop, mutual TLS, who is at the other end, and how a live connection is
//! cut.
//!
//! Knows nothing of gRPC methods or of intent. [`tls`] holds the certificates and swaps them whole, [`peer`] is
//! who came in, [`accept`] bounds and times the handshakes, `gate` lets each port's own in, and [`connection`]
//! is the stream that fails as soon as its identity is no longer welcome.

pub mod accept;
pub mod connection;
mod gate;
pub mod peer;
pub mod tls;

pub use accept::{Limits, incoming};
pub use connection::{Connection, Connections};
pub use peer::Peer;
pub use tls::{Material, Port, Tls, TlsError};

#[cfg(test)]
mod tests;
