//! The least Microsoft permissions for what a guardrail lets the agent do: one table, from which the documentation,
//! the consent text and the check of the agent's token are made.
//!
//! Sources: Graph permissions reference (least privileged application permission per operation), Azure built-in
//! roles. A permission binds a stolen agent; the guardrail binds an honest one.

use std::collections::BTreeSet;

use entente_model::{Plane, PlaneMode};

use crate::guardrail::{Guardrail, OnLeave};

/// Who grants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum System {
    /// An application permission of Microsoft Graph.
    Graph,
    /// A role in Azure Resource Manager, at each scope of the guardrail.
    Arm,
}

/// What in the guardrail asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The plane is at this mode.
    Mode(PlaneMode),
    /// The plane is managed, and `people.onLeave` has this.
    OnLeave(OnLeave),
    /// Users and memberships are both managed: then the guests that the agent made are marked in a group.
    Marks,
}

/// One row.
#[derive(Debug, PartialEq, Eq)]
pub struct Permission {
    pub plane: Plane,
    pub need: Need,
    pub system: System,
    pub name: &'static str,
    /// What for.
    pub why: &'static str,
    /// What Microsoft lets its holder do.
    pub reach: &'static str,
    /// Wider ones that do as well.
    pub wider: &'static [&'static str],
}

const fn graph(plane: Plane, need: Need, name: &'static str, why: &'static str, reach: &'static str) -> Permission {
    Permission { plane, need, system: System::Graph, name, why, reach, wider: &[] }
}

impl Permission {
    const fn or(mut self, wider: &'static [&'static str]) -> Self {
        self.wider = wider;
        self
    }

    const fn at_scopes(mut self) -> Self {
        self.system = System::Arm;
        self
    }
}

const VERIFY: Need = Need::Mode(PlaneMode::Verify);
const MANAGE: Need = Need::Mode(PlaneMode::Manage);

// Wider permissions, by the operation (Graph permissions reference).
const READ_USERS: &[&str] =
    &["User.ReadWrite.All", "User.ReadWrite.CrossCloud", "Directory.Read.All", "Directory.ReadWrite.All"];
