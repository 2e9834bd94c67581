//! Which application permission lets a Graph request through.
//!
//! Source: Microsoft's permissions.json of 2026-08 (what generates the tables in the Graph reference): the least
//! privileged permission of each operation and the wider ones. Where it has no row, the row says so. Each plane has its
//! own rows; here are those of the directory as a whole, and the lists that several share.

use super::error;
use super::request::Request;
use crate::http::Answer;
use crate::planes;
use crate::tenant::{Deleted, Tenant};

pub mod lists;

use lists::{DELETE_USERS, READ_GROUPS, READ_USERS};

const READ_DELETED_USERS: &[&str] = &[
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "User.ReadWrite.CrossCloud",
];
const READ_DELETED_GROUPS: &[&str] =
    &["Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const READ_POLICIES: &[&str] =
    &["Policy.Read.All", "Policy.ReadWrite.Authorization", "Policy.ReadWrite.SecurityDefaults"];
const READ_SKUS: &[&str] = &[
    "LicenseAssignment.Read.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "Organization.Read.All",
    "Organization.ReadWrite.All",
];
/// No row for `GET /organization`.
const READ_ORGANIZATION: &[&str] = &[
    "Organization.Read.All",
    "Organization.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "User.Read.All",
];
/// No row for `GET /servicePrincipals`.
const READ_APPLICATIONS: &[&str] = &[
    "Application.Read.All",
    "Application.ReadWrite.All",
    "Application.ReadWrite.OwnedBy",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];

/// Refuses a request that no permission in the token covers.
pub fn check(tenant: &Tenant, request: Request<'_>, version: &str, parts: &[&str]) -> Result<(), Answer> {
    let judged = planes::all().find_map(|plane| plane.may(tenant, request, version, parts));
    if judged.unwrap_or_else(|| may(tenant, request, parts)) { Ok(()) } else { Err(error::denied()) }
}

/// Of what is no plane's. Unknown paths are not judged here: the router refuses them.
fn may(tenant: &Tenant, request: Request<'_>, parts: &[&str]) -> bool {
    let holds = |any: &[&str]| request.caller.holds(any);
    match (request.call.method.as_str(), parts) {
        // No rows for reading deletedItems (Graph: directory-deleteditems-list names these); restoring a user has one.
        ("GET", ["directory", "deletedItems", what]) => match (what, tenant.deleted.get(*what).map(|one| &one.what)) {
            (_, Some(Deleted::User(_))) => holds(READ_DELETED_USERS),
            (_, Some(Deleted::Group(_))) => holds(READ_DELETED_GROUPS),
            (cast, None) if cast.ends_with("graph.user") => holds(READ_DELETED_USERS),
            (cast, None) if cast.ends_with("graph.group") => holds(READ_DELETED_GROUPS),
            _ => holds(READ_DELETED_USERS) || holds(READ_DELETED_GROUPS),
        },
        (_, ["directory", "deletedItems", ..]) => holds(DELETE_USERS) || holds(&["Group.ReadWrite.All"]),
        (_, ["directoryObjects", ..]) => holds(READ_USERS) || holds(READ_GROUPS),
        ("GET", ["organization"]) => holds(READ_ORGANIZATION),
        ("GET", ["subscribedSkus"]) => holds(READ_SKUS),
        ("GET", ["policies", ..]) => holds(READ_POLICIES),
        ("GET", [one, ..]) if one.starts_with("servicePrincipals") => holds(READ_APPLICATIONS),
        _ => true,
    }
}
