//! What the agent saw in the tenant, and what it could not see.
//!
//! Nothing is concluded from what was not read: every part is [`Part::Read`] or [`Part::Unread`] with the reason,
//! and what was never asked for is unread. Which parts to read is [`crate::reads`]'s to say; how, `entente-cloud`'s.

use std::collections::{BTreeMap, BTreeSet};

use entente_model::desired::GroupKind;
use entente_model::report::{AccountState, Reason};
use entente_model::{Guid, Timestamp};

use crate::capability::Definition;
use crate::moment::Moment;

/// One thing that was read, or was not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part<T> {
    Read(T),
    Unread(Unread),
}

/// Why something was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// THROTTLED, CLOUD_UNAVAILABLE, CLOUD_REFUSED, PERMISSION_MISSING, CREDENTIAL_REFUSED or UNIFIED_RBAC_INACTIVE; UNREAD if it was
    /// not asked for.
    pub reason: Reason,
    pub detail: String,
}

impl Unread {
    /// Whether time alone may heal it, so that waiting is better than going on without.
    pub fn is_passing(&self) -> bool {
        matches!(self.reason, Reason::Throttled | Reason::CloudUnavailable | Reason::Unread)
    }
}

impl<T> Part<T> {
    pub fn unread(reason: Reason, detail: impl Into<String>) -> Self {
        Self::Unread(Unread { reason, detail: detail.into() })
    }

    fn not_asked() -> Self {
        Self::unread(Reason::Unread, "was not read")
    }

    pub fn as_ref(&self) -> Part<&T> {
        match self {
            Self::Read(value) => Part::Read(value),
            Self::Unread(why) => Part::Unread(why.clone()),
        }
    }

    pub fn map<U>(self, of: impl FnOnce(T) -> U) -> Part<U> {
        match self {
            Self::Read(value) => Part::Read(of(value)),
            Self::Unread(why) => Part::Unread(why),
        }
    }

    pub fn read(&self) -> Option<&T> {
        match self {
            Self::Read(value) => Some(value),
            Self::Unread(_) => None,
        }
    }
}

/// Whether what was asked for of a plane was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looked {
    Whole,
    Part,
    /// Nothing was asked for, and so nothing is known.
    NotAsked,
}

impl Looked {
    pub(crate) fn of<K, T>(parts: &BTreeMap<K, Part<T>>) -> Self {
        parts.values().map(Self::of_part).fold(Self::NotAsked, Self::and)
    }

    pub(crate) fn of_part<T>(part: &Part<T>) -> Self {
        match part {
            Part::Read(_) => Self::Whole,
            Part::Unread(_) => Self::Part,
        }
    }

    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::NotAsked, it) | (it, Self::NotAsked) => it,
            (Self::Whole, Self::Whole) => Self::Whole,
            (Self::Part, _) | (_, Self::Part) => Self::Part,
        }
    }
}

/// One look at the tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observed {
    /// Before the first read: where Microsoft throttles, the last may be minutes later. How long something has been
    /// empty is counted to here, from after the look that first found it so.
    pub begun: Moment,
    /// By object id; `Read(None)` is a 404.
    pub users: BTreeMap<Guid, Part<Option<User>>>,
    /// By the address asked for, in lower case.
    pub users_by_mail: BTreeMap<String, Part<Vec<User>>>,
    /// In the recycle bin, by the address asked for, in lower case.
    pub bin: BTreeMap<String, Part<Vec<User>>>,
    /// By object id; `Read(None)` is a 404.
    pub groups: BTreeMap<Guid, Part<Option<Group>>>,
    /// By the display name asked for.
    pub groups_by_name: BTreeMap<String, Part<Vec<Group>>>,
    /// Direct members by group. A group that answers 404 is left out.
    pub members: BTreeMap<Guid, Part<BTreeSet<Guid>>>,
    /// Role assignments at a scope, by the scope in lower case.
    pub azure: BTreeMap<String, Part<Vec<AzureAssignment>>>,
    /// Role definitions by id, as Azure shows them now; `Read(None)` is a 404.
    pub azure_definitions: BTreeMap<Guid, Part<Option<Definition>>>,
    pub defender: Option<Part<Defender>>,
    /// Directory roles that a group holds, by its object id.
    pub entra: BTreeMap<Guid, Part<Vec<EntraAssignment>>>,
    /// Directory roles by id, as the tenant shows them now; `Read(None)` is a 404.
    pub entra_definitions: BTreeMap<Guid, Part<Option<EntraDefinition>>>,
    /// What one person holds, by object id in this tenant.
    pub rights: BTreeMap<Guid, Rights>,
    /// Azure roles of a group at, above and below a scope: by group, and by the scope in lower case.
    pub group_azure: BTreeMap<Guid, BTreeMap<String, Part<Vec<AzureAssignment>>>>,
    /// Entries that were not understood, in words for people, by the list they are in. They cost no other entry; but
    /// that somebody is not in such a list is not proven by it.
    pub odd: BTreeMap<Listing, Vec<String>>,
    /// Microsoft's time when a list was read (HTTP: `Date`).
    pub dates: BTreeMap<Listing, Timestamp>,
}

