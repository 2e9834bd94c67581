//! Squads of operators. Squads do not nest.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::check::{Faults, MAX_LIST};
use crate::name::{Guid, HomeName, OperatorName, SquadName};
use crate::time::{Date, Window};
use crate::violation::Fault;

/// A squad of operators.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Squad {
    pub name: SquadName,
    /// Labels for `entente apply --prune -l`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    pub owner: OperatorName,
    #[serde(default)]
    pub members: Vec<SquadMember>,
    /// Takes the members from a group of a home tenant instead. Not supported yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home_group: Option<HomeGroup>,
}

/// A member, from a day until a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SquadMember {
    pub operator: OperatorName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
}

/// A group of a home tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HomeGroup {
    pub home: HomeName,
    pub object_id: Guid,
}

impl SquadMember {
    pub fn window(&self) -> Window {
        Window::of_dates(self.from, self.until)
    }
}

impl Squad {
    pub(super) fn check(&self, faults: &mut Faults) {
        faults.labels(&self.labels);
        faults.list("members", &self.members);
        if self.home_group.is_some() {
            faults.unimplemented(
                "homeGroup",
                "members from a home group are not supported by this version; list members",
            );
        }
        for (at, member) in self.members.iter().enumerate().take(MAX_LIST) {
            let backwards = matches!((member.from, member.until), (Some(from), Some(until)) if until < from);
            faults.unless(
                !backwards,
                &format!("members[{at}].until"),
                Fault::Conflict,
                "is before from; write a later day",
            );
            // Access is the union of both, so an end date in one of them would have no effect.
            let shares = |other: &SquadMember| {
                other.operator == member.operator && other.window().intersect(member.window()).is_some()
            };
            if let Some(first) = self.members[..at].iter().position(shares) {
                faults.add(
                    &format!("members[{at}].operator"),
                    Fault::Conflict,
                    format!(
                        "is {}, as members[{first}].operator is, for some of the same days; keep one of the two, or let \
                         one end before the other begins",
                        member.operator
                    ),
                );
            }
        }
    }
}
