//! Directory objects whatever their kind, and service principals.

use serde_json::{Value, json};

use super::error::{bad_request, not_found};
use super::list;
use super::request::Request;
use crate::clock::Now;
use crate::http::{Answer, Reply};
use crate::replicated::View;
use crate::tenant::{App, Props, Tenant};

/// Graph's limit for getByIds.
const MAX_IDS: usize = 1000;

/// One object with its `@odata.type`, if such a reader sees it.
pub fn object(tenant: &Tenant, id: &str, view: View, now: Now) -> Option<Props> {
    let typed = |props: &Props, kind: &str| {
        let mut props = props.clone();
        props.insert("@odata.type".into(), json!(format!("#microsoft.graph.{kind}")));
        props
    };
    let user = || tenant.user_seen(id, view, now).map(|user| typed(&user.props, "user"));
    let group = || tenant.group_seen(id, view, now).map(|group| typed(&group.props, "group"));
    let app = || {
        tenant
            .apps
            .iter()
            .find(|app| app.sp_id == id)
            .map(|app| typed(&service_principal_props(app), "servicePrincipal"))
    };
    user().or_else(group).or_else(app)
}

pub fn get(tenant: &Tenant, request: Request<'_>, id: &str) -> Reply {
    let found = object(tenant, id, View::Id, request.now).ok_or_else(|| not_found(id))?;
    list::single(request, list::DIRECTORY_OBJECTS, 200, found)
}

/// Unknown ids are left out of the answer, not refused.
pub fn get_by_ids(tenant: &Tenant, request: Request<'_>) -> Reply {
    let body = request.call.json().unwrap_or_default();
    let ids = body["ids"].as_array().ok_or_else(|| bad_request("'ids' is missing."))?;
    if ids.len() > MAX_IDS {
        return Err(bad_request(format!("Too many ids: at most {MAX_IDS}.")));
    }
    let types: Vec<String> =
        body["types"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_lowercase).collect();
    let wanted = |item: &Props| {
        let kind =
            item["@odata.type"].as_str().unwrap_or_default().rsplit('.').next().unwrap_or_default().to_lowercase();
        types.is_empty() || types.iter().any(|one| *one == kind || one == "directoryobject")
    };
    let found = ids.iter().filter_map(Value::as_str).filter_map(|id| object(tenant, id, View::Id, request.now));
    let value: Value = found.filter(wanted).map(Value::Object).collect();
    Ok(Answer::json(
        200,
        json!({"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#directoryObjects", "value": value}),
    ))
}

pub fn service_principals(tenant: &Tenant, request: Request<'_>) -> Reply {
    let mut items: Vec<Props> = tenant.apps.iter().map(service_principal_props).collect();
    items.sort_by_key(|item| item["id"].as_str().unwrap_or_default().to_owned());
    list::answer(tenant, request, list::SERVICE_PRINCIPALS, items)
}

/// By object id or client id.
pub fn service_principal(tenant: &Tenant, request: Request<'_>, id: &str) -> Reply {
    let app = tenant
        .apps
        .iter()
        .find(|app| app.sp_id == id || app.app_id.eq_ignore_ascii_case(id))
        .ok_or_else(|| not_found(id))?;
    list::single(request, list::SERVICE_PRINCIPALS, 200, service_principal_props(app))
}

fn service_principal_props(app: &App) -> Props {
    let pairs = [
        ("id", json!(app.sp_id)),
        ("appId", json!(app.app_id)),
        ("displayName", json!(app.display_name)),
        ("accountEnabled", json!(app.enabled)),
        ("servicePrincipalType", json!("Application")),
        ("appOwnerOrganizationId", Value::Null),
        ("servicePrincipalNames", json!([app.app_id])),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
