//! What is said to an agent.

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
