//! SOC roles: what a job needs, plane by plane. A version is stored once and never changes.

mod azure;
mod condition;
mod data_source;
mod defender;
mod entra;
mod form;
mod item;

use std::collections::BTreeMap;

pub use azure::AzureRoles;
pub use condition::{Attribute, Condition};
pub use data_source::DataSource;
pub use defender::DefenderRoles;
pub use entra::EntraRoles;
pub use form::{Form as RoleItemForm, IfUnavailable, Mode};
pub use item::RoleItem;
use serde::{Deserialize, Serialize};

use super::check::Faults;
use super::operator::IdentityClass;
use super::tenant::UserType;
use crate::name::{RoleName, RoleVersion};
use crate::plane::{Plane, PlaneWord};
use crate::violation::Fault;

/// One version of a SOC role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SocRole {
    pub name: RoleName,
    pub version: u32,
    /// Labels group resources for `entente apply --prune -l`. They are not part of the version.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    pub identity_class: IdentityClass,
    #[serde(default)]
    pub minimum_user_type: UserType,
    pub items: Vec<RoleItem>,
}

impl SocRole {
    /// Whether both are the same version. Labels may differ.
    pub fn is_same_version(&self, other: &Self) -> bool {
        Self { labels: BTreeMap::new(), ..self.clone() } == Self { labels: BTreeMap::new(), ..other.clone() }
    }

    /// The name by which assignments pin this version.
    pub fn pinned(&self) -> RoleVersion {
        RoleVersion { role: self.name.clone(), version: self.version }
    }

    pub(super) fn check(&self, faults: &mut Faults) {
        faults.unless(self.version > 0, "version", Fault::Malformed, "versions count from 1");
        faults.list("items", &self.items);
        faults.unless(
            !self.items.is_empty(),
            "items",
            Fault::Missing,
            "the role grants nothing; list at least one item",
        );
        if self.minimum_user_type != UserType::Guest {
            faults.unimplemented("minimumUserType", "only guest is supported by this version");
        }
        for (at, item) in self.items.iter().enumerate() {
            item.check(faults, &format!("items[{at}]"));
        }
        let defender = self.items.iter().filter(|item| item.plane() == PlaneWord::Plane(Plane::DefenderRoles)).count();
        faults.unless(
            defender <= 1,
            "items",
            Fault::Conflict,
            "more than one defenderRoles item; put the permissions into one",
        );
    }
}
