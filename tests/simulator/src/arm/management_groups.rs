//! Management groups, read only: list and get (ARM: managementgroups 2020-05-01).

use serde_json::{Value, json};

use super::request::{Request, page, refuse, sees};
use crate::http::{Answer, Reply};
use crate::tenant::Tenant;

pub fn handle(tenant: &Tenant, request: Request<'_>, parts: &[&str]) -> Reply {
    let seeded = tenant.azure.management_groups.iter();
    let root = (tenant.azure.root_group.clone(), "Tenant Root Group".to_owned(), None);
    let all = seeded.map(|group| {
        let parent = group.parent.clone().unwrap_or_else(|| tenant.azure.root_group.clone());
        (group.name.clone(), group.display_name.clone(), Some(parent))
    });
    let mut visible = all.chain([root]).filter(|(name, ..)| sees(tenant, request, &id_of(name)));
    match parts {
        [] => page(tenant, request, visible.map(|(name, display, _)| shown(tenant, &name, &display)).collect()),
        [name] => {
            let found = visible.find(|(known, ..)| known.eq_ignore_ascii_case(name));
            let (name, display, parent) = found.ok_or_else(|| {
                let text = format!("The client does not have authorization to perform action 'Microsoft.Management/managementGroups/read' over scope '{}' or the scope is invalid.", id_of(name));
                refuse(403, "AuthorizationFailed", text)
            })?;
            let mut body = shown(tenant, &name, &display);
            if let Some(parent) = parent {
                body["properties"]["details"]["parent"] = json!({"id": id_of(&parent), "name": parent});
            }
            Ok(Answer::json(200, body))
        }
        _ => Err(refuse(404, "InvalidResourceType", format!("'{}' is not simulated.", request.call.raw_path))),
    }
}

fn id_of(name: &str) -> String {
    format!("/providers/Microsoft.Management/managementGroups/{name}")
}

fn shown(tenant: &Tenant, name: &str, display: &str) -> Value {
    let display = if display.is_empty() { name } else { display };
    json!({
        "id": id_of(name), "type": "Microsoft.Management/managementGroups", "name": name,
        "properties": {"tenantId": tenant.id, "displayName": display},
    })
}
