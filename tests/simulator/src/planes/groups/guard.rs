//! Which groups may be changed at all.

use super::group::Group;
use crate::graph::error::{denied, not_found};
use crate::graph::request::Request;
use crate::http::Answer;
use crate::replicated::View;
use crate::tenant::Tenant;

/// A group that this caller can see and that anybody may change at all.
pub fn changeable(tenant: &Tenant, request: Request<'_>, id: &str) -> Result<Group, Answer> {
    tenant.group_seen(id, View::Id, request.now).ok_or_else(|| not_found(id))?;
    let group = tenant.group(id).cloned().ok_or_else(|| not_found(id))?;
    let guarded = group.role_assignable()
        && !request.caller.roles.iter().any(|role| role == "RoleManagement.ReadWrite.Directory");
    if group.anonymous || guarded { Err(denied()) } else { Ok(group) }
}
