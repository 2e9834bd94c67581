//! What a handler of ARM may look at besides the tenant, and what all of them answer with.

use serde_json::{Value, json};

use crate::clock::Now;
use crate::http::{Answer, Call, Reply};
use crate::planes::azure::state::Action;
use crate::tenant::{Caller, Tenant};

#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub call: &'a Call,
    pub caller: &'a Caller,
    pub now: Now,
}

/// What of `Microsoft.Authorization` a path names: `/{scope}/providers/Microsoft.Authorization/{kind}[/{name}]`.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    pub scope: &'a str,
    /// In small letters.
    pub kind: &'a str,
    pub name: Option<&'a str>,
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

/// Whether the caller holds a role at, above or below the scope.
pub fn sees(tenant: &Tenant, request: Request<'_>, scope: &str) -> bool {
    let groups = tenant.groups_of(&request.caller.sp_id);
    let own = |principal: &String| *principal == request.caller.sp_id || groups.contains(principal);
    tenant.azure.assignments.values().any(|one| {
        own(&one.principal) && (tenant.azure.covers(&one.scope, scope) || tenant.azure.covers(scope, &one.scope))
    })
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
