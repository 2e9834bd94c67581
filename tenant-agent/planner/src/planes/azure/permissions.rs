//! What the work with Azure roles takes of Microsoft.

use entente_model::Plane;

use crate::condition;
use crate::guardrail::Guardrail;
use crate::permission::{MANAGE, Permission, VERIFY, graph};

pub(crate) const ROWS: &[Permission] = &[
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
    .at_scopes().says(assigns),
];

fn assigns(guardrail: &Guardrail) -> String {
    let scopes: Vec<&str> =
        guardrail.azure.scopes.iter().map(|scope| scope.rsplit('/').next().unwrap_or(scope)).collect();
    let roles: Vec<&str> = condition::roles(guardrail).into_iter().map(|(name, _)| name).collect();
    if roles.is_empty() {
        return "nothing: it names no role that it allows".into();
    }
    format!("at {}, with the condition below: {}", scopes.join(", "), roles.join(", "))
}
