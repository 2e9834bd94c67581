//! `/beta/roleManagement/defender`: unified RBAC of Microsoft Defender, with the traps that live measurement found.
//!
//! A successful POST is answered with a redirect to `http://`; `@odata.type` is refused; what was written shows late;
//! names are not unique; what another action covers is dropped. Each can be switched.

use serde_json::{Value, json};

use super::state::{DefenderAssignment, DefenderRole, canonical};
use crate::graph::error::{bad_request, method_not_allowed, not_found, refuse, unknown_segment};
use crate::graph::list;
use crate::graph::request::Request;
use crate::http::{Answer, Reply};
use crate::replicated::{Arrival, Lag, Replicated, View};
use crate::tenant::{Props, Tenant};

const ROLES: list::Kind = list::Kind {
    set: "roleManagement/defender/roleDefinitions",
    name: "microsoft.graph.unifiedRoleDefinition",
    by_default: &[],
    known: &[
        "id",
        "displayName",
        "description",
        "isBuiltIn",
        "isEnabled",
        "rolePermissions",
        "version",
        "templateId",
        "resourceScopes",
    ],
};
const ASSIGNMENTS: list::Kind = list::Kind {
    set: "roleManagement/defender/roleAssignments",
    name: "microsoft.graph.unifiedRoleAssignmentMultiple",
    by_default: &[],
    known: &[
        "id",
        "displayName",
        "description",
        "roleDefinitionId",
        "principalIds",
        "directoryScopeIds",
        "appScopeIds",
    ],
};
const OPEN: list::Kind =
    list::Kind { set: "roleManagement/defender", name: "microsoft.graph.entity", by_default: &[], known: &[] };

pub fn handle(tenant: &mut Tenant, request: Request<'_>, parts: &[&str]) -> Reply {
    if !tenant.defender.active {
        return Err(refuse(403, "Forbidden", "Unified RBAC is not activated for this tenant."));
    }
    match (request.call.method.as_str(), parts) {
        ("GET", ["resourceNamespaces"]) => namespaces(tenant, request),
        ("GET", ["resourceNamespaces", "microsoft.xdr"]) => {
            list::single(request, OPEN, 200, namespace(tenant, request))
        }
        ("GET", ["resourceNamespaces", "microsoft.xdr", "resourceActions"]) => {
            list::answer(tenant, request, OPEN, actions(tenant))
        }
        ("GET", ["customAppScopes"]) => list::answer(tenant, request, OPEN, app_scopes()),
        ("GET", ["roleDefinitions"]) => {
            let items = tenant
                .defender
                .roles
                .values()
                .filter_map(|one| one.seen(View::Index, request.now.seconds))
                .map(role_props);
            list::answer(tenant, request, ROLES, items.collect())
        }
        ("POST", ["roleDefinitions"]) => create_role(tenant, request),
        (_, ["roleDefinitions", id]) => one_role(tenant, request, id),
        ("GET", ["roleAssignments"]) => {
            let items = tenant
                .defender
                .assignments
                .values()
                .filter_map(|one| one.seen(View::Index, request.now.seconds))
                .map(assignment_props);
            list::answer(tenant, request, ASSIGNMENTS, items.collect())
        }
        ("POST", ["roleAssignments"]) => create_assignment(tenant, request),
        (_, ["roleAssignments", id]) => one_assignment(tenant, request, id),
        (_, [other, ..]) => Err(unknown_segment(other)),
        (_, []) => Err(method_not_allowed()),
    }
}

/// Defender replicates on its own, slower time.
fn arrival(tenant: &Tenant, key: &str, request: Request<'_>) -> Arrival {
    let lag = Lag {
        seconds: tenant.settings.defender_lag_seconds,
        index_factor: tenant.settings.index_lag_factor,
        arm_factor: 1.0,
        seed: tenant.seed,
    };
    lag.arrival(key, request.now.seconds)
}

