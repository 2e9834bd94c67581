//! A channel for each tenant: the state that its agent should have, the stream on which it is told, and what it said.
//!
//! Each channel has one lock, which is held for look-ups and never while something is sent; a stream takes what it needs when
//! its reader is ready, so that a slow one holds up no other. Nothing is held back to gather more: while one state is on its
//! way, the next ones become one by themselves. `state` is what a channel holds, `connection` decides what is told next, `all`
//! is every channel with who is told of changes, `reported` what agents said.

mod all;
mod connection;
mod outgoing;
pub(crate) mod pace;
mod reported;
pub(crate) mod room;
mod state;

pub(crate) use all::{Channels, MAX_WATCHERS, Presence, Watcher};
pub(crate) use connection::Connection;
pub use connection::UnknownNonce;
pub(crate) use outgoing::{LONG_RETRY, Parked};
pub use outgoing::{Outgoing, Refused};
pub(crate) use reported::{Account, KnownAccounts, KnownRow, Reported, StandingRow, gained};
pub(crate) use state::{Channel, ChannelState};
