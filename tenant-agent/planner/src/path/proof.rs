//! The proof that a removal is done: two looks, further apart than the replication lag, that were answered and
//! understood whole and found nothing. What was asked for and not answered is no proof, and is said by its own name.

use entente_model::desired::{ItemKey, Want};
use entente_model::report::{ItemState, KnownAccount, Reason, RemovalProof};
use entente_model::{Plane, Timestamp};

use crate::builder::{PlanBuilder, passes_at};
use crate::ledger::LedgerKey;
use crate::moment;
use crate::observed::Unread;
use crate::path::residue::Residue;
use crate::planes::rules;

/// For how many replication lags a part that may soon be readable is waited for, before the removal is UNPROVEN.
const PATIENCE: u32 = 3;

/// What a proof says beside its times.
#[derive(Default)]
pub(crate) struct Contents {
    pub accounts: Vec<KnownAccount>,
    pub unseen: Vec<String>,
    pub blocked: Option<Timestamp>,
}

/// Proves it, or says what stands against that.
pub(crate) fn prove(builder: &mut PlanBuilder<'_>, key: &ItemKey, what: Residue, mut contents: Contents) {
    if !what.others.is_empty() {
        let detail = format!("holds {}", what.count_of_others());
        builder.find(Plane::Users, Reason::NotOurs, format!("{key} {detail}"));
        builder.name_here(format!("{key} holds"), what.others);
        note_not_empty(builder, key);
        return builder.say(key, ItemState::Residual, Some(Reason::NotOurs), detail);
    }
    if !what.ours.is_empty() {
        note_not_empty(builder, key);
        // The change that removes it asks for a look of its own. Without one, looks come at longer and longer intervals.
        builder.recheck_since(named_since(builder, key));
        let detail = format!("still holds {}", what.ours.join(", "));
        return builder.say(key, ItemState::Waiting, Some(Reason::Propagation), detail);
    }
    // What is proven stays so until something is found: a later look that is not answered takes nothing back.
    if !is_proven(builder, key) && !what.missing.is_empty() {
        return say_unproven(builder, key, &what.missing);
    }
    contents.unseen.extend(what.unseen);
    confirm(builder, key, contents);
}

/// Whether it was proven by an earlier look, and nothing has been found since.
pub(crate) fn is_proven(builder: &PlanBuilder<'_>, key: &ItemKey) -> bool {
    builder.entry(key).is_some_and(|entry| entry.proof.is_some())
}

/// When its removal was named.
pub(crate) fn named_since(builder: &PlanBuilder<'_>, key: &ItemKey) -> Timestamp {
    match builder.input.items.get(key).map(|item| &item.want) {
        Some(Want::Absent { since, .. }) => *since,
        _ => builder.now(),
    }
}

/// Asked for, and not answered or not understood: no proof, however long it is waited. Looked at again.
pub(crate) fn say_unproven(builder: &mut PlanBuilder<'_>, key: &ItemKey, missing: &[(String, Unread)]) {
    let Some((_, first)) = missing.iter().find(|(_, why)| !why.is_passing()).or(missing.first()) else { return };
    let named = named_since(builder, key);
    let is_young = builder.now().since(named) <= builder.input.settings.replication_lag * PATIENCE;
    if first.is_passing() && is_young {
        return builder.unread(key, &first.clone());
    }
    let parts: Vec<String> = missing.iter().map(|(what, why)| format!("{what} ({})", why.detail)).collect();
    builder.recheck_since(named);
    builder.say(key, ItemState::Unproven, Some(first.reason), format!("not proven: {}", parts.join("; ")));
}

/// Empty now; gone when it is empty again after the lag.
pub(crate) fn confirm(builder: &mut PlanBuilder<'_>, key: &ItemKey, mut contents: Contents) {
    if is_proven(builder, key) {
        return builder.say(key, ItemState::Removed, None, "");
    }
    let (now, begun, lag) = (builder.input.now, builder.input.observed.begun, builder.input.settings.replication_lag);
    let named = named_since(builder, key);
    // A look from before it was named says nothing of it: the two clocks may be apart by a little.
    if now.at < named {
        builder.say(
            key,
            ItemState::Waiting,
            Some(Reason::ConfirmingRemoval),
            "the agent's clock is behind the order's",
        );
        return builder.wake_at(named);
    }
    let first = moment::since(builder.entry(key).and_then(|entry| entry.first_empty), now);
    builder.touch(key, |entry| (entry.named, entry.first_empty) = (Some(named), Some(first)));
    if !moment::is_second_look(first, begun, lag) {
        builder.say(key, ItemState::Waiting, Some(Reason::ConfirmingRemoval), "read back empty once");
        return builder.wake_at(passes_at(first.at, lag));
    }
    // Of a kind that is not known nothing is proven: `unsupported.rs`.
    let Some(plane) = key.plane() else { return };
    contents.unseen.sort();
    contents.unseen.dedup();
    let proof = RemovalProof {
        named,
        first_empty_read: first.at,
        second_empty_read: begun.at,
        blocked: contents.blocked,
        effective_by: first.at.plus(rules(plane).effect_delay),
        accounts: contents.accounts,
        unseen: contents.unseen,
        signed: None,
    };
    builder.touch(key, |entry| {
        entry.proof = Some(proof);
        (entry.applied, entry.failure) = (None, None);
    });
    builder.say(key, ItemState::Removed, None, "");
}

/// Something is there again: the proof, if there was one, no longer holds.
pub(crate) fn note_not_empty(builder: &mut PlanBuilder<'_>, key: impl Into<LedgerKey>) {
    let key = &key.into();
    // Of an account, whether its id answers is the look-up's to note: another one may have its address.
    let is_account = matches!(key, LedgerKey::Item(ItemKey::User(_)));
    if builder.entry(key).is_some() {
        builder.touch(key, |entry| {
            (entry.first_empty, entry.proof) = (None, None);
            entry.empty_since = entry.empty_since.filter(|_| is_account);
        });
    }
}
