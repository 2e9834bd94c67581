//! The service provider's intent, as manifests: people, squads, roles, assignments.

use serde_json::{Value, json};

/// One operator: `operators/{id}`, with a standard and a privileged account.
pub fn operator(id: &str, number: u32) -> Value {
    let identity = |class: &str, prefix: &str, offset: u32| {
        json!({
            "home": "homeTenants/nordwall",
            "class": class,
            "objectId": format!("0b0de000-0000-4000-8000-{:012}", number * 2 + offset),
            "upn": format!("{prefix}{id}@nordwall.example"),
            "mail": format!("{prefix}{id}@nordwall.example"),
        })
    };
    json!({
        "kind": "Operator",
        "name": format!("operators/{id}"),
        "displayName": id,
        "identities": [identity("standard", "", 0), identity("privileged", "adm-", 1)],
    })
}

/// The address by which a customer's tenant knows an operator's standard account.
pub fn mail(id: &str) -> String {
    format!("{id}@nordwall.example")
}

pub fn home() -> Value {
    json!({"kind": "HomeTenant", "name": "homeTenants/nordwall", "entraTenant": crate::customer::HOME_TENANT})
}

pub fn squad(id: &str, owner: &str, members: &[&str]) -> Value {
    let members: Vec<_> = members.iter().map(|id| json!({"operator": format!("operators/{id}")})).collect();
    json!({"kind": "Squad", "name": format!("squads/{id}"), "owner": format!("operators/{owner}"), "members": members})
}

/// Triage: read, manage alerts, respond, run playbooks.
pub fn l1_analyst() -> Value {
    json!({
        "kind": "SocRole",
        "name": "socRoles/l1-analyst",
        "version": 1,
        "items": [
            {"plane": "defenderRoles", "permissions": ["secdata.basics.read", "alerts.manage", "response.manage"]},
            {
                "plane": "azureRoles",
                "roles": ["Microsoft Sentinel Responder", "Microsoft Sentinel Playbook Operator"],
                "at": "sentinel_resource_group",
            },
        ],
    })
}

/// Triage with a directory role beside the rest.
pub fn l1_in_the_directory() -> Value {
    let mut role = l1_analyst();
    if let Some(items) = role["items"].as_array_mut() {
        items.push(json!({"plane": "entraRoles", "role": "Security Reader"}));
    }
    role
}

/// Investigation: reads incidents with another Sentinel role, so that a mover's rights differ.
pub fn l2_analyst() -> Value {
    json!({
        "kind": "SocRole",
        "name": "socRoles/l2-analyst",
        "version": 1,
        "items": [
            {"plane": "defenderRoles", "permissions": ["secdata.basics.read", "alerts.manage", "response.manage"]},
            {"plane": "azureRoles", "roles": ["Microsoft Sentinel Responder"], "at": "sentinel_resource_group"},
        ],
    })
}

/// A squad works as a role in every tenant of a region.
pub fn assignment(id: &str, squad: &str, role: &str, region: &str, owner: &str) -> Value {
    json!({
        "kind": "Assignment",
        "name": format!("assignments/{id}"),
        "squad": format!("squads/{squad}"),
        "role": format!("socRoles/{role}@1"),
        "tenants": {"labels": {"region": region}},
        "justification": "simulated service",
        "owner": format!("operators/{owner}"),
    })
}

/// Manifests as a YAML stream. JSON is YAML, one document each.
pub fn yaml(manifests: &[Value]) -> String {
    manifests.iter().map(|manifest| format!("---\n{manifest:#}\n")).collect()
}
