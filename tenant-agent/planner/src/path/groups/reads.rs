//! What is looked at of groups: those that are known with their members, and those that are sought.

use entente_model::desired::{GroupBody, ItemBody, ItemKey};
use entente_model::{Guid, Plane, PlaneMode};

use crate::ledger::Thing;
use crate::reads::{ReadSet, Wanted};

pub(crate) fn reads(wanted: &Wanted<'_>, set: &mut ReadSet) {
    let Wanted { items, ledger, guardrail } = *wanted;
    for item in items.values() {
        let ItemBody::Group(GroupBody { display_name, .. }) = &item.body else { continue };
        let entry = ledger.get(&item.key);
        if entry.is_none_or(|entry| entry.guid().is_none() || entry.empty_since.is_some()) {
            set.group_names.insert(display_name.clone());
        }
    }
    for (key, entry) in ledger.items() {
        match (key, &entry.thing) {
            (ItemKey::Group(_), thing) => {
                let id = thing.as_ref().and_then(Thing::guid);
                let ids: Vec<Guid> = id.into_iter().chain(entry.accounts.keys().copied()).collect();
                set.group_ids.extend(&ids);
                set.members.extend(&ids);
                // No longer desired, and still on its way.
                let unseen = entry.intent.as_ref().filter(|_| id.is_none() || entry.empty_since.is_some());
                set.group_names.extend(unseen.map(|intent| intent.name.clone()));
            }
            (ItemKey::Member(_), Some(Thing::Member { group, .. })) => _ = set.members.insert(*group),
            _ => {}
        }
    }
    if guardrail.is_some_and(|guardrail| guardrail.mode(Plane::Groups) == PlaneMode::Verify) {
        set.members_by_name = set.group_names.clone();
    }
}