/// A list that was read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Listing {
    /// Users by an address, in lower case.
    UsersByMail(String),
    Bin(String),
    GroupsByName(String),
    Members(Guid),
    MembershipsOf(Guid),
    /// Azure roles of one principal at a scope.
    AzureOf(Guid, String),
    Azure(String),
    Defender,
    /// Directory roles of one principal.
    EntraOf(Guid),
}

/// A user, as Graph shows it (Graph: user). A field that an answer does not hold is unknown, which is not "no".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    pub id: Option<Guid>,
    pub display_name: String,
    pub upn: String,
    pub mail: String,
    pub enabled: Option<bool>,
    /// `Guest` or `Member`.
    pub user_type: String,
    /// `Invitation` for one who was invited.
    pub creation_type: Option<String>,
    pub created: Option<Timestamp>,
    /// `externalUserState` is `Accepted`; or it is empty and `identities` show an Entra account, as for guests who were
    /// synchronized or converted.
    pub redeemed: Option<bool>,
    /// `identities[].issuer`.
    pub issuers: Option<Vec<String>>,
    /// `mail`, `otherMails` and `proxyAddresses`, in lower case, without `smtp:`.
    pub addresses: BTreeSet<String>,
}

impl User {
    /// The person signs in with an Entra account (Entra: B2B user properties, `ExternalAzureAD`).
    pub fn is_entra_homed(&self) -> Option<bool> {
        self.issuers.as_ref().map(|issuers| issuers.iter().any(|issuer| issuer == "ExternalAzureAD"))
    }

    pub fn is_enabled(&self) -> bool {
        self.enabled == Some(true)
    }

    pub fn is_blocked(&self) -> bool {
        self.enabled == Some(false)
    }

    pub fn account_state(&self) -> AccountState {
        match self.enabled {
            Some(true) => AccountState::Enabled,
            Some(false) => AccountState::Blocked,
            None => AccountState::Unread,
        }
    }

    /// Signs in with the right kind of account, for certain.
    pub fn is_settled(&self) -> bool {
        self.redeemed == Some(true) && self.is_entra_homed() == Some(true)
    }
}

/// A group, as Graph shows it (Graph: group).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub id: Guid,
    pub display_name: String,
    pub description: String,
    pub created: Option<Timestamp>,
    /// Security-enabled and with assigned members, what we can use; `None` of any other.
    pub kind: Option<GroupKind>,
    /// What the group is in itself, and its members with it (Graph: memberOf). `None` if the answer does not hold it.
    pub within: Option<Vec<Holding>>,
}

impl Group {
    /// Groups and roles whose rights its members have. An administrative unit gives nothing to who is in it.
    pub fn parents(&self) -> Option<impl Iterator<Item = &Holding>> {
        let all = self.within.as_ref()?;
        // What a role-assignable group holds as a role is looked at by itself.
        let is_looked_at = |it: &Holding| it.kind == DIRECTORY_ROLE && self.kind == Some(GroupKind::RoleAssignable);
        Some(all.iter().filter(move |it| it.kind != ADMINISTRATIVE_UNIT && !is_looked_at(it)))
    }
}

/// As [`Holding::kind`] has them.
pub const ADMINISTRATIVE_UNIT: &str = "administrative unit";
pub const DIRECTORY_ROLE: &str = "directory role";

/// An Azure role assignment (ARM: roleAssignments).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AzureAssignment {
    /// Where it was made, which may be above the scope that was asked.
    pub scope: String,
    pub name: Guid,
    pub principal: Guid,
    pub definition: Guid,
}

/// Defender unified RBAC as it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Defender {
    pub roles: Vec<DefenderRole>,
    pub assignments: Vec<DefenderAssignment>,
    /// Actions that the tenant knows.
    pub actions: BTreeSet<String>,
    /// The action by the name that the portal shows, where the tenant says it.
    pub by_display: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefenderRole {
    pub id: String,
    pub display_name: String,
    pub description: String,
    pub actions: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefenderAssignment {
    pub id: String,
    pub display_name: String,
    pub role: String,
    pub principals: BTreeSet<Guid>,
    /// `/` for all data sources, or `Mde`, `Mdo` and so on (Graph beta: appScopeIds).
    pub app_scopes: BTreeSet<String>,
}

/// Who holds a directory role (Graph: unifiedRoleAssignment).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntraAssignment {
    /// Opaque.
    pub id: String,
    pub definition: Guid,
    /// The part of the directory in which it is held, in Microsoft's words; `None` is the whole tenant.
    pub part: Option<String>,
}

