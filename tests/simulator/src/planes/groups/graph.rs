//! `/groups`: create, find, change, upsert by `uniqueName`, delete.
//!
//! Graph: group-post-groups, group-upsert. Who is in a group is `members`' business.

use serde_json::{Value, json};

use super::group::Group;
use super::guard::changeable;
use super::membership_rule;
use super::seeding::group_props;
use crate::graph::error::{
    bad_request, denied, method_not_allowed, not_found, refuse, unknown_segment, unsupported_query,
};
use crate::graph::list::{self, GROUPS};
use crate::graph::permissions::lists::WRITE_GROUPS;
use crate::graph::request::Request;
use crate::http::{Answer, Reply};
use crate::planes::members::graph as members;
use crate::replicated::View;
use crate::tenant::{Props, Tenant};

/// Role-assignable groups in a tenant (Entra: groups-concept).
const MAX_ROLE_ASSIGNABLE: usize = 500;
/// Owners and members together in one create.
const MAX_BOUND_AT_CREATE: usize = 20;
const NICKNAME_FORBIDDEN: &str = "@()\\[]\";:<>, ";
const SETTABLE: &[&str] = &[
    "displayName",
    "description",
    "mailEnabled",
    "mailNickname",
    "securityEnabled",
    "groupTypes",
    "visibility",
    "uniqueName",
    "isAssignableToRole",
    "membershipRule",
    "membershipRuleProcessingState",
];
const IMMUTABLE: &[&str] = &["uniqueName", "isAssignableToRole"];

pub fn handle(tenant: &mut Tenant, request: Request<'_>, parts: &[&str]) -> Reply {
    match (request.call.method.as_str(), parts) {
        ("POST", []) => {
            let body = body_of(request)?;
            create(tenant, request, body)
        }
        ("GET", []) => {
            check_role_assignable_filter(tenant, request)?;
            let groups = visible(tenant, request).into_iter();
            let items = groups.map(|group| with_expanded(tenant, request, group)).collect::<Result<_, _>>()?;
            list::answer(tenant, request, GROUPS, items)
        }
        ("GET", ["$count"]) => list::count(request, visible(tenant, request).len()),
        ("GET", [id]) => {
            let group = tenant.group_seen(id, View::Id, request.now).ok_or_else(|| not_found(id))?;
            let props = with_expanded(tenant, request, group)?;
            list::single(request, GROUPS, 200, props)
        }
        ("PATCH", [id]) => {
            let body = body_of(request)?;
            update(tenant, request, id, body)
        }
        ("DELETE", [id]) => delete(tenant, request, id),
        (_, []) | (_, [_]) => Err(method_not_allowed()),
        (_, [_, other, ..]) => Err(unknown_segment(other)),
    }
}

/// `/groups(uniqueName='..')`: an alternate key, and with `Prefer: create-if-missing` an upsert.
pub fn by_unique_name(tenant: &mut Tenant, request: Request<'_>, name: &str, rest: &[&str]) -> Reply {
    let holder = |group: &&Group| group.text("uniqueName") == name;
    let seen = tenant.groups.values().filter_map(|entry| entry.object.seen(View::Id, request.now.seconds)).find(holder);
    let known =
        tenant.groups.values().filter_map(|entry| entry.object.truth()).find(holder).map(|group| group.id.clone());
    match (request.call.method.as_str(), rest) {
        ("GET", []) => {
            let props = seen.ok_or_else(|| not_found(name))?.props.clone();
            list::single(request, GROUPS, 200, props)
        }
        ("PATCH", []) => {
            let mut body = body_of(request)?;
            let creates = request.call.header("Prefer").is_some_and(|prefer| prefer.contains("create-if-missing"));
            match known {
                Some(id) => update(tenant, request, &id, body),
                None if creates => {
                    body.insert("uniqueName".into(), json!(name));
                    create(tenant, request, body)
                }
                None => Err(not_found(name)),
            }
        }
        ("DELETE", []) => delete(tenant, request, &known.ok_or_else(|| not_found(name))?),
        _ => Err(method_not_allowed()),
    }
}

fn body_of(request: Request<'_>) -> Result<Props, Answer> {
    match request.call.json() {
        Some(Value::Object(body)) => Ok(body),
        _ => Err(bad_request("The request body is not a JSON object.")),
    }
}

/// Collections come from the index.
fn visible<'a>(tenant: &'a Tenant, request: Request<'_>) -> Vec<&'a Group> {
    tenant.groups.values().filter_map(|entry| entry.object.seen(View::Index, request.now.seconds)).collect()
}

