//! Azure Resource Manager: role assignments and definitions, and enough of subscriptions for an SDK to feel at home.
//!
//! Rights are checked against the caller's own role assignments (`tenant::azure`), conditions included.

use serde_json::{Value, json};

use crate::clock::Now;
use crate::http::{Answer, Call, Reply};
use crate::tenant::azure::Action;
use crate::tenant::{Caller, Tenant};

pub mod assignments;
pub mod definitions;
pub mod management_groups;
pub mod subscriptions;

/// Of roleAssignments and roleDefinitions (ARM: the REST specifications of Microsoft.Authorization).
const VERSIONS: &[&str] = &[
    "2014-04-01-preview",
    "2014-07-01-preview",
    "2014-10-01-preview",
    "2015-05-01-preview",
    "2015-06-01",
    "2015-07-01",
    "2016-07-01",
    "2017-05-01",
    "2017-09-01",
    "2017-10-01-preview",
    "2018-01-01-preview",
    "2018-07-01",
    "2018-09-01-preview",
    "2018-12-01-preview",
    "2019-04-01-preview",
    "2020-03-01-preview",
    "2020-04-01-preview",
    "2020-08-01-preview",
    "2020-10-01-preview",
    "2021-04-01-preview",
    "2022-01-01-preview",
    "2022-04-01",
    "2022-05-01-preview",
];

/// What a handler may look at besides the tenant.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub call: &'a Call,
    pub caller: &'a Caller,
    pub now: Now,
}

/// Answers one ARM request.
pub fn handle(tenant: &mut Tenant, request: Request<'_>) -> Reply {
    let call = request.call;
    let parts: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let target = authorization_target(&parts);
    check_version(call.parameter("api-version").unwrap_or_default(), target.as_ref().map(|(_, kind, _)| kind))?;
    let Some((scope, kind, name)) = target else {
        return subscriptions::handle(tenant, request, &parts);
    };
    match (call.method.as_str(), kind.as_str(), name) {
        ("GET", "roleassignments", None) => assignments::list(tenant, request, &scope),
        ("GET", "roleassignments", Some(name)) => assignments::get(tenant, request, &scope, name),
        ("PUT", "roleassignments", Some(name)) => assignments::put(tenant, request, &scope, name),
        ("DELETE", "roleassignments", Some(name)) => assignments::delete(tenant, request, &scope, name),
        ("GET", "roledefinitions", None) => definitions::list(&tenant.azure, request, &scope),
        ("GET", "roledefinitions", Some(name)) => definitions::get(&tenant.azure, &scope, name),
        _ => Err(refuse(405, "MethodNotAllowed", "The requested resource does not support this method.")),
    }
}

/// An api-version is a date that the provider knows; of what is read only here, any date will do.
fn check_version(version: &str, kind: Option<&String>) -> Result<(), Answer> {
    let date = version.strip_suffix("-preview").unwrap_or(version);
    let is_date = date.len() == 10 && date.bytes().all(|one| one.is_ascii_digit() || one == b'-');
    match kind {
        _ if version.is_empty() => Err(refuse(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )),
        _ if !is_date => Err(refuse(
            400,
            "InvalidApiVersionParameter",
            format!("The api-version '{version}' is invalid. The supported versions are '{}'.", VERSIONS.join(",")),
        )),
        Some(kind) if !VERSIONS.contains(&version) => Err(refuse(
            400,
            "NoRegisteredProviderFound",
            format!(
                "No registered resource provider found for location 'global' and API version '{version}' for type '{kind}'. The supported api-versions are '{}'.",
                VERSIONS.join(", ")
            ),
        )),
        _ => Ok(()),
    }
}

/// Splits `/{scope}/providers/Microsoft.Authorization/{kind}[/{name}]`; the last such provider counts.
fn authorization_target<'a>(parts: &[&'a str]) -> Option<(String, String, Option<&'a str>)> {
    let at = parts.windows(2).rposition(|two| {
        two[0].eq_ignore_ascii_case("providers") && two[1].eq_ignore_ascii_case("Microsoft.Authorization")
    })?;
    let kind = parts.get(at + 2)?.to_lowercase();
    let scope = parts[..at].iter().fold(String::new(), |path, part| path + "/" + part);
    if parts.len() > at + 4 || !["roleassignments", "roledefinitions"].contains(&kind.as_str()) {
        return None;
    }
    Some((scope, kind, parts.get(at + 3).copied()))
}

/// The caller's rights at a scope, or ARM's refusal.
pub fn authorize(
    tenant: &Tenant,
    request: Request<'_>,
    scope: &str,
    action: Action<'_>,
    operation: &str,
) -> Result<(), Answer> {
    let mut principals: Vec<String> = tenant.groups_of(&request.caller.sp_id).into_iter().collect();
    principals.push(request.caller.sp_id.clone());
    let principals: Vec<&str> = principals.iter().map(String::as_str).collect();
    if tenant.azure.permits(&principals, scope, action) {
        return Ok(());
    }
    let text = format!(
        "The client '{}' with object id '{}' does not have authorization to perform action '{operation}' over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.",
        request.caller.app_id, request.caller.sp_id
    );
    Err(refuse(403, "AuthorizationFailed", text))
}

/// `{"error":{"code","message"}}`
pub fn refuse(status: u16, code: &str, message: impl Into<String>) -> Answer {
    Answer::json(status, json!({"error": {"code": code, "message": message.into()}}))
}

/// A list, cut into pages with `nextLink`.
pub fn page(tenant: &Tenant, request: Request<'_>, items: Vec<Value>) -> Reply {
    let call = request.call;
    let size = tenant.settings.arm_page_size;
    let start = call.parameter("$skipToken").and_then(|token| token.parse::<usize>().ok()).unwrap_or(0);
    let total = items.len();
    let value: Vec<Value> = items.into_iter().skip(start).take(size).collect();
    let mut body = json!({"value": value});
    if start + size < total {
        let kept: Vec<&str> =
            call.raw_query.split('&').filter(|pair| !pair.to_lowercase().contains("skiptoken=")).collect();
        body["nextLink"] =
            json!(format!("{}{}?{}&$skipToken={}", call.origin, call.raw_path, kept.join("&"), start + size));
    }
    Ok(Answer::json(200, body))
}
