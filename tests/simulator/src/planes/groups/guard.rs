//! Which groups may be changed at all.

use super::group::Group;
use crate::graph::error::{denied, not_found};
use crate::graph::request::Request;
use crate::http::Answer;
use crate::replicated::View;
use crate::tenant::Tenant;

/// A group that this caller can see and that may be changed at all.
pub fn changeable(tenant: &Tenant, request: Request<'_>, id: &str) -> Result<Group, Answer> {
    tenant.group_seen(id, View::Id, request.now).ok_or_else(|| not_found(id))?;
    let group = tenant.group(id).cloned().ok_or_else(|| not_found(id))?;
    let owner = tenant.groups.get(id).is_some_and(|entry| entry.owners.contains(&request.caller.sp_id));
    let by_owner = owner && tenant.switches.is("owner_manages_role_assignable", "yes");
    let guarded =
        group.role_assignable() && !by_owner && !request.caller.holds(&["RoleManagement.ReadWrite.Directory"]);
    if group.anonymous || guarded { Err(denied()) } else { Ok(group) }
}