/// `$expand` shows at most 20 of the members, the owners or what the group is in (Graph: query-parameters).
fn with_expanded(tenant: &Tenant, request: Request<'_>, group: &Group) -> Result<Props, Answer> {
    let mut props = group.props.clone();
    for (name, select) in list::expansions(request, GROUPS, &["members", "owners", "memberOf"])? {
        let objects = match name.as_str() {
            "memberOf" => members::parents(tenant, request, &group.id, View::Index),
            "members" => members::objects(tenant, request, &group.id, View::Index),
            _ => members::owners(tenant, request, &group.id),
        };
        let narrowed = objects.into_iter().take(20).map(|mut object| {
            object.retain(|name, _| select.is_empty() || name == "@odata.type" || select.contains(name));
            Value::Object(object)
        });
        props.insert(name, narrowed.collect());
    }
    Ok(props)
}

fn create(tenant: &mut Tenant, request: Request<'_>, body: Props) -> Reply {
    for name in ["displayName", "mailEnabled", "mailNickname", "securityEnabled"] {
        if body.get(name).is_none_or(Value::is_null) {
            return Err(bad_request(format!("A value is required for property '{name}' of resource 'Group'.")));
        }
    }
    let owners = members::bound(tenant, request, &body, "owners@odata.bind")?;
    let bound = members::bound(tenant, request, &body, "members@odata.bind")?;
    if owners.len() + bound.len() > MAX_BOUND_AT_CREATE {
        return Err(bad_request(format!("The request has more than {MAX_BOUND_AT_CREATE} relationships.")));
    }
    let reads_users = |role: &String| {
        ["User.Read.All", "User.ReadBasic.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"]
            .contains(&role.as_str())
    };
    if !bound.is_empty() && !request.caller.roles.iter().any(reads_users) {
        return Err(denied());
    }
    let settings = settable(&body)?;
    check_new(tenant, request, &settings)?;
    let id = tenant.new_id();
    let mut props = group_props(&id, "", request.now);
    props.extend(settings);
    let wide = request.caller.roles.iter().any(|role| WRITE_GROUPS.contains(&role.as_str()));
    let created_by = Some(request.caller.app_id.clone());
    let anonymous = owners.is_empty() && !wide;
    let group = Group { id: id.clone(), props: props.clone(), created_by, anonymous };
    tenant.write_group(&id, Some(group), request.now);
    tenant.record_harmless();
    for member in &bound {
        tenant.write_member(&id, member, request.caller.adds(), request.now);
    }
    if let Some(entry) = tenant.groups.get_mut(&id) {
        entry.owners.extend(owners);
    }
    let answer = list::single(request, GROUPS, 201, props)?;
    Ok(answer.header(
        "Location",
        format!(
            "https://graph.microsoft.com/v1.0/{}/directoryObjects/{id}/Microsoft.DirectoryServices.Group",
            tenant.id
        ),
    ))
}

fn settable(body: &Props) -> Result<Props, Answer> {
    let mut found = Props::new();
    for (name, value) in body {
        if name.contains('@') {
            continue;
        }
        if !SETTABLE.contains(&name.as_str()) {
            return Err(bad_request(format!("Invalid property '{name}'.")));
        }
        let right_type = match name.as_str() {
            "mailEnabled" | "securityEnabled" => value.is_boolean(),
            "isAssignableToRole" => value.is_boolean() || value.is_null(),
            "groupTypes" => value.is_array(),
            "displayName" => value.as_str().is_some_and(|text| !text.is_empty() && text.len() <= 256),
            "mailNickname" => value.as_str().is_some_and(|text| {
                !text.is_empty()
                    && text.len() <= 64
                    && text.is_ascii()
                    && !text.chars().any(|one| NICKNAME_FORBIDDEN.contains(one))
            }),
            _ => value.is_string() || value.is_null(),
        };
        if !right_type {
            return Err(bad_request(format!("Invalid value specified for property '{name}' of resource 'Group'.")));
        }
        found.insert(name.clone(), value.clone());
    }
    Ok(found)
}

