//! What an administrator does in a tenant by hand, behind the backs of the applications.

use serde_json::json;

use super::defender::{DefenderAssignment, DefenderRole, canonical};
use super::{Membership, Tenant, User};
use crate::clock::Now;
use crate::control::types::Tamper;
use crate::replicated::Replicated;

/// A tampering that names something that is not there.
#[derive(Debug, thiserror::Error)]
#[error("{kind} {name:?} does not exist in this tenant")]
pub struct Absent {
    kind: &'static str,
    name: String,
}

fn absent(kind: &'static str, name: &str) -> Absent {
    Absent { kind, name: name.to_owned() }
}

impl Tenant {
    /// Does what an administrator would; answers with the id of what was made, if anything was.
    pub fn tamper(&mut self, op: &Tamper, now: Now) -> Result<Option<String>, Absent> {
        match op {
            Tamper::SetEnabled { user, enabled } => {
                self.edit_user(user, now, |one| {
                    one.props.insert("accountEnabled".into(), json!(enabled));
                })?;
            }
            Tamper::SetUserProperties { user, properties } => {
                let set = properties.as_object().cloned().unwrap_or_default();
                self.edit_user(user, now, |one| one.props.extend(set))?;
            }
            Tamper::SetUserEntraRoles { user, roles } => {
                self.edit_user(user, now, |one| one.entra_roles = roles.clone())?
            }
            Tamper::DeleteUser { user } => {
                let id = self.find("user", user)?;
                self.soft_delete_user(&id, now);
            }
            Tamper::AddMember { group, member } | Tamper::RemoveMember { group, member } => {
                let (group, member) = (self.find("group", group)?, self.find("member", member)?);
                let added = matches!(op, Tamper::AddMember { .. }).then(Membership::default);
                self.write_member(&group, &member, added, now);
            }
            Tamper::DeleteGroup { group } => {
                let id = self.find("group", group)?;
                self.delete_group(&id, now);
            }
            Tamper::RestoreUser { user: name }
            | Tamper::RestoreGroup { group: name }
            | Tamper::Purge { object: name } => {
                let kind = match op {
                    Tamper::RestoreUser { .. } => "deleted user",
                    Tamper::RestoreGroup { .. } => "deleted group",
                    _ => "deleted object",
                };
                let id = self.resolve_deleted(name).ok_or_else(|| absent(kind, name))?;
                if matches!(op, Tamper::Purge { .. }) {
                    self.purge(&id, now);
                } else {
                    self.restore(&id, now);
                }
                return Ok(Some(id));
            }
            Tamper::AddAzureAssignment { scope, role, principal, principal_type } => {
                let principal = self.assignable(principal, principal_type)?;
                return Ok(Some(self.add_assignment(scope, role, &principal, principal_type, None, now)));
            }
            Tamper::DeleteAzureAssignment { name } => {
                self.azure.assignments.remove(name).ok_or_else(|| absent("azure assignment", name))?;
            }
            Tamper::GrowAzureRole { role, actions } => {
                self.azure.grown.entry(role.to_ascii_lowercase()).or_default().extend(actions.iter().cloned());
            }
            Tamper::SetAppPermissions { app, permissions } => {
                self.edit_app(app, |one| one.permissions = permissions.clone())?
            }
            Tamper::SetAppEnabled { app, enabled } => self.edit_app(app, |one| one.enabled = *enabled)?,
            defender => return self.tamper_defender(defender, now),
        }
        Ok(None)
    }

    /// The portal's edits; they replicate at once, and carry the portal's scopes.
    fn tamper_defender(&mut self, op: &Tamper, now: Now) -> Result<Option<String>, Absent> {
        match op {
            Tamper::SetDefenderActions { role, actions } => {
                let entry = self.defender.roles.get_mut(role).ok_or_else(|| absent("defender role", role))?;
                let edited = entry.truth().cloned().map(|one| DefenderRole { actions: canonical(actions), ..one });
                entry.write(edited, now.seconds, crate::replicated::AT_ONCE);
            }
            Tamper::AddDefenderRole { display_name, actions } => {
                let id = self.new_id();
                let role = DefenderRole {
                    id: id.clone(),
                    display_name: display_name.clone(),
                    description: String::new(),
                    actions: canonical(actions),
                    created_by: None,
                };
                self.defender.roles.insert(id.clone(), Replicated::created(role, crate::replicated::AT_ONCE));
                return Ok(Some(id));
            }
            Tamper::AddDefenderAssignment { display_name, role, principals, app_scopes } => {
                let id = self.new_id();
                let assignment = DefenderAssignment {
                    id: id.clone(),
                    display_name: display_name.clone(),
                    description: String::new(),
                    role: role.clone(),
                    principals: principals.clone(),
                    directory_scopes: vec!["/".to_owned()],
                    app_scopes: app_scopes.clone(),
                    created_by: None,
                };
                self.defender
                    .assignments
                    .insert(id.clone(), Replicated::created(assignment, crate::replicated::AT_ONCE));
                return Ok(Some(id));
            }
            Tamper::DeleteDefenderRole { role } => {
                self.defender.roles.remove(role).ok_or_else(|| absent("defender role", role))?;
            }
            Tamper::DeleteDefenderAssignment { assignment } => {
                self.defender
                    .assignments
                    .remove(assignment)
                    .ok_or_else(|| absent("defender assignment", assignment))?;
            }
            _ => {}
        }
        Ok(None)
    }

    fn find(&self, kind: &'static str, reference: &str) -> Result<String, Absent> {
        self.resolve(reference).ok_or_else(|| absent(kind, reference))
    }

    /// Assignments may name principals that this directory does not know: of kinds such as `Unknown` or `ForeignGroup`.
    fn assignable(&self, principal: &str, kind: &str) -> Result<String, Absent> {
        if ["User", "Group", "ServicePrincipal"].contains(&kind) {
            self.find("principal", principal)
        } else {
            Ok(self.resolve(principal).unwrap_or_else(|| principal.to_owned()))
        }
    }

    fn edit_user(&mut self, reference: &str, now: Now, edit: impl FnOnce(&mut User)) -> Result<(), Absent> {
        let id = self.find("user", reference)?;
        let mut user = self.user(&id).cloned().ok_or_else(|| absent("user", reference))?;
        edit(&mut user);
        self.write_user(&id, Some(user), now);
        Ok(())
    }

    fn edit_app(&mut self, app_id: &str, edit: impl FnOnce(&mut super::App)) -> Result<(), Absent> {
        let app = self.apps.iter_mut().find(|app| app.app_id.eq_ignore_ascii_case(app_id));
        app.map(edit).ok_or_else(|| absent("app", app_id))
    }

    /// Whether a licence here includes `P1` or `P2`.
    pub fn is_licensed(&self, plan: &str) -> bool {
        let implies: &[&str] = match plan {
            "P1" => &["P1", "P2", "E3", "E5"],
            _ => &["P2", "E5"],
        };
        self.licences.iter().any(|licence| implies.contains(&licence.as_str()))
    }
}
