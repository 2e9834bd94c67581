//! What the machine holds: the accepted state, the stream, and what is arriving.

use std::sync::Arc;
use std::time::Duration;

use entente_model::desired::Item;
use entente_seal::{Seal, Signed, Verifier};

use super::event::Config;
use crate::backoff::Backoff;
use crate::clock::ServerClock;
use crate::gather::Gathering;
use crate::held::{Believed, Desired};
use crate::outbox::Outbox;

/// The agent's side of the stream; see `session.rs`.
#[derive(Debug)]
pub struct Session {
    pub(super) config: Config,
    pub(super) verifier: Verifier,
    pub(super) statements: Vec<Signed>,
    pub(super) clock: ServerClock,
    pub(super) believed: Option<Believed>,
    pub(super) keeping: Option<Keeping>,
    /// The last state that could not be stored, until one is.
    pub(super) unkept: Option<Arc<Desired>>,
    /// Leavers who were named in addition to the held state.
    pub(super) aside: Option<Arc<[Item]>>,
    pub(super) refused: Option<String>,
    pub(super) backoff: Backoff,
    pub(super) outbox: Outbox,
    pub(super) link: Link,
}

#[derive(Debug)]
pub(super) enum Link {
    Waiting { until: Duration },
    Dialling { since: Duration },
    Greeting { since: Duration },
    Live(Live),
    Ended,
}

/// A stream after `Welcome`.
#[derive(Debug)]
pub(super) struct Live {
    pub since: Duration,
    pub heard: Duration,
    /// After a longer silence, the stream is dead.
    pub patience: Duration,
    pub parked: Option<String>,
    pub batch: usize,
    pub gather: Duration,
    pub transfer: Transfer,
    /// Parts of a state that is sent only for its leavers.
    pub leavers: Option<Box<Gathering>>,
    /// States in a row that arrived completely and did not match their digest.
    pub mismatches: u32,
    pub plans: usize,
}

/// What is arriving on this stream.
#[derive(Debug)]
pub(super) enum Transfer {
    Idle,
    Gathering(Gathering),
}

/// A verified state that is being written to disk.
#[derive(Debug)]
pub(super) struct Keeping {
    /// The state to acknowledge. `None` once the stream is gone.
    pub nonce: Option<String>,
    pub believed: Box<Believed>,
    /// A lease that came meanwhile.
    pub lease: Option<Seal>,
}
