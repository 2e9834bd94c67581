//! Inputs and outputs of the machine: its configuration, events, effects, alarms, and view.

use std::sync::Arc;
use std::time::Duration;

use entente_model::desired::Item;
use entente_model::plan::PlannedChange;
use entente_model::{Guid, Timestamp};
use entente_seal::{Held, PublicKey, Signed};

use crate::held::{Desired, Kept};
use crate::message::{Inbound, Outbound};
use crate::outbox::Status;

/// The only supported protocol version.
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
    /// A state stored in a form that this version does not read. Nothing older than it is accepted.
    pub former: Option<Held>,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// The stream of [`Effect::Dial`] is open. The digest is the guardrail file's; empty if it is unreadable.
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
    /// The state of [`Effect::Keep`] is on disk.
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
    /// There is a newer certificate. It takes effect on a new stream.
    Renewed,
}

/// What to do.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Open a stream, then send [`Event::Opened`] or [`Event::Closed`].
    Dial,
    Send(Outbound),
    /// Close the stream, if one is open or opening. No event follows.
    HangUp,
    /// Write a state to disk, whole or not at all, then send [`Event::Kept`] or [`Event::KeepFailed`].
    Keep(Box<Kept>),
    /// Write a newer lease beside the state on disk. If it is lost, the state is only not fresh after a restart.
    KeepLease(Box<Kept>),
    /// Write all statements to disk.
    KeepStatements(Vec<Signed>),
    /// Compare with the tenant now: the desired state or its freshness changed, or the control plane asks.
    Nudge,
    /// Answer with [`Event::Planned`].
    Plan {
        nonce: String,
    },
    /// Alert a person.
    Alarm(Alarm),
}

/// What a person should know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Alarm {
    #[error("the state on disk does not verify and is not used: {0}")]
    StateOnDisk(String),
    #[error("a signed statement does not verify and is not used: {0}")]
    Statement(String),
    #[error("a state was refused; the agent keeps the last good one: {0}")]
    Refused(String),
    #[error("a lease was refused: {0}")]
    Lease(String),
    #[error("the control plane holds this tenant back until a person acts: {0}")]
    Parked(String),
    #[error("this host's clock and the control plane's differ by {} s: correct one of them; end dates follow this host's clock", .0.as_secs())]
    Skew(Duration),
    #[error("a state could not be written to disk: {0}")]
    Disk(String),
    #[error(
        "the control plane no longer accepts this agent's certificate; end dates and revocations already received still take effect; enrol again to continue"
    )]
    Revoked,
    #[error(
        "the control plane does not know this agent's certificate, as after a restored backup; the agent tries again, and a person at the provider must act; end dates and revocations already received still take effect"
    )]
    NotKnown,
    #[error("two agents share this identity; stop one and enrol again")]
    Clone,
    #[error("the control plane speaks protocol {0}, this agent {PROTOCOL}")]
    Protocol(u32),
}

/// What the rest of the agent, and `status`, may know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct View {
    /// What the tenant should hold. `None` before the first state, and if the state on disk does not verify.
    pub desired: Option<Arc<Desired>>,
    /// Until when, in uptime, the state counts as fresh. `None` without a lease.
    pub fresh_until: Option<Duration>,
    /// The same on the control plane's clock.
    pub lease_ends: Option<Timestamp>,
    pub connected: bool,
    pub parked: Option<String>,
    /// Why the newest state was refused, until one is accepted.
    pub refused: Option<String>,
    /// A verified state that could not be written to disk. The agent gives nothing from it, but may remove the leavers
    /// that it names.
    pub unkept: Option<Arc<Desired>>,
    /// Leavers that the agent of a parked tenant was told of, until a state is accepted.
    pub aside: Option<Arc<[Item]>>,
    /// Mended drift up to this number is acknowledged.
    pub told: u64,
}
