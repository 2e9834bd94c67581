//! One write, with nothing left to choose when it is carried out.
//!
//! What each field becomes on the wire is `entente-cloud`'s; that it may be done at all is [`crate::plan`]'s.

use std::collections::BTreeSet;
use std::fmt;

use entente_model::{Guid, Plane};

/// Where a person lands after redeeming (Graph: invitation, inviteRedirectUrl): their own list of applications.
pub const INVITE_REDIRECT: &str = "https://myapplications.microsoft.com";

/// What to do. Ids are those of the customer's tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    BlockUser {
        user: Guid,
        /// Without a look at the account before: a leaver's block does not wait for a slow answer.
        blind: bool,
    },
    RevokeSessions {
        user: Guid,
    },
    RemoveMember {
        group: Guid,
        user: Guid,
    },
    DeleteAzureRole {
        scope: String,
        name: Guid,
    },
    DeleteDefenderAssignment {
        id: String,
    },
    DeleteDefenderRole {
        id: String,
    },
    DeleteUser {
        user: Guid,
    },
    /// Lifts our own block, never another's.
    UnblockUser {
        user: Guid,
    },
    /// As guest, without a message of Microsoft's: the link is the service provider's to send.
    InviteUser {
        mail: String,
        display_name: String,
    },
    /// The group that marks our users ([`crate::ledger::anchor_key`]) or an item's group. The agent puts its own
    /// service principal in as owner: without one a group made with Group.Create alone cannot be changed again
    /// (Graph: group-post-groups).
    CreateGroup {
        display_name: String,
        mail_nickname: String,
        description: String,
    },
    AddMember {
        group: Guid,
        user: Guid,
    },
    /// Named after what it says, so that twice is once ([`crate::assignment_name`]).
    PutAzureRole {
        name: Guid,
        scope: String,
        definition: Guid,
        principal: Guid,
        description: String,
    },
    CreateDefenderRole {
        display_name: String,
        description: String,
        actions: BTreeSet<String>,
    },
    UpdateDefenderRole {
        id: String,
        display_name: String,
        description: String,
        actions: BTreeSet<String>,
    },
    CreateDefenderAssignment {
        display_name: String,
        description: String,
        role: String,
        principal: Guid,
        app_scopes: BTreeSet<String>,
    },
}

impl Action {
    /// Takes access away, or nothing.
    pub fn is_removal(&self) -> bool {
        self.rank() < GRANTS
    }

    /// The plane that must be managed for it.
    pub fn plane(&self, is_marker: bool) -> Plane {
        match self {
            Self::BlockUser { .. }
            | Self::UnblockUser { .. }
            | Self::RevokeSessions { .. }
            | Self::DeleteUser { .. }
            | Self::InviteUser { .. } => Plane::Users,
            Self::CreateGroup { .. } | Self::AddMember { .. } if is_marker => Plane::Users,
            Self::CreateGroup { .. } => Plane::Groups,
            Self::AddMember { .. } | Self::RemoveMember { .. } => Plane::Memberships,
            Self::PutAzureRole { .. } | Self::DeleteAzureRole { .. } => Plane::AzureRoles,
            Self::CreateDefenderRole { .. }
            | Self::UpdateDefenderRole { .. }
            | Self::CreateDefenderAssignment { .. }
            | Self::DeleteDefenderAssignment { .. }
            | Self::DeleteDefenderRole { .. } => Plane::DefenderRoles,
        }
    }

    /// Place in the order of a plan: block first, as that alone ends access; an assignment before what it names.
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Self::BlockUser { .. } => 0,
            Self::RevokeSessions { .. } => 1,
            Self::RemoveMember { .. } => 2,
            Self::DeleteAzureRole { .. } => 4,
            Self::DeleteDefenderAssignment { .. } => 5,
            Self::DeleteDefenderRole { .. } => 6,
            Self::DeleteUser { .. } => 7,
            Self::UnblockUser { .. } => GRANTS,
            Self::InviteUser { .. } => GRANTS + 1,
            Self::CreateGroup { .. } => GRANTS + 2,
            Self::AddMember { .. } => GRANTS + 3,
            Self::PutAzureRole { .. } => GRANTS + 4,
            Self::CreateDefenderRole { .. } | Self::UpdateDefenderRole { .. } => GRANTS + 5,
            Self::CreateDefenderAssignment { .. } => GRANTS + 6,
        }
    }
}

/// Where grants begin among the ranks.
pub(crate) const GRANTS: u8 = 8;

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BlockUser { user, .. } => write!(f, "block user {user}"),
            Self::RevokeSessions { user } => write!(f, "end sessions of user {user}"),
            Self::RemoveMember { group, user } => write!(f, "remove user {user} from group {group}"),
            Self::DeleteAzureRole { scope, name } => write!(f, "delete role assignment {name} at {scope}"),
            Self::DeleteDefenderAssignment { id } => write!(f, "delete Defender assignment {id}"),
            Self::DeleteDefenderRole { id } => write!(f, "delete Defender role {id}"),
            Self::DeleteUser { user } => write!(f, "delete user {user}"),
            Self::UnblockUser { user } => write!(f, "lift our block on user {user}"),
            Self::InviteUser { mail, .. } => write!(f, "invite {mail}"),
            Self::CreateGroup { display_name, .. } => write!(f, "create group {display_name}"),
            Self::AddMember { group, user } => write!(f, "add user {user} to group {group}"),
            Self::PutAzureRole { scope, definition, principal, .. } => {
                write!(f, "assign role {definition} at {scope} to group {principal}")
            }
            Self::CreateDefenderRole { display_name, .. } => write!(f, "create Defender role {display_name}"),
            Self::UpdateDefenderRole { id, .. } => write!(f, "update Defender role {id}"),
            Self::CreateDefenderAssignment { display_name, principal, .. } => {
                write!(f, "create Defender assignment {display_name} for group {principal}")
            }
        }
    }
}
