//! The least Microsoft permissions for what a guardrail lets the agent do: one table, of
//! which each plane has its rows, and from which the documentation,
//! the consent text and the check of the agent's token are made.
//!
//! Sources: Graph permissions reference (least privileged application permission per operation), Azure built-in
//! roles. A permission binds a stolen agent; the guardrail binds an honest one.

use std::collections::BTreeSet;

use entente_model::{Plane, PlaneMode};

use crate::guardrail::{Guardrail, OnLeave};
use crate::planes::rules;

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
#[derive(Debug)]
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
    pub column: Column,
}

/// What the right column of the consent text says of a permission.
#[derive(Debug, Clone, Copy)]
pub enum Column {
    /// It reads, and for what is in the row.
    Reads,
    /// What this file lets the agent do with it.
    File(fn(&Guardrail) -> String),
}

pub(crate) const fn graph(
    plane: Plane,
    need: Need,
    name: &'static str,
    why: &'static str,
    reach: &'static str,
) -> Permission {
    Permission { plane, need, system: System::Graph, name, why, reach, wider: &[], column: Column::Reads }
}

impl Permission {
    pub(crate) const fn or(mut self, wider: &'static [&'static str]) -> Self {
        self.wider = wider;
        self
    }

    /// What the file lets the agent do with it.
    pub(crate) const fn says(mut self, says: fn(&Guardrail) -> String) -> Self {
        self.column = Column::File(says);
        self
    }

    pub(crate) const fn at_scopes(mut self) -> Self {
        self.system = System::Arm;
        self
    }
}

pub(crate) const VERIFY: Need = Need::Mode(PlaneMode::Verify);
pub(crate) const MANAGE: Need = Need::Mode(PlaneMode::Manage);

// Wider permissions, by the operation (Graph permissions reference).
pub(crate) const READ_USERS: &[&str] =
    &["User.ReadWrite.All", "User.ReadWrite.CrossCloud", "Directory.Read.All", "Directory.ReadWrite.All"];
// What a user is in (`memberOf`): the reference has no row for it, so nothing that shows names alone.
pub(crate) const READ_MEMBERSHIPS: &[&str] = &[
    "GroupMember.ReadWrite.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
pub(crate) const LIST_MEMBERS: &[&str] = &[
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Group.ReadBasic.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
// Finding a group by its name is not among what writing members includes (Graph: group-list).
pub(crate) const FIND_GROUPS: &[&str] = &[
    "GroupMember.Read.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Group.ManageProtection.All",
    "Group-NestingSupport.ReadWrite.All",
    "Group-PreferredDataLocation.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
pub(crate) const CREATE_GROUP: &[&str] =
    &["Group.ReadWrite.All", "Group-PreferredDataLocation.ReadWrite.All", "Directory.ReadWrite.All"];
pub(crate) const ANY_USER: &[&str] = &["User.ReadWrite.All", "Directory.ReadWrite.All"];
// Writing the directory does not include deleting users (Graph: user-delete).
pub(crate) const DELETE_USER: &[&str] = &["User.ReadWrite.All", "User.ReadWrite.CrossCloud"];
pub(crate) const ANY_GROUP: &[&str] = &["Group.ReadWrite.All", "Directory.ReadWrite.All"];
pub(crate) const READ_ROLES: &[&str] =
    &["RoleManagement.Read.All", "RoleManagement.ReadWrite.Directory", "Directory.Read.All", "Directory.ReadWrite.All"];
pub(crate) const READ_DEFENDER: &[&str] = &["RoleManagement.ReadWrite.Defender", "RoleManagement.Read.All"];

// What a holder can do, at its worst. Where sources differ on administrators, harm is assumed.
pub(crate) const ALL_PROFILES: &str = "read the whole profile of every user";
pub(crate) const ALL_MEMBERSHIPS: &str = "read every group and who is in it";
pub(crate) const ANY_MEMBER: &str = "put anyone into any group that is not role-assignable, and so give whatever hangs on it: \
                          Azure, Sentinel and Defender rights, apps, exceptions from Conditional Access; by such a \
                          group it can lead to Global Administrator";

/// The table, in the order of the planes.
pub fn table() -> impl Iterator<Item = &'static Permission> {
    Plane::ALL.iter().copied().flat_map(|plane| rules(plane).permissions)
}

/// What a guardrail asks for: each name once, and no reading where the writing includes it.
pub fn needed(guardrail: &Guardrail) -> Vec<&'static Permission> {
    let asked: Vec<&'static Permission> = table().filter(|row| asks(guardrail, row)).collect();
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
    let rows = table().filter(|row| row.plane == plane && asks(guardrail, row) && missing.contains(row.name));
    rows.map(|row| row.name).collect()
}

/// That the agent's token does not hold it, for people.
pub fn lack(permission: &Permission) -> String {
    format!("{} is not in the agent's token: {}", permission.name, permission.why)
}

/// The whole table as Markdown, for the documentation.
pub fn markdown() -> String {
    let mut text = String::from("| plane | where | permission | for | lets its holder |\n|---|---|---|---|---|\n");
    for row in table() {
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