fn namespaces(tenant: &Tenant, request: Request<'_>) -> Reply {
    let body = json!({"@odata.context": "https://graph.microsoft.com/beta/$metadata#roleManagement/defender/resourceNamespaces", "value": [namespace(tenant, request)]});
    Ok(Answer::json(200, body))
}

fn namespace(tenant: &Tenant, request: Request<'_>) -> Props {
    let mut namespace = props([("id", json!("microsoft.xdr")), ("name", json!("microsoft.xdr"))]);
    if request.call.parameter("$expand").is_some_and(|expand| expand.starts_with("resourceActions")) {
        namespace.insert("resourceActions".into(), actions(tenant).into_iter().map(Value::Object).collect());
    }
    namespace
}

/// The action string is the `id`, the text of the portal the `name`.
fn actions(tenant: &Tenant) -> Vec<Props> {
    let mut found = tenant.defender.catalogue();
    found.sort();
    let of = |(id, display): (String, &str)| {
        props([("id", json!(id)), ("name", json!(display)), ("description", Value::Null), ("actionVerb", Value::Null)])
    };
    found.into_iter().map(of).collect()
}

fn app_scopes() -> Vec<Props> {
    let of = |id: &str| props([("id", json!(id)), ("displayName", json!(id)), ("type", json!("Workload"))]);
    ["/", "Mdc", "Mde", "Mdi", "Mdo"].into_iter().map(of).collect()
}

fn role_props(role: &DefenderRole) -> Props {
    props([
        ("id", json!(role.id)),
        ("displayName", json!(role.display_name)),
        ("description", json!(role.description)),
        ("isBuiltIn", json!(false)),
        ("isEnabled", json!(true)),
        ("rolePermissions", json!([{"allowedResourceActions": role.actions, "condition": null}])),
    ])
}

fn assignment_props(one: &DefenderAssignment) -> Props {
    props([
        ("id", json!(one.id)),
        ("displayName", json!(one.display_name)),
        ("description", json!(one.description)),
        ("roleDefinitionId", json!(one.role)),
        ("principalIds", json!(one.principals)),
        ("directoryScopeIds", json!(one.directory_scopes)),
        ("appScopeIds", json!(one.app_scopes)),
    ])
}

/// The actions of a body's `rolePermissions`, as they will be stored.
fn stored_actions(tenant: &Tenant, body: &Value) -> Result<Vec<String>, Answer> {
    let permissions =
        body["rolePermissions"].as_array().ok_or_else(|| bad_request("The rolePermissions field is required."))?;
    let listed = permissions.iter().flat_map(|one| one["allowedResourceActions"].as_array().into_iter().flatten());
    let actions: Vec<String> = listed.filter_map(Value::as_str).map(str::to_owned).collect();
    if actions.is_empty() {
        return Err(bad_request("The rolePermissions field is required."));
    }
    let storable = |action: &&String| {
        let dataops = action.starts_with("microsoft.xdr/dataops/") && !tenant.defender.sentinel_workspace;
        !tenant.defender.knows(action) || (dataops && tenant.switches.is("dataops_without_workspace", "refused"))
    };
    if let Some(action) = actions.iter().find(storable) {
        return Err(bad_request(format!("{action} is not a valid permission for storage")));
    }
    Ok(if tenant.switches.is("defender_canonicalise", "on") { canonical(&actions) } else { actions })
}

