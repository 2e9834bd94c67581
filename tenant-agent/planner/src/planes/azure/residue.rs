//! Azure roles that others gave a person, and where the agent does not look for any.

use entente_model::report::bounds::{self, bounded};
use entente_model::{Guid, Plane, PlaneMode};

use super::reads::azure_scopes;
use crate::builder::PlanBuilder;
use crate::observed::{Listing, Part};
use crate::path::residue::{Residue, closed, not_asked, odd};

/// Longest list of scopes in a proof, in bytes: with the rest of what is not looked at, it is as much as is taken.
const MAX_SCOPES_BYTES: usize = bounds::MAX_UNSEEN_BYTES / 4;

pub(crate) fn residue(builder: &PlanBuilder<'_>, id: Guid, found: &mut Residue) {
    if builder.mode(Plane::AzureRoles) == PlaneMode::None {
        return;
    }
    let rights = builder.input.observed.rights.get(&id);
    for scope in azure_scopes(builder.input.items, builder.input.ledger, builder.guardrail()) {
        match rights.and_then(|rights| rights.azure.get(&scope)) {
            Some(Part::Read(assignments)) => {
                let held = assignments.iter().filter(|it| it.principal == id);
                found.others.extend(held.map(|it| format!("Azure role {} at {}", it.definition, it.scope)));
            }
            Some(Part::Unread(why)) => found.missing.push((scope.clone(), why.clone())),
            None => found.missing.push((scope.clone(), not_asked())),
        }
        odd(builder, &Listing::AzureOf(id, scope.clone()), &scope, found);
    }
}

/// Scopes that are not looked at.
pub(crate) fn unseen(builder: &PlanBuilder<'_>) -> Vec<String> {
    if builder.mode(Plane::AzureRoles) == PlaneMode::None {
        return closed(builder, Plane::AzureRoles);
    }
    let scopes = azure_scopes(builder.input.items, builder.input.ledger, builder.guardrail());
    let scopes: Vec<_> = scopes.into_iter().collect();
    vec![match scopes.as_slice() {
        [] => "Azure roles: the guardrail names no scope".into(),
        scopes => bounded(format!("Azure roles outside {}", scopes.join(", ")), MAX_SCOPES_BYTES),
    }]
}
