//! Whether a directory role is held, by this look alone.

use std::collections::BTreeSet;

use entente_model::Guid;
use entente_model::desired::ItemKey;

use crate::builder::PlanBuilder;
use crate::ledger::Thing;
use crate::observed::Listing;
use crate::path::Path;
use crate::path::presence::{self, carrier, id, is_certain, is_understood};

pub(crate) fn is_there(builder: &PlanBuilder<'_>, path: &Path<'_>, key: &ItemKey) -> Option<bool> {
    match key {
        ItemKey::EntraRole(role) => is_held(builder, path, key, role.definition),
        ItemKey::Member(_) => presence::member(builder, &path.people, &path.groups, key),
        // A group alone gives nothing.
        ItemKey::User(_)
        | ItemKey::Group(_)
        | ItemKey::AzureRole(_)
        | ItemKey::DefenderRole(_)
        | ItemKey::DefenderAssignment(_)
        | ItemKey::Other(_) => None,
    }
}

fn is_held(builder: &PlanBuilder<'_>, path: &Path<'_>, key: &ItemKey, definition: Guid) -> Option<bool> {
    let group = carrier(&path.groups, key);
    let mut principals: BTreeSet<Guid> = group.and_then(id).into_iter().collect();
    if let Some(Thing::EntraRole { principal, .. }) = builder.entry(key).and_then(|entry| entry.thing.as_ref()) {
        principals.insert(*principal);
    }
    let mut is_whole = group.is_some_and(is_certain);
    for principal in principals {
        let held = builder.input.observed.entra(principal).read().copied();
        if held.is_some_and(|all| all.iter().any(|it| it.definition == definition && it.part.is_none())) {
            return Some(true);
        }
        is_whole &= held.is_some() && is_understood(builder, &Listing::EntraOf(principal));
    }
    is_whole.then_some(false)
}
