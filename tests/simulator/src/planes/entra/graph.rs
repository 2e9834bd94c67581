//! `/roleManagement/directory`: role definitions, and direct assignments of directory roles.
//!
//! Graph: rbacapplication-post-roleassignments, unifiedroleassignment-delete. Eligibility (PIM) is not served.

use serde_json::{Value, json};

use super::state::{BuiltIn, EntraAssignment, built_in, role};
use crate::graph::error::{bad_request, method_not_allowed, not_found, refuse, unknown_segment};
use crate::graph::filter::Filter;
use crate::graph::request::Request;
use crate::graph::{list, objects};
use crate::http::{Answer, Reply};
use crate::replicated::{Replicated, View};
use crate::tenant::{Props, Tenant};

const DEFINITIONS: list::Kind = list::Kind {
    set: "roleManagement/directory/roleDefinitions",
    name: "microsoft.graph.unifiedRoleDefinition",
    by_default: &[],
    known: &[
        "id",
        "displayName",
        "description",
        "isBuiltIn",
        "isEnabled",
        "isPrivileged",
        "resourceScopes",
        "rolePermissions",
        "templateId",
        "version",
    ],
};
const ASSIGNMENTS: list::Kind = list::Kind {
    set: "roleManagement/directory/roleAssignments",
    name: "microsoft.graph.unifiedRoleAssignment",
    by_default: &[],
    known: &["id", "principalId", "roleDefinitionId", "directoryScopeId", "appScopeId", "condition"],
};
/// What assignments can be filtered by (Graph: rbacapplication-list-roleassignments).
const FILTERED: &[&str] = &["principalId", "roleDefinitionId", "directoryScopeId", "appScopeId"];
const CONFLICT: &str =
    "A conflicting object with one or more of the specified property values is present in the directory.";

pub fn handle(tenant: &mut Tenant, request: Request<'_>, parts: &[&str]) -> Reply {
    tenant.entra.reads += u64::from(request.call.method == http::Method::GET);
    match (request.call.method.as_str(), parts) {
        ("GET", ["roleDefinitions"]) => definitions(tenant, request),
        ("GET", ["roleDefinitions", id]) => {
            let found = role(id).ok_or_else(|| not_found(id))?;
            let expand = list::expansions(request, DEFINITIONS, &["inheritsPermissionsFrom"])?;
            list::single(request, DEFINITIONS, 200, definition(tenant, request, found, !expand.is_empty()))
        }
        ("GET", ["roleAssignments"]) => assignments(tenant, request),
        ("GET", ["roleAssignments", id]) => {
            let found = tenant.entra.assignments.get(*id).and_then(|one| seen(tenant, request, one, View::Id));
            let found = found.cloned().ok_or_else(|| not_found(id))?;
            let shown = with_expanded(tenant, request, &found)?;
            list::single(request, ASSIGNMENTS, 200, shown)
        }
        ("POST", ["roleAssignments"]) => create(tenant, request),
        ("DELETE", ["roleAssignments", id]) => delete(tenant, request, id),
        (_, ["roleDefinitions" | "roleAssignments", ..]) | (_, []) => Err(method_not_allowed()),
        (_, [other, ..]) => Err(unknown_segment(other)),
    }
}

/// `displayName eq` minds capitals here, unlike with users and groups.
fn definitions(tenant: &Tenant, request: Request<'_>) -> Reply {
    let filter = request.call.parameter("$filter").and_then(|text| Filter::parse(text).ok());
    let exact = |role: &BuiltIn| match &filter {
        Some(Filter::Compare { path, operator, value }) if path == "displayName" && operator == "eq" => {
            value.as_str() == Some(&role.display_name)
        }
        _ => true,
    };
    let expand = list::expansions(request, DEFINITIONS, &["inheritsPermissionsFrom"])?;
    let all = built_in().iter().filter(|role| exact(role));
    let items = all.map(|role| definition(tenant, request, role, !expand.is_empty())).collect();
    list::answer(tenant, request, DEFINITIONS, items)
}

fn definition(tenant: &Tenant, request: Request<'_>, role: &BuiltIn, expanded: bool) -> Props {
    let grown = tenant.entra.grown.get(&role.id).into_iter().flatten();
    let actions: Vec<&String> = role.actions.iter().chain(grown).collect();
    let mut shown = props([
        ("id", json!(role.id)),
        ("displayName", json!(role.display_name)),
        ("description", json!(role.display_name)),
        ("isBuiltIn", json!(true)),
        ("isEnabled", json!(true)),
        ("resourceScopes", json!(["/"])),
        ("rolePermissions", json!([{"allowedResourceActions": actions, "condition": null}])),
        ("templateId", json!(role.id)),
        ("version", json!("1")),
    ]);
    if request.call.segments.first().is_some_and(|version| version == "beta") {
        shown.insert("isPrivileged".into(), json!(role.is_privileged));
    }
    if expanded {
        let parents: Value = role.inherits_from.iter().map(|id| json!({"id": id})).collect();
        shown.insert("inheritsPermissionsFrom".into(), parents);
    }
    shown
}

fn assignments(tenant: &Tenant, request: Request<'_>) -> Reply {
    let filter = request.call.parameter("$filter").and_then(|text| Filter::parse(text).ok());
    let other = filter.iter().flat_map(Filter::properties).find(|name| !FILTERED.contains(name));
    if let Some(name) = other {
        return Err(bad_request(format!("The property '{name}' cannot be filtered on.")));
    }
    let all = tenant.entra.assignments.values();
    let shown = all.filter_map(|one| seen(tenant, request, one, View::Index));
    let items = shown.map(|one| with_expanded(tenant, request, one)).collect::<Result<_, _>>()?;
    list::answer(tenant, request, ASSIGNMENTS, items)
}

