//! What the work with Defender roles takes of Microsoft.

use entente_model::Plane;

use crate::permission::{MANAGE, Permission, READ_DEFENDER, VERIFY, graph};

pub(crate) const ROWS: &[Permission] = &[
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
    )
    .says(|guardrail| format!("roles named {}*, within what people may do", guardrail.limits.name_prefix)),
];
