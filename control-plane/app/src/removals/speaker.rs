//! What is known about the agent that signed a proof.

use entente_model::{AgentName, Timestamp};

use crate::identity::Tables;

/// An agent that may speak now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Speaker {
    pub(super) enrolled: Timestamp,
    /// The agent whose place it took.
    pub(super) displaced: Option<String>,
    /// The administrator who said that it is the customer's.
    pub(super) vouched: Option<String>,
}

/// Nothing for an agent that is not enrolled, or revoked.
pub(super) fn speaker(tables: &Tables, agent: &AgentName) -> Option<Speaker> {
    let row = tables.agents.get(agent).filter(|row| row.revoked.is_none())?;
    Some(Speaker {
        enrolled: row.enrolled,
        displaced: row.displaced.as_ref().map(ToString::to_string),
        vouched: row.vouched.as_ref().map(|vouch| vouch.by.to_string()),
    })
}
