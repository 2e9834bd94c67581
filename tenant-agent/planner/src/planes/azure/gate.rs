//! What the file says to an Azure role at a scope: by our own table, and by what Azure shows of the role now.

use entente_model::desired::ItemKey;
use entente_model::report::Reason;
use entente_model::{Guid, catalog};

use crate::builder::PlanBuilder;
use crate::capability;
use crate::gate::{capabilities, lacking, refuse_unless};
use crate::ledger::{LedgerEntry, Thing};
use crate::planes::azure::defined;
use crate::verdict::{self, Condition};

/// Scope, role definition, and what the role lets people do: by our own table, and by what Azure shows of it now.
pub(crate) fn against(builder: &PlanBuilder<'_>, scope: &str, definition: Guid) -> Vec<Condition> {
    let Some(guardrail) = builder.guardrail() else { return Vec::new() };
    let mut found = Vec::new();
    found.extend(refuse_unless(
        guardrail.azure.scopes.iter().any(|allowed| is_within(scope, allowed)),
        Reason::GuardrailScope,
    ));
    let near_home = |home: &String| is_within(scope, home) || is_within(home, scope);
    found.extend(refuse_unless(!guardrail.protected.agent_home.iter().any(near_home), Reason::GuardrailProtected));
    found.extend(refuse_unless(guardrail.azure.roles.values().any(|id| *id == definition), Reason::GuardrailRole));
    found.push(capabilities(guardrail, capability::of_azure_role(definition).map(<[_]>::to_vec)));
    found.extend(defined::against(builder, guardrail, definition));
    found
}

/// Of an Azure role at a scope; empty where nothing stands against it.
pub(crate) fn because(builder: &PlanBuilder<'_>, scope: &str, definition: Guid) -> String {
    let Some(guardrail) = builder.guardrail() else { return String::new() };
    let mut all = Vec::new();
    if !guardrail.azure.scopes.iter().any(|allowed| is_within(scope, allowed)) {
        all.push(format!("azure.scopes holds neither {scope} nor a scope above it"));
    }
    if !guardrail.azure.roles.values().any(|id| *id == definition) {
        let known = catalog::AZURE_ROLES.iter().find(|role| role.id == definition);
        let name = known.map_or_else(|| definition.to_string(), |role| format!("{} ({definition})", role.name));
        all.push(format!("azure.roles does not list {name}"));
    }
    let by_row = lacking(guardrail, capability::of_azure_role(definition).map(<[_]>::to_vec));
    // The definition as it is now says more where its row here says nothing.
    let excess = if by_row.is_none() { defined::excess(builder, definition) } else { String::new() };
    all.extend(by_row);
    all.extend(Some(excess).filter(|it| !it.is_empty()));
    all.join("; ")
}

/// Whether one ARM scope is another, or lies below it. ARM compares without regard to case.
pub(crate) fn is_within(scope: &str, above: &str) -> bool {
    let (scope, above) = (scope.to_ascii_lowercase(), above.to_ascii_lowercase());
    let above = above.trim_end_matches('/');
    scope.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Why the file does not allow an assignment that we made, if so.
pub(crate) fn refusal(builder: &PlanBuilder<'_>, entry: &LedgerEntry) -> Option<Reason> {
    let Some(Thing::AzureRole { scope, definition, .. }) = &entry.thing else { return None };
    let against = against(builder, scope, *definition);
    let is_unread = against.contains(&Condition::Unread);
    verdict::refusal(&against).or(is_unread.then_some(Reason::Unread))
}

pub(crate) fn describe(key: &ItemKey, entry: &LedgerEntry) -> String {
    let Some(Thing::AzureRole { scope, definition, .. }) = &entry.thing else { return key.to_string() };
    let known = catalog::AZURE_ROLES.iter().find(|role| role.id == *definition);
    let name = known.map_or_else(|| definition.to_string(), |role| role.name.to_owned());
    format!("{name} at {scope}")
}
