//! What the ledger holds and the desired state does not: removed, within one history and under a cap.
//!
//! An item that was last desired in another epoch is HELD until it is named: a restored backup must not remove what
//! it has forgotten. When the customer ends it all, nothing is held.

use entente_model::Guid;
use entente_model::desired::{Item, ItemKey, MemberKey, UserKey, Want};
use entente_model::report::{ItemState, Reason};

use crate::builder::{PlanBuilder, Purpose};
use crate::ledger::{LedgerEntry, Ownership, Thing};
use crate::path::groups::{Groups, say_left_over};
use crate::path::lookup::Found;
use crate::path::members;
use crate::path::offboarding;
use crate::path::person::{Exit, ExitKind, People};
use crate::planes::azure::decide as azure;
use crate::planes::defender::decide as defender;
use crate::verdict::Condition;

pub(crate) fn decide(builder: &mut PlanBuilder<'_>, people: &People<'_>, groups: &Groups<'_>) {
    let ledger = builder.input.ledger;
    for (key, entry) in ledger.items() {
        if !matches!(key, ItemKey::Other(_)) && !builder.input.items.contains_key(key) {
            if claims(entry) && offboarding::say_unlooked(builder, key, key.plane()) {
                continue;
            }
            let (exit, against) = judge(builder, key, entry);
            remove(builder, people, groups, key, exit, against);
        }
    }
}

fn claims(entry: &LedgerEntry) -> bool {
    entry.thing.is_some() || entry.intent.is_some()
}

fn judge(builder: &PlanBuilder<'_>, key: &ItemKey, entry: &LedgerEntry) -> (Exit, Vec<Condition>) {
    if builder.purpose == Purpose::RevokeAll {
        let exit = Exit { kind: ExitKind::Implied, ..Exit::leaver() };
        return (exit, Vec::new());
    }
    // The rest of what a leaver had is as named as the leaver.
    if has_left(builder, key) {
        return (Exit { kind: ExitKind::Implied, ..Exit::leaver() }, Vec::new());
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

/// Whether a membership still names this user or group: what was adopted is known for as long, or the membership
/// would no longer be ours to remove.
fn is_named(builder: &PlanBuilder<'_>, id: Guid) -> bool {
    let names = |thing: &Thing| matches!(thing, Thing::Member { group, user } if *group == id || *user == id);
    let mut members = builder.input.ledger.items().filter(|(key, _)| matches!(key, ItemKey::Member(_)));
    members.any(|(_, entry)| entry.thing.as_ref().is_some_and(names))
}

fn remove(
    builder: &mut PlanBuilder<'_>,
    people: &People<'_>,
    groups: &Groups<'_>,
    key: &ItemKey,
    exit: Exit,
    against: Vec<Condition>,
) {
    match key {
        ItemKey::User(_) => {
            let Some(person) = people.get(key) else { return };
            match person.account {
                Found::There(user, Some(Ownership::Adopted)) if user.id.is_some_and(|id| is_named(builder, id)) => {}
                // Its memberships go by themselves; the account was never ours to end.
                Found::There(_, Some(Ownership::Adopted) | None) | Found::Nothing => builder.forget(key),
                _ => offboarding::leave(builder, key, person, exit, against),
            }
        }
        ItemKey::Group(_) => match groups.get(key) {
            Some(Found::There(group, Some(Ownership::Owned))) => say_left_over(builder, key, group),
            Some(Found::There(group, Some(Ownership::Adopted))) if is_named(builder, group.id) => {}
            Some(Found::Many(groups)) => {
                let detail = format!("{} groups have its name; none is certainly ours", groups.len());
                builder.say(key, ItemState::Residual, Some(Reason::Ambiguous), detail);
            }
            Some(Found::Unread(why)) => builder.unread(key, why),
            Some(Found::Waiting(reason)) => builder.wait(key, *reason, "looked up before it is given up"),
            _ => builder.forget(key),
        },
        ItemKey::Member(MemberKey { home, object_id, .. }) => {
            let person = people.get(&ItemKey::User(UserKey { home: home.clone(), object_id: *object_id }));
            members::end(builder, key, person, groups, exit, against);
        }
        ItemKey::AzureRole(_) => azure::remove(builder, key, exit, against),
        ItemKey::DefenderRole(_) | ItemKey::DefenderAssignment(_) => {
            defender::remove(builder, key, exit, against);
        }
        ItemKey::Other(_) => {}
    }
}
