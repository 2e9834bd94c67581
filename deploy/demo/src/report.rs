//! The results: the verdict, and the file for programs.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::scenarios::Played;
use crate::truth::Figures;
use crate::view::Tenant;

/// What `--report` writes.
#[derive(Debug, Serialize)]
pub struct Report {
    tenants: Vec<TenantReport>,
    scenarios: Vec<Played>,
    duplicate_invitations: u64,
    writes_to_unowned: u64,
    leaver_residual_rights: usize,
}

#[derive(Debug, Serialize)]
struct TenantReport {
    name: String,
    converged: bool,
    /// Whether every unfinished item has a reason. Also true if none is unfinished.
    explained: bool,
    items: BTreeMap<String, u32>,
    explanations: Vec<String>,
}

impl Report {
    pub fn new(tenants: &[Tenant], scenarios: &[Played], figures: &Figures) -> Self {
        let of = |tenant: &Tenant| TenantReport {
            name: tenant.status.name().to_owned(),
            converged: tenant.is_converged(),
            explained: tenant.is_settled(),
            items: tenant.status.by_state(),
            explanations: tenant.explanations().iter().map(|it| format!("{} {}", it.state, it.sentence())).collect(),
        };
        Self {
            tenants: tenants.iter().map(of).collect(),
            scenarios: scenarios.to_vec(),
            duplicate_invitations: figures.duplicate_invitations,
            writes_to_unowned: figures.writes_to_unowned,
            leaver_residual_rights: figures.leaver_residual_rights,
        }
    }

    /// Everything that is not as it should be.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for tenant in self.tenants.iter().filter(|it| !it.converged && !it.explained) {
            faults.push(format!("{} has neither converged nor reported why", tenant.name));
        }
        for scenario in self.scenarios.iter().filter(|it| !it.ok) {
            faults.push(format!("the scenario {} failed", scenario.name));
        }
        let residual = u64::try_from(self.leaver_residual_rights).unwrap_or(u64::MAX);
        let figures = [
            (self.duplicate_invitations, "duplicate invitations"),
            (self.writes_to_unowned, "writes to objects that the agents had not made"),
            (residual, "rights that the leaver still has"),
        ];
        faults.extend(figures.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
        faults
    }

    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::Status;

    fn played(ok: bool) -> Vec<Played> {
        vec![Played { name: "joiner", ok, seconds: 1.5 }]
    }

    #[test]
    fn a_good_run_has_no_faults_and_each_fault_is_named() {
        assert!(Report::new(&[], &played(true), &Figures::default()).faults().is_empty());
        assert_eq!(Report::new(&[], &played(false), &Figures::default()).faults(), ["the scenario joiner failed"]);
        let bad =
            Figures { duplicate_invitations: 1, writes_to_unowned: 2, leaver_residual_rights: 3, ..Figures::default() };
        assert_eq!(Report::new(&[], &played(true), &bad).faults().len(), 3);
        let silent = Tenant { status: Status::default(), items: Vec::new() };
        assert_eq!(Report::new(&[silent], &played(true), &Figures::default()).faults().len(), 1);
    }
}
