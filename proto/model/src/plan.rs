//! What an agent would do, in a form that people read and that the control plane can request.
//!
//! `entente-planner` has the plan that the agent carries out; this is its printed form.

use serde::{Deserialize, Serialize};

use crate::desired::ItemKey;
use crate::report::Reason;
use crate::word::Open;

/// Classes of change, as the guardrail distinguishes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ChangeClass {
    /// Adds access, or corrects drift.
    Grant,
    /// Removes what has reached its end date.
    Expiry,
    /// Removes what is named for removal: a leaver, a deleted assignment, a dropped member.
    Leaver,
    /// Removes what is no longer in the desired state.
    OtherRemoval,
}

impl ChangeClass {
    pub const ALL: [Self; 4] = [Self::Grant, Self::Expiry, Self::Leaver, Self::OtherRemoval];

    pub fn word(self) -> &'static str {
        match self {
            Self::Grant => "GRANT",
            Self::Expiry => "EXPIRY",
            Self::Leaver => "LEAVER",
            Self::OtherRemoval => "OTHER_REMOVAL",
        }
    }
}

/// The guardrail's verdict on a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    Allowed,
    /// The plane is at `verify`: a person makes the change.
    ByPerson,
    NeedsApproval,
    /// Happens by itself when a cap, a freeze, a pause or a missing lease ends.
    Held,
    Refused,
}

impl Verdict {
    pub const ALL: [Self; 5] = [Self::Allowed, Self::ByPerson, Self::NeedsApproval, Self::Held, Self::Refused];

    pub fn word(self) -> &'static str {
        match self {
            Self::Allowed => "ALLOWED",
            Self::ByPerson => "BY_PERSON",
            Self::NeedsApproval => "NEEDS_APPROVAL",
            Self::Held => "HELD",
            Self::Refused => "REFUSED",
        }
    }
}

/// One line of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedChange {
    pub key: ItemKey,
    pub class: Open<ChangeClass>,
    pub verdict: Open<Verdict>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// What the agent would do, in a few words: `invite maya@nordwall.example`.
    pub action: String,
    /// As it is now, in a few words. Empty if it does not exist.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub before: String,
    /// As it would be. Empty if it would be gone.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub after: String,
}

crate::word::words!(ChangeClass: &ChangeClass::ALL);
crate::word::words!(Verdict: &Verdict::ALL);
