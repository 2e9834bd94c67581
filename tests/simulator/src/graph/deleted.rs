//! `/directory/deletedItems`: what was deleted and can come back for 30 days (Graph: directory-deleteditems-restore).

use serde_json::{Value, json};

use super::error::{denied, method_not_allowed, not_found};
use super::{Request, list, users};
use crate::http::{Answer, Reply};
use crate::tenant::{Deleted, Props, Tenant};

pub fn handle(tenant: &mut Tenant, request: Request<'_>, parts: &[&str]) -> Reply {
    match (request.call.method.as_str(), parts) {
        ("GET", [cast]) if cast.ends_with("graph.user") => {
            let items = tenant.deleted.values().filter_map(|one| match one {
                Deleted::User(user) => Some(user.props.clone()),
                Deleted::Group(_) => None,
            });
            list::answer(tenant, request, list::USERS, items.collect())
        }
        ("GET", [cast]) if cast.ends_with("graph.group") => {
            let items = tenant.deleted.values().filter_map(|one| match one {
                Deleted::Group(group) => Some(group.props.clone()),
                Deleted::User(_) => None,
            });
            list::answer(tenant, request, list::GROUPS, items.collect())
        }
        ("GET", [id]) => {
            let props = typed(tenant.deleted.get(*id).ok_or_else(|| not_found(id))?);
            list::single(request, list::DIRECTORY_OBJECTS, 200, props)
        }
        ("DELETE", [id]) => purge(tenant, request, id),
        ("POST", [id, "restore"]) => restore(tenant, request, id),
        _ => Err(method_not_allowed()),
    }
}

fn typed(one: &Deleted) -> Props {
    let (props, kind) = match one {
        Deleted::User(user) => (&user.props, "user"),
        Deleted::Group(group) => (&group.props, "group"),
    };
    let mut props = props.clone();
    props.insert("@odata.type".into(), json!(format!("#microsoft.graph.{kind}")));
    props
}

/// Users and groups are judged by different permissions, and the path does not say which it is.
fn check(tenant: &Tenant, request: Request<'_>, id: &str) -> Result<Option<String>, Answer> {
    let holds = |any: &[&str]| request.caller.roles.iter().any(|role| any.contains(&role.as_str()));
    let (allowed, creator) = match tenant.deleted.get(id).ok_or_else(|| not_found(id))? {
        Deleted::User(user) => {
            users::check_sensitive(tenant, request.caller, user)?;
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
    tenant.deleted.remove(id);
    tenant.record_write(request.caller, creator.as_deref(), format!("DELETE /directory/deletedItems/{id}"));
    Ok(Answer::empty(204))
}

fn restore(tenant: &mut Tenant, request: Request<'_>, id: &str) -> Reply {
    let creator = check(tenant, request, id)?;
    let Some(mut one) = tenant.deleted.remove(id) else { return Err(not_found(id)) };
    let props = match &mut one {
        Deleted::User(user) => &mut user.props,
        Deleted::Group(group) => &mut group.props,
    };
    props.insert("deletedDateTime".into(), Value::Null);
    let shown = typed(&one);
    match one {
        Deleted::User(user) => tenant.write_user(id, Some(user), request.now),
        Deleted::Group(group) => tenant.write_group(id, Some(group), request.now),
    }
    tenant.record_write(request.caller, creator.as_deref(), format!("POST /directory/deletedItems/{id}/restore"));
    list::single(request, list::DIRECTORY_OBJECTS, 200, shown)
}
