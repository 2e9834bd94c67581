//! Why the file says no to a right, by the line of the file: for whoever is to widen it, or to ask for less.

use entente_model::desired::PermissionGrant;
use entente_model::{Guid, catalog};

use crate::builder::PlanBuilder;
use crate::capability::{self, Answer, Capability};
use crate::gate;
use crate::guardrail::Guardrail;
use crate::planes::azure::defined;

/// Of an Azure role at a scope; empty where nothing stands against it.
pub(crate) fn azure(builder: &PlanBuilder<'_>, scope: &str, definition: Guid) -> String {
    let Some(guardrail) = builder.guardrail() else { return String::new() };
    let mut all = Vec::new();
    if !guardrail.azure.scopes.iter().any(|allowed| gate::is_within(scope, allowed)) {
        all.push(format!("azure.scopes holds neither {scope} nor a scope above it"));
    }
    if !guardrail.azure.roles.values().any(|id| *id == definition) {
        let known = catalog::AZURE_ROLES.iter().find(|role| role.id == definition);
        let name = known.map_or_else(|| definition.to_string(), |role| format!("{} ({definition})", role.name));
        all.push(format!("azure.roles does not list {name}"));
    }
    let by_row = capabilities(guardrail, capability::of_azure_role(definition).map(<[_]>::to_vec));
    // The definition as it is now says more where its row here says nothing.
    let excess = if by_row.is_none() { defined::excess(builder, definition) } else { String::new() };
    all.extend(by_row);
    all.extend(Some(excess).filter(|it| !it.is_empty()));
    all.join("; ")
}

/// Of a Defender role's permissions that are not withheld.
pub(crate) fn defender(builder: &PlanBuilder<'_>, permissions: &[PermissionGrant]) -> String {
    let Some(guardrail) = builder.guardrail() else { return String::new() };
    let now = builder.now();
    let given = permissions.iter().filter(|grant| grant.withheld_until.is_none_or(|until| until <= now));
    let wanted: Option<Vec<&[Capability]>> =
        given.map(|grant| capability::of_defender_permission(&grant.permission)).collect();
    capabilities(guardrail, wanted.map(|lists| lists.concat())).unwrap_or_default()
}

fn capabilities(guardrail: &Guardrail, wanted: Option<Vec<Capability>>) -> Option<String> {
    let words = |mut all: Vec<Capability>| {
        all.sort();
        all.dedup();
        all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    match wanted.map(|wanted| guardrail.capabilities.answer(&wanted)) {
        Some(Answer::Allowed) => None,
        Some(Answer::Never(never)) => Some(format!("capabilities.allow lacks {}", words(never))),
        Some(Answer::Ask(ask)) => Some(format!("capabilities.ask holds {}", words(ask))),
        None => Some("this version of the agent does not know what it lets people do".into()),
    }
}
