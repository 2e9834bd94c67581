//! What a change lets people do, as answers say it.

use entente_model::{OperatorName, TenantName, Timestamp};
use serde::{Deserialize, Serialize};

/// What a right lets people do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Right {
    /// As a guardrail writes it; empty for what is in no row of the table.
    pub capability: String,
    /// For people.
    pub phrase: String,
    /// They have it already, or keep it, somewhere else in the tenant.
    pub in_part: bool,
    /// From when on, if not now.
    pub from: Option<Timestamp>,
}

/// The same change of rights, for all of these people in all of these tenants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RightsChange {
    pub added: Vec<Right>,
    pub removed: Vec<Right>,
    pub people: u32,
    /// In order; the first 50.
    pub operator_names: Vec<OperatorName>,
    pub tenants: u32,
    /// In order; the first 50.
    pub tenant_names: Vec<TenantName>,
}