/// A directory role as the tenant shows it (Graph: unifiedRoleDefinition).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntraDefinition {
    pub is_built_in: bool,
    /// Its own; those of the roles that it inherits from come on top.
    pub actions: BTreeSet<String>,
    /// `None` if the answer does not hold it.
    pub inherits_from: Option<BTreeSet<Guid>>,
}

/// What one person holds directly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights {
    /// Groups, directory roles and administrative units (Graph: memberOf).
    pub memberships: Part<Vec<Holding>>,
    /// By the scope asked for, as in the guardrail or the item.
    pub azure: BTreeMap<String, Part<Vec<AzureAssignment>>>,
    /// Directory roles, also in a part of the directory; `None` where they were not asked for.
    pub entra: Option<Part<Vec<EntraAssignment>>>,
}

/// Something that a person or a group is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    pub id: Guid,
    /// `group`, [`DIRECTORY_ROLE`], [`ADMINISTRATIVE_UNIT`].
    pub kind: String,
    pub name: String,
}

impl Observed {
    pub fn user(&self, id: Guid) -> Part<Option<&User>> {
        self.users.get(&id).map_or_else(Part::not_asked, |part| match part.as_ref() {
            Part::Read(user) => Part::Read(user.as_ref()),
            Part::Unread(why) => Part::Unread(why),
        })
    }

    pub fn by_mail(&self, mail: &str) -> Part<&Vec<User>> {
        self.users_by_mail.get(&mail.to_ascii_lowercase()).map_or_else(Part::not_asked, Part::as_ref)
    }

    /// Microsoft's time when a list was read.
    pub fn date(&self, listing: &Listing) -> Option<Timestamp> {
        self.dates.get(listing).copied()
    }

    /// What of a list was not understood.
    pub fn odd(&self, listing: &Listing) -> &[String] {
        self.odd.get(listing).map_or(&[], Vec::as_slice)
    }

    pub fn group(&self, id: Guid) -> Part<Option<&Group>> {
        self.groups.get(&id).map_or_else(Part::not_asked, |part| match part.as_ref() {
            Part::Read(group) => Part::Read(group.as_ref()),
            Part::Unread(why) => Part::Unread(why),
        })
    }

    /// What of a list was not understood, as reasons why the list proves nothing.
    pub fn not_understood(&self, listing: &Listing) -> impl Iterator<Item = Unread> {
        let why = |text: &String| Unread { reason: Reason::CloudRefused, detail: format!("not understood: {text}") };
        self.odd(listing).iter().map(why)
    }

    pub fn by_name(&self, name: &str) -> Part<&Vec<Group>> {
        self.groups_by_name.get(name).map_or_else(Part::not_asked, Part::as_ref)
    }

    pub fn members(&self, group: Guid) -> Part<&BTreeSet<Guid>> {
        self.members.get(&group).map_or_else(Part::not_asked, Part::as_ref)
    }

    pub fn azure(&self, scope: &str) -> Part<&Vec<AzureAssignment>> {
        self.azure.get(&scope.to_ascii_lowercase()).map_or_else(Part::not_asked, Part::as_ref)
    }

    pub fn definition(&self, id: Guid) -> Part<Option<&Definition>> {
        self.azure_definitions.get(&id).map_or_else(Part::not_asked, |part| match part.as_ref() {
            Part::Read(definition) => Part::Read(definition.as_ref()),
            Part::Unread(why) => Part::Unread(why),
        })
    }

    pub fn entra(&self, principal: Guid) -> Part<&Vec<EntraAssignment>> {
        self.entra.get(&principal).map_or_else(Part::not_asked, Part::as_ref)
    }

    pub fn entra_definition(&self, id: Guid) -> Part<Option<&EntraDefinition>> {
        self.entra_definitions.get(&id).map_or_else(Part::not_asked, |part| match part.as_ref() {
            Part::Read(definition) => Part::Read(definition.as_ref()),
            Part::Unread(why) => Part::Unread(why),
        })
    }

    pub fn defender(&self) -> Part<&Defender> {
        self.defender.as_ref().map_or_else(Part::not_asked, Part::as_ref)
    }
}
