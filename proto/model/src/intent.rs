//! The service provider's intent, as people write it: one manifest for each resource, always the whole resource.
//!
//! The serde form is the manifest form (camel case, unknown fields refused), and the only one: the CLI reads it from
//! YAML, the store keeps it, and `get -o yaml` prints it. [`Manifest::check`] checks one resource alone;
//! `entente-compiler` checks it against the others.

mod assignment;
mod check;
mod operator;
mod resource_name;
mod role;
mod squad;
mod tenant;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use assignment::{Assignment, Expect, TenantSelector};
pub use check::MAX_LIST;
pub use operator::{Identity, IdentityClass, Operator, OperatorState};
pub use resource_name::{Kind, ResourceName};
pub use role::{
    Attribute, AzureRoles, Condition, DataSource, DefenderRoles, EntraRoles, IfUnavailable, Mode, RoleItem,
    RoleItemForm, SocRole,
};
pub use squad::{HomeGroup, Squad, SquadMember};
pub use tenant::{
    Attestation, Cloud, Delivery, Exemption, HomeTenant, PermissionSource, Tenant, TenantState, UserType, Workspace,
};

use crate::map::Map;
use crate::name::{AssignmentName, HomeName, OperatorName, RoleVersion, SquadName, TenantName};
use crate::revocation::Revocation;
use crate::violation::Violation;

/// One resource of intent, by kind. In YAML the kind is the field `kind`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum Manifest {
    HomeTenant(HomeTenant),
    Tenant(Tenant),
    Operator(Operator),
    Squad(Squad),
    SocRole(SocRole),
    Assignment(Assignment),
}

impl Manifest {
    pub fn name(&self) -> ResourceName {
        match self {
            Self::HomeTenant(home) => ResourceName::HomeTenant(home.name.clone()),
            Self::Tenant(tenant) => ResourceName::Tenant(tenant.name.clone()),
            Self::Operator(operator) => ResourceName::Operator(operator.name.clone()),
            Self::Squad(squad) => ResourceName::Squad(squad.name.clone()),
            Self::SocRole(role) => ResourceName::SocRole(role.pinned()),
            Self::Assignment(assignment) => ResourceName::Assignment(assignment.name.clone()),
        }
    }

    pub fn kind(&self) -> Kind {
        self.name().kind()
    }

    /// The labels. Operators and home tenants have none.
    pub fn labels(&self) -> Option<&BTreeMap<String, String>> {
        match self {
            Self::Tenant(it) => Some(&it.labels),
            Self::Squad(it) => Some(&it.labels),
            Self::SocRole(it) => Some(&it.labels),
            Self::Assignment(it) => Some(&it.labels),
            Self::HomeTenant(_) | Self::Operator(_) => None,
        }
    }

    /// Everything that is wrong with this resource alone. Empty if it is well formed.
    pub fn check(&self) -> Vec<Violation> {
        let mut faults = check::Faults::of(self.name());
        match self {
            Self::HomeTenant(_) => {}
            Self::Tenant(tenant) => tenant.check(&mut faults),
            Self::Operator(operator) => operator.check(&mut faults),
            Self::Squad(squad) => squad.check(&mut faults),
            Self::SocRole(role) => role.check(&mut faults),
            Self::Assignment(assignment) => assignment.check(&mut faults),
        }
        faults.into_violations()
    }
}

/// All intent at one revision: the input of compilation. Cheap to clone, because collections are shared until they
/// change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Intent {
    pub home_tenants: Map<HomeName, Arc<HomeTenant>>,
    pub tenants: Map<TenantName, Arc<Tenant>>,
    pub operators: Map<OperatorName, Arc<Operator>>,
    pub squads: Map<SquadName, Arc<Squad>>,
    pub roles: Map<RoleVersion, Arc<SocRole>>,
    pub assignments: Map<AssignmentName, Arc<Assignment>>,
    /// Named removals that are not confirmed everywhere, by id.
    pub revocations: Map<String, Arc<Revocation>>,
}

impl Intent {
    /// Stores a resource. Replaces the one with the same name.
    pub fn put(&mut self, manifest: Manifest) {
        match manifest {
            Manifest::HomeTenant(it) => drop(self.home_tenants.insert(it.name.clone(), it.into())),
            Manifest::Tenant(it) => drop(self.tenants.insert(it.name.clone(), it.into())),
            Manifest::Operator(it) => drop(self.operators.insert(it.name.clone(), it.into())),
            Manifest::Squad(it) => drop(self.squads.insert(it.name.clone(), it.into())),
            Manifest::SocRole(it) => drop(self.roles.insert(it.pinned(), it.into())),
            Manifest::Assignment(it) => drop(self.assignments.insert(it.name.clone(), it.into())),
        }
    }

    /// Removes a resource. Returns whether it existed.
    pub fn remove(&mut self, name: &ResourceName) -> bool {
        match name {
            ResourceName::HomeTenant(name) => self.home_tenants.remove(name).is_some(),
            ResourceName::Tenant(name) => self.tenants.remove(name).is_some(),
            ResourceName::Operator(name) => self.operators.remove(name).is_some(),
            ResourceName::Squad(name) => self.squads.remove(name).is_some(),
            ResourceName::SocRole(name) => self.roles.remove(name).is_some(),
            ResourceName::Assignment(name) => self.assignments.remove(name).is_some(),
        }
    }

    /// Stores a removal. Replaces the one with the same id.
    pub fn put_revocation(&mut self, revocation: Revocation) {
        self.revocations.insert(revocation.id.clone(), revocation.into());
    }

    /// Ends a removal. Returns whether it existed.
    pub fn end_revocation(&mut self, id: &str) -> bool {
        self.revocations.remove(id).is_some()
    }

    pub fn get(&self, name: &ResourceName) -> Option<Manifest> {
        match name {
            ResourceName::HomeTenant(name) => {
                self.home_tenants.get(name).map(|it| Manifest::HomeTenant((**it).clone()))
            }
            ResourceName::Tenant(name) => self.tenants.get(name).map(|it| Manifest::Tenant((**it).clone())),
            ResourceName::Operator(name) => self.operators.get(name).map(|it| Manifest::Operator((**it).clone())),
            ResourceName::Squad(name) => self.squads.get(name).map(|it| Manifest::Squad((**it).clone())),
            ResourceName::SocRole(name) => self.roles.get(name).map(|it| Manifest::SocRole((**it).clone())),
            ResourceName::Assignment(name) => self.assignments.get(name).map(|it| Manifest::Assignment((**it).clone())),
        }
    }
}

#[cfg(test)]
mod tests;
