//! Microsoft Graph: from a path to the plane that answers for it, or to what belongs to the directory as a whole.
//!
//! `permissions` says who may. A path that is not simulated is answered as Graph answers an unknown segment, so that
//! no client mistakes silence for success.

use crate::http::{Answer, Reply};
use crate::planes;
use crate::tenant::Tenant;

pub mod batch;
pub mod deleted;
pub mod delta;
pub mod error;
pub mod filter;
pub mod list;
pub mod objects;
pub mod permissions;
pub mod policies;
pub mod request;

use request::{Request, key_in};

/// Answers one Graph request, batches excepted.
pub fn handle(tenant: &mut Tenant, request: Request<'_>) -> Reply {
    let call = request.call;
    let parts: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let (version, parts) = parts.split_first().ok_or_else(|| error::unknown_segment(""))?;
    permissions::check(tenant, request, version, parts)?;
    if let Some(reply) = planes::all().find_map(|plane| plane.graph(tenant, request, version, parts)) {
        return reply;
    }
    match (call.method.as_str(), parts) {
        (_, ["directory", "deletedItems", ..]) => deleted::handle(tenant, request, &parts[2..]),
        ("POST", ["directoryObjects", "getByIds"]) => objects::get_by_ids(tenant, request),
        ("GET", ["directoryObjects", id]) => objects::get(tenant, request, id),
        ("GET", ["servicePrincipals"]) => objects::service_principals(tenant, request),
        ("GET", [one]) if one.starts_with("servicePrincipals(appId=") => {
            objects::service_principal(tenant, request, key_in(one))
        }
        ("GET", ["servicePrincipals", id]) => objects::service_principal(tenant, request, id),
        ("GET", ["organization"]) => policies::organization(tenant, request),
        ("GET", ["subscribedSkus"]) => policies::subscribed_skus(tenant),
        ("GET", ["policies", "authorizationPolicy"]) => policies::authorization_policy(tenant),
        ("GET", ["policies", "identitySecurityDefaultsEnforcementPolicy"]) => policies::security_defaults(tenant),
        (_, [other, ..]) => Err(error::unknown_segment(other)),
        (_, []) => Ok(Answer::json(200, serde_json::json!({"value": []}))),
    }
}
