//! The agent's side of the stream as a state machine: events in, effects out.
//!
//! Start at [`Session::on`]. It decides what is sent, verified, stored, refused and accepted, and when to dial again.
//! It opens no connection, reads no disk, asks no clock and rolls no dice: the agent's `stream` carries out its effects
//! and reports the results. `entente-planner` decides what a state means for the tenant.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod backoff;
mod clock;
mod gather;
mod held;
mod message;
mod outbox;
mod session;

pub use clock::Now;
pub use gather::{MAX_STATE_BYTES, MAX_STATEMENTS};
pub use held::{Desired, Kept};
pub use message::{Inbound, NackKind, Outbound, Stage, Welcome};
pub use outbox::Status;
pub use session::{Alarm, Config, Effect, Event, PROTOCOL, Session, View};
