//! What is looked at of directory roles: the groups on which they hang with who is in them, what these and leavers hold, and
//! the definitions in use.

use entente_model::desired::{GroupKey, GroupKind, ItemKey};
use entente_model::{Guid, Plane, catalog};

use crate::ledger::Thing;
use crate::path::groups;
use crate::reads::{ReadSet, Wanted};

pub(crate) fn reads(wanted: &Wanted<'_>, set: &mut ReadSet) {
    groups::reads::of_kind(wanted, GroupKind::RoleAssignable, set);
    let Wanted { items, ledger, guardrail } = *wanted;
    let desired = items.keys().filter_map(definition);
    let made = ledger.items().filter_map(|(key, _)| definition(key));
    // Also those that others may have given, and the one from which all inherit.
    let listed = guardrail.into_iter().flat_map(|guardrail| guardrail.entra.roles.values().copied());
    set.entra_definitions.extend(desired.chain(made).chain(listed));
    if !set.entra_definitions.is_empty() {
        set.entra_definitions.extend(catalog::entra_role("Directory Readers").map(|role| role.id));
    }
    for (key, entry) in ledger.items() {
        if let Some(Thing::EntraRole { principal, .. }) = entry.thing {
            set.entra_principals.insert(principal);
        }
        if let ItemKey::Group(GroupKey { kind: GroupKind::RoleAssignable, .. }) = key {
            let old = entry.accounts.keys().copied();
            set.entra_principals.extend(entry.thing.as_ref().and_then(Thing::guid).into_iter().chain(old));
        }
    }
    // Without a file, only where something was given: it takes a permission of its own.
    let mut keys = items.keys().chain(ledger.items().map(|(key, _)| key));
    set.entra = guardrail.is_some() || keys.any(|key| key.plane() == Some(Plane::EntraRoles));
}

fn definition(key: &ItemKey) -> Option<Guid> {
    if let ItemKey::EntraRole(key) = key { Some(key.definition) } else { None }
}
