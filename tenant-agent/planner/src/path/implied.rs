//! What the ledger holds and the desired state does not: removed, within one history and under a cap.
//!
//! An item that was last desired in another epoch is HELD until it is named: a restored backup must not remove what
//! it has forgotten. When the customer ends it all, nothing is held.

use entente_model::desired::{GroupKind, Item, ItemKey, UserKey, Want};

use crate::builder::{PlanBuilder, Purpose};
use crate::ledger::{Charge, LedgerEntry};
use crate::path::person::{Exit, ExitKind};
use crate::path::{Path, offboarding};
use crate::planes::rules;
use crate::verdict::Condition;

pub(crate) fn decide(builder: &mut PlanBuilder<'_>, path: &Path<'_>) {
    let ledger = builder.input.ledger;
    for (key, entry) in ledger.items() {
        if !builder.input.items.contains_key(key) {
            if claims(entry) && offboarding::say_unlooked(builder, key, key.plane()) {
                continue;
            }
            let (exit, against) = judge(builder, path, key, entry);
            if let Some(plane) = key.plane() {
                (rules(plane).withdraw)(builder, path, key, exit, against);
            }
        }
    }
}

fn claims(entry: &LedgerEntry) -> bool {
    entry.thing.is_some() || entry.intent.is_some()
}

fn judge(builder: &PlanBuilder<'_>, path: &Path<'_>, key: &ItemKey, entry: &LedgerEntry) -> (Exit, Vec<Condition>) {
    if builder.purpose == Purpose::RevokeAll {
        let exit = Exit { kind: ExitKind::Implied, ..Exit::leaver() };
        return (exit, Vec::new());
    }
    // The rest of what a leaver had is as named as the leaver.
    if has_left(builder, key) {
        return (Exit { kind: ExitKind::Implied, ..Exit::leaver() }, Vec::new());
    }
    // Who is to have nothing is out of such a group first, as the block is refused before.
    let is_carried = key.group().is_some_and(|group| group.kind == GroupKind::RoleAssignable);
    let of_person = path.person_of(key).and_then(|person| person.exit).filter(|exit| exit.charge == Charge::Free);
    if let Some(exit) = of_person.filter(|_| is_carried) {
        return (Exit { kind: ExitKind::Implied, ..exit }, Vec::new());
    }
    let same_history = entry.epoch == builder.input.version.epoch;
    (Exit::implied(), if same_history { Vec::new() } else { vec![Condition::EpochChanged] })
}

fn has_left(builder: &PlanBuilder<'_>, key: &ItemKey) -> bool {
    let Some((home, object_id)) = key.person() else { return false };
    let user = ItemKey::User(UserKey { home: home.clone(), object_id });
    match builder.input.items.get(&user) {
        Some(Item { want: Want::Absent { cause, .. }, .. }) => cause.is_leaver(),
        Some(_) => false,
        None => builder.input.ledger.left.contains_key(&object_id),
    }
}
