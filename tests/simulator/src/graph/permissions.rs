//! Which application permission lets a Graph request through.
//!
//! Source: Microsoft's permissions.json of 2026-08 (what generates the tables in the Graph reference): the least
//! privileged permission of each operation and the wider ones. Where it has no row, the row says so.

use serde_json::Value;

use super::{Request, delta, error};
use crate::http::Answer;
use crate::tenant::{Deleted, Tenant};

const READ_USERS: &[&str] = &[
    "User.ReadBasic.All",
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "User.ReadWrite.CrossCloud",
];
const USERS_DELTA: &[&str] = &["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const WRITE_USERS: &[&str] = &["User.ReadWrite.All", "Directory.ReadWrite.All", "User.ReadWrite.CrossCloud"];
const DELETE_USERS: &[&str] = &["User.DeleteRestore.All", "User.ReadWrite.All", "User.ReadWrite.CrossCloud"];
const READ_DELETED_USERS: &[&str] = &[
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "User.ReadWrite.CrossCloud",
];
const READ_DELETED_GROUPS: &[&str] =
    &["Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const READ_GROUPS: &[&str] = &[
    "Group.ReadBasic.All",
    "Group-NestingSupport.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "Group-PreferredDataLocation.ReadWrite.All",
    "Group.ManageProtection.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "GroupMember.Read.All",
];
const CREATE_GROUPS: &[&str] =
    &["Group.Create", "Directory.ReadWrite.All", "Group-PreferredDataLocation.ReadWrite.All", "Group.ReadWrite.All"];
/// Permissions to change any group.
pub const WRITE_GROUPS: &[&str] = &[
    "Group.ReadWrite.All",
    "Directory.ReadWrite.All",
    "Group-NestingSupport.ReadWrite.All",
    "Group-PreferredDataLocation.ReadWrite.All",
    "Group.ManageProtection.All",
];
const READ_MEMBERS: &[&str] = &[
    "GroupMember.ReadBasic.All",
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Group.ReadBasic.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const WRITE_MEMBERS: &[&str] = &["GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"];
const READ_DIRECTORY: &[&str] = &["Directory.Read.All", "Directory.ReadWrite.All"];
const READ_POLICIES: &[&str] =
    &["Policy.Read.All", "Policy.ReadWrite.Authorization", "Policy.ReadWrite.SecurityDefaults"];
const READ_DEFENDER: &[&str] =
    &["RoleManagement.Read.Defender", "RoleManagement.Read.All", "RoleManagement.ReadWrite.Defender"];
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
    let holds = |any: &[&str]| request.caller.roles.iter().any(|role| any.contains(&role.as_str()));
    let allowed = match needed(tenant, request, version, parts) {
        Needed::Nothing => true,
        Needed::Any(any) => holds(any),
        Needed::Either(one, other) => holds(one) || holds(other),
        Needed::Both(one, other) => holds(one) && holds(other),
        Needed::UserPatch => may_patch_user(tenant, request, holds),
        Needed::GroupPatch(group) => may_patch_group(tenant, request, group, holds),
    };
    if allowed { Ok(()) } else { Err(error::denied()) }
}

enum Needed<'a> {
    /// Not ours to judge here: unknown paths are refused by the router.
    Nothing,
    Any(&'static [&'static str]),
    Either(&'static [&'static str], &'static [&'static str]),
    Both(&'static [&'static str], &'static [&'static str]),
    UserPatch,
    GroupPatch(&'a str),
}

