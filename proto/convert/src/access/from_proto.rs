//! From messages to a manifest.

use entente_model::intent::Manifest;
use entente_model::violation::{Fault, Violation};
use serde_json::{Map, Value, json};

use super::{Resource, wire};
use crate::manifest;

/// Reads one manifest of a set.
pub fn manifest_from_proto(message: &wire::Manifest) -> Result<Manifest, Violation> {
    let missing = || Violation::new("manifest", Fault::Missing, "holds no resource; set one");
    resource_from_proto(message.resource.as_ref().ok_or_else(missing)?)
}

/// Reads a resource of any kind. Output-only fields are ignored.
pub fn resource_from_proto(resource: &Resource) -> Result<Manifest, Violation> {
    manifest::from_value(resource_to_value(resource)?)
}

/// A resource as the tree of a manifest. It is not checked, and empty fields are left out.
pub fn resource_to_value(resource: &Resource) -> Result<Value, Violation> {
    Ok(match resource {
        Resource::HomeTenant(it) => home_tenant(it)?,
        Resource::Tenant(it) => tenant(it)?,
        Resource::Operator(it) => operator(it)?,
        Resource::Squad(it) => squad(it),
        Resource::SocRole(it) => soc_role(it)?,
        Resource::Assignment(it) => assignment(it)?,
    })
}

/// The manifest's name for a field that can be updated.
pub fn manifest_field(field: &str) -> String {
    match field {
        "entra_tenant_id" => "entraTenant".into(),
        "attestation" => "attested".into(),
        _ => {
            let mut words = field.split('_');
            let first = words.next().unwrap_or_default().to_owned();
            words.fold(first, |camel, word| camel + &word[..1].to_uppercase() + &word[1..])
        }
    }
}

/// The tree of a manifest; empty texts, lists and maps count as left out.
fn tree<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let left_out = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    };
    let kept = fields.into_iter().filter(|(_, value)| !left_out(value));
    Value::Object(kept.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}

/// The manifest's word for an enum number: `None` for unspecified, a fault for an unknown number.
fn word<'a>(name: &str, field: &str, number: i32, words: &[&'a str]) -> Result<Option<&'a str>, Violation> {
    match usize::try_from(number) {
        Ok(0) => Ok(None),
        Ok(at) if at <= words.len() => Ok(Some(words[at - 1])),
        _ => {
            let text = format!("{number} is not a value of this field; use one of {}", words.join(", "));
            Err(Violation::new(format!("{name}: {field}"), Fault::Malformed, text))
        }
    }
}

// In the order of the enum values after UNSPECIFIED.
const CLOUDS: [&str; 4] = ["global", "us_gov_l4", "us_gov_l5", "china"];
const CLASSES: [&str; 2] = ["standard", "privileged"];
const USER_TYPES: [&str; 2] = ["guest", "member"];
const TENANT_STATES: [&str; 5] = ["ONBOARDING", "ACTIVE", "PAUSED", "OFFBOARDING", "OFFBOARDED"];
const DELIVERIES: [&str; 3] = ["b2b_invitation", "cross_tenant_sync", "access_package"];
const SOURCES: [&str; 2] = ["azure_rbac", "urbac"];
const OPERATOR_STATES: [&str; 3] = ["ACTIVE", "SUSPENDED", "LEFT"];
const MODES: [&str; 2] = ["active", "eligible"];
const IF_UNAVAILABLE: [&str; 2] = ["refuse", "degrade"];

fn home_tenant(it: &wire::HomeTenant) -> Result<Value, Violation> {
    Ok(tree([
        ("kind", json!("HomeTenant")),
        ("name", json!(it.name)),
        ("entraTenant", json!(it.entra_tenant_id)),
        ("cloud", json!(word(&it.name, "cloud", it.cloud, &CLOUDS)?)),
    ]))
}

fn tenant(it: &wire::Tenant) -> Result<Value, Violation> {
    let mut workspaces = Vec::new();
    for (at, workspace) in it.workspaces.iter().enumerate() {
        let field = format!("workspaces[{at}].permissionSource");
        workspaces.push(tree([
            ("name", json!(workspace.name)),
            ("id", json!(workspace.arm_id)),
            ("permissionSource", json!(word(&it.name, &field, workspace.permission_source, &SOURCES)?)),
        ]));
    }
    let exemption = |exemption: &wire::Exemption| json!({"role": exemption.role, "drop": exemption.drop, "reason": exemption.reason, "until": exemption.until});
    let scopes: Map<_, _> = it.scopes.iter().map(|scope| (scope.name.clone(), json!(scope.arm_scopes))).collect();
    if scopes.len() != it.scopes.len() {
        let text = "a name occurs twice; write each symbolic scope once";
        return Err(Violation::new(format!("{}: scopes", it.name), Fault::Conflict, text));
    }
    Ok(tree([
        ("kind", json!("Tenant")),
        ("name", json!(it.name)),
        ("customer", json!(it.customer)),
        ("entraTenant", json!(it.entra_tenant_id)),
        ("cloud", json!(word(&it.name, "cloud", it.cloud, &CLOUDS)?)),
        ("home", json!(it.home)),
        ("labels", json!(it.labels)),
        ("state", json!(word(&it.name, "state", it.state, &TENANT_STATES)?)),
        ("delivery", json!(word(&it.name, "delivery", it.delivery, &DELIVERIES)?)),
        ("userType", json!(word(&it.name, "userType", it.user_type, &USER_TYPES)?)),
        ("namePrefix", json!(it.name_prefix)),
        ("scopes", Value::Object(scopes)),
        ("workspaces", Value::Array(workspaces)),
        ("attested", it.attestation.as_ref().map_or(Value::Null, attestation)),
        ("exemptions", Value::Array(it.exemptions.iter().map(exemption).collect())),
    ]))
}

