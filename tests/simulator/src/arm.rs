//! Azure Resource Manager: role assignments and definitions, and as much of subscriptions as SDKs need.
//!
//! Routes a path to the plane that handles it. Rights are checked against the caller's own role assignments
//! (`planes::azure`), conditions included.

use crate::http::{Answer, Reply};
use crate::planes;
use crate::tenant::Tenant;

pub mod management_groups;
pub mod request;
pub mod subscriptions;

use request::{Request, Target, refuse};

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

/// Answers one ARM request.
pub fn handle(tenant: &mut Tenant, request: Request<'_>) -> Reply {
    let call = request.call;
    let parts: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let target = authorization_target(&parts);
    check_version(call.parameter("api-version").unwrap_or_default(), target.as_ref().map(|(_, kind, _)| kind))?;
    let Some((scope, kind, name)) = target else {
        return subscriptions::handle(tenant, request, &parts);
    };
    let target = Target { scope: &scope, kind: &kind, name };
    let refused = || Err(refuse(405, "MethodNotAllowed", "The requested resource does not support this method."));
    planes::all().find_map(|plane| plane.arm(tenant, request, target)).unwrap_or_else(refused)
}

/// An api-version is a date that the provider knows; for read-only resources, any date is accepted.
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
