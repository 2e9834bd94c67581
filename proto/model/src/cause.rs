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
    /// A cause of a later version, as an item says it: a removal all the same. No row of ours has it.
    #[serde(skip)]
    Unknown,
}

impl Cause {
    /// Those that this version knows.
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

    /// Whether the account is to do nothing any more, so that the agent blocks it and ends its sessions. Of a cause that
    /// is not known, yes: that is what an account is named for.
    pub fn is_leaver(self) -> bool {
        !matches!(self, Self::AssignmentDeleted | Self::MemberDropped)
    }
}
