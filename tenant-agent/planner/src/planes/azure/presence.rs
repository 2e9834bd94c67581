//! Whether an Azure role is assigned, by this look alone.

use std::collections::BTreeSet;

use entente_model::Guid;
use entente_model::desired::{AzureRoleBody, ItemBody, ItemKey};

use super::gate;
use crate::builder::PlanBuilder;
use crate::ledger::Thing;
use crate::observed::Listing;
use crate::path::groups::Groups;
use crate::path::presence::{carrier, id, is_certain, is_understood};

pub(crate) fn is_there(builder: &PlanBuilder<'_>, groups: &Groups<'_>, key: &ItemKey) -> Option<bool> {
    let group = carrier(groups, key);
    let mut principals: BTreeSet<Guid> = group.and_then(id).into_iter().collect();
    let made = match builder.entry(key).and_then(|entry| entry.thing.as_ref()) {
        Some(Thing::AzureRole { scope, definition, principal }) => {
            principals.insert(*principal);
            Some((scope, *definition))
        }
        _ => None,
    };
    let wanted = match builder.input.items.get(key).map(|item| &item.body) {
        Some(ItemBody::AzureRole(AzureRoleBody { scope, definition, .. })) => Some((scope, *definition)),
        _ => None,
    };
    let (scope, definition) = wanted.or(made)?;
    let listed = builder.input.observed.azure(scope).read().copied()?;
    // What is given above the scope is given there.
    let is = listed.iter().any(|it| {
        principals.contains(&it.principal) && it.definition == definition && gate::is_within(scope, &it.scope)
    });
    let is_whole = group.is_some_and(is_certain) && is_understood(builder, &Listing::Azure(scope.to_ascii_lowercase()));
    if is { Some(true) } else { is_whole.then_some(false) }
}
