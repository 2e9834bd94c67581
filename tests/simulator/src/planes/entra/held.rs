//! The directory roles of principals, as `memberOf` shows them and as the service judges by them.

use serde_json::json;

use super::state::{BuiltIn, role};
use crate::clock::Now;
use crate::planes::groups::group::Group;
use crate::planes::users::account::User;
use crate::replicated::View;
use crate::tenant::{Props, Tenant};

/// The roles that name any of these principals, as directory objects.
pub fn objects(tenant: &Tenant, principals: &[&str], view: View, now: Now) -> Vec<Props> {
    let seen = tenant.entra.assignments.values().filter_map(|one| one.seen(view, now.seconds));
    let held = seen.filter(|one| principals.contains(&one.principal.as_str()));
    let mut roles: Vec<&BuiltIn> = held.filter_map(|one| role(&one.role)).collect();
    roles.sort_by_key(|role| &role.id);
    roles.dedup_by_key(|role| &role.id);
    roles.into_iter().map(|role| object(tenant, role)).collect()
}

/// Its id is the tenant's own, and not that of the template.
fn object(tenant: &Tenant, role: &BuiltIn) -> Props {
    let name = format!("{}/role/{}", tenant.id, role.display_name);
    let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes());
    let pairs = [
        ("@odata.type", json!("#microsoft.graph.directoryRole")),
        ("id", json!(id.to_string())),
        ("displayName", json!(role.display_name)),
        ("roleTemplateId", json!(role.id)),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Whether a principal truly holds one of these roles, itself or by a group; no names: any role.
pub fn holds(tenant: &Tenant, principal: &str, names: &[&str]) -> bool {
    let mut all: Vec<String> = tenant.groups_of(principal).into_iter().collect();
    all.push(principal.to_owned());
    let wanted = |role: &BuiltIn| names.is_empty() || names.contains(&role.display_name.as_str());
    all.iter().any(|one| tenant.entra.of(one).any(wanted))
}

/// Roles whose holders few may act upon, and those who may beside the two that may everything (Entra: privileged roles and
/// permissions, "who can perform sensitive actions").
const WEAK: &[(&str, &[&str])] = &[
    ("Directory Readers", &["Authentication Administrator", "User Administrator"]),
    ("Guest Inviter", &["Authentication Administrator", "User Administrator"]),
    ("Reports Reader", &["Authentication Administrator", "User Administrator"]),
    ("Groups Administrator", &["User Administrator"]),
    ("Helpdesk Administrator", &["User Administrator"]),
    ("User Administrator", &["User Administrator"]),
];

/// Whether a caller may do what is a "sensitive action" on a user who holds a role or is in a role-assignable group (Graph:
/// user resource; Entra: groups-concept). Whether Directory Readers alone guards an account is a switch.
pub fn may_act_on(tenant: &Tenant, caller: &str, user: &User) -> bool {
    if holds(tenant, caller, &["Global Administrator", "Privileged Authentication Administrator"]) {
        return true;
    }
    let by_group = |id: &String| tenant.group(id).is_some_and(Group::role_assignable);
    let may = |role: &BuiltIn| {
        let free = role.display_name == "Directory Readers" && tenant.switches.is("block_directory_reader", "204");
        let row = WEAK.iter().find(|(name, _)| *name == role.display_name);
        free || row.is_some_and(|(_, who)| holds(tenant, caller, who))
    };
    tenant.entra.of(&user.id).all(may) && !tenant.groups_of(&user.id).iter().any(by_group)
}
