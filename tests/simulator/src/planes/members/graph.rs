//! `/groups/{id}/members` and `/owners`: list, add one, add by twenty, remove.
//!
//! Graph: group-post-members, group-delete-members, group-list-members.

use serde_json::{Value, json};

use crate::graph::error::{bad_request, method_not_allowed, not_found, refuse, unsupported_query};
use crate::graph::request::Request;
use crate::graph::{list, objects};
use crate::http::{Answer, Body, Reply};
use crate::planes::entra::held;
use crate::planes::groups::guard::changeable;
use crate::planes::users::graph as users;
use crate::replicated::View;
use crate::tenant::{Props, Tenant};

/// `members@odata.bind` in one PATCH.
const MAX_BOUND: usize = 20;
/// Of one group (Entra: service limits).
const MAX_OWNERS: usize = 100;
const EXISTS: &str =
    "One or more added object references already exist for the following modified properties: 'members'.";

pub fn handle(tenant: &mut Tenant, request: Request<'_>, group: &str, parts: &[&str]) -> Reply {
    if tenant.group_seen(group, View::Id, request.now).is_none() {
        return Err(not_found(group));
    }
    match (request.call.method.as_str(), parts) {
        ("GET", ["members"]) => {
            check_indexed(request)?;
            let items = objects(tenant, request, group, list::view_of(request));
            list::answer(tenant, request, list::DIRECTORY_OBJECTS, items)
        }
        ("GET", ["members", "$count"]) => {
            list::count(request, tenant.members_seen(group, View::Index, request.now).len())
        }
        ("GET", ["members" | "transitiveMembers", cast]) if cast.ends_with("graph.user") => {
            cast_to_users(tenant, request, group, parts[0])
        }
        ("GET", ["transitiveMembers"]) => {
            let items = nested(tenant, request, group);
            list::answer(tenant, request, list::DIRECTORY_OBJECTS, items)
        }
        ("POST", ["members", "$ref"]) => add(tenant, request, group),
        ("DELETE", ["members", id, "$ref"]) => remove(tenant, request, group, id),
        ("DELETE", ["members", id]) => users::delete_by_mistake(tenant, request, id),
        ("GET", ["owners"]) => {
            check_indexed(request)?;
            list::answer(tenant, request, list::DIRECTORY_OBJECTS, owners(tenant, request, group))
        }
        ("GET", [which @ ("members" | "owners"), "$ref"]) => references(tenant, request, group, which),
        ("POST", ["owners", "$ref"]) => change_owner(tenant, request, group, None),
        ("DELETE", ["owners", id, "$ref"]) => change_owner(tenant, request, group, Some(id)),
        _ => Err(method_not_allowed()),
    }
}

/// The members as directory objects with their `@odata.type`.
pub fn objects(tenant: &Tenant, request: Request<'_>, group: &str, view: View) -> Vec<Props> {
    let ids = tenant.members_seen(group, view, request.now);
    ids.into_iter().filter_map(|id| objects::object(tenant, id, view, request.now)).collect()
}

/// The groups that it is a direct member of, and the directory roles that it holds.
pub fn parents(tenant: &Tenant, request: Request<'_>, group: &str, view: View) -> Vec<Props> {
    let all = tenant.groups.keys();
    let holds = all.filter(|id| tenant.members_seen(id, view, request.now).contains(&group));
    let groups = holds.filter_map(|id| objects::object(tenant, id, view, request.now));
    let shows = tenant.switches.is("group_member_of_roles", "shown");
    let roles = if shows { held::objects(tenant, &[group], view, request.now) } else { Vec::new() };
    groups.chain(roles).collect()
}

pub fn owners(tenant: &Tenant, request: Request<'_>, group: &str) -> Vec<Props> {
    let owners = tenant.groups.get(group).into_iter().flat_map(|entry| &entry.owners);
    owners.filter_map(|id| objects::object(tenant, id, View::Id, request.now)).collect()
}

/// The links alone, in pages like the objects.
fn references(tenant: &Tenant, request: Request<'_>, group: &str, which: &str) -> Reply {
    let all = if which == "members" {
        objects(tenant, request, group, list::view_of(request))
    } else {
        owners(tenant, request, group)
    };
    let mut answer = list::answer(tenant, request, list::DIRECTORY_OBJECTS, all)?;
    if let Body::Json(body) = &mut answer.body {
        for item in body["value"].as_array_mut().into_iter().flatten() {
            let id = item["id"].as_str().unwrap_or_default();
            *item = json!({"@odata.id": format!("https://graph.microsoft.com/v2/{}/directoryObjects/{id}", tenant.id)});
        }
    }
    Ok(answer)
}

/// Members are searched in the index only (Graph: group-list-members).
fn check_indexed(request: Request<'_>) -> Result<(), Answer> {
    let asks = ["$filter", "$search", "$orderby"].iter().any(|name| request.call.parameter(name).is_some());
    let advanced = list::is_eventual(request) && request.call.parameter("$count") == Some("true");
    if asks && !advanced {
        return Err(unsupported_query("A query of members needs ConsistencyLevel: eventual and $count=true."));
    }
    Ok(())
}

fn cast_to_users(tenant: &Tenant, request: Request<'_>, group: &str, which: &str) -> Reply {
    if request.call.header("ConsistencyLevel").is_none() {
        return Err(unsupported_query("OData cast needs the header ConsistencyLevel: eventual and $count=true."));
    }
    let all =
        if which == "members" { objects(tenant, request, group, View::Index) } else { nested(tenant, request, group) };
    let items = all.into_iter().filter(|item| item["@odata.type"] == "#microsoft.graph.user").collect();
    list::answer(tenant, request, list::USERS, items)
}

