//! Whether a Defender role is assigned, by this look alone.

use std::collections::BTreeSet;

use entente_model::desired::{DefenderAssignmentKey, DefenderRoleBody, DefenderRoleKey, ItemBody, ItemKey};

use crate::builder::PlanBuilder;
use crate::ledger::Thing;
use crate::observed::{Defender, Listing};
use crate::path::groups::Groups;
use crate::path::presence::{carrier, id, is_certain, is_understood};

pub(crate) fn is_there(builder: &PlanBuilder<'_>, groups: &Groups<'_>, key: &ItemKey) -> Option<bool> {
    let group = carrier(groups, key);
    let tenant = builder.input.observed.defender().read().copied()?;
    let roles = roles(builder, tenant, key);
    let is = group.and_then(id).is_some_and(|group| {
        tenant.assignments.iter().any(|it| roles.contains(it.role.as_str()) && it.principals.contains(&group))
    });
    let is_whole = group.is_some_and(is_certain) && is_understood(builder, &Listing::Defender);
    if is { Some(true) } else { is_whole.then_some(false) }
}

/// Ids of the role that an assignment gives: the one that is ours, and each of its name.
fn roles<'a>(builder: &'a PlanBuilder<'_>, tenant: &'a Defender, key: &ItemKey) -> BTreeSet<&'a str> {
    let ItemKey::DefenderAssignment(DefenderAssignmentKey { role, .. }) = key else { return BTreeSet::new() };
    let key = ItemKey::DefenderRole(DefenderRoleKey { role: role.clone() });
    let ours = match builder.entry(&key).and_then(|entry| entry.thing.as_ref()) {
        Some(Thing::DefenderRole { id }) => Some(id.as_str()),
        _ => None,
    };
    let name = match builder.input.items.get(&key).map(|item| &item.body) {
        Some(ItemBody::DefenderRole(DefenderRoleBody { display_name, .. })) => Some(display_name),
        _ => None,
    };
    let named = tenant.roles.iter().filter(|it| Some(&it.display_name) == name).map(|it| it.id.as_str());
    named.chain(ours).collect()
}
