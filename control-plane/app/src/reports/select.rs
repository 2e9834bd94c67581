//! Which tenants somebody asks for: by name, by label, by phase.

use std::collections::{BTreeMap, BTreeSet};

use entente_model::TenantName;
use entente_model::intent::Tenant;

use crate::tenant_phase::TenantPhase;

/// What is empty selects everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TenantSelection {
    pub tenants: BTreeSet<TenantName>,
    /// Each of them has to be there with this value.
    pub labels: BTreeMap<String, String>,
    pub phases: BTreeSet<TenantPhase>,
}

impl TenantSelection {
    /// By what intent says of the tenant.
    pub(crate) fn takes(&self, tenant: &Tenant) -> bool {
        let has = |(key, value): (&String, &String)| tenant.labels.get(key) == Some(value);
        (self.tenants.is_empty() || self.tenants.contains(&tenant.name)) && self.labels.iter().all(has)
    }

    pub(crate) fn takes_phase(&self, phase: TenantPhase) -> bool {
        self.phases.is_empty() || self.phases.contains(&phase)
    }
}
