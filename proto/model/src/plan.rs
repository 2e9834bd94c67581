//! What an agent would do, in a form that people read and the control plane can ask for.
//!
//! The plan that is carried out is `entente-planner`'s; this is what it prints.

use serde::{Deserialize, Serialize};

use crate::desired::ItemKey;
use crate::report::Reason;
use crate::word::Open;

/// Kinds of change, as the guardrail tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ChangeClass {
    /// Adds access, or mends what drifted.
    Grant,
    /// Removes what has reached its end date.
    Expiry,
    /// Removes what was named: a leaver, a deleted assignment, a dropped member.
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

/// What the guardrail says of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    Allowed,
    /// The plane is only verified: a person makes the change.
    ByPerson,
    NeedsApproval,
    /// Comes by itself when a cap, a freeze, a pause or a missing lease ends.
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
    /// What would be done, in a few words: `invite maya@nordwall.example`.
    pub action: String,
    /// As it is now, in a few words; empty when it is not there.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub before: String,
    /// As it would be; empty when it would be gone.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub after: String,
}

crate::word::words!(ChangeClass: &ChangeClass::ALL);
crate::word::words!(Verdict: &Verdict::ALL);