fn check_new(tenant: &Tenant, request: Request<'_>, props: &Props) -> Result<(), Answer> {
    let text = |name: &str| props.get(name).and_then(Value::as_str);
    let on = |name: &str| props.get(name).and_then(Value::as_bool).unwrap_or(false);
    if on("isAssignableToRole") {
        let dynamic = props.get("groupTypes").is_some_and(|types| types.to_string().contains("DynamicMembership"));
        if !request.caller.roles.iter().any(|role| role == "RoleManagement.ReadWrite.Directory") {
            return Err(denied());
        }
        if !tenant.is_licensed("P1") {
            return Err(refuse(
                403,
                "Authorization_RequestDenied",
                "The tenant needs a premium license to create role-assignable groups.",
            ));
        }
        let visibility = text("visibility");
        let shown = match tenant.switches.get("role_assignable_visibility") {
            "hidden" => visibility.is_some_and(|visibility| visibility != "Hidden"),
            _ => visibility == Some("Public"),
        };
        if dynamic || !on("securityEnabled") || shown {
            return Err(bad_request("A role-assignable group must be security enabled, assigned and not public."));
        }
    }
    if on("isAssignableToRole") && role_assignable(tenant) >= MAX_ROLE_ASSIGNABLE {
        return Err(bad_request(format!("A tenant has at most {MAX_ROLE_ASSIGNABLE} role-assignable groups.")));
    }
    let unified = props.get("groupTypes").is_some_and(|types| types.to_string().contains("Unified"));
    if on("mailEnabled") && !unified {
        return Err(bad_request(
            "The service does not currently support writes of mail-enabled groups. Please ensure that the mail-enablement property is unset and the security-enablement property is set.",
        ));
    }
    check_dynamic(tenant, props)?;
    let Some(name) = text("uniqueName") else { return Ok(()) };
    let holds = |group: &Group| group.text("uniqueName") == name;
    let living = tenant.groups.values().filter_map(|entry| entry.object.truth()).any(holds);
    let deleted = tenant.deleted_groups().any(holds);
    if living || (deleted && tenant.switches.is("deleted_unique_name", "held")) {
        return Err(bad_request("Another object with the same value for property uniqueName already exists."));
    }
    Ok(())
}

/// Whether `isAssignableToRole` can be filtered on without the headers of an advanced query is a switch.
fn check_role_assignable_filter(tenant: &Tenant, request: Request<'_>) -> Result<(), Answer> {
    let asks = request.call.parameter("$filter").is_some_and(|filter| filter.contains("isAssignableToRole"));
    let advanced = list::is_eventual(request) && request.call.parameter("$count") == Some("true");
    if asks && !advanced && tenant.switches.is("role_assignable_filter", "advanced") {
        return Err(unsupported_query(
            "A filter on isAssignableToRole needs ConsistencyLevel: eventual and $count=true.",
        ));
    }
    Ok(())
}

fn role_assignable(tenant: &Tenant) -> usize {
    tenant.groups.values().filter_map(|entry| entry.object.truth()).filter(|group| group.role_assignable()).count()
}

/// A dynamic group needs a rule that can be stored, and a licence (Entra: groups-dynamic-membership).
fn check_dynamic(tenant: &Tenant, props: &Props) -> Result<(), Answer> {
    let types = props.get("groupTypes").and_then(Value::as_array);
    if !types.is_some_and(|types| types.iter().any(|one| one == "DynamicMembership")) {
        return Ok(());
    }
    if !tenant.is_licensed("P1") {
        let text = "The tenant needs a premium license for groups with dynamic membership.";
        return Err(refuse(403, "Authorization_RequestDenied", text));
    }
    let rule = props.get("membershipRule").and_then(Value::as_str).unwrap_or_default();
    membership_rule::check(rule).map_err(|why| {
        let by_name = tenant.switches.is("dynamic_rule_code", "exception");
        refuse(400, if by_name { why.exception() } else { "Request_BadRequest" }, why.to_string())
    })
}

fn update(tenant: &mut Tenant, request: Request<'_>, id: &str, body: Props) -> Reply {
    let mut group = changeable(tenant, request, id)?;
    let bound = members::bound(tenant, request, &body, "members@odata.bind")?;
    let mut changes = settable(&body)?;
    // An upsert repeats the key; setting it to what it is changes nothing.
    changes.retain(|name, value| group.props.get(name) != Some(value));
    if let Some(name) = changes.keys().find(|name| IMMUTABLE.contains(&name.as_str())) {
        return Err(bad_request(format!("The property '{name}' is immutable and cannot be updated.")));
    }
    members::check_addition(tenant, request, id, &bound)?;
    let creator = group.created_by.clone();
    tenant.record_harmless();
    if !changes.is_empty() {
        let names: Vec<&str> = changes.keys().map(String::as_str).collect();
        let what = format!("PATCH /groups/{id} ({})", names.join(", "));
        group.props.extend(changes.clone());
        if changes.contains_key("groupTypes") || changes.contains_key("membershipRule") {
            check_dynamic(tenant, &group.props)?;
        }
        tenant.write_group(id, Some(group), request.now);
        tenant.record_write(request.caller, creator.as_deref(), what);
    }
    for member in &bound {
        tenant.write_member(id, member, request.caller.adds(), request.now);
    }
    if !bound.is_empty() {
        tenant.record_write(
            request.caller,
            creator.as_deref(),
            format!("PATCH /groups/{id} ({} members)", bound.len()),
        );
    }
    Ok(Answer::empty(204))
}

fn delete(tenant: &mut Tenant, request: Request<'_>, id: &str) -> Reply {
    let group = changeable(tenant, request, id)?;
    tenant.delete_group(id, request.now);
    tenant.record_write(request.caller, group.created_by.as_deref(), format!("DELETE /groups/{id}"));
    Ok(Answer::empty(204))
}
