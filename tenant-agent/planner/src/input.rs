//! What a plan is made from.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use entente_model::desired::{Item, ItemKey, Version};

use crate::guardrail::{Guardrail, Unreadable};
use crate::ledger::Ledger;
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
    /// The same for directory roles, where one read may lack what the one before showed.
    pub entra_lag: Duration,
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
            entra_lag: Duration::from_secs(5 * 60),
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
