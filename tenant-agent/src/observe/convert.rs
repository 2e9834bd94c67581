//! Microsoft's objects in the planner's words.

use entente_cloud as cloud;
use entente_model::{Guid, Timestamp};
use entente_planner::observed::{AzureAssignment, DefenderAssignment, DefenderRole, Group, Holding, User};
use uuid::Uuid;

pub fn guid(id: Uuid) -> Guid {
    Guid::from_u128(id.as_u128())
}

fn timestamp(at: time::OffsetDateTime) -> Timestamp {
    Timestamp::from_unix(at.unix_timestamp())
}

pub fn user(user: cloud::User) -> User {
    let issuers = user.identities.as_ref().map(|all| all.iter().filter_map(|it| it.issuer.clone()).collect::<Vec<_>>());
    let is_entra = issuers.as_ref().is_some_and(|all| all.iter().any(|issuer| issuer == "ExternalAzureAD"));
    // Nothing is said of those who were synchronized or converted: then their identities tell (Entra: B2B user properties).
    let redeemed = user.has_redeemed().or(is_entra.then_some(true));
    let also = user.other_mails.iter().chain(&user.proxy_addresses).flatten();
    let addresses = user.mail.iter().chain(also).map(|address| bare(address)).collect();
    User {
        id: Some(guid(user.id)),
        redeemed,
        issuers,
        addresses,
        display_name: user.display_name.unwrap_or_default(),
        upn: user.upn,
        mail: user.mail.unwrap_or_default(),
        enabled: user.account_enabled,
        user_type: user.user_type.unwrap_or_default(),
        creation_type: user.creation_type,
        created: user.created.map(timestamp),
    }
}

/// Without the scheme that a proxy address has (Graph: user, proxyAddresses).
fn bare(address: &str) -> String {
    let address = address.to_ascii_lowercase();
    address.strip_prefix("smtp:").map_or(address.clone(), ToOwned::to_owned)
}

pub fn deleted_user(user: cloud::DeletedUser) -> User {
    User {
        id: Some(guid(user.id)),
        display_name: user.display_name.unwrap_or_default(),
        upn: user.upn.unwrap_or_default(),
        mail: user.mail.unwrap_or_default(),
        ..User::default()
    }
}

pub fn group(group: cloud::Group) -> Group {
    Group {
        id: guid(group.id),
        plain: group.security_enabled && !group.dynamic && !group.role_assignable,
        display_name: group.display_name,
        description: group.description.unwrap_or_default(),
        created: group.created.map(timestamp),
    }
}

pub fn holding(object: cloud::DirectoryObject) -> Holding {
    let kind = match object.kind {
        cloud::ObjectKind::Group => "group".to_owned(),
        cloud::ObjectKind::DirectoryRole => "directory role".to_owned(),
        cloud::ObjectKind::AdministrativeUnit => "administrative unit".to_owned(),
        other => format!("{other:?}").to_lowercase(),
    };
    Holding { id: guid(object.id), kind, name: object.display_name.unwrap_or_else(|| object.id.to_string()) }
}

pub fn assignment(assignment: cloud::RoleAssignment) -> AzureAssignment {
    AzureAssignment {
        scope: assignment.scope,
        name: guid(assignment.name),
        principal: guid(assignment.principal),
        definition: guid(assignment.definition),
    }
}

pub fn defender_role(role: cloud::DefenderRole) -> DefenderRole {
    DefenderRole {
        id: role.id,
        display_name: role.display_name,
        description: role.description.unwrap_or_default(),
        actions: role.actions,
    }
}

pub fn defender_assignment(assignment: cloud::DefenderAssignment) -> DefenderAssignment {
    DefenderAssignment {
        id: assignment.id,
        display_name: assignment.display_name,
        role: assignment.role_definition_id,
        principals: assignment.principal_ids.into_iter().map(guid).collect(),
        app_scopes: assignment.app_scope_ids,
    }
}
