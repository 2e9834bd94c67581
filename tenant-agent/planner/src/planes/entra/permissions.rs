//! What the work with directory roles takes of Microsoft.

use entente_model::Plane;

use crate::guardrail::Guardrail;
use crate::path::{groups, members};
use crate::permission::{
    ALL_PROFILES, ANY_GROUP, ANY_MEMBER, CREATE_GROUP, FIND_GROUPS, LIST_MEMBERS, MANAGE, Permission, READ_ROLES,
    READ_USERS, VERIFY, graph,
};

const EVERY_ROLE: &str = "see who holds which directory role";

pub(crate) const ROWS: &[Permission] = &[
    graph(
        Plane::EntraRoles,
        VERIFY,
        "RoleManagement.Read.Directory",
        EVERY_ROLE,
        "read every directory role and its holders",
    )
    .or(READ_ROLES),
    graph(Plane::EntraRoles, VERIFY, "Group.ReadBasic.All", "find role-assignable groups", "read every group's name")
        .or(FIND_GROUPS),
    graph(
        Plane::EntraRoles,
        VERIFY,
        "GroupMember.ReadBasic.All",
        "see who is in its role-assignable groups",
        "read who is in every group, by name",
    )
    .or(LIST_MEMBERS),
    // Beside the permissions of any group (Graph: group-post-groups, isAssignableToRole).
    graph(
        Plane::EntraRoles,
        MANAGE,
        "RoleManagement.ReadWrite.Directory",
        "make role-assignable groups, put people in, and give the groups directory roles",
        "make anyone Global Administrator, itself too: whoever steals the agent owns the tenant",
    )
    .says(gives),
    graph(
        Plane::EntraRoles,
        MANAGE,
        "Group.Create",
        "make role-assignable groups",
        "make any number of groups, also under names that look like yours",
    )
    .or(CREATE_GROUP)
    .says(groups::permissions::made),
    graph(
        Plane::EntraRoles,
        MANAGE,
        "GroupMember.ReadWrite.All",
        "put people into role-assignable groups, and out",
        ANY_MEMBER,
    )
    .or(ANY_GROUP)
    .says(members::permissions::own_groups),
    graph(Plane::EntraRoles, MANAGE, "Group.ReadBasic.All", "find role-assignable groups", "read every group's name")
        .or(FIND_GROUPS),
    // Adding a user reads the user (Graph: group-post-members).
    graph(Plane::EntraRoles, MANAGE, "User.Read.All", "see the user that is added", ALL_PROFILES).or(READ_USERS),
];

/// What this file lets the agent give.
fn gives(guardrail: &Guardrail) -> String {
    let names: Vec<&str> = guardrail.entra.roles.keys().map(String::as_str).collect();
    if names.is_empty() {
        return "nothing: it names no role that it allows".into();
    }
    format!("to its own groups only, over the whole tenant: {}", names.join(", "))
}
