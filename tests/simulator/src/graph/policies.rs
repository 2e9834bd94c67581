//! What a caller reads to learn about a tenant before it writes: organization, licences, policies.

use serde_json::{Value, json};

use super::request::Request;
use crate::http::{Answer, Reply};
use crate::tenant::Tenant;

/// Service plan ids: AAD_PREMIUM and AAD_PREMIUM_P2.
const P1_PLAN: &str = "41781fb2-bc02-4b7c-bd55-b576c07bb09d";
const P2_PLAN: &str = "eec0eb4f-6444-4f95-aba0-50c24d67f998";

pub fn organization(tenant: &Tenant, request: Request<'_>) -> Reply {
    let domain = json!({"name": tenant.domain, "isDefault": true, "isInitial": true, "type": "Managed", "capabilities": "Email, OfficeCommunicationsOnline"});
    let body = json!({
        "@odata.context": format!("https://graph.microsoft.com/{}/$metadata#organization", request.call.segments[0]),
        "value": [{
            "id": tenant.id, "displayName": tenant.display_name, "tenantType": "AAD", "countryLetterCode": "NO",
            "verifiedDomains": [domain], "createdDateTime": "2020-01-01T00:00:00Z", "assignedPlans": [],
        }],
    });
    Ok(Answer::json(200, body))
}

pub fn subscribed_skus(tenant: &Tenant) -> Reply {
    let sku = |licence: &String| {
        let plans: Vec<Value> = [("P1", P1_PLAN, "AAD_PREMIUM"), ("P2", P2_PLAN, "AAD_PREMIUM_P2")]
            .into_iter()
            .filter(|(plan, ..)| includes(licence, plan))
            .map(|(_, id, name)| json!({"servicePlanId": id, "servicePlanName": name, "provisioningStatus": "Success", "appliesTo": "User"}))
            .collect();
        let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, licence.as_bytes());
        json!({
            "id": format!("{}_{id}", tenant.id), "skuId": id, "skuPartNumber": format!("SIMULATED_{licence}"),
            "capabilityStatus": "Enabled", "consumedUnits": 1, "appliesTo": "User",
            "prepaidUnits": {"enabled": 25, "suspended": 0, "warning": 0}, "servicePlans": plans,
        })
    };
    let value: Vec<Value> = tenant.licences.iter().map(sku).collect();
    Ok(Answer::json(
        200,
        json!({"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#subscribedSkus", "value": value}),
    ))
}

fn includes(licence: &str, plan: &str) -> bool {
    match plan {
        "P1" => ["P1", "P2", "E3", "E5"].contains(&licence),
        _ => ["P2", "E5"].contains(&licence),
    }
}

pub fn authorization_policy(tenant: &Tenant) -> Reply {
    let body = json!({
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#policies/authorizationPolicy/$entity",
        "id": "authorizationPolicy", "displayName": "Authorization Policy",
        "description": "Used to manage authorization related settings across the company.",
        "allowInvitesFrom": tenant.settings.allow_invites_from,
        "allowedToSignUpEmailBasedSubscriptions": true, "allowedToUseSSPR": true, "allowEmailVerifiedUsersToJoinOrganization": false,
        "blockMsolPowerShell": false, "guestUserRoleId": "10dae51f-b6af-4016-8d66-8c2a99b929b3",
        "defaultUserRolePermissions": {
            "allowedToCreateApps": true, "allowedToCreateSecurityGroups": true, "allowedToCreateTenants": true,
            "allowedToReadOtherUsers": true, "permissionGrantPoliciesAssigned": [],
        },
    });
    Ok(Answer::json(200, body))
}

pub fn security_defaults(tenant: &Tenant) -> Reply {
    let body = json!({
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#policies/identitySecurityDefaultsEnforcementPolicy/$entity",
        "id": "00000000-0000-0000-0000-000000000005", "displayName": "Security Defaults",
        "description": "Security defaults is a set of basic identity security mechanisms.", "isEnabled": tenant.security_defaults,
    });
    Ok(Answer::json(200, body))
}
