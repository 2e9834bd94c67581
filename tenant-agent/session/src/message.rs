//! The messages of the stream, in the agent's own types. `entente-proto` has the wire form; the edge of the agent
//! converts.

use std::time::Duration;

use entente_model::desired::{Digest, Version};
use entente_model::plan::PlannedChange;
use entente_model::report::Report;
use entente_model::{GoAwayReason, Timestamp};
use entente_seal::{Delta, Seal, SealedItem, Signed};

/// What the control plane sends.
#[derive(Debug, Clone)]
pub enum Inbound {
    Welcome(Welcome),
    /// A part of a whole state. The seal comes with the last part.
    Chunk {
        nonce: String,
        items: Vec<SealedItem>,
        last: bool,
        seal: Option<Seal>,
    },
    /// The same, for a parked tenant: a state that is sent only for its leavers.
    Leavers {
        nonce: String,
        items: Vec<SealedItem>,
        last: bool,
        seal: Option<Seal>,
    },
    /// What changed since the state whose items have the digest `from`.
    Delta {
        nonce: String,
        from: Digest,
        delta: Delta,
        seal: Option<Seal>,
    },
    Lease(Seal),
    Plan {
        nonce: String,
    },
    Compare,
    ReportAck {
        number: u64,
    },
    Ping {
        number: u64,
    },
    GoAway {
        reason: GoAwayReason,
        retry_after: Duration,
    },
    /// A message that could not be read, with the nonce of its state if it was one.
    Unreadable {
        nonce: Option<String>,
        error: String,
    },
}

/// The response to `Hello`.
#[derive(Debug, Clone)]
pub struct Welcome {
    pub protocol: u32,
    pub epoch: u64,
    pub server_time: Timestamp,
    pub statements: Vec<Signed>,
    /// The interval between pings. Without a message for three intervals, the stream is dead.
    pub ping: Duration,
    /// Most items in one report.
    pub report_batch: usize,
    /// How long changes are collected before they are reported.
    pub report_after: Duration,
    /// Why nothing will be sent until a person acts.
    pub parked: Option<String>,
    /// Every item must be reported again.
    pub resend_reports: bool,
}

/// What the agent sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outbound {
    Hello {
        build: String,
        boot_id: String,
        version: Version,
        root: Option<Digest>,
        digest: Option<Digest>,
        guardrail_digest: String,
    },
    Ack {
        nonce: String,
        stage: Stage,
    },
    Nack {
        nonce: String,
        kind: NackKind,
        errors: Vec<String>,
    },
    Report {
        report: Report,
        full: bool,
    },
    Pong {
        number: u64,
    },
    PlanResult {
        nonce: String,
        result: Result<Vec<PlannedChange>, String>,
    },
}

/// How far a state got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Received,
    Accepted,
}

/// Whether sending a state again would help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NackKind {
    Permanent,
    Retry,
}
