//! Microsoft Graph: from a path to the handler that means it.
//!
//! `permissions` says who may; the files below say what happens. A path that is not simulated is answered as Graph
//! answers an unknown segment, so that nobody mistakes silence for success.

use crate::clock::Now;
use crate::http::{Answer, Call, Reply};
use crate::tenant::{Caller, Tenant};

pub mod batch;
pub mod defender;
pub mod deleted;
pub mod delta;
pub mod error;
pub mod filter;
pub mod groups;
pub mod invitations;
pub mod list;
pub mod members;
pub mod objects;
pub mod permissions;
pub mod policies;
pub mod users;

/// What a handler may look at besides the tenant.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub call: &'a Call,
    pub caller: &'a Caller,
    pub now: Now,
    /// A fault asks for an invitation that is answered but never carried out.
    pub phantom: bool,
}

/// Answers one Graph request, batches excepted.
pub fn handle(tenant: &mut Tenant, request: Request<'_>) -> Reply {
    let call = request.call;
    let parts: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let (version, parts) = parts.split_first().ok_or_else(|| error::unknown_segment(""))?;
    permissions::check(tenant, request, version, parts)?;
    match (call.method.as_str(), parts) {
        ("POST", ["invitations"]) => invitations::create(tenant, request),
        ("GET", [set @ ("users" | "groups"), one]) if delta::is_delta(one) => {
            delta::handle(tenant, request, delta::kind_of(set))
        }
        (_, ["users", ..]) => users::handle(tenant, request, &parts[1..]),
        (_, ["groups", ..]) => groups::handle(tenant, request, &parts[1..]),
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
        (_, ["roleManagement", "defender", ..]) if *version == "beta" => defender::handle(tenant, request, &parts[2..]),
        (_, [one, ..]) if one.starts_with("groups(uniqueName=") => {
            groups::by_unique_name(tenant, request, key_in(one), &parts[1..])
        }
        (_, [other, ..]) => Err(error::unknown_segment(other)),
        (_, []) => Ok(Answer::json(200, serde_json::json!({"value": []}))),
    }
}

/// The key in `groups(uniqueName='ent-l1')`.
fn key_in(segment: &str) -> &str {
    segment.split_once("='").and_then(|(_, rest)| rest.strip_suffix("')")).unwrap_or_default()
}
