//! What is really in a tenant, whatever its readers see, and the figures that judge its callers by it.

use serde::{Deserialize, Serialize};

/// What is really in a tenant, whatever its readers see.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Truth {
    pub users: Vec<UserTruth>,
    pub groups: Vec<GroupTruth>,
    pub azure_assignments: Vec<AzureTruth>,
    pub defender_roles: Vec<DefenderRoleTruth>,
    pub defender_assignments: Vec<DefenderAssignmentTruth>,
    /// Direct assignments of directory roles, of users, applications and groups.
    #[serde(default)]
    pub entra_assignments: Vec<EntraTruth>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UserTruth {
    pub id: String,
    pub display_name: String,
    #[serde(default)]
    pub mail: Option<String>,
    /// The address an invitation named.
    #[serde(default)]
    pub invited_mail: Option<String>,
    /// Every address that an invitation answered with this account.
    #[serde(default)]
    pub invited_as: Vec<String>,
    #[serde(default)]
    pub user_principal_name: String,
    /// Client id of the application that created it; absent: seeded or a person.
    #[serde(default)]
    pub created_by: Option<String>,
    pub user_type: String,
    pub enabled: bool,
    pub redeemed: bool,
    /// In deletedItems.
    pub deleted: bool,
    /// When revokeSignInSessions was last answered for it; what it ended is in `session`.
    #[serde(default)]
    pub sessions_revoked_at: Option<String>,
    /// Absent: never signed in.
    #[serde(default)]
    pub session: Option<SessionTruth>,
    /// Held directly, by display name.
    #[serde(default)]
    pub entra_roles: Vec<String>,
}

/// What somebody who signed in can still do with it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SessionTruth {
    pub since: String,
    /// A sign-out ended it.
    pub signed_out: bool,
    /// When the last access token dies; absent: the session goes on and renews them.
    #[serde(default)]
    pub tokens_die_at: Option<String>,
    /// A token is good now.
    pub alive: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GroupTruth {
    pub id: String,
    pub display_name: String,
    #[serde(default)]
    pub unique_name: Option<String>,
    #[serde(default)]
    pub created_by: Option<String>,
    pub deleted: bool,
    #[serde(default)]
    pub role_assignable: bool,
    pub members: Vec<String>,
    pub owners: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AzureTruth {
    pub name: String,
    pub scope: String,
    pub role: String,
    pub principal: String,
    pub principal_type: String,
    #[serde(default)]
    pub created_by: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DefenderRoleTruth {
    pub id: String,
    pub display_name: String,
    pub actions: Vec<String>,
    #[serde(default)]
    pub created_by: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DefenderAssignmentTruth {
    pub id: String,
    pub display_name: String,
    pub role: String,
    pub principals: Vec<String>,
    #[serde(default)]
    pub app_scopes: Vec<String>,
    #[serde(default)]
    pub created_by: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EntraTruth {
    pub id: String,
    /// The role's template id.
    pub role: String,
    pub role_name: String,
    pub principal: String,
    #[serde(default)]
    pub created_by: Option<String>,
}

/// Figures that say whether an application behaved.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Figures {
    pub accepted_invitations: u64,
    /// Accepted invitations for a mail whose earlier user exists or will appear.
    pub duplicate_invitations: u64,
    /// Accepted invitations for a mail whose earlier user had been deleted and waits in the recycle bin.
    #[serde(default)]
    pub invitations_of_deleted: u64,
    /// Successful changes to objects that the application did not create; members of its own groups excepted.
    pub writes_to_unowned: u64,
    /// The newest of them, as `METHOD path (what)`.
    pub unowned: Vec<String>,
}

/// Everything that a person, by an address of theirs, still has: under every account that is or was theirs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Rights {
    /// The accounts that exist.
    pub users: Vec<UserRights>,
    /// All of them, those that wait in the recycle bin too: what those list comes back if they are restored.
    #[serde(default)]
    pub accounts: Vec<UserRights>,
    /// Accounts that the application asked about (or any, if none was) made for this person, enabled and not in the bin.
    #[serde(default)]
    pub owned_enabled: Vec<String>,
    /// What that application gave, and an account that exists still has.
    #[serde(default)]
    pub given: Vec<Right>,
}

impl Rights {
    /// Whether nothing would let this person in or act: no enabled account, no membership, no role.
    pub fn none(&self) -> bool {
        self.users.iter().all(UserRights::none)
    }

    /// Enabled accounts plus memberships plus roles plus groups owned.
    pub fn count(&self) -> usize {
        self.users.iter().map(UserRights::count).sum()
    }
}

/// One account of a person.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct UserRights {
    pub user: String,
    #[serde(default)]
    pub created_by: Option<String>,
    pub enabled: bool,
    /// Group ids, direct and nested.
    pub memberships: Vec<String>,
    /// `scope role` of assignments, direct or through a group.
    pub azure_roles: Vec<String>,
    /// Defender role ids, direct or through a group.
    pub defender_roles: Vec<String>,
    /// Display names of directory roles, direct or through a group.
    pub entra_roles: Vec<String>,
    /// Ids of groups that it owns.
    #[serde(default)]
    pub ownerships: Vec<String>,
    /// Waits in the recycle bin.
    #[serde(default)]
    pub in_bin: bool,
    /// Why it is this person's: `mail`, `otherMails`, `proxyAddresses`, `userPrincipalName`, `invited`.
    #[serde(default)]
    pub known_by: Vec<String>,
    #[serde(default)]
    pub user_principal_name: String,
    /// All of the above once more, each by the way it reaches the account.
    #[serde(default)]
    pub rights: Vec<Right>,
}

/// One right of one account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Right {
    /// The account.
    pub user: String,
    /// `membership`, `ownership`, `azure`, `defender` or `entra`.
    pub kind: String,
    /// Group id; `scope role`; Defender role id; name of an Entra role.
    pub what: String,
    /// The group that it comes through; absent: directly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<String>,
    /// Client id of the application that gave it; absent: a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_by: Option<String>,
}

impl UserRights {
    pub fn none(&self) -> bool {
        self.count() == 0
    }

    pub fn count(&self) -> usize {
        usize::from(self.enabled) + self.rights.len()
    }
}
