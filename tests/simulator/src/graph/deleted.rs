//! `/directory/deletedItems`: what was deleted and can come back for 30 days (Graph: directory-deleteditems-restore).

use serde_json::json;

use super::error::{denied, method_not_allowed, not_found};
use super::list;
use super::request::Request;
use crate::http::{Answer, Reply};
use crate::planes::users::graph::check_sensitive;
use crate::tenant::{Deleted, Props, Tenant};

pub fn handle(tenant: &mut Tenant, request: Request<'_>, parts: &[&str]) -> Reply {
    match (request.call.method.as_str(), parts) {
        ("GET", [cast]) if cast.ends_with("graph.user") => {
            list::answer(tenant, request, list::USERS, tenant.deleted_users().map(|user| user.props.clone()).collect())
        }
        ("GET", [cast]) if cast.ends_with("graph.group") => {
            let items = tenant.deleted_groups().map(|group| group.props.clone()).collect();
            list::answer(tenant, request, list::GROUPS, items)
        }
        ("GET", [id]) => {
            let props = typed(&tenant.deleted.get(*id).ok_or_else(|| not_found(id))?.what);
            list::single(request, list::DIRECTORY_OBJECTS, 200, props)
        }
        ("DELETE", [id]) => purge(tenant, request, id),
        ("POST", [id, "restore"]) => restore(tenant, request, id),
        _ => Err(method_not_allowed()),
    }
}

fn typed(one: &Deleted) -> Props {
    let kind = match one {
        Deleted::User(_) => "user",
        Deleted::Group(_) => "group",
    };
    let mut props = one.props().clone();
    props.insert("@odata.type".into(), json!(format!("#microsoft.graph.{kind}")));
    props
}

/// Users and groups are judged by different permissions, and the path does not say which it is.
fn check(tenant: &Tenant, request: Request<'_>, id: &str) -> Result<Option<String>, Answer> {
    let holds = |any: &[&str]| request.caller.roles.iter().any(|role| any.contains(&role.as_str()));
    let (allowed, creator) = match &tenant.deleted.get(id).ok_or_else(|| not_found(id))?.what {
        Deleted::User(user) => {
            check_sensitive(tenant, request.caller, user)?;
            (
                holds(&["User.DeleteRestore.All", "User.ReadWrite.All", "User.ReadWrite.CrossCloud"]),
                user.created_by.clone(),
            )
        }
        Deleted::Group(group) => (holds(&["Group.ReadWrite.All"]), group.created_by.clone()),
    };
    if allowed { Ok(creator) } else { Err(denied()) }
}

fn purge(tenant: &mut Tenant, request: Request<'_>, id: &str) -> Reply {
    let creator = check(tenant, request, id)?;
    tenant.purge(id, request.now);
    tenant.record_write(request.caller, creator.as_deref(), format!("DELETE /directory/deletedItems/{id}"));
    Ok(Answer::empty(204))
}

fn restore(tenant: &mut Tenant, request: Request<'_>, id: &str) -> Reply {
    let creator = check(tenant, request, id)?;
    let shown = typed(&tenant.restore(id, request.now).ok_or_else(|| not_found(id))?);
    tenant.record_write(request.caller, creator.as_deref(), format!("POST /directory/deletedItems/{id}/restore"));
    list::single(request, list::DIRECTORY_OBJECTS, 200, shown)
}
