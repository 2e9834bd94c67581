//! The portal's edits of roles and assignments; they replicate at once, and carry the portal's scopes.

use super::state::{DefenderAssignment, DefenderRole, canonical};
use crate::clock::Now;
use crate::replicated::{AT_ONCE, Replicated};
use crate::tenant::Tenant;
use crate::tenant::lookup::{Absent, absent};

pub fn set_actions(tenant: &mut Tenant, role: &str, actions: &[String], now: Now) -> Result<(), Absent> {
    let entry = tenant.defender.roles.get_mut(role).ok_or_else(|| absent("defender role", role))?;
    let edited = entry.truth().cloned().map(|one| DefenderRole { actions: canonical(actions), ..one });
    entry.write(edited, now.seconds, AT_ONCE);
    Ok(())
}

pub fn add_role(tenant: &mut Tenant, display_name: &str, actions: &[String]) -> String {
    let id = tenant.new_id();
    let role = DefenderRole {
        id: id.clone(),
        display_name: display_name.to_owned(),
        description: String::new(),
        actions: canonical(actions),
        created_by: None,
    };
    tenant.defender.roles.insert(id.clone(), Replicated::created(role, AT_ONCE));
    id
}

pub fn add_assignment(
    tenant: &mut Tenant,
    display_name: &str,
    role: &str,
    principals: &[String],
    app_scopes: &[String],
) -> String {
    let id = tenant.new_id();
    let assignment = DefenderAssignment {
        id: id.clone(),
        display_name: display_name.to_owned(),
        description: String::new(),
        role: role.to_owned(),
        principals: principals.to_vec(),
        directory_scopes: vec!["/".to_owned()],
        app_scopes: app_scopes.to_vec(),
        created_by: None,
    };
    tenant.defender.assignments.insert(id.clone(), Replicated::created(assignment, AT_ONCE));
    id
}

pub fn delete_role(tenant: &mut Tenant, role: &str) -> Result<(), Absent> {
    tenant.defender.roles.remove(role).map(drop).ok_or_else(|| absent("defender role", role))
}

pub fn delete_assignment(tenant: &mut Tenant, assignment: &str) -> Result<(), Absent> {
    tenant.defender.assignments.remove(assignment).map(drop).ok_or_else(|| absent("defender assignment", assignment))
}
