//! Accounts, edited by hand.

use serde_json::{Value, json};

use super::account::User;
use crate::clock::Now;
use crate::tenant::Tenant;
use crate::tenant::lookup::{Absent, absent};

pub fn set_enabled(tenant: &mut Tenant, user: &str, enabled: bool, now: Now) -> Result<(), Absent> {
    edit(tenant, user, now, |one| drop(one.props.insert("accountEnabled".into(), json!(enabled))))
}

pub fn set_properties(tenant: &mut Tenant, user: &str, properties: &Value, now: Now) -> Result<(), Absent> {
    let set = properties.as_object().cloned().unwrap_or_default();
    edit(tenant, user, now, |one| one.props.extend(set))
}

pub fn delete(tenant: &mut Tenant, user: &str, now: Now) -> Result<(), Absent> {
    let id = tenant.find("user", user)?;
    tenant.soft_delete_user(&id, now);
    Ok(())
}

fn edit(tenant: &mut Tenant, reference: &str, now: Now, edit: impl FnOnce(&mut User)) -> Result<(), Absent> {
    let id = tenant.find("user", reference)?;
    let mut user = tenant.user(&id).cloned().ok_or_else(|| absent("user", reference))?;
    edit(&mut user);
    tenant.write_user(&id, Some(user), now);
    Ok(())
}
