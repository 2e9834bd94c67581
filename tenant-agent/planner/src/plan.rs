//! Desired, observed, ledger, guardrail and now become a plan.
//!
//! A plan is immutable, names what it was made from, and leaves nothing to choose when it is carried out. "Nothing
//! to do" and "waiting for X" are answers, and stand in its reports. How one kind of item is decided is in the file
//! of that name; what the guardrail says in `gate.rs`; the order in `order.rs`. Carrying it out is the agent's.

mod accounts;
mod adopt;
mod aside;
mod azure;
mod because;
mod carried;
mod defender;
mod defined;
mod deleted;
mod draft;
mod findings;
mod finish;
mod first;
mod gate;
mod gone;
mod groups;
mod implied;
mod lookup;
mod marks;
mod members;
mod not_allowed;
mod order;
mod person;
mod presence;
mod progress;
mod proof;
mod residue;
mod script;
mod unsupported;
mod users;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use entente_model::Timestamp;
use entente_model::desired::{Item, ItemKey, Version};
use entente_model::plan::{ChangeClass, PlannedChange, Verdict};
use entente_model::report::{Finding, ItemReport, Reason};

pub use aside::{named_aside, with_leavers};
pub use first::{first_reads, has_first};
pub(crate) use gate::is_within;
pub(crate) use groups::anchor_name;
pub use not_allowed::{NotAllowed, not_allowed, revoke};
pub use residue::NOT_LOOKED_AT;

use crate::action::Action;
use crate::guardrail::{Guardrail, Unreadable};
use crate::ledger::{Charge, Ledger, Update};
use crate::moment::Moment;
use crate::observed::Observed;

/// Everything that a plan is a function of.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    pub version: Version,
    pub items: &'a BTreeMap<ItemKey, Item>,
    pub observed: &'a Observed,
    pub ledger: &'a Ledger,
    pub guardrail: Result<&'a Guardrail, &'a Unreadable>,
    /// The customer's hand on the brake: only end dates pass.
    pub paused: bool,
    /// The customer takes back everything, or has: nothing is given.
    pub revoke_all: bool,
    /// The desired state is within its lease.
    pub lease_fresh: bool,
    /// Application permissions in the agent's token, if it could be read. They inform; a refusal is the truth.
    pub permissions: Option<&'a BTreeSet<String>>,
    pub settings: &'a Settings,
    pub now: Moment,
}

/// Times that the plan keeps, and where scripts point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How long a change may take to be visible to every read.
    pub replication_lag: Duration,
    /// The same for Defender, whose lists lag by minutes: a creation is not repeated before this.
    pub defender_lag: Duration,
    /// For how long what Microsoft answered with an id, and never showed, is waited for before it is made anew.
    pub unseen_for: Duration,
    /// When to look again at what waits for Microsoft.
    pub recheck: Duration,
    /// When to look again at what should not change.
    pub resync: Duration,
    /// First wait after a failure; doubles.
    pub retry_first: Duration,
    /// Longest wait after failures.
    pub retry_longest: Duration,
    /// Origin of Microsoft Graph in the tenant's cloud, for scripts.
    pub graph: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            replication_lag: Duration::from_secs(60),
            defender_lag: Duration::from_secs(30 * 60),
            unseen_for: Duration::from_secs(24 * 60 * 60),
            recheck: Duration::from_secs(5),
            resync: Duration::from_secs(5 * 60),
            retry_first: Duration::from_secs(5),
            retry_longest: Duration::from_secs(5 * 60),
            graph: "https://graph.microsoft.com".into(),
        }
    }
}

impl Settings {
    /// The wait after so many failures in a row.
    pub fn backoff(&self, attempts: u32) -> Duration {
        let doubled = self.retry_first.saturating_mul(1 << attempts.saturating_sub(1).min(16));
        doubled.min(self.retry_longest)
    }
}

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
    pub key: ItemKey,
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
            key: self.key.clone(),
            class: self.class.into(),
            verdict: self.verdict.into(),
            reason: self.reason,
            action: self.action.to_string(),
            before: self.before.clone(),
            after: self.after.clone(),
        }
    }
}

/// Decides.
pub fn plan(input: &Input<'_>) -> Plan {
    let mut draft = draft::Draft::new(input, draft::Purpose::Converge);
    gone::begin(&mut draft);
    unsupported::say_all(&mut draft);
    let people = users::decide(&mut draft);
    let groups = groups::decide(&mut draft, &people);
    members::decide(&mut draft, &people, &groups);
    azure::decide(&mut draft, &groups);
    defender::decide(&mut draft, &groups);
    unsupported::end_all(&mut draft, &people, &groups);
    implied::decide(&mut draft, &people, &groups);
    draft.there = presence::of(&draft, &people, &groups);
    draft.finish()
}

/// What is done for leavers before the tenant is looked at whole; see `first.rs`. `input.observed` holds what
/// [`first_reads`] asks for, as far as it was answered. Its reports say nothing.
pub fn first(input: &Input<'_>) -> Plan {
    let mut draft = draft::Draft::new(input, draft::Purpose::Converge);
    first::decide(&mut draft);
    draft.finish_first()
}

/// Removes everything that we gave, at the customer's word: from the ledger and what was observed, with nothing
/// asked of the control plane. Protected objects stay protected; pauses, freezes and caps do not stand against it.
pub fn revoke_all(
    ledger: &Ledger,
    observed: &Observed,
    guardrail: Option<&Guardrail>,
    settings: &Settings,
    now: Moment,
) -> Plan {
    let nothing = BTreeMap::new();
    let unreadable = Unreadable { faults: Vec::new() };
    let input = Input {
        version: Version::default(),
        items: &nothing,
        observed,
        ledger,
        guardrail: guardrail.ok_or(&unreadable),
        paused: false,
        revoke_all: false,
        lease_fresh: false,
        permissions: None,
        settings,
        now,
    };
    let mut draft = draft::Draft::new(&input, draft::Purpose::RevokeAll);
    let people = users::decide(&mut draft);
    let groups = groups::decide(&mut draft, &people);
    implied::decide(&mut draft, &people, &groups);
    draft.there = presence::of(&draft, &people, &groups);
    draft.finish()
}

/// Keeps the time at which an item came into its state, where neither state nor reason has changed.
pub fn carry_since(previous: &BTreeMap<ItemKey, ItemReport>, reports: &mut [ItemReport]) {
    for report in reports {
        if let Some(old) = previous.get(&report.key)
            && (old.state, old.reason) == (report.state, report.reason)
        {
            report.since = old.since;
        }
    }
}
