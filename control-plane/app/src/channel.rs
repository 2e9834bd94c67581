//! A desk for each tenant: the state that its agent should have, the stream on which it is told, and what it said.
//!
//! One lock a desk, held for look-ups and never while something is sent; a stream takes what it needs when its reader
//! is ready ([`outbox`]), so that a slow one holds up nobody. Nothing is held back to gather more: while one state is on
//! its way the next ones become one by themselves. `hello` admits a stream, `inbox` hears what it says,
//! `connection` decides what it is told next.

mod all;
mod asks;
mod away;
mod connection;
mod desk;
mod known;
mod lease_list;
mod outgoing;
pub(crate) mod pace;
mod reported;
pub(crate) mod room;
mod watchers;

pub(crate) use all::Desks;
pub use away::{AwayReason, Refused};
pub(crate) use away::{LONG_RETRY, Parked};
pub(crate) use connection::Connection;
pub use connection::UnknownNonce;
pub(crate) use desk::{Desk, DeskState};
pub(crate) use known::{Account, KnownAccounts, KnownRow, gained};
pub use outgoing::Outgoing;
pub(crate) use reported::{Reported, StandingRow};
pub(crate) use watchers::{MAX_WATCHERS, Watcher};
