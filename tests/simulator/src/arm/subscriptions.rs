//! Subscriptions, resource groups and workspaces, read only; a caller sees what it holds any role on.

use serde_json::{Value, json};

use super::management_groups;
use super::request::{Request, authorize, page, refuse, sees};
use crate::control::seed::SubscriptionSeed;
use crate::http::{Answer, Reply};
use crate::planes::azure::assignments::check_scope;
use crate::planes::azure::state::Action;
use crate::tenant::Tenant;

pub fn handle(tenant: &Tenant, request: Request<'_>, parts: &[&str]) -> Reply {
    let lower: Vec<String> = parts.iter().map(|part| part.to_lowercase()).collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    if request.call.method != http::Method::GET {
        return Err(refuse(405, "MethodNotAllowed", "The requested resource does not support this method."));
    }
    match lower.as_slice() {
        ["tenants"] => Ok(Answer::json(
            200,
            json!({"value": [{"id": format!("/tenants/{}", tenant.id), "tenantId": tenant.id, "displayName": tenant.display_name}]}),
        )),
        ["providers", "microsoft.management", "managementgroups", rest @ ..] => {
            management_groups::handle(tenant, request, rest)
        }
        ["subscriptions"] => {
            let visible = |one: &&SubscriptionSeed| sees(tenant, request, &format!("/subscriptions/{}", one.id));
            page(
                tenant,
                request,
                tenant.azure.subscriptions.iter().filter(visible).map(|one| subscription(tenant, one)).collect(),
            )
        }
        ["subscriptions", id] => {
            let one = known(tenant, id)?;
            if !sees(tenant, request, &format!("/subscriptions/{id}")) {
                authorize(
                    tenant,
                    request,
                    &format!("/subscriptions/{id}"),
                    Action::Read,
                    "Microsoft.Resources/subscriptions/read",
                )?;
            }
            Ok(Answer::json(200, subscription(tenant, one)))
        }
        ["subscriptions", id, "resourcegroups"] => {
            let one = known(tenant, id)?;
            let visible = |scope: &String| sees(tenant, request, scope);
            let scopes = one
                .resource_groups
                .iter()
                .map(|group| format!("/subscriptions/{}/resourceGroups/{}", one.id, group.name));
            page(
                tenant,
                request,
                scopes.filter(visible).map(|scope| resource(&scope, "Microsoft.Resources/resourceGroups")).collect(),
            )
        }
        ["subscriptions", id, "resourcegroups", _, rest @ ..] => {
            let one = known(tenant, id)?;
            let scope = format!("/subscriptions/{}/resourceGroups/{}", one.id, parts[3]);
            check_scope(tenant, &scope)?;
            authorize(tenant, request, &scope, Action::Read, "Microsoft.Resources/subscriptions/resourceGroups/read")?;
            below_group(tenant, request, one, &scope, parts[3], rest)
        }
        _ => Err(refuse(404, "InvalidResourceType", format!("'{}' is not simulated.", request.call.raw_path))),
    }
}

fn below_group(
    tenant: &Tenant,
    request: Request<'_>,
    one: &SubscriptionSeed,
    scope: &str,
    group: &str,
    rest: &[&str],
) -> Reply {
    let group = one.resource_groups.iter().find(|known| known.name.eq_ignore_ascii_case(group));
    let workspaces = group.map(|group| group.workspaces.as_slice()).unwrap_or_default();
    let path = |name: &String| format!("{scope}/providers/Microsoft.OperationalInsights/workspaces/{name}");
    match rest {
        [] => Ok(Answer::json(200, resource(scope, "Microsoft.Resources/resourceGroups"))),
        ["providers", "microsoft.operationalinsights", "workspaces"] => page(
            tenant,
            request,
            workspaces.iter().map(|name| resource(&path(name), "Microsoft.OperationalInsights/workspaces")).collect(),
        ),
        ["providers", "microsoft.operationalinsights", "workspaces", name] => {
            let found = workspaces.iter().find(|known| known.eq_ignore_ascii_case(name));
            let found = found
                .ok_or_else(|| refuse(404, "ResourceNotFound", format!("The workspace '{name}' was not found.")))?;
            Ok(Answer::json(200, resource(&path(found), "Microsoft.OperationalInsights/workspaces")))
        }
        _ => Err(refuse(404, "InvalidResourceType", format!("'{}' is not simulated.", request.call.raw_path))),
    }
}

fn known<'a>(tenant: &'a Tenant, id: &str) -> Result<&'a SubscriptionSeed, Answer> {
    tenant
        .azure
        .subscription(id)
        .ok_or_else(|| refuse(404, "SubscriptionNotFound", format!("The subscription '{id}' could not be found.")))
}

fn subscription(tenant: &Tenant, one: &SubscriptionSeed) -> Value {
    let path = format!("/subscriptions/{}", one.id);
    json!({
        "id": path, "subscriptionId": one.id, "tenantId": tenant.id, "displayName": one.display_name, "state": "Enabled",
        "authorizationSource": "RoleBased", "managedByTenants": [],
        "subscriptionPolicies": {"locationPlacementId": "Public_2014-09-01", "quotaId": "PayAsYouGo_2014-09-01", "spendingLimit": "Off"},
    })
}

fn resource(path: &str, kind: &str) -> Value {
    let name = path.rsplit('/').next().unwrap_or_default();
    json!({"id": path, "name": name, "type": kind, "location": "norwayeast", "properties": {"provisioningState": "Succeeded"}})
}
