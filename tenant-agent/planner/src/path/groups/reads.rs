//! What is looked at of groups: those that are known with their members, and those that are sought.

use entente_model::desired::{GroupBody, GroupKind, ItemBody, ItemKey};
use entente_model::{Guid, Plane, PlaneMode};

use crate::ledger::Thing;
use crate::reads::{ReadSet, Wanted};

pub(crate) fn reads(wanted: &Wanted<'_>, set: &mut ReadSet) {
    of_kind(wanted, GroupKind::Plain, set);
}

/// Groups of a kind are on a plane of their own.
pub(crate) fn of_kind(wanted: &Wanted<'_>, kind: GroupKind, set: &mut ReadSet) {
    let Wanted { items, ledger, guardrail } = *wanted;
    let is_group = |key: &ItemKey| matches!(key, ItemKey::Group(key) if key.kind == kind);
    let mut names = Vec::new();
    for item in items.values().filter(|item| is_group(&item.key)) {
        let ItemBody::Group(GroupBody { display_name, .. }) = &item.body else { continue };
        let entry = ledger.get(&item.key);
        if entry.is_none_or(|entry| entry.guid().is_none() || entry.empty_since.is_some()) {
            names.push(display_name.clone());
        }
    }
    for (key, entry) in ledger.items() {
        match (key, &entry.thing) {
            (key, thing) if is_group(key) => {
                let id = thing.as_ref().and_then(Thing::guid);
                let ids: Vec<Guid> = id.into_iter().chain(entry.accounts.keys().copied()).collect();
                set.group_ids.extend(&ids);
                set.members.extend(&ids);
                // No longer desired, and still on its way.
                let unseen = entry.intent.as_ref().filter(|_| id.is_none() || entry.empty_since.is_some());
                names.extend(unseen.map(|intent| intent.name.clone()));
            }
            (ItemKey::Member(member), Some(Thing::Member { group, .. })) if member.kind == kind => {
                set.members.insert(*group);
            }
            _ => {}
        }
    }
    let plane = match kind {
        GroupKind::Plain => Plane::Groups,
        GroupKind::RoleAssignable => Plane::EntraRoles,
    };
    if guardrail.is_some_and(|guardrail| guardrail.mode(plane) == PlaneMode::Verify) {
        set.members_by_name.extend(names.iter().cloned());
    }
    set.group_names.extend(names);
}
