//! Accounts that the customer deleted. Whoever throws a guest out does it this way, so that nobody is invited again
//! unasked: not by the next look, and not when the person comes back months later.
//!
//! The way back is the customer's: the guest is restored from the recycle bin and is ours as before, or a new invitation
//! is allowed (`entente-agent allow-again`), for one time. That it is gone for certain is `lookup.rs`'s to say.

use std::collections::BTreeSet;

use entente_model::desired::{Item, ItemBody, ItemKey, UserBody, Want};
use entente_model::report::{ItemState, Reason};
use entente_model::{Guid, OperatorName};

use crate::builder::PlanBuilder;
use crate::ledger::{Claim, Deletion, LedgerEntry, LedgerKey, Ownership, Thing, Update};
use crate::observed::{Part, User};
use crate::path::lookup::Found;
use crate::path::person::People;

/// What a look at one person's account says of a deletion, after `entry` was brought up to date by it.
pub(crate) fn note(
    builder: &mut PlanBuilder<'_>,
    key: &ItemKey,
    entry: &mut LedgerEntry,
    account: &Found<'_, User>,
) -> Option<Deletion> {
    let (_, person) = key.person()?;
    let known = builder.input.ledger.deleted.get(&person).copied();
    let before = builder.entry(key).cloned().unwrap_or_default();
    if let (Some(id), None) = (before.guid(), entry.guid()) {
        keep_block(builder, id, &before);
        // What we began to delete ourselves is no word of the customer's; what was never seen may never have been there.
        let is_ours = entry.deleting.take().is_some();
        if !is_ours && !before.is_undecided() {
            let deletion = Deletion { at: builder.now(), allowed: None };
            builder.remember(Update::Deleted(person, deletion));
            return Some(deletion);
        }
    }
    if known.is_some() && matches!(account, Found::There(_, Some(_))) {
        builder.remember(Update::Readmitted(person));
        return None;
    }
    known
}

/// A person who is wanted is there, so that our own deletion of before did not come about.
pub(crate) fn note_kept(builder: &mut PlanBuilder<'_>, key: &ItemKey) {
    let lag = builder.input.settings.replication_lag;
    let deleting = builder.entry(key).and_then(|entry| entry.deleting);
    if deleting.is_some() && !builder.may_lag(deleting, lag) {
        builder.touch(key, |entry| entry.deleting = None);
    }
}

/// Our own block outlives the account: it may be restored, and stays ours to lift.
fn keep_block(builder: &mut PlanBuilder<'_>, id: Guid, before: &LedgerEntry) {
    if before.block.is_some() && before.is_owned() {
        let (thing, epoch) = (Some(Thing::User { id }), before.epoch);
        let (block, sessions_revoked) = (before.block, before.sessions_revoked);
        builder.put(
            LedgerKey::Account(id),
            LedgerEntry { thing, epoch, block, sessions_revoked, ..LedgerEntry::default() },
        );
    }
}

/// An account that was ours, was deleted and is there again, is ours as before: by its id, whatever its address is now.
pub(crate) fn restored<'a>(
    builder: &mut PlanBuilder<'a>,
    item: Option<&Item>,
    entry: &mut LedgerEntry,
    account: Found<'a, User>,
) -> Found<'a, User> {
    let is_wanted = item.is_some_and(|item| item.want == Want::Present);
    if !is_wanted || entry.thing.is_some() || entry.intent.is_some() {
        return account;
    }
    let ours: Vec<Guid> = entry.accounts.iter().filter(|(_, it)| **it == Claim::Ours).map(|(id, _)| *id).collect();
    let mut back: Vec<&'a User> = Vec::new();
    for id in ours {
        match builder.input.observed.user(id) {
            Part::Read(user) => back.extend(user),
            // It may be back: nobody is invited in its place meanwhile.
            Part::Unread(why) => return Found::Unread(why),
        }
    }
    match back.as_slice() {
        [] => account,
        [user] => {
            take_back(builder, entry, user);
            Found::There(user, Some(Ownership::Owned))
        }
        _ => Found::Many(back),
    }
}

fn take_back(builder: &mut PlanBuilder<'_>, entry: &mut LedgerEntry, user: &User) {
    let Some(id) = user.id else { return };
    (entry.thing, entry.ownership) = (Some(Thing::User { id }), Ownership::Owned);
    (entry.removed, entry.empty_since) = (None, None);
    let key = LedgerKey::Account(id);
    if let Some(kept) = builder.entry(&key).cloned() {
        (entry.block, entry.sessions_revoked) = (kept.block, kept.sessions_revoked);
        builder.forget(&key);
    }
}

/// Operators of whom the customer has deleted an account that is still wanted, and has not allowed another one. Nor is
/// that got round with another account of the same operator.
pub(crate) fn operators(people: &People<'_>) -> BTreeSet<OperatorName> {
    let held = people.values().filter(|person| person.deletion.is_some_and(|it| it.allowed.is_none()));
    let wanted = held.filter_map(|person| person.item).filter(|item| item.want == Want::Present);
    wanted.filter_map(operator).collect()
}

/// Whose account an item is.
pub(crate) fn operator(item: &Item) -> Option<OperatorName> {
    let ItemBody::User(UserBody { operator, .. }) = &item.body else { return None };
    Some(operator.clone())
}

pub(crate) fn say(builder: &mut PlanBuilder<'_>, key: &ItemKey, mail: &str, is_own: bool) {
    let whose = if is_own { "the account" } else { "another account of this operator" };
    let detail = format!(
        "the customer deleted {whose}, and nobody is invited again unasked: the customer restores the guest from the \
         recycle bin, or runs `entente-agent allow-again {mail}`"
    );
    builder.say(key, ItemState::BlockedByCustomer, Some(Reason::CustomerDeleted), detail);
}
