//! Azure assignments and built-in roles, changed by hand or by Microsoft.

use super::seeding::add_assignment;
use crate::clock::Now;
use crate::tenant::Tenant;
use crate::tenant::lookup::{Absent, absent};

/// `principal`: the principal and its kind.
pub fn add(
    tenant: &mut Tenant,
    scope: &str,
    role: &str,
    (principal, kind): (&str, &str),
    now: Now,
) -> Result<String, Absent> {
    let principal = assignable(tenant, principal, kind)?;
    Ok(add_assignment(tenant, scope, role, &principal, kind, None, now))
}

/// Assignments may name principals that this directory does not know: of kinds such as `Unknown` or `ForeignGroup`.
fn assignable(tenant: &Tenant, principal: &str, kind: &str) -> Result<String, Absent> {
    if ["User", "Group", "ServicePrincipal"].contains(&kind) {
        tenant.find("principal", principal)
    } else {
        Ok(tenant.resolve(principal).unwrap_or_else(|| principal.to_owned()))
    }
}

pub fn delete(tenant: &mut Tenant, name: &str) -> Result<(), Absent> {
    tenant.azure.assignments.remove(name).map(drop).ok_or_else(|| absent("azure assignment", name))
}

pub fn grow(tenant: &mut Tenant, role: &str, actions: &[String]) {
    tenant.azure.grown.entry(role.to_ascii_lowercase()).or_default().extend(actions.iter().cloned());
}
