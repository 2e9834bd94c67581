//! `/users`: find, read, change, block, sign out, delete.
//!
//! Changes to `accountEnabled` and a few others are "sensitive actions": refused for users who hold roles, unless the
//! calling application holds one itself (Graph: user resource).

use serde_json::{Value, json};

use super::account::User;
use crate::graph::error::{bad_request, denied, method_not_allowed, not_found, refuse, unknown_segment};
use crate::graph::filter::Filter;
use crate::graph::list::{self, USERS};
use crate::graph::request::Request;
use crate::http::{Answer, Reply};
use crate::planes::entra::held;
use crate::planes::groups::group::Group;
use crate::replicated::View;
use crate::tenant::{Caller, Props, Tenant};

const SENSITIVE: &[&str] =
    &["accountEnabled", "otherMails", "userPrincipalName", "onPremisesImmutableId", "passwordProfile"];
/// Properties that the directory keeps for itself.
const READ_ONLY: &[&str] = &[
    "id",
    "createdDateTime",
    "creationType",
    "externalUserState",
    "externalUserStateChangeDateTime",
    "proxyAddresses",
    "deletedDateTime",
    "signInActivity",
];

pub fn handle(tenant: &mut Tenant, request: Request<'_>, parts: &[&str]) -> Reply {
    match (request.call.method.as_str(), parts) {
        ("GET", []) => {
            check_sign_in_activity(tenant, request)?;
            check_sign_in_filter(request)?;
            list::expansions(request, USERS, &[])?;
            // A collection comes from the index even without a filter.
            let items = tenant.users_seen(View::Index, request.now).map(|user| user.props.clone()).collect();
            list::answer(tenant, request, USERS, items)
        }
        ("GET", ["$count"]) => list::count(request, tenant.users_seen(View::Index, request.now).count()),
        ("GET", [id]) => {
            check_sign_in_activity(tenant, request)?;
            let user = find(tenant, request, id)?;
            list::single(request, USERS, 200, user.props.clone())
        }
        ("PATCH", [id]) => update(tenant, request, id),
        ("DELETE", [id]) => delete(tenant, request, id),
        ("POST", [id, "revokeSignInSessions"]) => revoke_sessions(tenant, request, id),
        ("GET", [id, "memberOf"]) => member_of(tenant, request, id, false),
        ("GET", [id, "transitiveMemberOf"]) => member_of(tenant, request, id, true),
        ("GET", [id, "memberOf", "$count"]) => {
            let groups = direct_groups(tenant, request, &find(tenant, request, id)?.id.clone());
            list::count(request, groups.len())
        }
        ("GET", [id, property]) if USERS.known.contains(property) => property_of(tenant, request, id, property),
        (_, []) | (_, [_]) => Err(method_not_allowed()),
        (_, [_, other, ..]) => Err(unknown_segment(other)),
    }
}

/// One property by itself; 204 if it has no value.
fn property_of(tenant: &Tenant, request: Request<'_>, id: &str, property: &str) -> Reply {
    let user = find(tenant, request, id)?;
    let context =
        format!("https://graph.microsoft.com/{}/$metadata#users('{}')/{property}", request.call.segments[0], user.id);
    match user.props.get(property) {
        None | Some(Value::Null) => Ok(Answer::empty(204)),
        Some(value) => Ok(Answer::json(200, json!({"@odata.context": context, "value": value}))),
    }
}

/// A user by object id or user principal name, as a read by id shows it.
fn find<'a>(tenant: &'a Tenant, request: Request<'_>, id: &str) -> Result<&'a User, Answer> {
    let by_name = || {
        tenant.users_seen(View::Index, request.now).find(|user| user.text("userPrincipalName").eq_ignore_ascii_case(id))
    };
    tenant.user_seen(id, View::Id, request.now).or_else(by_name).ok_or_else(|| not_found(id))
}

/// For writes: the user must be seen, and what is changed is the truth.
fn find_to_change(tenant: &Tenant, request: Request<'_>, id: &str) -> Result<User, Answer> {
    let id = find(tenant, request, id)?.id.clone();
    tenant.user(&id).cloned().ok_or_else(|| not_found(&id))
}

fn update(tenant: &mut Tenant, request: Request<'_>, id: &str) -> Reply {
    let mut user = find_to_change(tenant, request, id)?;
    let Some(Value::Object(changes)) = request.call.json() else {
        return Err(bad_request("The request body is not a JSON object."));
    };
    let changes: Props = changes.into_iter().filter(|(name, _)| !name.starts_with("@odata.")).collect();
    if changes.keys().any(|name| SENSITIVE.contains(&name.as_str())) {
        check_sensitive(tenant, request.caller, &user)?;
    }
    for (name, value) in &changes {
        check_property(name, value)?;
    }
    let (id, creator) = (user.id.clone(), user.created_by.clone());
    let names: Vec<&str> = changes.keys().map(String::as_str).collect();
    let what = format!("PATCH /users/{id} ({})", names.join(", "));
    user.props.extend(changes.clone());
    tenant.write_user(&id, Some(user), request.now);
    tenant.record_write(request.caller, creator.as_deref(), what);
    Ok(Answer::empty(204))
}

