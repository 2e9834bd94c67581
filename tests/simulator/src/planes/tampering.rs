//! What an administrator does in a tenant by hand.

use super::{azure, defender, entra, groups, members, users};
use crate::clock::Now;
use crate::control::types::Tamper;
use crate::tenant::Tenant;
use crate::tenant::lookup::{Absent, absent};

/// Answers with the id of what was made, if anything was.
pub fn tamper(tenant: &mut Tenant, op: &Tamper, now: Now) -> Result<Option<String>, Absent> {
    let none = |()| None;
    match op {
        Tamper::SetEnabled { user, enabled } => users::tampering::set_enabled(tenant, user, *enabled, now).map(none),
        Tamper::SetUserProperties { user, properties } => {
            users::tampering::set_properties(tenant, user, properties, now).map(none)
        }
        Tamper::SetUserEntraRoles { user, roles } => entra::tampering::set(tenant, user, roles, now).map(none),
        Tamper::DeleteUser { user } => users::tampering::delete(tenant, user, now).map(none),
        Tamper::AddMember { group, member } => members::tampering::add(tenant, group, member, now).map(none),
        Tamper::RemoveMember { group, member } => members::tampering::remove(tenant, group, member, now).map(none),
        Tamper::DeleteGroup { group } => groups::tampering::delete(tenant, group, now).map(none),
        Tamper::RestoreUser { user } => restore(tenant, "deleted user", user, now),
        Tamper::RestoreGroup { group } => restore(tenant, "deleted group", group, now),
        Tamper::Purge { object } => {
            let id = tenant.resolve_deleted(object).ok_or_else(|| absent("deleted object", object))?;
            tenant.purge(&id, now);
            Ok(Some(id))
        }
        Tamper::AddAzureAssignment { scope, role, principal, principal_type } => {
            azure::tampering::add(tenant, scope, role, (principal, principal_type), now).map(Some)
        }
        Tamper::DeleteAzureAssignment { name } => azure::tampering::delete(tenant, name).map(none),
        Tamper::GrowAzureRole { role, actions } => {
            azure::tampering::grow(tenant, role, actions);
            Ok(None)
        }
        Tamper::SetDefenderActions { role, actions } => {
            defender::tampering::set_actions(tenant, role, actions, now).map(none)
        }
        Tamper::AddDefenderRole { display_name, actions } => {
            Ok(Some(defender::tampering::add_role(tenant, display_name, actions)))
        }
        Tamper::AddDefenderAssignment { display_name, role, principals, app_scopes } => {
            Ok(Some(defender::tampering::add_assignment(tenant, display_name, role, principals, app_scopes)))
        }
        Tamper::DeleteDefenderRole { role } => defender::tampering::delete_role(tenant, role).map(none),
        Tamper::DeleteDefenderAssignment { assignment } => {
            defender::tampering::delete_assignment(tenant, assignment).map(none)
        }
        Tamper::AddDirectoryRole { principal, role } => entra::tampering::add(tenant, role, principal, now).map(Some),
        Tamper::RemoveDirectoryRole { principal, role } => {
            entra::tampering::remove(tenant, role, principal, now).map(none)
        }
        Tamper::GrowDirectoryRole { role, actions } => entra::tampering::grow(tenant, role, actions).map(none),
        Tamper::SetAppPermissions { app, permissions } => {
            tenant.edit_app(app, |one| one.permissions = permissions.clone()).map(none)
        }
        Tamper::SetAppEnabled { app, enabled } => tenant.edit_app(app, |one| one.enabled = *enabled).map(none),
    }
}

fn restore(tenant: &mut Tenant, kind: &'static str, name: &str, now: Now) -> Result<Option<String>, Absent> {
    let id = tenant.resolve_deleted(name).ok_or_else(|| absent(kind, name))?;
    tenant.restore(&id, now);
    Ok(Some(id))
}
