//! What is asked for by a name that nothing has: an error that names the field and, where one is near, the name that may
//! have been meant. An empty answer to a misspelt question would be read as "nobody has access".

use entente_model::intent::ResourceName;
use entente_model::nearest::nearest;
use entente_model::{AssignmentName, OperatorName, RoleName, TenantName};

use super::world::World;
use crate::error::AppError;

/// Names that are compared: all of the largest fleet seen. Beyond, no other name is proposed.
const MAX_COMPARED: usize = 20_000;

impl World {
    pub(crate) fn missing(&self, field: &'static str, name: &ResourceName) -> AppError {
        let kind = name.kind();
        let begun = |other: &ResourceName| other.kind() < kind;
        let alike = self.metas.iter_from(begun).map(|(other, _)| other).take_while(|other| other.kind() == kind);
        let resource = name.to_string();
        let nearest = nearest(&resource, alike.take(MAX_COMPARED).map(ToString::to_string));
        AppError::NotFound { resource, field, nearest }
    }

    /// A tenant that a request names.
    pub(crate) fn needs_tenant(&self, field: &'static str, name: &TenantName) -> Result<(), AppError> {
        let name = ResourceName::Tenant(name.clone());
        if self.metas.contains_key(&name) { Ok(()) } else { Err(self.missing(field, &name)) }
    }

    /// A person whom a request names.
    pub(crate) fn needs_operator(&self, field: &'static str, name: &OperatorName) -> Result<(), AppError> {
        let name = ResourceName::Operator(name.clone());
        if self.metas.contains_key(&name) { Ok(()) } else { Err(self.missing(field, &name)) }
    }

    /// An assignment that a request names.
    pub(crate) fn needs_assignment(&self, field: &'static str, name: &AssignmentName) -> Result<(), AppError> {
        let name = ResourceName::Assignment(name.clone());
        if self.metas.contains_key(&name) { Ok(()) } else { Err(self.missing(field, &name)) }
    }

    /// A role that a request names, in any version.
    pub(crate) fn needs_role(&self, field: &'static str, name: &RoleName) -> Result<(), AppError> {
        let mut roles = self.fleet.intent().roles.values().map(|role| &role.name);
        if roles.any(|role| role == name) {
            return Ok(());
        }
        let roles = self.fleet.intent().roles.values().take(MAX_COMPARED).map(|role| role.name.to_string());
        let resource = name.to_string();
        let nearest = nearest(&resource, roles);
        Err(AppError::NotFound { resource, field, nearest })
    }
}
