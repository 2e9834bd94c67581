//! Writes of groups.

use entente_cloud::{Answer, Cloud, NewGroup};
use entente_model::desired::GroupKind;
use entente_planner::record::Outcome;
use entente_planner::write::GroupWrite;

use super::outcome::done;

pub(super) async fn perform(cloud: &Cloud, write: &GroupWrite) -> Answer<Outcome> {
    match write {
        GroupWrite::Create { display_name, mail_nickname, description, kind } => {
            let group = NewGroup {
                display_name: display_name.clone(),
                mail_nickname: mail_nickname.clone(),
                description: description.clone(),
                owner: cloud.principal_object_id().await?,
                role_assignable: *kind == GroupKind::RoleAssignable,
            };
            Ok(done(Some(cloud.graph().create_group(&group).await?.id.to_string())))
        }
    }
}

/// The least permission that lets an identity do it (Graph permissions reference).
pub(super) fn needs(write: &GroupWrite) -> &'static str {
    match write {
        GroupWrite::Create { kind: GroupKind::Plain, .. } => "Group.Create",
        GroupWrite::Create { kind: GroupKind::RoleAssignable, .. } => {
            "RoleManagement.ReadWrite.Directory beside Group.Create"
        }
    }
}
