//! Microsoft's objects in the planner's words.

use entente_cloud as cloud;
use entente_model::desired::GroupKind;
use entente_model::{Guid, Timestamp};
use entente_planner::capability::Definition;
use entente_planner::observed::{
    ADMINISTRATIVE_UNIT, AzureAssignment, DIRECTORY_ROLE, DefenderAssignment, DefenderRole, EntraAssignment,
    EntraDefinition, Group, Holding, User,
};
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
        kind: (group.security_enabled && !group.dynamic).then_some(match group.role_assignable {
            true => GroupKind::RoleAssignable,
            false => GroupKind::Plain,
        }),
        display_name: group.display_name,
        description: group.description.unwrap_or_default(),
        created: group.created.map(timestamp),
        // As many as are shown at most: there may be more, and one of those may give something.
        within: group
            .member_of
            .filter(|all| all.len() < cloud::MOST_PARENTS)
            .map(|all| all.into_iter().map(holding).collect()),
    }
}

pub fn holding(object: cloud::DirectoryObject) -> Holding {
    let kind = match object.kind {
        cloud::ObjectKind::Group => "group".to_owned(),
        cloud::ObjectKind::DirectoryRole => DIRECTORY_ROLE.to_owned(),
        cloud::ObjectKind::AdministrativeUnit => ADMINISTRATIVE_UNIT.to_owned(),
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

/// What `notActions` take away is left out: it can come back.
pub fn definition(definition: cloud::RoleDefinition) -> Definition {
    Definition {
        role_name: definition.role_name,
        actions: definition.actions.into_iter().collect(),
        data_actions: definition.data_actions.into_iter().collect(),
    }
}

pub fn directory_assignment(assignment: cloud::DirectoryAssignment) -> EntraAssignment {
    let part = match assignment.scope {
        cloud::DirectoryScope::Tenant => None,
        cloud::DirectoryScope::Part(part) => Some(part),
    };
    EntraAssignment { id: assignment.id, definition: guid(assignment.role), part }
}

/// A role that is not enabled can be held, and given to nobody: its actions count all the same.
pub fn directory_role(role: cloud::DirectoryRole) -> EntraDefinition {
    let inherits_from = role.inherits_from.map(|all| all.into_iter().map(guid).collect());
    EntraDefinition { is_built_in: role.is_built_in, actions: role.actions, inherits_from }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn told(state: Option<&str>, issuers: Option<&[&str]>) -> User {
        let identities =
            issuers.map(|all| all.iter().map(|issuer| serde_json::json!({"issuer": issuer})).collect::<Vec<_>>());
        let id = "0b0de000-0000-4000-8000-000000000001";
        let json = serde_json::json!({"id": id, "externalUserState": state, "identities": identities});
        user(serde_json::from_value(json).unwrap())
    }

    #[test]
    fn a_guest_of_whom_no_state_is_told_has_redeemed_if_an_entra_account_shows() {
        for (state, issuers, redeemed) in [
            (Some("Accepted"), Some(&["contoso.example"][..]), Some(true)),
            (Some("PendingAcceptance"), Some(&["contoso.example"][..]), Some(false)),
            (None, Some(&["ExternalAzureAD"][..]), Some(true)),
            (None, Some(&["contoso.example"][..]), None),
            (None, None, None),
        ] {
            assert_eq!(told(state, issuers).redeemed, redeemed, "{state:?} {issuers:?}");
        }
        assert_eq!(told(None, None).enabled, None);
        assert_eq!(told(None, None).issuers, None);
    }

    #[test]
    fn attacks_p02_as_many_parents_as_are_shown_at_most_may_be_more() {
        let id = |n: usize| format!("0b0de000-0000-4000-8000-{n:012}");
        let unit = |n| serde_json::json!({"@odata.type": "#microsoft.graph.administrativeUnit", "id": id(n)});
        for (count, is_known) in [(19, true), (20, false)] {
            let units: Vec<_> = (1..=count).map(unit).collect();
            let json = serde_json::json!({"id": id(0), "memberOf": units});
            assert_eq!(group(serde_json::from_value(json).unwrap()).within.is_some(), is_known, "{count}");
        }
        assert_eq!(group(serde_json::from_value(serde_json::json!({"id": id(0)})).unwrap()).within, None);
    }

    #[test]
    fn every_address_of_a_user_is_known_without_its_scheme() {
        let json = serde_json::json!({"id": "0b0de000-0000-4000-8000-000000000001", "mail": "Maya@nordwall.example",
            "otherMails": ["m.berg@nordwall.example"], "proxyAddresses": ["SMTP:maya.berg@nordwall.example"]});
        let known = user(serde_json::from_value(json).unwrap()).addresses;
        let all = ["m.berg@nordwall.example", "maya.berg@nordwall.example", "maya@nordwall.example"];
        assert_eq!(known.iter().map(String::as_str).collect::<Vec<_>>(), all);
    }
}
