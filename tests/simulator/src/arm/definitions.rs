//! `roleDefinitions`: the built-in roles, by GUID or by name.

use serde_json::{Value, json};

use super::{Request, refuse};
use crate::http::{Answer, Reply};
use crate::tenant::azure::{BUILT_IN_ROLES, OWNER, RBAC_ADMINISTRATOR, USER_ACCESS_ADMINISTRATOR, subscription_of};

const CONTRIBUTOR: &str = "b24988ac-6180-42a0-ab88-20f7382dd24c";

/// Only `$filter=roleName eq '..'` and `type eq 'BuiltInRole'` narrow the list; it does not page.
pub fn list(request: Request<'_>, scope: &str) -> Reply {
    let filter = request.call.parameter("$filter").unwrap_or_default();
    let wanted = match filter.split_once('\'') {
        Some((left, rest)) if left.trim().eq_ignore_ascii_case("roleName eq") => Some(rest.trim_end_matches('\'')),
        // There are no custom roles here.
        Some((left, rest)) if left.trim().eq_ignore_ascii_case("type eq") => {
            let built_in = rest.trim_end_matches('\'').eq_ignore_ascii_case("BuiltInRole");
            if built_in { None } else { Some("") }
        }
        None if filter.is_empty() || filter.eq_ignore_ascii_case("atScopeAndBelow()") => None,
        _ => {
            return Err(refuse(
                400,
                "UnsupportedQuery",
                format!("The filter '{filter}' is not supported for role definitions."),
            ));
        }
    };
    let named = |name: &str| wanted.is_none_or(|wanted| wanted.eq_ignore_ascii_case(name));
    let value: Vec<Value> =
        BUILT_IN_ROLES.iter().filter(|(_, name)| named(name)).map(|(id, name)| shown(scope, id, name)).collect();
    Ok(Answer::json(200, json!({"value": value})))
}

pub fn get(scope: &str, id: &str) -> Reply {
    let found = BUILT_IN_ROLES.iter().find(|(one, _)| one.eq_ignore_ascii_case(id));
    let (id, name) = found.ok_or_else(|| {
        refuse(
            404,
            "RoleDefinitionDoesNotExist",
            format!("The specified role definition with ID '{id}' does not exist."),
        )
    })?;
    Ok(Answer::json(200, shown(scope, id, name)))
}

fn shown(scope: &str, id: &str, name: &str) -> Value {
    let root = subscription_of(scope).map(|id| format!("/subscriptions/{id}")).unwrap_or_default();
    json!({
        "properties": {
            "roleName": name, "type": "BuiltInRole", "description": name, "assignableScopes": ["/"],
            "permissions": [{"actions": actions(id), "notActions": not_actions(id), "dataActions": [], "notDataActions": []}],
            "createdOn": "2020-01-01T00:00:00Z", "updatedOn": "2020-01-01T00:00:00Z", "createdBy": null, "updatedBy": null,
        },
        "id": format!("{root}/providers/Microsoft.Authorization/roleDefinitions/{id}"),
        "type": "Microsoft.Authorization/roleDefinitions",
        "name": id,
    })
}

/// What the roles that hand out rights may do; the others' actions are not told apart (Azure built-in roles).
fn actions(id: &str) -> &'static [&'static str] {
    match id {
        OWNER | CONTRIBUTOR => &["*"],
        USER_ACCESS_ADMINISTRATOR => &["*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"],
        RBAC_ADMINISTRATOR => &[
            "Microsoft.Authorization/roleAssignments/write",
            "Microsoft.Authorization/roleAssignments/delete",
            "*/read",
            "Microsoft.Support/*",
        ],
        _ => &["*/read"],
    }
}

fn not_actions(id: &str) -> &'static [&'static str] {
    match id {
        CONTRIBUTOR => &[
            "Microsoft.Authorization/*/Delete",
            "Microsoft.Authorization/*/Write",
            "Microsoft.Authorization/elevateAccess/Action",
        ],
        _ => &[],
    }
}
