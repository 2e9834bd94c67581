//! What a plan consists of: changes in order, how things stand, and what to remember.

use std::collections::{BTreeMap, BTreeSet};

use entente_model::Timestamp;
use entente_model::desired::{ItemKey, Version};
use entente_model::plan::{ChangeClass, PlannedChange, Verdict};
use entente_model::report::{Finding, ItemReport, Reason};

use crate::ledger::{Charge, LedgerKey, Update};
use crate::write::Action;

/// What to do, what is as it is, and what to remember.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub version: Version,
    pub made_at: Timestamp,
    /// In order. Those that are not allowed stand here too, so that people see them.
    pub changes: Vec<Change>,
    /// One for each desired item, and for what is no longer desired and not gone yet.
    pub reports: Vec<ItemReport>,
    pub findings: Vec<Finding>,
    /// Whether what a report is of is in the tenant, as far as this look shows it: of accounts, memberships and rights. What
    /// is not here is not known.
    pub there: BTreeMap<ItemKey, bool>,
    /// What others hold or gave, by name, and of what: shown on the agent's host alone.
    pub named: BTreeMap<String, BTreeSet<String>>,
    /// To be remembered before anything is done.
    pub updates: Vec<Update>,
    /// When the plan could say something else, if nothing happens before.
    pub next_wake: Timestamp,
}

/// One line of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub key: LedgerKey,
    pub class: ChangeClass,
    pub charge: Charge,
    pub verdict: Verdict,
    pub reason: Option<Reason>,
    pub action: Action,
    /// Microsoft's time at the look that did not find what this creates.
    pub looked: Option<Timestamp>,
    /// As it is, in a few words; empty when it is not there.
    pub before: String,
    /// As it would be; empty when it would be gone.
    pub after: String,
}

impl Plan {
    /// What is to be done now, in order.
    pub fn todo(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.verdict == Verdict::Allowed)
    }

    /// As people read it.
    pub fn planned(&self) -> Vec<PlannedChange> {
        self.changes.iter().map(Change::planned).collect()
    }
}

#[cfg(test)]
impl Plan {
    /// Nothing is to be done or tried again, and nothing waits for Microsoft or for a second look.
    pub(crate) fn is_settled(&self) -> bool {
        use entente_model::report::ItemState;
        let passing = |report: &ItemReport| match report.state {
            ItemState::Pending | ItemState::Failed => true,
            ItemState::Drifted => report.reason != Some(Reason::DriftChanged),
            ItemState::Waiting => !matches!(
                report.reason,
                Some(Reason::Redemption | Reason::PersonTask | Reason::NotYetStarted | Reason::Dependency)
            ),
            _ => false,
        };
        self.todo().next().is_none() && !self.reports.iter().any(passing)
    }
}

impl Change {
    pub fn planned(&self) -> PlannedChange {
        PlannedChange {
            key: self.key.shown(),
            class: self.class.into(),
            verdict: self.verdict.into(),
            reason: self.reason,
            action: self.action.to_string(),
            before: self.before.clone(),
            after: self.after.clone(),
        }
    }
}
