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
const READ_USERS: &[&str] = &["User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const READ_MEMBERS: &[&str] =
    &["GroupMember.ReadWrite.All", "Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All"];
// Finding a group by its name is not among what writing members includes (Graph: group-list).
const FIND_GROUPS: &[&str] = &["GroupMember.Read.All", "Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All"];
const ANY_USER: &[&str] = &["User.ReadWrite.All", "Directory.ReadWrite.All"];
const ANY_GROUP: &[&str] = &["Group.ReadWrite.All", "Directory.ReadWrite.All"];

/// The table.
pub const TABLE: &[Permission] = &[
    graph(Plane::Users, VERIFY, "User.Read.All", "find guests and their state", "read every user").or(READ_USERS),
    graph(Plane::Users, VERIFY, "GroupMember.Read.All", "what a leaver is still in", "read every group")
        .or(READ_MEMBERS),
    graph(Plane::Users, MANAGE, "User.Read.All", "find guests and their state", "read every user").or(READ_USERS),
    graph(Plane::Users, MANAGE, "User.Invite.All", "invite guests", "invite anyone").or(ANY_USER),
    graph(Plane::Users, MANAGE, "Group.Create", "make the group that marks its guests", "any group").or(ANY_GROUP),
    graph(
        Plane::Users,
        MANAGE,
        "Group.ReadBasic.All",
        "find the group that marks its guests",
        "read every group's name",
    )
    .or(FIND_GROUPS),
    graph(
        Plane::Users,
        MANAGE,
        "GroupMember.ReadWrite.All",
        "mark its guests; what a leaver is still in",
        "all groups not role-assignable",
    )
    .or(ANY_GROUP),
    graph(
        Plane::Users,
        Need::OnLeave(OnLeave::Block),
        "User.EnableDisableAccount.All",
        "block its guests, and lift its own block",
        "block or unblock any non-admin",
    )
    .or(ANY_USER),
    graph(
        Plane::Users,
        Need::OnLeave(OnLeave::RevokeSessions),
        "User.RevokeSessions.All",
        "end the sessions of its guests",
        "sign out all",
    )
    .or(ANY_USER),
    graph(
        Plane::Users,
        Need::OnLeave(OnLeave::Delete),
        "User.DeleteRestore.All",
        "delete its guests when they leave",
        "delete or restore any non-admin",
    )
    .or(ANY_USER),
    graph(Plane::Groups, VERIFY, "Group.ReadBasic.All", "find groups", "read every group's name").or(FIND_GROUPS),
    graph(Plane::Groups, MANAGE, "Group.Create", "make groups for roles", "any group").or(ANY_GROUP),
    graph(Plane::Groups, MANAGE, "Group.ReadBasic.All", "find groups", "read every group's name").or(FIND_GROUPS),
    graph(Plane::Memberships, VERIFY, "GroupMember.Read.All", "who is in its groups", "read every group")
        .or(READ_MEMBERS),
    graph(
        Plane::Memberships,
        MANAGE,
        "GroupMember.ReadWrite.All",
        "who is in its groups",
        "all groups not role-assignable",
    )
    .or(ANY_GROUP),
    // Adding a user reads the user (Graph: group-post-members).
    graph(Plane::Memberships, MANAGE, "User.Read.All", "the user that is added", "read every user").or(READ_USERS),
    graph(Plane::AzureRoles, VERIFY, "Reader", "read role assignments", "read every resource there").at_scopes(),
    graph(
        Plane::AzureRoles,
        MANAGE,
        "Role Based Access Control Administrator",
        "assign roles to its groups",
        "any role there, unless a condition limits it",
    )
    .at_scopes(),
    graph(
        Plane::DefenderRoles,
        VERIFY,
        "RoleManagement.Read.Defender",
        "read Defender roles",
        "read all Defender roles",
    )
    .or(&["RoleManagement.ReadWrite.Defender", "RoleManagement.Read.All"]),
    graph(
        Plane::DefenderRoles,
        MANAGE,
        "RoleManagement.ReadWrite.Defender",
        "make Defender roles for its groups",
        "every Defender role and assignment",
    ),
];

/// What a guardrail asks for: each name once, and no reading where the writing includes it.
pub fn needed(guardrail: &Guardrail) -> Vec<&'static Permission> {
    let asks = |row: &&Permission| {
        let mode = guardrail.mode(row.plane);
        match row.need {
            Need::Mode(needed) => mode == needed,
            Need::OnLeave(step) => mode == PlaneMode::Manage && guardrail.people.on_leave.contains(&step),
        }
    };
    let asked: Vec<&'static Permission> = TABLE.iter().filter(asks).collect();
    let names: BTreeSet<&str> = asked.iter().map(|row| row.name).collect();
    let mut seen = BTreeSet::new();
    let first_and_widest =
        |row: &&'static Permission| !row.wider.iter().any(|wider| names.contains(wider)) && seen.insert(row.name);
    asked.into_iter().filter(first_and_widest).collect()
}

/// Application permissions that the token lacks, wider ones counted in. Azure roles are not in a token.
pub fn missing(guardrail: &Guardrail, roles: &BTreeSet<String>) -> Vec<&'static Permission> {
    let lacks = |row: &&Permission| {
        row.system == System::Graph && !std::iter::once(&row.name).chain(row.wider).any(|name| roles.contains(*name))
    };
    needed(guardrail).into_iter().filter(lacks).collect()
}

/// The whole table as Markdown, for the documentation.
pub fn markdown() -> String {
    let mut text = String::from("| plane | where | permission | for | lets its holder |\n|---|---|---|---|---|\n");
    for row in TABLE {
        let place = match row.need {
            Need::Mode(mode) => mode.word().to_string(),
            Need::OnLeave(step) => format!("onLeave {}", step.word()),
        };
        let name = match row.system {
            System::Graph => row.name.to_string(),
            System::Arm => format!("{} at each azure.scopes", row.name),
        };
        text += &format!("| {} | {place} | {name} | {} | {} |\n", row.plane, row.why, row.reach);
    }
    text
}
