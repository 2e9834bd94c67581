//! Assignments: who gets which role in which customers' tenants, from when, until when, why.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::check::Faults;
use super::tenant::Tenant;
use crate::name::{AssignmentName, OperatorName, RoleVersion, SquadName, TenantName};
use crate::time::{Date, Window};
use crate::violation::Fault;

/// One assignment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Assignment {
    pub name: AssignmentName,
    /// Either a squad or one operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub squad: Option<SquadName>,
    /// What it is put together by: `entente apply --prune -l`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<OperatorName>,
    pub role: RoleVersion,
    pub tenants: TenantSelector,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Date>,
    pub justification: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    pub owner: OperatorName,
}

/// Which tenants: by name or by labels, never by neither.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TenantSelector {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<TenantName>,
    /// All of them must match.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<TenantName>,
    /// How many tenants the author means: guards against a label's slip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<u32>,
}

impl TenantSelector {
    pub fn matches(&self, tenant: &Tenant) -> bool {
        let labelled =
            !self.labels.is_empty() && self.labels.iter().all(|(key, value)| tenant.labels.get(key) == Some(value));
        (labelled || self.names.contains(&tenant.name)) && !self.except.contains(&tenant.name)
    }
}

impl Assignment {
    pub fn window(&self) -> Window {
        Window::of_dates(self.start, self.end)
    }

    pub(super) fn check(&self, faults: &mut Faults) {
        faults.text("justification", &self.justification);
        faults.unless(
            !self.justification.trim().is_empty(),
            "justification",
            Fault::Missing,
            "is empty; say why, the customer reads it",
        );
        if let Some(ticket) = &self.ticket {
            faults.text("ticket", ticket);
        }
        match (&self.squad, &self.operator) {
            (Some(_), Some(_)) => faults.add("operator", Fault::Conflict, "squad and operator are both set; keep one"),
            (None, None) => faults.add("squad", Fault::Missing, "neither squad nor operator is set; name one"),
            _ => {}
        }
        let backwards = matches!((self.start, self.end), (Some(start), Some(end)) if end < start);
        faults.unless(!backwards, "end", Fault::Conflict, "is before start; write a later day");
        faults.list("tenants.names", &self.tenants.names);
        faults.list("tenants.except", &self.tenants.except);
        for (key, value) in &self.tenants.labels {
            faults.text("tenants.labels", key);
            faults.text("tenants.labels", value);
        }
        let by = (self.tenants.names.is_empty(), self.tenants.labels.is_empty());
        faults.unless(by != (true, true), "tenants", Fault::Missing, "selects no tenant; give names or labels");
        faults.unless(
            by != (false, false),
            "tenants.labels",
            Fault::Conflict,
            "names and labels are both set; keep one",
        );
    }
}
        faults.labels(&self.labels);
