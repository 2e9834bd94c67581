//! Directory roles, given and taken by hand, and definitions that Microsoft changes.

use super::state::{BuiltIn, EntraAssignment, role};
use crate::clock::Now;
use crate::tenant::Tenant;
use crate::tenant::lookup::{Absent, absent};

/// Answers with the assignment's id.
pub fn add(tenant: &mut Tenant, name: &str, principal: &str, now: Now) -> Result<String, Absent> {
    let (role, principal) = (known(name)?, tenant.find("principal", principal)?);
    let new = EntraAssignment::new(&role.id, &principal, None);
    let id = new.id.clone();
    tenant.write_directory_role(&id, Some(new), now);
    Ok(id)
}

/// By the role and its holder, no matter who gave it.
pub fn remove(tenant: &mut Tenant, name: &str, principal: &str, now: Now) -> Result<(), Absent> {
    let (role, principal) = (known(name)?, tenant.find("principal", principal)?);
    let id = EntraAssignment::new(&role.id, &principal, None).id;
    if tenant.entra.held().all(|one| one.id != id) {
        return Err(absent("directory role assignment", &id));
    }
    tenant.write_directory_role(&id, None, now);
    Ok(())
}

/// Just these roles are what the user holds directly afterwards.
pub fn set(tenant: &mut Tenant, user: &str, names: &[String], now: Now) -> Result<(), Absent> {
    let user = tenant.find("user", user)?;
    let wanted = names.iter().map(|name| known(name)).collect::<Result<Vec<_>, _>>()?;
    let held: Vec<EntraAssignment> = tenant.entra.held().filter(|one| one.principal == user).cloned().collect();
    for one in held.iter().filter(|one| wanted.iter().all(|role| role.id != one.role)) {
        tenant.write_directory_role(&one.id, None, now);
    }
    for role in wanted.iter().filter(|role| held.iter().all(|one| one.role != role.id)) {
        let new = EntraAssignment::new(&role.id, &user, None);
        tenant.write_directory_role(&new.id.clone(), Some(new), now);
    }
    Ok(())
}

pub fn grow(tenant: &mut Tenant, name: &str, actions: &[String]) -> Result<(), Absent> {
    let id = known(name)?.id.clone();
    tenant.entra.grown.entry(id).or_default().extend(actions.iter().cloned());
    Ok(())
}

fn known(name: &str) -> Result<&'static BuiltIn, Absent> {
    role(name).ok_or_else(|| absent("directory role", name))
}
