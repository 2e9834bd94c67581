//! Roles that somebody holds from the beginning.

use super::state::{EntraAssignment, role};
use crate::planes::surface::SeedError;
use crate::replicated::{AT_ONCE, Replicated};
use crate::tenant::Tenant;

/// By the names or ids of built-in roles; whatever the principal held before is gone.
pub fn set(tenant: &mut Tenant, principal: &str, roles: &[String]) -> Result<(), SeedError> {
    tenant.entra.assignments.retain(|_, one| one.truth().is_none_or(|one| one.principal != principal));
    for name in roles {
        let known = role(name).ok_or_else(|| SeedError::DirectoryRole { name: name.clone() })?;
        let new = EntraAssignment::new(&known.id, principal, None);
        tenant.entra.assignments.insert(new.id.clone(), Replicated::created(new, AT_ONCE));
    }
    Ok(())
}
