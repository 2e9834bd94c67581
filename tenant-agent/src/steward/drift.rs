//! What somebody changed in the tenant and is as it should be again. The loop mends it before any report can show it, so it is
//! noted here: on disk, until the control plane has acknowledged it.
//!
//! What is found and not mended is told by the items' states and by findings, as ever.

use std::collections::BTreeMap;

use entente_model::Timestamp;
use entente_model::desired::ItemKey;
use entente_model::report::bounds::{MAX_MENDED, MAX_TEXT_BYTES, bounded};
use entente_model::report::{ItemReport, ItemState, Mended, Reason};
use entente_planner::ledger::{LedgerKey, Thing};
use entente_planner::plan::Change;
use entente_planner::record::Outcome;
use entente_planner::write::{Action, MemberWrite};

use super::Steward;
use crate::memory::{MemoryError, Notes};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Drift {
    /// Items that are not as they should be; no more than there are items.
    open: BTreeMap<ItemKey, Found>,
    notes: Notes,
    /// The notes are not on disk as they are here.
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

    fn find(&mut self, item: &ItemReport) {
        if item.state == ItemState::Drifted {
            let reason = item.reason.unwrap_or(Reason::DriftChanged);
            let found = || Found { reason, detail: item.detail.clone(), at: item.since };
            self.open.entry(item.key.clone()).or_insert_with(found);
        }
    }

    /// A look: what it found, and what of it is as it should be again. What is on its way, or was not read, stays open.
    fn look(&mut self, items: &BTreeMap<ItemKey, ItemReport>, now: Timestamp) {
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

    fn note(&mut self, key: ItemKey, found: Found, mended: Timestamp) {
        let Found { reason, detail, at: found } = found;
        self.notes.last += 1;
        self.notes.all.push(Mended { number: self.notes.last, key, reason, detail, found, mended });
        if self.notes.all.len() > MAX_MENDED {
            self.notes.all.remove(0);
        }
        self.is_newer = true;
    }

    /// The control plane has those up to that number.
    fn told(&mut self, number: u64) {
        let before = self.notes.all.len();
        self.notes.all.retain(|it| it.number > number);
        self.is_newer |= before != self.notes.all.len();
    }
}

impl Steward {
    /// By what a look says of the items. On disk before their states are: what is lost between is told twice, and not never.
    pub(super) async fn note_drift(&mut self, items: &BTreeMap<ItemKey, ItemReport>) -> Result<(), MemoryError> {
        let (now, told) = (self.parts.clock.time(), self.parts.view.borrow().told);
        self.drift.look(items, now);
        self.drift.told(told);
        self.keep_drift().await
    }

    /// Members whom no item stands for, and who were taken out: what a look no longer shows was perhaps not read.
    pub(super) async fn note_extras(
        &mut self,
        step: &[&Change],
        outcomes: &[Outcome],
        found: Timestamp,
    ) -> Result<(), MemoryError> {
        let now = self.parts.clock.time();
        for (change, _) in step.iter().zip(outcomes).filter(|(_, it)| matches!(it, Outcome::Done { .. })) {
            let Action::Member(MemberWrite::Remove { group, user }) = change.action else { continue };
            if change.key != (LedgerKey::Extra { group, user }) {
                continue;
            }
            let is_it = |thing: &Option<Thing>| *thing == Some(Thing::Group { id: group });
            let of = self.ledger.entries.iter().find(|(_, entry)| is_it(&entry.thing)).map(|(key, _)| key.shown());
            let detail = bounded(format!("user {user} was {} without an item", change.before), MAX_TEXT_BYTES);
            let found = Found { reason: Reason::DriftExtra, detail, at: found };
            self.drift.note(of.unwrap_or_else(|| change.key.shown()), found, now);
        }
        match self.keep_drift().await {
            // With the next look that finds room.
            Err(MemoryError::Full(_)) => Ok(()),
            kept => kept,
        }
    }

    async fn keep_drift(&mut self) -> Result<(), MemoryError> {
        if self.drift.is_newer {
            self.parts.memory.keep_mended(&self.drift.notes).await?;
            self.drift.is_newer = false;
        }
        Ok(())
    }
}