fn nested(tenant: &Tenant, request: Request<'_>, group: &str) -> Vec<Props> {
    let under = |id: &&String| tenant.groups_of(id).contains(group);
    let ids = tenant.users.keys().chain(tenant.groups.keys()).filter(under);
    let mut items: Vec<Props> = ids.filter_map(|id| objects::object(tenant, id, View::Index, request.now)).collect();
    items.sort_by_key(|item| item["id"].as_str().unwrap_or_default().to_owned());
    items
}

/// The ids that `members@odata.bind` or `owners@odata.bind` names; every one must be known already.
pub fn bound(tenant: &Tenant, request: Request<'_>, body: &Props, name: &str) -> Result<Vec<String>, Answer> {
    let Some(value) = body.get(name) else { return Ok(Vec::new()) };
    let links = value.as_array().ok_or_else(|| bad_request(format!("'{name}' must be an array of references.")))?;
    links.iter().map(|link| referenced(tenant, request, link.as_str().unwrap_or_default())).collect()
}

/// The object that an `@odata.id` URL points to.
fn referenced(tenant: &Tenant, request: Request<'_>, link: &str) -> Result<String, Answer> {
    let mut parts = link.trim_end_matches('/').rsplit('/');
    let (id, set) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if !["directoryObjects", "users", "groups", "servicePrincipals"].contains(&set)
        || uuid::Uuid::parse_str(id).is_err()
    {
        return Err(bad_request(format!("Invalid object identifier '{link}'.")));
    }
    let id = id.to_lowercase();
    if tenant.principal_seen(&id, View::Id, request.now) { Ok(id) } else { Err(not_found(&id)) }
}

/// Everything that may stand against adding these members; all or none (Graph: group-post-members).
pub fn check_addition(tenant: &Tenant, request: Request<'_>, group: &str, added: &[String]) -> Result<(), Answer> {
    let Some(entry) = tenant.groups.get(group) else { return Err(not_found(group)) };
    let target = changeable(tenant, request, group)?;
    if added.len() > MAX_BOUND {
        return Err(bad_request(format!("The request adds more than {MAX_BOUND} members.")));
    }
    if !added.is_empty() && target.dynamic() {
        return Err(bad_request("Insufficient privileges: members of a dynamic group cannot be changed by hand."));
    }
    let nests = added.iter().any(|id| tenant.kind(id) == Some("Group"));
    if nests && (target.role_assignable() || added.iter().any(|id| id == group)) {
        return Err(bad_request("A role-assignable group has no nested groups, and no group is its own member."));
    }
    let mut fresh = added.iter().enumerate().map(|(at, id)| !entry.has_member(id) && !added[..at].contains(id));
    if fresh.all(|fresh| fresh) { Ok(()) } else { Err(refuse(400, tenant.switches.get("already_member_code"), EXISTS)) }
}

fn add(tenant: &mut Tenant, request: Request<'_>, group: &str) -> Reply {
    let body = request.call.json().unwrap_or_default();
    let link = body["@odata.id"].as_str().ok_or_else(|| bad_request("'@odata.id' is missing."))?;
    let id = referenced(tenant, request, link)?;
    check_addition(tenant, request, group, std::slice::from_ref(&id))?;
    tenant.write_member(group, &id, request.caller.adds(), request.now);
    note(tenant, request, group, format!("POST /groups/{group}/members/$ref ({id})"));
    Ok(Answer::empty(204))
}

fn remove(tenant: &mut Tenant, request: Request<'_>, group: &str, id: &str) -> Reply {
    let target = changeable(tenant, request, group)?;
    if target.dynamic() {
        return Err(bad_request("Members of a dynamic group cannot be changed by hand."));
    }
    if !tenant.groups.get(group).is_some_and(|entry| entry.has_member(id)) {
        return match tenant.switches.get("delete_member_absent") {
            "204" => {
                tenant.record_harmless();
                Ok(Answer::empty(204))
            }
            _ => Err(not_found(id)),
        };
    }
    tenant.write_member(group, id, None, request.now);
    note(tenant, request, group, format!("DELETE /groups/{group}/members/{id}/$ref"));
    Ok(Answer::empty(204))
}

fn change_owner(tenant: &mut Tenant, request: Request<'_>, group: &str, removed: Option<&str>) -> Reply {
    changeable(tenant, request, group)?;
    let body = request.call.json().unwrap_or_else(|| json!({}));
    let link = body.get("@odata.id").and_then(Value::as_str).unwrap_or_default();
    let added = if removed.is_none() { Some(referenced(tenant, request, link)?) } else { None };
    let Some(entry) = tenant.groups.get_mut(group) else { return Err(not_found(group)) };
    match (added, removed) {
        (Some(id), _) if entry.owners.len() >= MAX_OWNERS && !entry.owners.contains(&id) => {
            return Err(bad_request(format!("A group has at most {MAX_OWNERS} owners.")));
        }
        (Some(id), _) if !entry.owners.insert(id.clone()) => {
            return Err(bad_request(EXISTS.replace("members", "owners")));
        }
        (None, Some(id)) if !entry.owners.remove(id) => return Err(not_found(id)),
        _ => {}
    }
    note(tenant, request, group, format!("{} /groups/{group}/owners", request.call.method));
    Ok(Answer::empty(204))
}

fn note(tenant: &mut Tenant, request: Request<'_>, group: &str, what: String) {
    let creator = tenant.group(group).and_then(|group| group.created_by.clone());
    tenant.record_write(request.caller, creator.as_deref(), what);
}
