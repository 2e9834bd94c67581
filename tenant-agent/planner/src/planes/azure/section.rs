//! The section of the guardrail that says where in Azure roles are assigned, and which.

use std::collections::BTreeMap;

use entente_model::violation::Fault;
use entente_model::{Guid, capability, catalog, scope};
use serde::Deserialize;

use crate::guardrail::{Faults, Guardrail};

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Azure {
    /// ARM scopes at or below which roles may be assigned.
    pub scopes: Vec<String>,
    /// Role definitions that may be assigned there, by name.
    pub roles: BTreeMap<String, Guid>,
}

/// What is wrong with it.
pub(crate) fn check(guardrail: &Guardrail, faults: &mut Faults) {
    let home = guardrail.protected.agent_home.iter().map(|home| ("protected.agentHome", home));
    for (field, scope) in guardrail.azure.scopes.iter().map(|scope| ("azure.scopes", scope)).chain(home) {
        faults.unless(
            scope::check(scope).is_ok(),
            field,
            Fault::Malformed,
            format!("{scope:?} is not an ARM scope; write /subscriptions/GUID/resourceGroups/NAME"),
        );
    }
    for (name, id) in &guardrail.azure.roles {
        let field = format!("azure.roles.{name}");
        let known = catalog::AZURE_ROLES.iter().find(|role| role.id == *id);
        faults.unless(
            known.is_none_or(|role| role.name == name),
            &field,
            Fault::Conflict,
            format!("{id} is {}; write its own name", known.map_or("", |role| role.name)),
        );
        faults.unless(
            capability::of_azure_role(*id).is_some(),
            &field,
            Fault::Conflict,
            "can never be assigned: it is custom, unknown, or lets people change access; leave it out",
        );
    }
}
