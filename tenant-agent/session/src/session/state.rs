//! What the machine holds: what is believed, how the stream stands, and what is on its way in.

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
    /// The last one whose keeping failed, until one is kept.
    pub(super) unkept: Option<Arc<Desired>>,
    /// Leavers who were named beside the state held.
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

/// A stream on which `Welcome` has been said.
#[derive(Debug)]
pub(super) struct Live {
    pub since: Duration,
    pub heard: Duration,
    /// Silence longer than this is death.
    pub patience: Duration,
    pub parked: Option<String>,
    pub batch: usize,
    pub gather: Duration,
    pub transfer: Transfer,
    /// Parts of a state that comes for its leavers alone.
    pub leavers: Option<Box<Gathering>>,
    /// States in a row that arrived whole and did not add up.
    pub mismatches: u32,
    pub plans: usize,
}

/// What is arriving on this stream.
#[derive(Debug)]
pub(super) enum Transfer {
    Idle,
    Gathering(Gathering),
}

/// A state that is verified and on its way to disk.
#[derive(Debug)]
pub(super) struct Keeping {
    /// Whom to tell; none once the stream is gone.
    pub nonce: Option<String>,
    pub believed: Box<Believed>,
    /// A lease that came meanwhile.
    pub lease: Option<Seal>,
}
