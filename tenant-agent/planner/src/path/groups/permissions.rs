//! What the work with groups takes of Microsoft.

use entente_model::{Plane, PlaneMode};

use crate::guardrail::Guardrail;
use crate::permission::{CREATE_GROUP, FIND_GROUPS, MANAGE, Permission, VERIFY, graph, marks};

pub(crate) const ROWS: &[Permission] = &[
    graph(Plane::Groups, VERIFY, "Group.ReadBasic.All", "find groups", "read every group's name").or(FIND_GROUPS),
    graph(
        Plane::Groups,
        MANAGE,
        "Group.Create",
        "make groups for roles",
        "make any number of groups, also under names that look like yours",
    )
    .or(CREATE_GROUP)
    .says(crate::path::groups::permissions::made),
    graph(Plane::Groups, MANAGE, "Group.ReadBasic.All", "find groups", "read every group's name").or(FIND_GROUPS),
];

/// The groups that this file lets the agent make.
pub(crate) fn made(guardrail: &Guardrail) -> String {
    let prefix = &guardrail.limits.name_prefix;
    let marker = marks(guardrail).then(|| format!("{prefix}anchor, which gives nothing"));
    let makes = [Plane::Groups, Plane::EntraRoles].iter().any(|plane| guardrail.mode(*plane) == PlaneMode::Manage);
    let named = makes.then(|| format!("{} named {prefix}*", guardrail.limits.groups));
    named.into_iter().chain(marker).collect::<Vec<_>>().join(", and ")
}