fn check_property(name: &str, value: &Value) -> Result<(), Answer> {
    let right_type = match name {
        "accountEnabled" | "showInAddressList" => value.is_boolean(),
        "otherMails" | "businessPhones" | "identities" => value.is_array(),
        "userType" => value == "Member" || value == "Guest",
        "passwordProfile" | "onPremisesExtensionAttributes" => value.is_object(),
        _ => value.is_string() || value.is_null(),
    };
    if READ_ONLY.contains(&name) {
        Err(bad_request(format!("Property '{name}' is read-only and cannot be set.")))
    } else if !USERS.known.contains(&name) {
        Err(bad_request(format!("Invalid property '{name}'.")))
    } else if !right_type {
        Err(bad_request(format!("Invalid value specified for property '{name}' of resource 'User'.")))
    } else {
        Ok(())
    }
}

fn delete(tenant: &mut Tenant, request: Request<'_>, id: &str) -> Reply {
    let user = find_to_change(tenant, request, id)?;
    check_sensitive(tenant, request.caller, &user)?;
    tenant.soft_delete_user(&user.id, request.now);
    tenant.record_write(request.caller, user.created_by.as_deref(), format!("DELETE /users/{}", user.id));
    Ok(Answer::empty(204))
}

/// Also the way of `DELETE /groups/{id}/members/{id}` without `$ref`.
pub fn delete_by_mistake(tenant: &mut Tenant, request: Request<'_>, id: &str) -> Reply {
    delete(tenant, request, id)
}

fn revoke_sessions(tenant: &mut Tenant, request: Request<'_>, id: &str) -> Reply {
    let mut user = find_to_change(tenant, request, id)?;
    let (id, creator) = (user.id.clone(), user.created_by.clone());
    user.sessions_revoked_at = Some(request.now.date());
    if tenant.sign_out(&id, request.now) {
        user.props.insert("signInSessionsValidFromDateTime".into(), json!(request.now.date()));
    }
    tenant.write_user(&id, Some(user), request.now);
    tenant.record_write(request.caller, creator.as_deref(), format!("POST /users/{id}/revokeSignInSessions"));
    Ok(Answer::json(
        200,
        json!({"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#Edm.Boolean", "value": true}),
    ))
}

/// A plain read is judged by id, a filtered one by the index.
fn direct_groups(tenant: &Tenant, request: Request<'_>, user: &str) -> Vec<String> {
    let view = list::view_of(request);
    let holds = |id: &&String| tenant.members_seen(id, view, request.now).contains(&user);
    tenant
        .groups
        .keys()
        .filter(|id| tenant.group_seen(id, view, request.now).is_some())
        .filter(holds)
        .cloned()
        .collect()
}

fn member_of(tenant: &Tenant, request: Request<'_>, id: &str, nested: bool) -> Reply {
    let user = find(tenant, request, id)?;
    let mut ids = direct_groups(tenant, request, &user.id);
    if nested {
        ids = tenant.groups_of(&user.id).into_iter().collect();
    }
    let typed = |group: &Group| {
        let mut props = group.props.clone();
        props.insert("@odata.type".into(), json!("#microsoft.graph.group"));
        props
    };
    let view = list::view_of(request);
    let mut items: Vec<Props> =
        ids.iter().filter_map(|id| tenant.group_seen(id, view, request.now)).map(typed).collect();
    // What the groups hold reaches their members, and they are members of it in turn.
    let groups = ids.iter().filter(|_| nested).map(String::as_str);
    let holders: Vec<&str> = groups.chain([user.id.as_str()]).collect();
    items.extend(held::objects(tenant, &holders, view, request.now));
    items.sort_by_key(|item| item["id"].as_str().unwrap_or_default().to_owned());
    list::answer(tenant, request, list::DIRECTORY_OBJECTS, items)
}

/// Refuses what only a caller with a high enough directory role of its own may do to someone who holds roles.
pub fn check_sensitive(tenant: &Tenant, caller: &Caller, user: &User) -> Result<(), Answer> {
    let may = held::may_act_on(tenant, &caller.sp_id, user);
    if may { Ok(()) } else { Err(denied()) }
}

/// A filter on `signInActivity` stands alone (Graph: user resource).
fn check_sign_in_filter(request: Request<'_>) -> Result<(), Answer> {
    let filter = request.call.parameter("$filter").and_then(|text| Filter::parse(text).ok());
    let properties = filter.as_ref().map(Filter::properties).unwrap_or_default();
    let on_activity = properties.iter().filter(|name| **name == "signInActivity").count();
    if on_activity > 0 && on_activity < properties.len() {
        return Err(bad_request("Filter by signInActivity cannot be combined with other filters."));
    }
    Ok(())
}

/// `signInActivity` needs a licence and a permission of its own (Graph: user resource).
fn check_sign_in_activity(tenant: &Tenant, request: Request<'_>) -> Result<(), Answer> {
    if !request.call.parameter("$select").is_some_and(|select| select.contains("signInActivity")) {
        return Ok(());
    }
    if !tenant.is_licensed("P1") {
        return Err(refuse(
            403,
            "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
            "Neither tenant is B2C or tenant doesn't have premium license",
        ));
    }
    if !request.caller.roles.iter().any(|role| role == "AuditLog.Read.All") {
        return Err(denied());
    }
    Ok(())
}
