//! A builder becomes a plan: what was touched becomes updates, changes get their order, and proofs that no longer hold go.

use std::collections::BTreeSet;

use entente_model::desired::{ItemKey, Want};
use entente_model::report::ItemState;

use crate::builder::PlanBuilder;
use crate::builder::findings;
use crate::builder::order;
use crate::change::Plan;
use crate::ledger::{LedgerKey, Update};

impl PlanBuilder<'_> {
    pub fn finish(mut self) -> Plan {
        self.void_proofs();
        self.note_desired();
        findings::missing_permissions(&mut self);
        self.finish_first()
    }

    /// Of a plan that is not about everything.
    pub fn finish_first(mut self) -> Plan {
        let mut updates = self.updates;
        for (key, entry) in self.touched {
            if self.input.ledger.get(&key) != entry.as_ref() {
                updates.push(match entry {
                    Some(entry) => Update::Put(key, Box::new(entry)),
                    None => Update::Forget(key),
                });
            }
        }
        order::sort(&mut self.changes, self.input);
        Plan {
            version: self.input.version,
            made_at: self.input.now.at,
            changes: self.changes,
            reports: self.reports.into_values().collect(),
            findings: findings::told(self.findings),
            there: self.there,
            named: self.named,
            updates,
            next_wake: self.wake,
        }
    }

    /// Where something else is said than that it is gone, the control plane opens the removal again, and takes no proof
    /// that was read before: the next one begins anew, whatever was the reason.
    fn void_proofs(&mut self) {
        let is_gone = |key: &ItemKey| self.reports.get(key).is_none_or(|report| report.state == ItemState::Removed);
        let named = self.items().filter(|item| item.want != Want::Present && !is_gone(&item.key));
        let void = named.filter(|item| self.entry(&item.key).is_some_and(|entry| entry.proof.is_some()));
        for key in void.map(|item| item.key.clone()).collect::<Vec<_>>() {
            self.touch(&key, |entry| (entry.first_empty, entry.proof) = (None, None));
        }
    }

    /// Keeps in which epoch each entry was last desired, and wakes when a window opens or ends.
    fn note_desired(&mut self) {
        let (epoch, now) = (self.input.version.epoch, self.now());
        for item in self.items() {
            if self.entry(&item.key).is_some_and(|entry| entry.epoch != epoch) {
                self.touch(&item.key, |entry| entry.epoch = epoch);
            }
            if let (Want::Present, Some(at)) = (&item.want, item.windows.next_change(now)) {
                self.wake_at(at);
            }
        }
        // Notes on members without an item are kept only while there is something to note.
        let entries = self.input.ledger.entries.values();
        let others: BTreeSet<LedgerKey> =
            entries.flat_map(|it| it.accounts.keys().map(|id| LedgerKey::Account(*id))).collect();
        let used: BTreeSet<&LedgerKey> = self.changes.iter().map(|change| &change.key).collect();
        let is_note = |key: &LedgerKey| match key {
            LedgerKey::Marked(_) | LedgerKey::Account(_) | LedgerKey::Extra { .. } => true,
            LedgerKey::Item(_) | LedgerKey::Marker => false,
        };
        let lag = self.input.settings.replication_lag;
        let notes = self.input.ledger.entries.iter().filter(|(key, _)| is_note(key));
        let unused = notes.filter(|(key, _)| !others.contains(key) && !used.contains(key));
        let over = unused.filter(|(_, entry)| {
            let is_due = entry.failure.as_ref().is_none_or(|failure| failure.retry_at <= now);
            is_due && !self.may_lag(entry.written, lag)
        });
        let stale: Vec<LedgerKey> = over.map(|(key, _)| key.clone()).collect();
        stale.iter().for_each(|key| self.forget(key));
    }
}
