//! Writes of directory roles.

use entente_cloud::{Answer, Cloud, Given, NewDirectoryAssignment, Removed};
use entente_model::report::Reason;
use entente_planner::record::Outcome;
use entente_planner::write::EntraWrite;

use super::outcome::{done, failed, not_yet};

pub(super) async fn perform(cloud: &Cloud, write: &EntraWrite) -> Answer<Outcome> {
    match write {
        EntraWrite::Assign { definition, principal } => {
            let new = NewDirectoryAssignment { principal: principal.as_uuid(), role: definition.as_uuid() };
            Ok(match cloud.graph().give_directory_role(new).await? {
                Given::Given(made) => done(Some(made.id)),
                // By others, or by a call of ours whose answer was lost: the next look tells, by what is remembered.
                Given::AlreadyThere => {
                    let detail = "Microsoft says that the group holds the role already, and does not show it yet";
                    failed(Reason::Propagation, detail.into())
                }
                Given::NotYetThere => not_yet(),
            })
        }
        EntraWrite::Remove { id } => {
            Ok(match cloud.graph().take_directory_role(id).await? {
                Removed::Removed => done(None),
                // It was shown a moment ago: a replica that is behind says so, or somebody was faster.
                Removed::WasNotThere => {
                    failed(Reason::Propagation, "Microsoft shows the assignment, and does not find it".into())
                }
            })
        }
    }
}

/// The least permission that lets an identity do it (Graph permissions reference).
pub(super) fn needs(write: &EntraWrite) -> &'static str {
    match write {
        EntraWrite::Assign { .. } | EntraWrite::Remove { .. } => "RoleManagement.ReadWrite.Directory",
    }
}
