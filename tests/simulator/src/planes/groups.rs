//! Groups: `/groups`, by id and by `uniqueName`. Who is in them is `members`.

pub mod graph;
pub mod group;
pub mod guard;
pub mod membership_rule;
pub mod seeding;
pub mod tampering;

use serde_json::Value;

use self::group::Group;
use super::surface::{SeedError, Surface};
use crate::arm::request as arm;
use crate::clock::Now;
use crate::control::seed::TenantSeed;
use crate::control::types::{GroupTruth, Truth};
use crate::graph::delta;
use crate::graph::list::GROUPS;
use crate::graph::permissions::lists::{READ_GROUPS, WRITE_GROUPS, WRITE_MEMBERS};
use crate::graph::request::{Request, key_in};
use crate::http::Reply;
use crate::tenant::Tenant;

const CREATE_GROUPS: &[&str] =
    &["Group.Create", "Directory.ReadWrite.All", "Group-PreferredDataLocation.ReadWrite.All", "Group.ReadWrite.All"];

pub struct Groups;

impl Surface for Groups {
    fn may(&self, tenant: &Tenant, request: Request<'_>, _: &str, parts: &[&str]) -> Option<bool> {
        let holds = |any: &[&str]| request.caller.holds(any);
        Some(match (request.call.method.as_str(), parts) {
            _ if is_of_members(parts) => return None,
            ("GET", ["groups", ..]) => holds(READ_GROUPS),
            ("POST", ["groups"]) => holds(CREATE_GROUPS),
            ("PATCH", ["groups", id]) => may_patch(tenant, request, id),
            ("DELETE", ["groups", id]) => owns(tenant, request, id) || holds(&["Group.ReadWrite.All"]),
            ("GET", [one, ..]) if one.starts_with("groups(") => holds(READ_GROUPS),
            ("PATCH", [one]) if one.starts_with("groups(") && tenant.switches.is("upsert_permission", "create") => {
                holds(CREATE_GROUPS)
            }
            (_, [one, ..]) if one.starts_with("groups(") => holds(WRITE_GROUPS),
            (_, ["groups", ..]) => true,
            _ => return None,
        })
    }

    fn graph(&self, tenant: &mut Tenant, request: Request<'_>, _: &str, parts: &[&str]) -> Option<Reply> {
        match (request.call.method.as_str(), parts) {
            _ if is_of_members(parts) => None,
            ("GET", ["groups", one]) if delta::is_delta(one) => Some(delta::handle(tenant, request, GROUPS)),
            (_, ["groups", rest @ ..]) => Some(graph::handle(tenant, request, rest)),
            (_, [one, rest @ ..]) if one.starts_with("groups(uniqueName=") => {
                Some(graph::by_unique_name(tenant, request, key_in(one), rest))
            }
            _ => None,
        }
    }

    fn arm(&self, _: &mut Tenant, _: arm::Request<'_>, _: arm::Target<'_>) -> Option<Reply> {
        None
    }

    fn seed(&self, tenant: &mut Tenant, seed: &TenantSeed, now: Now) -> Result<(), SeedError> {
        seed.groups.iter().try_for_each(|group| seeding::add_group(tenant, group, now))
    }

    fn truth(&self, tenant: &Tenant, _: Now, truth: &mut Truth) {
        let living = tenant.groups.values().filter_map(|entry| entry.object.truth()).map(|group| (group, false));
        let all = living.chain(tenant.deleted_groups().map(|group| (group, true)));
        truth.groups.extend(all.map(|(group, deleted)| truth_of(tenant, group, deleted)));
    }
}

/// Paths of the other plane of groups.
fn is_of_members(parts: &[&str]) -> bool {
    matches!(parts, ["groups", _, "members" | "owners" | "transitiveMembers", ..])
}

/// Adding members by `members@odata.bind` is the one change that a permission on memberships may cover.
fn may_patch(tenant: &Tenant, request: Request<'_>, group: &str) -> bool {
    let holds = |any: &[&str]| request.caller.holds(any);
    let body = request.call.json();
    let only_members = matches!(&body, Some(Value::Object(set)) if set.keys().all(|name| name == "members@odata.bind"));
    let binds = only_members && tenant.switches.is("bind_members_permission", "group_member");
    holds(WRITE_GROUPS) || (binds && holds(WRITE_MEMBERS)) || owns(tenant, request, group)
}

fn owns(tenant: &Tenant, request: Request<'_>, group: &str) -> bool {
    let owner = tenant.groups.get(group).is_some_and(|entry| entry.owners.contains(&request.caller.sp_id));
    owner && tenant.switches.is("owner_may_manage", "yes")
}

fn truth_of(tenant: &Tenant, group: &Group, deleted: bool) -> GroupTruth {
    let entry = tenant.groups.get(&group.id);
    let members = entry.map(|entry| entry.members.keys().filter(|id| entry.has_member(id)).cloned().collect());
    GroupTruth {
        id: group.id.clone(),
        display_name: group.text("displayName").to_owned(),
        unique_name: group.props.get("uniqueName").and_then(Value::as_str).map(str::to_owned),
        created_by: group.created_by.clone(),
        deleted,
        role_assignable: group.role_assignable(),
        members: members.unwrap_or_default(),
        owners: entry.map(|entry| entry.owners.iter().cloned().collect()).unwrap_or_default(),
    }
}
