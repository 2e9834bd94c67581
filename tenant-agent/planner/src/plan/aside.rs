//! Leavers of whom a parked tenant's agent is told beside the state that it holds: that state is another history's, or was
//! refused, and still wants them. Nothing else of what was sent is taken.
//!
//! The ledger keeps it, so that a restart lets nobody in again. It ends with the next state that is accepted, or the next
//! lease: either is newer, and says itself who works here.

use std::collections::BTreeMap;

use entente_model::desired::{Item, ItemKey, UserKey, Version, Want};
use entente_model::revocation::Cause;

use crate::ledger::{Ledger, Left, Update};

/// What is to be remembered of those that these items name as leavers, while `held` is the version of the state held.
pub fn named_aside(items: &[Item], held: Version, ledger: &Ledger) -> Vec<Update> {
    let named = items.iter().filter_map(|item| match (&item.key, &item.want) {
        (ItemKey::User(UserKey { object_id, .. }), Want::Absent { cause, since, .. }) if cause.is_leaver() => {
            Some((*object_id, *since))
        }
        _ => None,
    });
    let is_news = |known: &Left, since| known.epoch != held.epoch || known.since < since;
    let news = named.filter(|(person, since)| ledger.left.get(person).is_none_or(|known| is_news(known, *since)));
    news.map(|(person, since)| Update::Left(person, Left { since, epoch: held.epoch, aside: Some(held.revision) }))
        .collect()
}

/// The items of the state held, with those people named for removal.
pub fn with_leavers(items: &[Item], held: Version, ledger: &Ledger) -> BTreeMap<ItemKey, Item> {
    let since = |item: &Item| {
        let left = ledger.left.get(&item.key.person()?.1)?;
        left.is_aside(held).then_some(left.since)
    };
    let named = |item: &Item| match since(item).filter(|_| item.want == Want::Present) {
        Some(since) => Item { want: absent(since), ..item.clone() },
        None => item.clone(),
    };
    items.iter().map(|item| (item.key.clone(), named(item))).collect()
}

fn absent(since: entente_model::Timestamp) -> Want {
    Want::Absent {
        cause: Cause::Left,
        actor: String::new(),
        since,
        known: Default::default(),
        addresses: Default::default(),
    }
}
