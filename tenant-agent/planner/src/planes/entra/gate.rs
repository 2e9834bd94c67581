//! What the file says to a directory role: by our own tables, and by what the tenant shows of the role now.

use entente_model::desired::ItemKey;
use entente_model::report::Reason;
use entente_model::{Guid, Plane, PlaneMode, catalog};

use super::actions::{Beyond, beyond};
use crate::builder::PlanBuilder;
use crate::capability;
use crate::gate::{capabilities, lacking, refuse_unless};
use crate::ledger::{LedgerEntry, Thing};
use crate::verdict::{self, Condition};

/// What stands against giving the role. A role that is closed, or on no list, is refused whatever the file says.
pub(crate) fn against(builder: &PlanBuilder<'_>, definition: Guid) -> Vec<Condition> {
    let Some(guardrail) = builder.guardrail() else { return Vec::new() };
    let mut found = Vec::new();
    found.extend(refuse_unless(guardrail.entra.roles.values().any(|id| *id == definition), Reason::GuardrailRole));
    found.push(capabilities(guardrail, capability::of_entra_role(definition).map(<[_]>::to_vec)));
    found.extend(now(builder, definition));
    found
}

/// By the definition as it is now. At none the agent does not look, and the tables alone say.
fn now(builder: &PlanBuilder<'_>, definition: Guid) -> Option<Condition> {
    let guardrail = builder.guardrail()?;
    if builder.mode(Plane::EntraRoles) == PlaneMode::None {
        return None;
    }
    match beyond(guardrail, builder.input.observed, definition) {
        Beyond::More(more) if more.is_empty() => None,
        Beyond::More(_) | Beyond::Another => Some(Condition::Refused(Reason::GuardrailCapability)),
        Beyond::Unread => Some(Condition::Unread),
    }
}

/// Why, by the file's lines and the definition; empty where nothing stands against it.
pub(crate) fn because(builder: &PlanBuilder<'_>, definition: Guid) -> String {
    let Some(guardrail) = builder.guardrail() else { return String::new() };
    if let Some(closed) = catalog::closed_entra_role(&definition.to_string()) {
        return closed.to_string();
    }
    let mut all = Vec::new();
    if !guardrail.entra.roles.values().any(|id| *id == definition) {
        all.push(format!("entra.roles does not list {}", name(definition)));
    }
    all.extend(lacking(guardrail, capability::of_entra_role(definition).map(<[_]>::to_vec)));
    all.extend(Some(excess(builder, definition)).filter(|it| !it.is_empty()));
    all.join("; ")
}

/// What of the definition is more than it was, in words; empty where nothing is, or where it was not read.
pub(crate) fn excess(builder: &PlanBuilder<'_>, definition: Guid) -> String {
    let Some(guardrail) = builder.guardrail() else { return String::new() };
    match beyond(guardrail, builder.input.observed, definition) {
        Beyond::Unread => String::new(),
        Beyond::Another => "the role is not the built-in one that was judged".into(),
        Beyond::More(more) if more.is_empty() => String::new(),
        Beyond::More(more) => {
            let more: Vec<String> = more.into_iter().collect();
            format!("Microsoft has added to the role: {}", more.join(", "))
        }
    }
}

/// The display name of a role that is known, or its id.
pub(crate) fn name(definition: Guid) -> String {
    let id = definition.to_string();
    let open = catalog::entra_role(&id).map(|role| role.name);
    open.or_else(|| catalog::closed_entra_role(&id).map(|role| role.name)).map_or_else(|| id.clone(), str::to_owned)
}

/// Why the file does not allow what we gave, if so.
pub(crate) fn refusal(builder: &PlanBuilder<'_>, entry: &LedgerEntry) -> Option<Reason> {
    let Some(Thing::EntraRole { definition, .. }) = &entry.thing else { return None };
    let against = against(builder, *definition);
    let is_unread = against.contains(&Condition::Unread);
    verdict::refusal(&against).or(is_unread.then_some(Reason::Unread))
}

pub(crate) fn describe(key: &ItemKey, entry: &LedgerEntry) -> String {
    match &entry.thing {
        Some(Thing::EntraRole { definition, .. }) => format!("{} in the directory", name(*definition)),
        _ => key.to_string(),
    }
}
