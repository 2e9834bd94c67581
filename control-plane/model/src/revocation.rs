//! Named removals: what an operator's leaving, a suspension or a dropped membership leaves to be done, tenant by
//! tenant, until every agent has confirmed it.
//!
//! Made by `entente-compiler` from the change that caused it; compiles into ABSENT items.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::desired::ItemKey;
use crate::intent::Identity;
use crate::name::{OperatorName, TenantName};
use crate::time::Timestamp;

/// One removal in its tenants. Lasts until it is regranted or REMOVED in all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Revocation {
    /// Unique: the operator's id, the subject's key, and when it was asked for. Who leaves, comes back and leaves again
    /// is removed twice, and what proves one proves nothing of the other.
    pub id: String,
    pub operator: OperatorName,
    /// For people: the operator's resource may be gone.
    pub display_name: String,
    /// The account that loses access. Kept whole, as the operator's resource may be deleted.
    pub identity: Identity,
    pub subject: Subject,
    pub tenants: BTreeSet<TenantName>,
    pub cause: Cause,
    /// Who asked for it: a principal's name.
    pub actor: String,
    pub time: Timestamp,
}

/// What is removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Subject {
    /// Everything: the account is blocked and holds nothing.
    Person,
    /// One membership.
    Membership(ItemKey),
}

/// Why access ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Cause {
    Left,
    Suspended,
    OperatorDeleted,
    /// The operator's manifest no longer lists the account.
    IdentityDropped,
    AssignmentDeleted,
    MemberDropped,
}

impl Cause {
    pub const ALL: [Self; 6] = [
        Self::Left,
        Self::Suspended,
        Self::OperatorDeleted,
        Self::IdentityDropped,
        Self::AssignmentDeleted,
        Self::MemberDropped,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Self::Left => "LEFT",
            Self::Suspended => "SUSPENDED",
            Self::OperatorDeleted => "OPERATOR_DELETED",
            Self::IdentityDropped => "IDENTITY_DROPPED",
            Self::AssignmentDeleted => "ASSIGNMENT_DELETED",
            Self::MemberDropped => "MEMBER_DROPPED",
        }
    }

    /// Whether the account is to do nothing any more, so that the agent blocks it and ends its sessions.
    pub fn is_leaver(self) -> bool {
        matches!(self, Self::Left | Self::Suspended | Self::OperatorDeleted | Self::IdentityDropped)
    }
}