/// What a reader sees of an assignment. A new one may come and go: every second answer is then a replica's that is behind
/// by the lag once more. Those of a deleted principal may linger.
fn seen<'a>(
    tenant: &Tenant,
    request: Request<'_>,
    one: &'a Replicated<EntraAssignment>,
    view: View,
) -> Option<&'a EntraAssignment> {
    let flaps = tenant.switches.is("new_directory_assignment", "flapping") && tenant.entra.reads.is_multiple_of(2);
    let at = if flaps { request.now.seconds - tenant.settings.lag_seconds } else { request.now.seconds };
    let lingers = tenant.switches.is("deleted_principal_assignments", "listed");
    one.seen(view, at).filter(|one| lingers || tenant.kind(&one.principal).is_some())
}

fn with_expanded(tenant: &Tenant, request: Request<'_>, one: &EntraAssignment) -> Result<Props, Answer> {
    let mut shown = assignment(one);
    for (name, select) in list::expansions(request, ASSIGNMENTS, &["principal", "roleDefinition", "directoryScope"])? {
        let mut object = match name.as_str() {
            "principal" => objects::object(tenant, &one.principal, View::Id, request.now),
            "roleDefinition" => role(&one.role).map(|role| definition(tenant, request, role, false)),
            _ => None,
        };
        if let Some(object) = &mut object {
            object.retain(|name, _| select.is_empty() || name == "@odata.type" || select.contains(name));
        }
        shown.insert(name, object.map_or(Value::Null, Value::Object));
    }
    Ok(shown)
}

fn assignment(one: &EntraAssignment) -> Props {
    props([
        ("id", json!(one.id)),
        ("principalId", json!(one.principal)),
        ("roleDefinitionId", json!(one.role)),
        ("directoryScopeId", json!("/")),
        ("appScopeId", Value::Null),
        ("condition", Value::Null),
    ])
}

fn create(tenant: &mut Tenant, request: Request<'_>) -> Reply {
    let body = request.call.json().unwrap_or_default();
    let text = |name: &str| body[name].as_str().filter(|text| !text.is_empty());
    let required = |name: &str| {
        text(name).ok_or_else(|| {
            bad_request(format!("A value is required for property '{name}' of resource 'RoleAssignment'."))
        })
    };
    let (principal, wanted) = (required("principalId")?.to_lowercase(), required("roleDefinitionId")?);
    match (text("directoryScopeId"), text("appScopeId")) {
        (Some("/"), None) => {}
        (Some(scope), None) => return Err(no_scope(scope)),
        _ => return Err(bad_request("Exactly one of directoryScopeId and appScopeId is required, and '/' is served.")),
    }
    let role = role(wanted).filter(|role| role.id.eq_ignore_ascii_case(wanted)).ok_or_else(|| not_found(wanted))?;
    if !tenant.principal_seen(&principal, View::Id, request.now) {
        return Err(not_found(&principal));
    }
    let new = EntraAssignment::new(&role.id, &principal, Some(request.caller.app_id.clone()));
    if tenant.group(&principal).is_some_and(|group| !group.role_assignable()) {
        if tenant.switches.is("directory_role_to_ordinary_group", "400") {
            return Err(bad_request("The group is not assignable to a role: isAssignableToRole is not set."));
        }
        // Answered, and never there.
        tenant.record_harmless();
        return list::single(request, ASSIGNMENTS, 201, assignment(&new));
    }
    if tenant.entra.assignments.get(&new.id).is_some_and(|one| one.truth().is_some()) {
        tenant.record_harmless();
        return match tenant.switches.get("directory_role_exists") {
            "201" => list::single(request, ASSIGNMENTS, 201, assignment(&new)),
            status => Err(refuse(status.parse().unwrap_or(400), "Request_BadRequest", CONFLICT)),
        };
    }
    let shown = assignment(&new);
    tenant.write_directory_role(&new.id.clone(), Some(new), request.now);
    tenant.record_harmless();
    list::single(request, ASSIGNMENTS, 201, shown)
}

/// Administrative units are not simulated, and no built-in role here takes a single object for its scope.
fn no_scope(scope: &str) -> Answer {
    match scope.strip_prefix("/administrativeUnits/") {
        Some(unit) => not_found(unit),
        None => bad_request("The given built-in role is not supported to be assigned to a single resource scope."),
    }
}

fn delete(tenant: &mut Tenant, request: Request<'_>, id: &str) -> Reply {
    let there = tenant.entra.assignments.get(id);
    let found = there.filter(|one| one.seen(View::Id, request.now.seconds).is_some()).and_then(Replicated::truth);
    let Some(creator) = found.map(|one| one.created_by.clone()) else {
        tenant.record_harmless();
        return match tenant.switches.get("delete_directory_role_absent") {
            "204" => Ok(Answer::empty(204)),
            _ => Err(not_found(id)),
        };
    };
    tenant.write_directory_role(id, None, request.now);
    tenant.record_write(request.caller, creator.as_deref(), format!("DELETE directory role assignment {id}"));
    Ok(Answer::empty(204))
}

fn props<const N: usize>(pairs: [(&str, Value); N]) -> Props {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