fn attestation(it: &wire::Attestation) -> Value {
    json!({"defenderWorkloads": it.defender_workloads, "by": it.attested_by, "date": it.date})
}

fn operator(it: &wire::Operator) -> Result<Value, Violation> {
    let mut identities = Vec::new();
    for (at, identity) in it.identities.iter().enumerate() {
        identities.push(tree([
            ("home", json!(identity.home)),
            ("class", json!(word(&it.name, &format!("identities[{at}].class"), identity.class, &CLASSES)?)),
            ("objectId", json!(identity.object_id)),
            ("upn", json!(identity.upn)),
            ("mail", json!(identity.mail)),
        ]));
    }
    Ok(tree([
        ("kind", json!("Operator")),
        ("name", json!(it.name)),
        ("displayName", json!(it.display_name)),
        ("state", json!(word(&it.name, "state", it.state, &OPERATOR_STATES)?)),
        ("identities", Value::Array(identities)),
    ]))
}

fn squad(it: &wire::Squad) -> Value {
    let member = |member: &wire::SquadMember| {
        tree([("operator", json!(member.operator)), ("from", json!(member.from)), ("until", json!(member.until))])
    };
    let group = |group: &wire::HomeGroup| json!({"home": group.home, "objectId": group.object_id});
    tree([
        ("kind", json!("Squad")),
        ("name", json!(it.name)),
        ("labels", json!(it.labels)),
        ("owner", json!(it.owner)),
        ("members", Value::Array(it.members.iter().map(member).collect())),
        ("homeGroup", it.home_group.as_ref().map_or(Value::Null, group)),
    ])
}

fn soc_role(it: &wire::SocRole) -> Result<Value, Violation> {
    // In the API, the name contains the version; in a manifest, name and version are separate.
    let pinned: entente_model::RoleVersion = it.name.parse().map_err(|error: entente_model::name::NameError| {
        Violation::new(format!("{}: name", it.name), Fault::Malformed, error.to_string())
    })?;
    let items = it.items.iter().enumerate().map(|(at, item)| role_item(&it.name, at, item));
    Ok(tree([
        ("kind", json!("SocRole")),
        ("name", json!(pinned.role)),
        ("version", json!(pinned.version)),
        ("labels", json!(it.labels)),
        ("identityClass", json!(word(&it.name, "identityClass", it.identity_class, &CLASSES)?)),
        ("minimumUserType", json!(word(&it.name, "minimumUserType", it.minimum_user_type, &USER_TYPES)?)),
        ("items", Value::Array(items.collect::<Result<_, _>>()?)),
    ]))
    .map(|mut value| {
        // An empty list has its own error text, so it must not count as left out.
        value.as_object_mut().expect("a tree is an object").entry("items").or_insert_with(|| json!([]));
        value
    })
}

fn role_item(name: &str, at: usize, it: &wire::RoleItem) -> Result<Value, Violation> {
    let field = |leaf: &str| format!("items[{at}].{leaf}");
    Ok(tree([
        ("plane", json!(it.plane)),
        ("permissions", json!(it.permissions)),
        ("dataSources", json!(it.data_sources)),
        ("roles", json!(it.roles)),
        ("at", json!(it.at)),
        ("role", json!(it.role)),
        ("mode", json!(word(name, &field("mode"), it.mode, &MODES)?)),
        ("when", json!(it.when)),
        ("ifUnavailable", json!(word(name, &field("ifUnavailable"), it.if_unavailable, &IF_UNAVAILABLE)?)),
    ]))
}

fn assignment(it: &wire::Assignment) -> Result<Value, Violation> {
    let tenants = it.tenants.clone().unwrap_or_default();
    let expect = match (tenants.expect, tenants.expect_at_least) {
        (Some(_), Some(_)) => {
            let text = "expect and expect_at_least are both set; keep one";
            return Err(Violation::new(format!("{}: tenants.expect", it.name), Fault::Conflict, text));
        }
        (None, Some(count)) => json!({"atLeast": count}),
        (expect, None) => json!(expect),
    };
    let selector = tree([
        ("names", json!(tenants.names)),
        ("labels", json!(tenants.labels)),
        ("except", json!(tenants.except)),
        ("expect", expect),
    ]);
    let mut value = tree([
        ("kind", json!("Assignment")),
        ("name", json!(it.name)),
        ("labels", json!(it.labels)),
        ("squad", json!(it.squad)),
        ("operator", json!(it.operator)),
        ("role", json!(it.role)),
        ("start", json!(it.start)),
        ("end", json!(it.end)),
        ("ticket", json!(it.ticket)),
        ("owner", json!(it.owner)),
    ]);
    let object = value.as_object_mut().expect("a tree is an object");
    // Present even if empty: the manifest's check has the better text for what is missing.
    object.insert("tenants".into(), selector);
    object.insert("justification".into(), json!(it.justification));
    Ok(value)
}
