//! What an agent is sent, why a stream is refused, and why a tenant is parked.

use std::time::Duration;

use entente_model::GoAwayReason;
use entente_model::desired::Digest;
use entente_seal::{Buckets, Delta, Seal};

/// One message to an agent.
#[derive(Debug)]
pub enum Outgoing {
    /// A whole state; `items.sorted()` is the order of its parts.
    Snapshot {
        nonce: u64,
        items: Buckets,
        seal: Seal,
    },
    /// The same while the tenant is parked, for the leavers in it alone. Not answered.
    Leavers {
        nonce: u64,
        items: Buckets,
        seal: Seal,
    },
    /// What changed since the state `from`.
    Delta {
        nonce: u64,
        from: Digest,
        delta: Delta,
        seal: Seal,
    },
    Lease(Seal),
    PlanRequest {
        nonce: u64,
    },
    Compare,
    ReportAck {
        number: u64,
    },
    Ping {
        number: u64,
    },
    /// The last message.
    GoAway {
        reason: GoAwayReason,
        retry_after: Duration,
    },
}

/// How long an agent stays away that will be refused again until a person acts.
pub(crate) const LONG_RETRY: Duration = Duration::from_secs(300);

/// Why nothing is sent to a tenant until a person acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Parked {
    /// The agent comes from a history that this store does not have.
    History(String),
    /// Two agents answered under one identity.
    Clone(String),
    /// The agent refused this content for good.
    Refused { digest: Digest, text: String },
}

impl Parked {
    pub(crate) fn reason(&self) -> &str {
        match self {
            Self::History(text) | Self::Clone(text) | Self::Refused { text, .. } => text,
        }
    }
}

/// A stream that was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    pub reason: GoAwayReason,
    pub retry_after: Duration,
}
