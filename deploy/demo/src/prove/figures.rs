//! The results of the proof in figures, for people and for programs, and everything that is not as it should be.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use super::leave::Row;
use super::memory::Memory;
use crate::screen::Screen;

/// How often Microsoft's cross-tenant synchronisation runs (Entra: how provisioning works, incremental cycles).
const CROSS_TENANT_SYNC_MINUTES: u64 = 40;

/// Seconds over all tenants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Spread {
    pub count: usize,
    pub p50: f64,
    pub p95: f64,
    pub max: f64,
}

impl Spread {
    /// The nearest rank, so each is one of the values.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let at = |percent: usize| {
            let rank = (sorted.len() * percent).div_ceil(100).max(1);
            sorted.get(rank - 1).copied().unwrap_or_default()
        };
        Self { count: sorted.len(), p50: at(50), p95: at(95), max: at(100) }
    }

    fn sentence(&self) -> String {
        format!("p50 {:.2} s, p95 {:.2} s, max {:.2} s", self.p50, self.p95, self.max)
    }
}

/// What `--report` writes.
#[derive(Debug, Serialize)]
pub struct Proof {
    pub tenants: usize,
    pub lag_seconds: u32,
    pub simulated_lag_seconds: f64,
    pub receipts: usize,
    /// What Python printed about the receipts. Absent if there was no Python.
    pub checked: Option<String>,
    pub open: Vec<Row>,
    pub blocked_before_kill: usize,
    pub seconds_to_block: Spread,
    pub seconds_to_receipt: Spread,
    /// The same without the tenants where the customer had to block its own account first.
    pub seconds_to_receipt_without_customer: Spread,
    pub cross_tenant_sync_seconds: u64,
    pub accounts: usize,
    pub rights_left: usize,
    /// In the open tenants, where these rights are not ours to end, or cannot be ended.
    pub rights_left_where_open: usize,
    pub duplicate_invitations: u64,
    pub writes_to_unowned: u64,
    pub calls: u64,
    pub throttled: u64,
    pub memory: Option<Memory>,
    /// Everything that is not as it should be.
    pub faults: Vec<String>,
}

impl Proof {
    pub fn cross_tenant_sync_seconds() -> u64 {
        CROSS_TENANT_SYNC_MINUTES * 60
    }

    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    pub fn print(&self, screen: &mut Screen) {
        screen.say("Not proven:");
        screen.gap();
        for row in &self.open {
            let away = if row.connected { "" } else { "agent is not connected" };
            let words = [row.state.as_str(), &row.reason, &row.detail, away];
            let words: Vec<&str> = words.into_iter().filter(|it| !it.is_empty()).collect();
            screen.note(row.name(), &words.join(" "));
        }
        screen.gap();
        screen.say("Counted by the simulated cloud itself, not by Entente:");
        screen.gap();
        let count = |number: u64| number.to_string();
        for (number, what) in [
            (self.tenants.to_string(), "tenants"),
            (self.receipts.to_string(), "of them with a receipt"),
            (self.accounts.to_string(), "accounts of Sam's in these tenants"),
            (self.rights_left.to_string(), "rights left to him in these tenants"),
            (self.rights_left_where_open.to_string(), "rights left where it is not proven"),
            (count(self.duplicate_invitations), "invitations of a person who already had one"),
            (count(self.writes_to_unowned), "writes to objects that the agents had not made"),
            (count(self.calls), "calls to Graph and ARM"),
            (count(self.throttled), "of them answered with \"slow down\""),
        ] {
            screen.figure(&number, what);
        }
        screen.gap();
        screen.note("blocked", &self.seconds_to_block.sentence());
        screen.note("receipt", &self.seconds_to_receipt.sentence());
        let alone = self.seconds_to_receipt_without_customer.sentence();
        screen.note("", &format!("{alone} where no customer had to block its own account"));
        screen.note("compare", &format!("{CROSS_TENANT_SYNC_MINUTES} minutes between two runs of cross-tenant sync"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_there_were() {
        let of = |count: u32| Spread::of((1..=count).rev().map(f64::from));
        assert_eq!(of(100), Spread { count: 100, p50: 50.0, p95: 95.0, max: 100.0 });
        assert_eq!(of(3), Spread { count: 3, p50: 2.0, p95: 3.0, max: 3.0 });
        assert_eq!(Spread::of([]), Spread::default());
    }
}
