//! What somebody changed in the tenant and the agent put right again. A report never shows it, as the loop mends it first,
//! so it is noted here, and on disk until the control plane has acknowledged it.
//!
//! What is found and not mended shows in the items' states and in findings.

use std::collections::BTreeMap;

use entente_model::Timestamp;
use entente_model::desired::ItemKey;
use entente_model::report::bounds::{MAX_MENDED, MAX_TEXT_BYTES, bounded};
use entente_model::report::{ItemReport, ItemState, Mended, Reason};
use entente_planner::ledger::{Ledger, LedgerKey, Thing};
use entente_planner::plan::Change;
use entente_planner::write::{Action, MemberWrite};

use crate::memory::Notes;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Drift {
    /// Items that are not as they should be; no more than there are items.
    open: BTreeMap<ItemKey, Found>,
    notes: Notes,
    /// The notes differ from those on disk.
    is_newer: bool,
}

#[derive(Debug)]
struct Found {
    reason: Reason,
    detail: String,
    at: Timestamp,
}

impl Drift {
    /// Of an agent that starts: what it reported last may be mended by now, and was found before.
    pub fn after(reports: &BTreeMap<ItemKey, ItemReport>, notes: Notes) -> Self {
        let mut drift = Self { notes, ..Self::default() };
        reports.values().for_each(|item| drift.find(item));
        drift
    }

    /// What is not acknowledged yet, the oldest first.
    pub fn mended(&self) -> Vec<Mended> {
        self.notes.all.clone()
    }

    /// The notes, if they are still to be written to disk.
    pub fn unkept(&self) -> Option<&Notes> {
        self.is_newer.then_some(&self.notes)
    }

    pub fn kept(&mut self) {
        self.is_newer = false;
    }

    fn find(&mut self, item: &ItemReport) {
        if item.state == ItemState::Drifted {
            let reason = item.reason.unwrap_or(Reason::DriftChanged);
            let found = || Found { reason, detail: item.detail.clone(), at: item.since };
            self.open.entry(item.key.clone()).or_insert_with(found);
        }
    }

    /// Takes in a look: what it found, and what is as it should be again. What is on its way or unread stays open.
    pub fn look(&mut self, items: &BTreeMap<ItemKey, ItemReport>, now: Timestamp) {
        self.open.retain(|key, _| items.contains_key(key));
        for item in items.values() {
            self.find(item);
            let over = matches!(item.state, ItemState::Applied | ItemState::Removed);
            let found = if over { self.open.remove(&item.key) } else { None };
            if let Some(found) = found.filter(|_| item.state == ItemState::Applied) {
                self.note(item.key.clone(), found, now);
            }
        }
    }

    /// Notes that the agent took out a member for whom there is no item. A later look would not show it: the group may
    /// not be read then.
    pub fn note_extra(&mut self, change: &Change, ledger: &Ledger, found: Timestamp, now: Timestamp) {
        let Action::Member(MemberWrite::Remove { group, user }) = change.action else { return };
        if change.key != (LedgerKey::Extra { group, user }) {
            return;
        }
        let is_it = |thing: &Option<Thing>| *thing == Some(Thing::Group { id: group });
        let of = ledger.entries.iter().find(|(_, entry)| is_it(&entry.thing)).map(|(key, _)| key.shown());
        let detail = bounded(format!("user {user} was {} without an item", change.before), MAX_TEXT_BYTES);
        let found = Found { reason: Reason::DriftExtra, detail, at: found };
        self.note(of.unwrap_or_else(|| change.key.shown()), found, now);
    }

    fn note(&mut self, key: ItemKey, found: Found, mended: Timestamp) {
        let Found { reason, detail, at: found } = found;
        self.notes.last += 1;
        self.notes.all.push(Mended { number: self.notes.last, key, reason, detail, found, mended });
        if self.notes.all.len() > MAX_MENDED {
            self.notes.all.remove(0);
        }
        self.is_newer = true;
    }

    /// The control plane has acknowledged the notes up to this number.
    pub fn told(&mut self, number: u64) {
        let before = self.notes.all.len();
        self.notes.all.retain(|it| it.number > number);
        self.is_newer |= before != self.notes.all.len();
    }
}
