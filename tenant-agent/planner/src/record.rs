//! What to remember around one call: before it, so that a lost answer is looked up and not repeated; after it, so
//! that what was made is known to be ours.
//!
//! Pure: what to remember is returned as updates; the agent stores them before it goes on.

use std::time::Duration;

use entente_model::Timestamp;
use entente_model::plan::ChangeClass;
use entente_model::report::Reason;

use crate::ledger::{Attempt, Block, Charge, Event, Failure, Ledger, LedgerEntry, Ownership, Thing, Update};
use crate::observed::Listing;
use crate::plan::{Change, Settings};
use crate::write::{AccountEffect, Describe, Effect};

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Done, or found done already.
    Done {
        /// Of the object that was made, where the answer says it.
        id: Option<String>,
        redeem_url: Option<String>,
    },
    /// May have been applied: it is looked up.
    Unknown { detail: String },
    /// Certainly not applied.
    Failed { reason: Reason, detail: String, retry_after: Option<Duration> },
}

/// Before the call. `epoch` is that of the plan: what is given in it is removed in it, also when that is before the next
/// look.
pub fn before(ledger: &Ledger, change: &Change, epoch: u64, now: Timestamp) -> Vec<Update> {
    let mut updates = Vec::new();
    if change.charge != Charge::Free {
        updates.push(Update::Charged(Event { at: now, charge: change.charge, key: change.key.clone() }));
    }
    let lets_in = match change.action.effect() {
        Effect::Creates { name, found_in, .. } => address(&found_in, name).is_some(),
        Effect::Puts(_) | Effect::Changes { .. } | Effect::Removes(_) | Effect::Account(_) => false,
    };
    if let Some((_, person)) = change.key.person().filter(|(_, person)| ledger.deleted.contains_key(person))
        && lets_in
    {
        // The customer's leave is for this one invitation.
        updates.push(Update::Readmitted(person));
    }
    let mut entry = ledger.get(&change.key).cloned().unwrap_or_default();
    if change.class == ChangeClass::Grant {
        entry.epoch = epoch;
    }
    begin(&mut entry, change, now);
    updates.push(Update::Put(change.key.clone(), Box::new(entry)));
    updates
}

/// After the call.
pub fn after(ledger: &Ledger, change: &Change, outcome: &Outcome, settings: &Settings, now: Timestamp) -> Vec<Update> {
    let mut entry = ledger.get(&change.key).cloned().unwrap_or_default();
    match outcome {
        Outcome::Done { id, redeem_url } => {
            entry.failure = None;
            entry.written = Some(now);
            entry.redeem_url = redeem_url.clone().or(entry.redeem_url);
            finish(&mut entry, &change.action.effect(), id.as_deref(), now);
        }
        Outcome::Unknown { detail } => {
            entry.written = Some(now);
            fail(&mut entry, Reason::UnknownOutcome, detail, Duration::ZERO, settings, now);
        }
        Outcome::Failed { reason, detail, retry_after } => {
            undo(&mut entry, &change.action.effect());
            fail(&mut entry, *reason, detail, retry_after.unwrap_or_default(), settings, now);
        }
    }
    vec![Update::Put(change.key.clone(), Box::new(entry))]
}

fn begin(entry: &mut LedgerEntry, change: &Change, now: Timestamp) {
    match change.action.effect() {
        Effect::Creates { name, found_in, .. } => {
            // A plan creates only what its look-ups did not find.
            anew(entry);
            entry.intent = Some(Attempt { at: now, looked: change.looked, name: name.to_owned(), absent_before: true });
            (entry.thing, entry.ownership, entry.deleting) = (None, Ownership::Owned, None);
            if let Some(address) = address(&found_in, name) {
                entry.note_address(address);
            }
        }
        Effect::Puts(thing) => give(entry, thing, now),
        Effect::Changes { .. } | Effect::Removes(_) => {}
        Effect::Account(effect) => match effect {
            // A plan blocks only an account that it saw enabled; the blind block of a first step says so.
            AccountEffect::Blocks { blind, .. } => entry.block = Some(Block { at: now, confirmed: false, blind }),
            AccountEffect::Deletes { .. } => entry.deleting = Some(now),
            AccountEffect::EndsSessions { .. } | AccountEffect::Unblocks { .. } => {}
        },
    }
}

/// The address of the person whom a creation lets in.
fn address<'a>(found_in: &Listing, name: &'a str) -> Option<&'a str> {
    match found_in {
        Listing::UsersByMail(_) => Some(name),
        Listing::Bin(_)
        | Listing::GroupsByName(_)
        | Listing::Members(_)
        | Listing::MembershipsOf(_)
        | Listing::AzureOf(..)
        | Listing::Azure(_)
        | Listing::EntraOf(_)
        | Listing::Defender => None,
    }
}

/// What is written idempotently is ours from before the call on, as its answer may be lost.
fn give(entry: &mut LedgerEntry, thing: Thing, now: Timestamp) {
    let is_anew = anew(entry);
    if !is_anew && entry.thing.as_ref() == Some(&thing) && entry.applied.is_none() {
        // Begun before, and neither answered nor refused: the agent ended in between, and it may be there.
        entry.written.get_or_insert(now);
    }
    entry.thing = Some(thing);
}

/// What we took away, or what was proven gone, begins from nothing.
fn anew(entry: &mut LedgerEntry) -> bool {
    let is_anew = entry.removed.is_some() || entry.proof.is_some();
    if is_anew {
        (entry.written, entry.applied) = (None, None);
    }
    (entry.empty_since, entry.removed) = (None, None);
    is_anew
}

fn fail(entry: &mut LedgerEntry, reason: Reason, detail: &str, wait: Duration, settings: &Settings, now: Timestamp) {
    let attempts = entry.failure.as_ref().map_or(0, |failure| failure.attempts).saturating_add(1);
    // Bounded, whatever the answer asks: a removal must not wait a day because a proxy says so.
    let retry_at = now.plus(wait.min(settings.retry_longest).max(settings.backoff(attempts)));
    entry.failure = Some(Failure { reason, detail: detail.into(), attempts, retry_at });
}

fn undo(entry: &mut LedgerEntry, effect: &Effect<'_>) {
    match effect {
        Effect::Creates { .. } => entry.intent = None,
        // Never given by us: what is there later is somebody else's.
        Effect::Puts(_) => {
            if entry.written.is_none() && entry.applied.is_none() {
                entry.thing = None;
            }
        }
        Effect::Changes { .. } | Effect::Removes(_) => {}
        Effect::Account(effect) => match effect {
            AccountEffect::Blocks { .. } => entry.block = None,
            AccountEffect::Deletes { .. } => entry.deleting = None,
            AccountEffect::EndsSessions { .. } | AccountEffect::Unblocks { .. } => {}
        },
    }
}

fn finish(entry: &mut LedgerEntry, effect: &Effect<'_>, id: Option<&str>, now: Timestamp) {
    match effect {
        Effect::Creates { as_thing, .. } => entry.thing = id.and_then(as_thing),
        Effect::Puts(_) | Effect::Changes { .. } => {}
        Effect::Removes(_) => entry.removed = Some(now),
        Effect::Account(effect) => match *effect {
            AccountEffect::Blocks { blind, .. } => entry.block = Some(Block { at: now, confirmed: true, blind }),
            AccountEffect::EndsSessions { .. } => entry.sessions_revoked = Some(now),
            AccountEffect::Unblocks { .. } => (entry.block, entry.sessions_revoked) = (None, None),
            AccountEffect::Deletes { .. } => {}
        },
    }
}
