//! Writes of Defender roles and of their assignments.

use std::collections::BTreeSet;

use entente_cloud::{Answer, Cloud, NewDefenderAssignment, NewDefenderRole};
use entente_planner::record::Outcome;
use entente_planner::write::DefenderWrite;

use super::outcome::done;

pub(super) async fn perform(cloud: &Cloud, write: &DefenderWrite) -> Answer<Outcome> {
    let defender = cloud.defender();
    Ok(match write {
        DefenderWrite::CreateRole { display_name, description, actions } => {
            done(defender.create_role_definition(&role(display_name, description, actions)).await?.id)
        }
        DefenderWrite::UpdateRole { id, display_name, description, actions } => {
            defender.update_role_definition(id, &role(display_name, description, actions)).await?;
            done(None)
        }
        DefenderWrite::CreateAssignment { display_name, description, role, principal, app_scopes } => {
            let assignment = NewDefenderAssignment {
                display_name: display_name.clone(),
                description: description.clone(),
                role_definition_id: role.clone(),
                principal_ids: vec![principal.as_uuid()],
                app_scope_ids: app_scopes.iter().cloned().collect(),
            };
            done(defender.create_role_assignment(&assignment).await?.id)
        }
        DefenderWrite::DeleteAssignment { id } => {
            defender.delete_role_assignment(id).await?;
            done(None)
        }
        DefenderWrite::DeleteRole { id } => {
            defender.delete_role_definition(id).await?;
            done(None)
        }
    })
}

/// The least permission that lets an identity do it (Graph permissions reference).
pub(super) fn needs(write: &DefenderWrite) -> &'static str {
    match write {
        DefenderWrite::CreateRole { .. }
        | DefenderWrite::UpdateRole { .. }
        | DefenderWrite::DeleteRole { .. }
        | DefenderWrite::CreateAssignment { .. }
        | DefenderWrite::DeleteAssignment { .. } => "RoleManagement.ReadWrite.Defender",
    }
}

fn role(display_name: &str, description: &str, actions: &BTreeSet<String>) -> NewDefenderRole {
    NewDefenderRole { display_name: display_name.into(), description: description.into(), actions: actions.clone() }
}
