//! Why access ends.

use serde::{Deserialize, Serialize};

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
    /// A cause of a later version. The item is still a removal. Our own rows never have it.
    #[serde(skip)]
    Unknown,
}

impl Cause {
    /// The causes that this version knows.
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
            Self::Unknown => "UNKNOWN",
        }
    }

    /// Whether the account must stop working, so the agent blocks it and ends its sessions. True for an unknown cause:
    /// an account is named for removal only to be blocked.
    pub fn is_leaver(self) -> bool {
        !matches!(self, Self::AssignmentDeleted | Self::MemberDropped)
    }
}