// What a user is in (`memberOf`): the reference has no row for it, so nothing that shows names alone.
const READ_MEMBERSHIPS: &[&str] = &[
    "GroupMember.ReadWrite.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const LIST_MEMBERS: &[&str] = &[
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Group.ReadBasic.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
// Finding a group by its name is not among what writing members includes (Graph: group-list).
const FIND_GROUPS: &[&str] = &[
    "GroupMember.Read.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Group.ManageProtection.All",
    "Group-NestingSupport.ReadWrite.All",
    "Group-PreferredDataLocation.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const CREATE_GROUP: &[&str] =
    &["Group.ReadWrite.All", "Group-PreferredDataLocation.ReadWrite.All", "Directory.ReadWrite.All"];
const ANY_USER: &[&str] = &["User.ReadWrite.All", "Directory.ReadWrite.All"];
// Writing the directory does not include deleting users (Graph: user-delete).
const DELETE_USER: &[&str] = &["User.ReadWrite.All", "User.ReadWrite.CrossCloud"];
const ANY_GROUP: &[&str] = &["Group.ReadWrite.All", "Directory.ReadWrite.All"];
const READ_DEFENDER: &[&str] = &["RoleManagement.ReadWrite.Defender", "RoleManagement.Read.All"];

// What a holder can do, at its worst. Where sources differ on administrators, harm is assumed.
const ALL_PROFILES: &str = "read the whole profile of every user";
const ALL_MEMBERSHIPS: &str = "read every group and who is in it";
const ANY_MEMBER: &str = "put anyone into any group that is not role-assignable, and so give whatever hangs on it: \
                          Azure, Sentinel and Defender rights, apps, exceptions from Conditional Access; by such a \
                          group it can lead to Global Administrator";

/// The table.
pub const TABLE: &[Permission] = &[
    graph(Plane::Users, VERIFY, "User.Read.All", "find guests and their state", ALL_PROFILES).or(READ_USERS),
    graph(Plane::Users, VERIFY, "GroupMember.Read.All", "see what a leaver is still in", ALL_MEMBERSHIPS)
        .or(READ_MEMBERSHIPS),
    graph(Plane::Users, MANAGE, "User.Read.All", "find guests and their state", ALL_PROFILES).or(READ_USERS),
    graph(
        Plane::Users,
        MANAGE,
        "User.Invite.All",
        "invite guests",
        "invite anyone, any number, by links of its own; who fits a dynamic group's rule gets what it gives",
    )
    .or(ANY_USER),
    graph(Plane::Users, MANAGE, "GroupMember.Read.All", "see what a leaver is still in", ALL_MEMBERSHIPS)
        .or(READ_MEMBERSHIPS),
    graph(
        Plane::Users,
        Need::Marks,
        "Group.Create",
        "make the group that marks its guests",
        "make any number of groups, also under names that look like yours",
    )
    .or(CREATE_GROUP),
    graph(
        Plane::Users,
        Need::Marks,
        "Group.ReadBasic.All",
        "find the group that marks its guests",
        "read every group's name",
    )
    .or(FIND_GROUPS),
    graph(Plane::Users, Need::Marks, "GroupMember.ReadWrite.All", "mark its guests", ANY_MEMBER).or(ANY_GROUP),
    graph(
        Plane::Users,
        Need::OnLeave(OnLeave::Block),
        "User.EnableDisableAccount.All",
        "block its guests, and lift its own block",
        "lock out everyone, perhaps administrators too, and wake accounts that you blocked",
    )
    .or(ANY_USER),
    graph(
        Plane::Users,
        Need::OnLeave(OnLeave::RevokeSessions),
        "User.RevokeSessions.All",
        "ask Microsoft to end its guests' sessions, which has no effect: they sign in at home, and the block ends access",
        "sign out every user of your own, again and again",
    )
    .or(ANY_USER),
    graph(
        Plane::Users,
        Need::OnLeave(OnLeave::Delete),
        "User.DeleteRestore.All",
        "delete its guests when they leave",
        "delete everyone, perhaps administrators too, and bring back whom you deleted",
    )
    .or(DELETE_USER),
    graph(Plane::Groups, VERIFY, "Group.ReadBasic.All", "find groups", "read every group's name").or(FIND_GROUPS),
    graph(
        Plane::Groups,
        MANAGE,
        "Group.Create",
        "make groups for roles",
        "make any number of groups, also under names that look like yours",
    )
    .or(CREATE_GROUP),
    graph(Plane::Groups, MANAGE, "Group.ReadBasic.All", "find groups", "read every group's name").or(FIND_GROUPS),
    graph(
        Plane::Memberships,
        VERIFY,
        "GroupMember.ReadBasic.All",
        "see who is in its groups",
        "read who is in every group, by name",
    )
    .or(LIST_MEMBERS),
    graph(Plane::Memberships, MANAGE, "GroupMember.ReadWrite.All", "put people into its groups, and out", ANY_MEMBER)
        .or(ANY_GROUP),
    // Adding a user reads the user (Graph: group-post-members).
    graph(Plane::Memberships, MANAGE, "User.Read.All", "see the user that is added", ALL_PROFILES).or(READ_USERS),
    graph(
        Plane::AzureRoles,
        VERIFY,
        "Reader",
        "read role assignments and definitions, for which a custom role with Microsoft.Authorization/*/read does as well",
        "read everything there: all logs of every workspace, who has access, all settings",
    )
    .at_scopes(),
    // The condition limits what it assigns and deletes, not what it reads.
    graph(
        Plane::AzureRoles,
        MANAGE,
        "Role Based Access Control Administrator",
        "assign roles to its groups",
        "give anyone any role there, unless a condition limits it; and in any case read everything there: all logs of \
         every workspace, who has access, all settings",
    )
    .at_scopes(),
    graph(
        Plane::DefenderRoles,
        VERIFY,
        "RoleManagement.Read.Defender",
        "read Defender roles",
        "read who holds which Defender role",
    )
    .or(READ_DEFENDER),
    graph(
        Plane::DefenderRoles,
        MANAGE,
        "RoleManagement.ReadWrite.Defender",
        "make Defender roles for its groups",
        "give anyone every Defender right: live response on all machines, all mail, all settings",
    ),
];

/// What a guardrail asks for: each name once, and no reading where the writing includes it.
pub fn needed(guardrail: &Guardrail) -> Vec<&'static Permission> {
    let asked: Vec<&'static Permission> = TABLE.iter().filter(|row| asks(guardrail, row)).collect();
    let mut seen = BTreeSet::new();
    asked.iter().copied().filter(|row| !is_included(row, &asked) && seen.insert(row.name)).collect()
}

fn asks(guardrail: &Guardrail, row: &Permission) -> bool {
    let mode = guardrail.mode(row.plane);
    match row.need {
        Need::Mode(needed) => mode == needed,
        Need::Marks => marks(guardrail),
        Need::OnLeave(step) => mode == PlaneMode::Manage && guardrail.people.on_leave.contains(&step),
    }
}

/// Whether a wider one of those asked for does as well; one that is itself left out does not.
fn is_included(row: &Permission, asked: &[&'static Permission]) -> bool {
    let does_as_well = |other: &Permission| other.name != row.name && row.wider.contains(&other.name);
    asked.iter().any(|other| does_as_well(other) && !is_included(other, asked))
}

/// Whether the agent marks the guests that it made, in a group that gives nothing. Only where it writes memberships
/// anyhow: the widest right of the list is not asked for a label.
pub fn marks(guardrail: &Guardrail) -> bool {
    [Plane::Users, Plane::Memberships].iter().all(|plane| guardrail.mode(*plane) == PlaneMode::Manage)
}

/// Application permissions that the token lacks, wider ones counted in. Azure roles are not in a token.
pub fn missing(guardrail: &Guardrail, roles: &BTreeSet<String>) -> Vec<&'static Permission> {
    let lacks = |row: &&Permission| {
        row.system == System::Graph && !std::iter::once(&row.name).chain(row.wider).any(|name| roles.contains(*name))
    };
    needed(guardrail).into_iter().filter(lacks).collect()
}

/// Names of what the token lacks for one plane: those that the file needs, not the least that a single read would.
pub fn missing_on(plane: Plane, guardrail: &Guardrail, roles: &BTreeSet<String>) -> BTreeSet<&'static str> {
    let missing: BTreeSet<&str> = missing(guardrail, roles).into_iter().map(|row| row.name).collect();
    // A name that several planes need is in the list of what is missing once, by the first of them.
    let rows = TABLE.iter().filter(|row| row.plane == plane && asks(guardrail, row) && missing.contains(row.name));
    rows.map(|row| row.name).collect()
}

/// That the agent's token does not hold it, for people.
pub fn lack(permission: &Permission) -> String {
    format!("{} is not in the agent's token: {}", permission.name, permission.why)
}

/// The whole table as Markdown, for the documentation.
pub fn markdown() -> String {
    let mut text = String::from("| plane | where | permission | for | lets its holder |\n|---|---|---|---|---|\n");
    for row in TABLE {
        let place = match row.need {
            Need::Mode(mode) => mode.word().to_string(),
            Need::OnLeave(step) => format!("onLeave {}", step.word()),
            Need::Marks => "manage, and memberships manage".to_string(),
        };
        let name = match row.system {
            System::Graph => row.name.to_string(),
            System::Arm => format!("{} at each azure.scopes", row.name),
        };
        text += &format!("| {} | {place} | {name} | {} | {} |\n", row.plane, row.why, row.reach);
    }
    text
}