fn create_role(tenant: &mut Tenant, request: Request<'_>) -> Reply {
    let body = request.call.json().unwrap_or_default();
    let name = body["displayName"]
        .as_str()
        .filter(|name| !name.is_empty())
        .ok_or_else(|| bad_request("The displayName field is required."))?
        .to_owned();
    let actions = stored_actions(tenant, &body)?;
    let taken = tenant.defender.roles.values().filter_map(Replicated::truth).any(|role| role.display_name == name);
    if taken && tenant.switches.is("defender_names_unique", "yes") {
        return Err(refuse(409, "Conflict", format!("A role named '{name}' already exists.")));
    }
    let id = tenant.new_id();
    let description = body["description"].as_str().unwrap_or_default().to_owned();
    let role = DefenderRole {
        id: id.clone(),
        display_name: name,
        description,
        actions,
        created_by: Some(request.caller.app_id.clone()),
    };
    let shown = role_props(&role);
    let arrival = arrival(tenant, &id, request);
    tenant.defender.roles.insert(id.clone(), Replicated::created(role, arrival));
    tenant.record_harmless();
    created(tenant, request, "post_role_redirect", ROLES, &id, shown)
}

fn create_assignment(tenant: &mut Tenant, request: Request<'_>) -> Reply {
    let body = request.call.json().unwrap_or_default();
    if body.get("@odata.type").is_some() && tenant.switches.is("defender_odata_type", "refused") {
        return Err(bad_request("The roleAssignment field is required."));
    }
    let mut one = DefenderAssignment {
        id: String::new(),
        display_name: String::new(),
        description: String::new(),
        role: String::new(),
        principals: Vec::new(),
        directory_scopes: Vec::new(),
        app_scopes: Vec::new(),
        created_by: Some(request.caller.app_id.clone()),
    };
    edit_assignment(tenant, &mut one, &body, request)?;
    let missing = [
        ("displayName", one.display_name.is_empty()),
        ("roleDefinitionId", one.role.is_empty()),
        ("principalIds", one.principals.is_empty()),
    ];
    if let Some((name, _)) = missing.into_iter().find(|(_, missing)| *missing) {
        return Err(bad_request(format!("The {name} field is required.")));
    }
    if one.directory_scopes.is_empty() && one.app_scopes.is_empty() {
        return Err(bad_request("Either directoryScopeIds or appScopeIds is required."));
    }
    if tenant.switches.is("defender_assignment_shape", "portal") {
        one.directory_scopes = vec!["/".to_owned()];
    }
    one.id = tenant.new_id();
    let (id, shown) = (one.id.clone(), assignment_props(&one));
    let arrival = arrival(tenant, &id, request);
    tenant.defender.assignments.insert(id.clone(), Replicated::created(one, arrival));
    tenant.record_harmless();
    created(tenant, request, "post_assignment_redirect", ASSIGNMENTS, &id, shown)
}

/// The redirect that must not be followed, or the 201 that the documentation promises.
fn created(tenant: &Tenant, request: Request<'_>, switch: &str, kind: list::Kind, id: &str, shown: Props) -> Reply {
    match tenant.switches.get(switch).parse::<u16>() {
        Ok(status) => {
            let host = request.call.origin.trim_start_matches("https://");
            Ok(Answer::empty(status).header("Location", format!("http://{host}/beta/{}/{id}", kind.set)))
        }
        Err(_) => list::single(request, kind, 201, shown),
    }
}

/// A newly named principal must exist. A switch decides when the service sees a new one.
fn check_principals(tenant: &Tenant, old: &[String], new: &[String], request: Request<'_>) -> Result<(), Answer> {
    let known = |id: &str| match tenant.switches.get("defender_principal") {
        "accepted" => true,
        "refused_until_seen" => tenant.principal_seen(id, View::Index, request.now),
        _ => tenant.kind(id).is_some(),
    };
    match new.iter().find(|id| !old.contains(id) && !known(&id.to_lowercase())) {
        Some(id) => Err(bad_request(format!("The principal '{id}' does not exist."))),
        None => Ok(()),
    }
}

