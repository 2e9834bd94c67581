//! What the machine is told and what it asks for: its configuration, events, effects, alarms, and how things stand.

use std::sync::Arc;
use std::time::Duration;

use entente_model::desired::Item;
use entente_model::plan::PlannedChange;
use entente_model::{Guid, Timestamp};
use entente_seal::{Held, PublicKey, Signed};

use crate::held::{Desired, Kept};
use crate::message::{Inbound, Outbound};
use crate::outbox::Status;

/// The only protocol that is spoken.
pub const PROTOCOL: u32 = 1;

/// What does not change while the agent runs.
#[derive(Debug, Clone)]
pub struct Config {
    pub entra_tenant: Guid,
    /// The provider's root key, pinned at enrolment.
    pub root_key: PublicKey,
    pub build: String,
    /// A UUID of this run.
    pub boot_id: String,
    /// What was held under a form that this version does not read: nothing before it is taken.
    pub former: Option<Held>,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// The stream that [`Effect::Dial`] asked for is open. The digest is the guardrail file's, empty if unreadable.
    Opened {
        guardrail_digest: String,
    },
    /// The stream could not be opened, or broke.
    Closed {
        error: String,
    },
    Received(Inbound),
    /// The instant of [`Session::wake`] has come.
    Timer,
    /// What [`Effect::Keep`] asked for is on disk.
    Kept,
    KeepFailed {
        error: String,
    },
    /// What the agent saw in the tenant.
    Observed(Arc<Status>),
    /// The answer to [`Effect::Plan`].
    Planned {
        nonce: String,
        result: Result<Vec<PlannedChange>, String>,
    },
    /// There is a newer certificate: it takes effect on a new stream.
    Renewed,
}

/// What to do.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Open a stream, then say [`Event::Opened`] or [`Event::Closed`].
    Dial,
    Send(Outbound),
    /// Close the stream, if one is open or opening. No event follows.
    HangUp,
    /// Put a state on disk, whole or not at all, then say [`Event::Kept`] or [`Event::KeepFailed`].
    Keep(Box<Kept>),
    /// Put a newer lease beside the state on disk. Losing it costs freshness after a restart, no more.
    KeepLease(Box<Kept>),
    /// Put the statements on disk, all of them.
    KeepStatements(Vec<Signed>),
    /// Compare with the tenant now: what is desired or its freshness changed, or the control plane asks.
    Nudge,
    /// Answer with [`Event::Planned`].
    Plan {
        nonce: String,
    },
    /// Tell a person.
    Alarm(Alarm),
}

/// What a person should know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Alarm {
    #[error("the state on disk does not verify and is not used: {0}")]
    StateOnDisk(String),
    #[error("a signed statement does not verify and is not taken: {0}")]
    Statement(String),
    #[error("a state was refused, the last good one is kept: {0}")]
    Refused(String),
    #[error("a lease was refused: {0}")]
    Lease(String),
    #[error("the control plane holds this tenant back until a person acts: {0}")]
    Parked(String),
    #[error("this host's clock and the control plane's differ by {} s: end dates are kept by this host's", .0.as_secs())]
    Skew(Duration),
    #[error("a state could not be written to disk: {0}")]
    Disk(String),
    #[error(
        "the control plane no longer accepts this agent's certificate; end dates and revocations already received are still carried out; enrol again to go on"
    )]
    Revoked,
    #[error(
        "the control plane does not know this agent's certificate, as after a restored backup; it is tried again, and a person at the provider's has to act; end dates and revocations already received are still carried out"
    )]
    NotKnown,
    #[error("two agents answer under this identity; stop one and enrol again")]
    Clone,
    #[error("the control plane speaks protocol {0}, this agent {PROTOCOL}")]
    Protocol(u32),
}

/// What the rest of the agent, and `status`, may know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct View {
    /// What the tenant should hold; none before the first state, or when what is on disk does not verify.
    pub desired: Option<Arc<Desired>>,
    /// Until when, in uptime, the state counts as fresh; none without a lease.
    pub fresh_until: Option<Duration>,
    /// The same on the control plane's clock.
    pub lease_ends: Option<Timestamp>,
    pub connected: bool,
    pub parked: Option<String>,
    /// Why the newest state was refused, until one is accepted.
    pub refused: Option<String>,
    /// A verified state that could not be put on disk. Nothing is given by it; whom it names as leavers may go.
    pub unkept: Option<Arc<Desired>>,
    /// Leavers whom a parked tenant's agent was told of, until a state is accepted.
    pub aside: Option<Arc<[Item]>>,
    /// Mended drift up to this number is acknowledged.
    pub told: u64,
}
