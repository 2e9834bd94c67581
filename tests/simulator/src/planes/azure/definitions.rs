//! `roleDefinitions`: the built-in roles, by GUID or by name.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::scopes::subscription_of;
use super::state::{Azure, BUILT_IN_ROLES};
use crate::arm::request::{Request, refuse};
use crate::http::{Answer, Reply};

/// Only `$filter=roleName eq '..'` and `type eq 'BuiltInRole'` narrow the list; it does not page.
pub fn list(azure: &Azure, request: Request<'_>, scope: &str) -> Reply {
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
        BUILT_IN_ROLES.iter().filter(|(_, name)| named(name)).map(|(id, name)| shown(azure, scope, id, name)).collect();
    Ok(Answer::json(200, json!({"value": value})))
}

pub fn get(azure: &Azure, scope: &str, id: &str) -> Reply {
    let found = BUILT_IN_ROLES.iter().find(|(one, _)| one.eq_ignore_ascii_case(id));
    let (id, name) = found.ok_or_else(|| {
        refuse(
            404,
            "RoleDefinitionDoesNotExist",
            format!("The specified role definition with ID '{id}' does not exist."),
        )
    })?;
    Ok(Answer::json(200, shown(azure, scope, id, name)))
}

fn shown(azure: &Azure, scope: &str, id: &str, name: &str) -> Value {
    let root = subscription_of(scope).map(|id| format!("/subscriptions/{id}")).unwrap_or_default();
    json!({
        "properties": {
            "roleName": name, "type": "BuiltInRole", "description": name, "assignableScopes": ["/"],
            "permissions": [permissions(azure, id)],
            "createdOn": "2020-01-01T00:00:00Z", "updatedOn": "2020-01-01T00:00:00Z", "createdBy": null, "updatedBy": null,
        },
        "id": format!("{root}/providers/Microsoft.Authorization/roleDefinitions/{id}"),
        "type": "Microsoft.Authorization/roleDefinitions",
        "name": id,
    })
}

/// The actions of the built-in roles, as Azure showed them in August 2026 (Azure built-in roles).
static BUILT_IN: LazyLock<BTreeMap<String, Permissions>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("definitions/built_in.json")).expect("the file is part of the program")
});

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Permissions {
    actions: Vec<String>,
    not_actions: Vec<String>,
    data_actions: Vec<String>,
    not_data_actions: Vec<String>,
}

/// With what Microsoft has added in this tenant's cloud.
fn permissions(azure: &Azure, id: &str) -> Permissions {
    let mut permissions = BUILT_IN.get(id).cloned().unwrap_or_default();
    permissions.actions.extend(azure.grown.get(id).into_iter().flatten().cloned());
    permissions
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_role_has_its_actions() {
        for (id, name) in BUILT_IN_ROLES {
            assert!(BUILT_IN.get(*id).is_some_and(|it| !it.actions.is_empty()), "{name}");
        }
        assert_eq!(BUILT_IN.len(), BUILT_IN_ROLES.len());
    }

    /// Held against a copy of what Azure publishes, where there is one.
    #[test]
    fn the_actions_are_those_that_azure_publishes() {
        use std::io::Write;
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/reference/azure-role-definitions.json");
        let Ok(text) = std::fs::read_to_string(path) else {
            // Print past the test's own capture, because a skipped test must be visible.
            let _ = writeln!(std::io::stderr(), "\n!!! SKIPPED: {path} is absent !!!\n");
            return;
        };
        let published: Value = serde_json::from_str(&text).unwrap();
        for (id, ours) in BUILT_IN.iter() {
            let all = published["roles"].as_array().unwrap();
            let role = all.iter().find(|role| role["id"] == id.as_str()).unwrap();
            let theirs: Permissions = serde_json::from_value(role.clone()).unwrap();
            let set = |all: &[String]| all.iter().cloned().collect::<std::collections::BTreeSet<_>>();
            assert_eq!(set(&ours.actions), set(&theirs.actions), "{id}");
            assert_eq!(set(&ours.not_actions), set(&theirs.not_actions), "{id}");
            assert_eq!(set(&ours.data_actions), set(&theirs.data_actions), "{id}");
        }
    }
}
