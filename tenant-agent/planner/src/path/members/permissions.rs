//! What the work with memberships takes of Microsoft.

use entente_model::Plane;

use crate::guardrail::Guardrail;
use crate::permission::{
    ALL_PROFILES, ANY_GROUP, ANY_MEMBER, LIST_MEMBERS, MANAGE, Permission, READ_USERS, VERIFY, graph,
};

pub(crate) const ROWS: &[Permission] = &[
    graph(
        Plane::Memberships,
        VERIFY,
        "GroupMember.ReadBasic.All",
        "see who is in its groups",
        "read who is in every group, by name",
    )
    .or(LIST_MEMBERS),
    graph(Plane::Memberships, MANAGE, "GroupMember.ReadWrite.All", "put people into its groups, and out", ANY_MEMBER)
        .or(ANY_GROUP)
        .says(crate::path::members::permissions::own_groups),
    // Adding a user reads the user (Graph: group-post-members).
    graph(Plane::Memberships, MANAGE, "User.Read.All", "see the user that is added", ALL_PROFILES).or(READ_USERS),
];

/// In which groups this file lets the agent put people.
pub(crate) fn own_groups(_: &Guardrail) -> String {
    "its own groups only".into()
}
