//! Assignments: who gets which role in which customers' tenants, when, and why.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

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
    /// Labels for `entente apply --prune -l`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Either a squad or one operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub squad: Option<SquadName>,
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

/// Selects tenants, by name or by labels. One of the two must be set.
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
    /// How many tenants the author expects, as a guard against a wrong label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expect>,
}

/// How many tenants a selection must match: `6`, or `{atLeast: 6}`, which allows new customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    Exactly(u32),
    AtLeast(u32),
}

impl Expect {
    pub fn allows(self, found: usize) -> bool {
        match self {
            Self::Exactly(count) => found == count as usize,
            Self::AtLeast(count) => found >= count as usize,
        }
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(count) => write!(f, "{count}"),
            Self::AtLeast(count) => write!(f, "at least {count}"),
        }
    }
}

/// The form of `{atLeast: N}`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Least {
    at_least: u32,
}

impl Serialize for Expect {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Exactly(count) => serializer.serialize_u32(count),
            Self::AtLeast(at_least) => Least { at_least }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Expect {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberOrLeast)
    }
}

struct NumberOrLeast;

impl<'de> Visitor<'de> for NumberOrLeast {
    type Value = Expect;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number such as 6, or {atLeast: 6},")
    }

    fn visit_u64<E: de::Error>(self, count: u64) -> Result<Expect, E> {
        let wrong = |_| E::invalid_value(Unexpected::Unsigned(count), &self);
        u32::try_from(count).map(Expect::Exactly).map_err(wrong)
    }

    fn visit_i64<E: de::Error>(self, count: i64) -> Result<Expect, E> {
        u64::try_from(count)
            .map_err(|_| E::invalid_value(Unexpected::Signed(count), &self))
            .and_then(|it| self.visit_u64(it))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Expect, A::Error> {
        let Least { at_least } = Least::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Expect::AtLeast(at_least))
    }
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
        faults.labels(&self.labels);
        faults.text("justification", &self.justification);
        faults.unless(
            !self.justification.trim().is_empty(),
            "justification",
            Fault::Missing,
            "is empty; write why the access is needed, for the customer to read",
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
        faults.unless(
            self.tenants.expect != Some(Expect::AtLeast(0)),
            "tenants.expect",
            Fault::Malformed,
            "matches any selection; write {atLeast: 1} or more, or leave it out",
        );
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
