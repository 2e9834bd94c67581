//! Whether something that we may have made is there: by its id, by its name, or not yet.
//!
//! An unknown outcome is looked up, not repeated: a creation is done again only after look-ups, by id and by name,
//! have stayed empty for longer than the replication lag. What was answered with an id and was never seen is waited for
//! much longer: Microsoft may take longer than it is told to, and a second one would be for good.

use std::time::Duration;

use entente_model::report::Reason;

use crate::ledger::{Attempt, Claim, LedgerEntry, Ownership, Thing};
use crate::moment::{self, Moment};
use crate::observed::{Part, Unread};

/// What a look-up says.
#[derive(Debug)]
pub(crate) enum Found<'a, T: ?Sized> {
    /// There; ours if it has an ownership.
    There(&'a T, Option<Ownership>),
    /// Certainly not there.
    Nothing,
    /// May still turn up.
    Waiting(Reason),
    /// Several of that name, none certainly ours.
    Many(Vec<&'a T>),
    Unread(Unread),
}

impl<'a, T> Found<'a, T> {
    /// What is there, and whose it is.
    pub fn there(&self) -> Option<(&'a T, Option<Ownership>)> {
        match self {
            Self::There(object, ownership) => Some((object, *ownership)),
            Self::Nothing | Self::Waiting(_) | Self::Many(_) | Self::Unread(_) => None,
        }
    }

    pub fn map<U: ?Sized>(self, part: fn(&'a T) -> &'a U) -> Found<'a, U> {
        match self {
            Self::There(object, ownership) => Found::There(part(object), ownership),
            Self::Nothing => Found::Nothing,
            Self::Waiting(reason) => Found::Waiting(reason),
            Self::Many(objects) => Found::Many(objects.into_iter().map(part).collect()),
            Self::Unread(why) => Found::Unread(why),
        }
    }
}

/// What is looked for.
pub(crate) struct Sought<'a, T> {
    /// By the id in the entry.
    pub by_id: Part<Option<&'a T>>,
    pub by_name: Part<Vec<&'a T>>,
    /// Whether a thing of that name can only come from the creation that was begun. `None` where the answer does not say.
    pub is_from: fn(&T, &Attempt) -> Option<bool>,
    /// Whether the answer to a creation may name what was there before.
    pub may_predate: bool,
    pub thing: fn(&T) -> Option<Thing>,
    pub lag: Duration,
    /// After our own removal was answered.
    pub removal_lag: Duration,
    /// For how long what was answered with an id, and was never seen, is waited for.
    pub unseen_for: Duration,
    pub now: Moment,
    /// Before the reads.
    pub begun: Moment,
}

/// Looks, and notes in the entry what was learned.
pub(crate) fn look<'a, T>(entry: &mut LedgerEntry, sought: Sought<'a, T>) -> Found<'a, T> {
    if entry.thing.is_some() {
        match sought.by_id {
            Part::Unread(why) => return Found::Unread(why),
            Part::Read(Some(object)) => return seen(entry, &sought, object),
            // A known id that nothing answers to: by name as well, from the next look on.
            Part::Read(None) => entry.empty_since = Some(moment::since(entry.empty_since, sought.now)),
        }
    }
    match &sought.by_name {
        Part::Unread(_) if entry.thing.is_some() => Found::Waiting(Reason::Propagation),
        Part::Unread(why) => Found::Unread(why.clone()),
        Part::Read(found) => match found.as_slice() {
            [] => nothing(entry, &sought),
            [one] => claim(entry, &sought, one),
            many => Found::Many(many.to_vec()),
        },
    }
}

/// The id of what is not ours is kept too, so that it is not asked for again.
fn seen<'a, T>(entry: &mut LedgerEntry, sought: &Sought<'a, T>, object: &'a T) -> Found<'a, T> {
    entry.empty_since = None;
    if let Some(intent) = entry.intent.as_mut().filter(|_| sought.may_predate) {
        match (sought.is_from)(object, intent) {
            Some(true) => {}
            Some(false) => {
                // Somebody was there after all: who comes under that address once they are gone is not ours either.
                intent.absent_before = false;
                return Found::There(object, None);
            }
            None => return Found::Unread(untold()),
        }
    }
    entry.intent = None;
    Found::There(object, Some(entry.ownership))
}

fn untold() -> Unread {
    let detail = "the answer does not say who made it, or when; looked at again";
    Unread { reason: Reason::Unread, detail: detail.into() }
}

fn nothing<'a, T>(entry: &mut LedgerEntry, sought: &Sought<'a, T>) -> Found<'a, T> {
    if entry.thing.is_none() && entry.intent.is_none() {
        return Found::Nothing;
    }
    let since = moment::since(entry.empty_since, sought.now);
    entry.empty_since = Some(since);
    let is_known = entry.thing.is_some();
    let lag = match (entry.removed.is_some(), is_known && entry.intent.is_some()) {
        (true, _) => sought.removal_lag,
        (false, true) => sought.lag.max(sought.unseen_for),
        (false, false) => sought.lag,
    };
    if since.has_passed(lag, sought.begun) {
        keep_id(entry);
        (entry.thing, entry.intent, entry.empty_since) = (None, None, None);
        (entry.block, entry.sessions_revoked) = (None, None);
        return Found::Nothing;
    }
    Found::Waiting(if is_known { Reason::Propagation } else { Reason::UnknownOutcome })
}

fn claim<'a, T>(entry: &mut LedgerEntry, sought: &Sought<'a, T>, object: &'a T) -> Found<'a, T> {
    // Where the answer named another one, this is not what was made.
    let is_answered = entry.thing.is_none() || entry.thing == (sought.thing)(object);
    let begun = entry.intent.as_ref().filter(|intent| is_answered && intent.absent_before);
    match begun.map(|intent| (sought.is_from)(object, intent)) {
        Some(Some(true)) => {
            (entry.thing, entry.ownership) = ((sought.thing)(object), Ownership::Owned);
            (entry.intent, entry.empty_since) = (None, None);
            Found::There(object, Some(Ownership::Owned))
        }
        Some(None) => Found::Unread(untold()),
        Some(Some(false)) | None => Found::There(object, None),
    }
}

/// An account or a group of ours that is gone may be restored from the recycle bin: it stays known as what it was.
pub(crate) fn keep_id(entry: &mut LedgerEntry) {
    if let Some(Thing::User { id } | Thing::Group { id }) = entry.thing {
        let is_ours = entry.is_owned();
        entry.note_account(id, if is_ours { Claim::Ours } else { Claim::Theirs });
    }
}