fn needed<'a>(tenant: &Tenant, request: Request<'_>, version: &str, parts: &[&'a str]) -> Needed<'a> {
    let switch = |name: &str, value: &str| tenant.switches.is(name, value);
    match (request.call.method.as_str(), parts) {
        ("POST", ["invitations"]) => Needed::Either(&["User.Invite.All"], WRITE_USERS),
        ("GET", ["users", _, "memberOf" | "transitiveMemberOf", ..]) if switch("member_of_permission", "user_read") => {
            Needed::Either(READ_USERS, READ_MEMBERS)
        }
        ("GET", ["users", _, "memberOf" | "transitiveMemberOf", ..]) => Needed::Any(READ_DIRECTORY),
        ("GET", ["users", one]) if delta::is_delta(one) => Needed::Any(USERS_DELTA),
        ("GET", ["users", ..]) => Needed::Any(READ_USERS),
        ("POST", ["users", _, "revokeSignInSessions"]) => Needed::Either(&["User.RevokeSessions.All"], WRITE_USERS),
        ("PATCH", ["users", _]) => Needed::UserPatch,
        ("DELETE", ["users", _]) => Needed::Any(DELETE_USERS),
        ("POST", ["groups", _, "members", "$ref"]) if switch("add_member_needs_user_read", "yes") => {
            Needed::Both(WRITE_MEMBERS, READ_USERS)
        }
        ("POST", ["groups", _, "members", "$ref"]) | ("DELETE", ["groups", _, "members", _, "$ref"]) => {
            Needed::Any(WRITE_MEMBERS)
        }
        // The trap of the missing `$ref`: this is a request to delete the user (Graph: group-delete-members).
        ("DELETE", ["groups", _, "members", _]) => Needed::Any(DELETE_USERS),
        ("GET", ["groups", _, "members" | "transitiveMembers", ..]) => Needed::Any(READ_MEMBERS),
        ("POST" | "DELETE", ["groups", _, "owners", ..]) => Needed::Any(&["Group.ReadWrite.All"]),
        ("GET", ["groups", ..]) => Needed::Any(READ_GROUPS),
        ("POST", ["groups"]) => Needed::Any(CREATE_GROUPS),
        ("PATCH", ["groups", id]) => Needed::GroupPatch(id),
        ("DELETE", ["groups", id]) if owns(tenant, request, id) => Needed::Nothing,
        ("DELETE", ["groups", _]) => Needed::Any(&["Group.ReadWrite.All"]),
        ("GET", [one, ..]) if one.starts_with("groups(") => Needed::Any(READ_GROUPS),
        ("PATCH", [one]) if one.starts_with("groups(") && switch("upsert_permission", "create") => {
            Needed::Any(CREATE_GROUPS)
        }
        (_, [one, ..]) if one.starts_with("groups(") => Needed::Any(WRITE_GROUPS),
        // No rows for reading deletedItems (Graph: directory-deleteditems-list names these); restoring a user has one.
        ("GET", ["directory", "deletedItems", what]) => match (what, tenant.deleted.get(*what).map(|one| &one.what)) {
            (_, Some(Deleted::User(_))) => Needed::Any(READ_DELETED_USERS),
            (_, Some(Deleted::Group(_))) => Needed::Any(READ_DELETED_GROUPS),
            (cast, None) if cast.ends_with("graph.user") => Needed::Any(READ_DELETED_USERS),
            (cast, None) if cast.ends_with("graph.group") => Needed::Any(READ_DELETED_GROUPS),
            _ => Needed::Either(READ_DELETED_USERS, READ_DELETED_GROUPS),
        },
        (_, ["directory", "deletedItems", ..]) => Needed::Either(DELETE_USERS, &["Group.ReadWrite.All"]),
        (_, ["directoryObjects", ..]) => Needed::Either(READ_USERS, READ_GROUPS),
        ("GET", ["organization"]) => Needed::Any(READ_ORGANIZATION),
        ("GET", ["subscribedSkus"]) => Needed::Any(READ_SKUS),
        ("GET", ["policies", ..]) => Needed::Any(READ_POLICIES),
        ("GET", [one, ..]) if one.starts_with("servicePrincipals") => Needed::Any(READ_APPLICATIONS),
        ("GET", ["roleManagement", "defender", ..]) if version == "beta" => Needed::Any(READ_DEFENDER),
        (_, ["roleManagement", "defender", ..]) if version == "beta" => {
            Needed::Any(&["RoleManagement.ReadWrite.Defender"])
        }
        _ => Needed::Nothing,
    }
}

/// Narrow permissions cover single properties (Graph: user-update).
fn may_patch_user(tenant: &Tenant, request: Request<'_>, holds: impl Fn(&[&str]) -> bool) -> bool {
    if holds(WRITE_USERS) {
        return true;
    }
    let body = request.call.json();
    let Some(Value::Object(properties)) = body else { return false };
    let reads = tenant.switches.is("enable_disable_needs_user_read", "no") || holds(&["User.Read.All"]);
    !properties.is_empty()
        && properties.keys().filter(|name| !name.starts_with('@')).all(|name| match name.as_str() {
            "accountEnabled" => holds(&["User.EnableDisableAccount.All"]) && reads,
            "otherMails" => holds(&["User-Mail.ReadWrite.All"]),
            "businessPhones" | "mobilePhone" => holds(&["User-Phone.ReadWrite.All"]),
            "passwordProfile" => holds(&["User-PasswordProfile.ReadWrite.All"]),
            "identities" => holds(&["User.ManageIdentities.All"]),
            _ => false,
        })
}

/// Adding members by `members@odata.bind` is the one change that a permission on memberships may cover.
fn may_patch_group(tenant: &Tenant, request: Request<'_>, group: &str, holds: impl Fn(&[&str]) -> bool) -> bool {
    let body = request.call.json();
    let only_members = matches!(&body, Some(Value::Object(set)) if set.keys().all(|name| name == "members@odata.bind"));
    let binds = only_members && tenant.switches.is("bind_members_permission", "group_member");
    holds(WRITE_GROUPS) || (binds && holds(WRITE_MEMBERS)) || owns(tenant, request, group)
}

fn owns(tenant: &Tenant, request: Request<'_>, group: &str) -> bool {
    let owner = tenant.groups.get(group).is_some_and(|entry| entry.owners.contains(&request.caller.sp_id));
    owner && tenant.switches.is("owner_may_manage", "yes")
}
