//! What happened in tenants: kinds, and an event before and after it has a number.

use entente_model::report::bounds::bounded;
use entente_model::{TenantName, Timestamp};
use serde::{Deserialize, Serialize};

use crate::tenant_phase::TenantPhase;

/// Most events of one tenant, the oldest go: weeks of a quiet tenant, and a night of one in which everything breaks. An agent
/// that reports nonsense pushes out only what is its own tenant's.
pub(super) const MAX_EVENTS: u64 = 1_000;

/// Longest text, in bytes: a sentence, with a name and what somebody else said.
pub(crate) const MAX_EVENT_BYTES: usize = 480;

/// Longest key of an item that is kept beside: those that are compiled here are shorter.
const MAX_ITEM_BYTES: usize = 1_024;

/// Kinds of event. The list is closed; a row of a later version's kind is read as [`EventKind::Later`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EventKind {
    PhaseChanged,
    GuardrailChanged,
    ItemRefused,
    DriftFound,
    DriftMended,
    AccountCameBack,
    AgentEnrolled,
    AgentDisplaced,
    AgentRevoked,
    TenantParked,
    RevokeAllBegun,
    RevokeAllDone,
    #[serde(other)]
    Later,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Counts up over all tenants; greater is later.
    pub number: u64,
    pub tenant: TenantName,
    pub kind: EventKind,
    /// When it was recorded here. Never before that of a lesser number.
    pub time: Timestamp,
    /// When it happened, by the agent's word, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub happened: Option<Timestamp>,
    /// For people.
    pub text: String,
    /// The item's key, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// The phases' words, of PHASE_CHANGED. The first has none before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// An event before it has a number and a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Happening {
    pub(crate) kind: EventKind,
    pub(crate) happened: Option<Timestamp>,
    pub(crate) text: String,
    pub(crate) item: Option<String>,
    pub(crate) from: Option<TenantPhase>,
    pub(crate) to: Option<TenantPhase>,
}

impl Happening {
    /// Much of a text may be an agent's: it is bounded, and ends up on terminals.
    pub(crate) fn new(kind: EventKind, text: &str) -> Self {
        let text = bounded(text.replace(char::is_control, " "), MAX_EVENT_BYTES);
        Self { kind, happened: None, text, item: None, from: None, to: None }
    }

    pub(crate) fn at(self, happened: Timestamp) -> Self {
        Self { happened: Some(happened), ..self }
    }

    pub(crate) fn of_item(self, key: String) -> Self {
        Self { item: Some(key).filter(|key| key.len() <= MAX_ITEM_BYTES), ..self }
    }
}
