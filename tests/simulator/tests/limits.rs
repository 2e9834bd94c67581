//! Limits and refusals of groups, batches and ARM, over real HTTPS.
#![allow(clippy::unwrap_used)] // tests fail by panicking

mod common;

use common::{AGENT_PERMISSIONS, SCOPE, TENANT, World, agent, contoso, reference, world};
use entente_simulator::control::seed::{GroupSeed, TenantSeed, UserSeed};
use reqwest::Method;
use serde_json::{Value, json};

fn wide() -> TenantSeed {
    let more = ["Group.ReadWrite.All", "RoleManagement.ReadWrite.Directory"];
    TenantSeed { apps: vec![agent(&[AGENT_PERMISSIONS, &more].concat())], ..contoso() }
}

async fn create(world: &World, changes: Value) -> (u16, Value) {
    let mut body = world.group("ent-l1").await;
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    let (status, body, _) = world.call(Method::POST, "/v1.0/groups", body).await;
    (status.as_u16(), body)
}

#[tokio::test]
async fn a_tenant_has_so_many_role_assignable_groups_and_a_group_so_many_owners() {
    let mut seed = wide();
    let group = |at| GroupSeed { display_name: format!("r{at}"), role_assignable: true, ..Default::default() };
    seed.groups = (0..499).map(group).collect();
    seed.users = (0..100)
        .map(|at| UserSeed {
            display_name: "x".into(),
            mail: Some(format!("u{at}@contoso.example")),
            ..Default::default()
        })
        .collect();
    let world = world(seed).await;
    let assignable = json!({"isAssignableToRole": true});
    assert_eq!(create(&world, assignable.clone()).await.0, 201);
    assert_eq!(create(&world, assignable).await.0, 400);
    let (_, group) = create(&world, json!({})).await;
    let owners = format!("/v1.0/groups/{}/owners/$ref", group["id"].as_str().unwrap());
    let truth = world.control.truth(TENANT).await.unwrap();
    for (at, user) in truth.users.iter().enumerate() {
        let (status, body, _) = world.call(Method::POST, &owners, reference(&user.id)).await;
        assert_eq!(status, if at < 99 { 204 } else { 400 }, "{at}: {body}");
    }
}

#[tokio::test]
async fn graph_makes_no_mail_enabled_security_groups() {
    let world = world(wide()).await;
    assert_eq!(create(&world, json!({"mailEnabled": true})).await.0, 400);
    assert_eq!(create(&world, json!({"mailEnabled": true, "groupTypes": ["Unified"]})).await.0, 201);
}

#[tokio::test]
async fn a_dynamic_group_needs_a_rule_and_a_licence() {
    let world = world(wide()).await;
    let dynamic = |rule: Value| json!({"groupTypes": ["DynamicMembership"], "membershipRule": rule});
    assert_eq!(create(&world, dynamic(json!("user.userType -eq \"Guest\""))).await.0, 201);
    for (rule, code) in [
        (json!(null), "Request_BadRequest"),
        (json!("userType -eq \"Guest\""), "InvalidObjectTypeException"),
        (json!("user.identities -eq \"x\""), "WrongPropertyAppliedException"),
        (json!(format!("user.city -eq \"{}\"", "x".repeat(3072))), "Request_BadRequest"),
    ] {
        let (status, body) = create(&world, dynamic(rule)).await;
        assert_eq!((status, body["error"]["code"].as_str()), (400, Some(code)), "{body}");
    }
    let (_, plain) = create(&world, json!({})).await;
    let path = format!("/v1.0/groups/{}", plain["id"].as_str().unwrap());
    assert_eq!(world.call(Method::PATCH, &path, dynamic(json!("nonsense"))).await.0, 400);
    world.control.set_switch(TENANT, "dynamic_rule_code", "Request_BadRequest").await.unwrap();
    let (_, body) = create(&world, dynamic(json!("nonsense"))).await;
    assert_eq!(body["error"]["code"], "Request_BadRequest");
    let unlicensed = common::world(TenantSeed { licences: Vec::new(), ..wide() }).await;
    assert_eq!(create(&unlicensed, dynamic(json!("user.userType -eq \"Guest\""))).await.0, 403);
}

#[tokio::test]
async fn a_write_in_a_batch_has_a_body_even_if_it_is_empty() {
    let world = world(wide()).await;
    let maya = world.invite("maya@nordwall.example").await;
    let url = format!("/users/{maya}/revokeSignInSessions");
    let part = |more: Value| {
        let mut part = json!({"id": "1", "method": "POST", "url": url});
        part.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"requests": [part]})
    };
    let (status, body, _) = world.call(Method::POST, "/v1.0/$batch", part(json!({}))).await;
    let text = body["error"]["message"].as_str().unwrap();
    assert_eq!((status.as_u16(), text), (400, "Write request id : 1 does not contain Content-Type header or body."));
    let whole = part(json!({"body": {}, "headers": {"Content-Type": "application/json"}}));
    let (_, body, _) = world.call(Method::POST, "/v1.0/$batch", whole).await;
    assert_eq!(body["responses"][0]["status"], 200);
}

#[tokio::test]
async fn arm_knows_its_versions_and_has_no_custom_roles() {
    let world = world(wide()).await;
    let at = |kind: &str, rest: &str| format!("{SCOPE}/providers/Microsoft.Authorization/{kind}?{rest}");
    for (version, code) in [
        ("soon", "InvalidApiVersionParameter"),
        ("2031-01-01", "NoRegisteredProviderFound"),
        ("", "MissingApiVersionParameter"),
    ] {
        let (status, body, _) = world.get(&at("roleAssignments", &format!("api-version={version}"))).await;
        assert_eq!((status.as_u16(), body["error"]["code"].as_str()), (400, Some(code)), "{body}");
    }
    let roles = async |kind: &str| {
        let path = at("roleDefinitions", &format!("api-version=2022-04-01&$filter=type eq '{kind}'"));
        world.get(&path).await.1["value"].as_array().unwrap().len()
    };
    assert!(roles("BuiltInRole").await > 10);
    assert_eq!(roles("CustomRole").await, 0);
}

#[tokio::test]
async fn a_refused_token_is_told_in_the_words_of_its_plane() {
    let mut world = world(wide()).await;
    (world.arm, world.graph) = (String::new(), String::new());
    let path = format!("{SCOPE}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01");
    let (status, arm, _) = world.get(&path).await;
    assert!(status == 401 && arm["error"].get("innerError").is_none(), "{arm}");
    assert!(world.get("/v1.0/users").await.1["error"]["innerError"].is_object());
}
