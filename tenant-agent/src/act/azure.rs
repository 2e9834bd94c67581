//! Writes of Azure role assignments.

use entente_cloud::{Answer, Cloud, NewRoleAssignment, PrincipalType, Put, Scope};
use entente_model::Guid;
use entente_model::report::Reason;
use entente_planner::record::Outcome;
use entente_planner::write::AzureWrite;

use super::outcome::{done, failed, not_yet};

pub(super) async fn perform(cloud: &Cloud, write: &AzureWrite) -> Answer<Outcome> {
    match write {
        AzureWrite::Put { name, scope, definition, principal, description } => {
            put(cloud, *name, scope, *definition, *principal, description).await
        }
        AzureWrite::Delete { scope, name } => {
            let Ok(scope) = Scope::parse(scope) else { return Ok(no_scope(scope)) };
            cloud.arm().delete_role_assignment(&scope, name.as_uuid()).await?;
            Ok(done(None))
        }
    }
}

/// The least right that lets an identity do it (Azure built-in roles).
pub(super) fn needs(write: &AzureWrite) -> &'static str {
    match write {
        AzureWrite::Put { .. } | AzureWrite::Delete { .. } => "Role Based Access Control Administrator at the scope",
    }
}

async fn put(
    cloud: &Cloud,
    name: Guid,
    scope: &str,
    definition: Guid,
    principal: Guid,
    description: &str,
) -> Answer<Outcome> {
    let Ok(parsed) = Scope::parse(scope) else { return Ok(no_scope(scope)) };
    let (definition, principal) = (definition.as_uuid(), principal.as_uuid());
    let assignment = NewRoleAssignment {
        name: name.as_uuid(),
        scope: parsed,
        definition,
        principal,
        principal_type: PrincipalType::Group,
        description: Some(description.to_owned()),
    };
    Ok(match cloud.arm().put_role_assignment(&assignment).await? {
        Put::Created(made) | Put::Updated(made) => done(Some(made.name.to_string())),
        // Of the same content, and not by us: it is never ours to remove.
        Put::ExistsUnder { name } => {
            let name = name.map_or_else(|| "another name".to_owned(), |name| name.to_string());
            failed(Reason::NotOurs, format!("the assignment is there under {name}, made by others"))
        }
        Put::PrincipalNotFound => not_yet(),
    })
}

fn no_scope(scope: &str) -> Outcome {
    failed(Reason::CloudRefused, format!("{scope} is not a scope of Azure Resource Manager"))
}