fn edit_assignment(
    tenant: &Tenant,
    one: &mut DefenderAssignment,
    body: &Value,
    request: Request<'_>,
) -> Result<(), Answer> {
    let texts = |name: &str| {
        body[name].as_array().map(|items| items.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>())
    };
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    one.display_name = text("displayName").unwrap_or(std::mem::take(&mut one.display_name));
    one.description = text("description").unwrap_or(std::mem::take(&mut one.description));
    one.role = text("roleDefinitionId").unwrap_or(std::mem::take(&mut one.role));
    check_principals(tenant, &one.principals, &texts("principalIds").unwrap_or_default(), request)?;
    one.principals = texts("principalIds").unwrap_or(std::mem::take(&mut one.principals));
    one.directory_scopes = texts("directoryScopeIds").unwrap_or(std::mem::take(&mut one.directory_scopes));
    one.app_scopes = texts("appScopeIds").unwrap_or(std::mem::take(&mut one.app_scopes));
    if !one.role.is_empty() && tenant.defender.roles.get(&one.role).and_then(Replicated::truth).is_none() {
        return Err(bad_request(format!("The role definition '{}' does not exist.", one.role)));
    }
    Ok(())
}

fn one_role(tenant: &mut Tenant, request: Request<'_>, id: &str) -> Reply {
    let entry = tenant.defender.roles.get(id).ok_or_else(|| not_found(id))?;
    let seen = entry.seen(View::Id, request.now.seconds).cloned().ok_or_else(|| not_found(id))?;
    let mut role = match request.call.method.as_str() {
        "GET" => return list::single(request, ROLES, 200, role_props(&seen)),
        _ => entry.truth().cloned().ok_or_else(|| not_found(id))?,
    };
    let creator = role.created_by.clone();
    let after = match request.call.method.as_str() {
        "DELETE" => None,
        "PATCH" => {
            let body = request.call.json().unwrap_or_default();
            if body.get("rolePermissions").is_some() {
                role.actions = stored_actions(tenant, &body)?;
            }
            role.display_name = body["displayName"].as_str().map_or(role.display_name, str::to_owned);
            role.description = body["description"].as_str().map_or(role.description, str::to_owned);
            Some(role)
        }
        _ => return Err(method_not_allowed()),
    };
    let status = if after.is_some() { 200 } else { 204 };
    let shown = after.as_ref().map(role_props);
    let arrival = arrival(tenant, id, request);
    if let Some(entry) = tenant.defender.roles.get_mut(id) {
        entry.write(after, request.now.seconds, arrival);
    }
    tenant.record_write(request.caller, creator.as_deref(), format!("{} defender role {id}", request.call.method));
    shown.map_or_else(|| Ok(Answer::empty(status)), |shown| list::single(request, ROLES, 200, shown))
}

fn one_assignment(tenant: &mut Tenant, request: Request<'_>, id: &str) -> Reply {
    let entry = tenant.defender.assignments.get(id).ok_or_else(|| not_found(id))?;
    let seen = entry.seen(View::Id, request.now.seconds).cloned().ok_or_else(|| not_found(id))?;
    let mut one = match request.call.method.as_str() {
        "GET" => return list::single(request, ASSIGNMENTS, 200, assignment_props(&seen)),
        _ => entry.truth().cloned().ok_or_else(|| not_found(id))?,
    };
    let creator = one.created_by.clone();
    let after = match request.call.method.as_str() {
        "DELETE" => None,
        "PATCH" => {
            edit_assignment(tenant, &mut one, &request.call.json().unwrap_or_default(), request)?;
            Some(one)
        }
        _ => return Err(method_not_allowed()),
    };
    let shown = after.as_ref().map(assignment_props);
    let arrival = arrival(tenant, id, request);
    if let Some(entry) = tenant.defender.assignments.get_mut(id) {
        entry.write(after, request.now.seconds, arrival);
    }
    tenant.record_write(
        request.caller,
        creator.as_deref(),
        format!("{} defender assignment {id}", request.call.method),
    );
    shown.map_or_else(|| Ok(Answer::empty(204)), |shown| list::single(request, ASSIGNMENTS, 200, shown))
}

fn props<const N: usize>(pairs: [(&str, Value); N]) -> Props {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
