//! Azure role assignments and Defender's unified RBAC over real HTTPS, traps included.
#![allow(clippy::unwrap_used)] // tests fail by panicking

mod common;

use std::time::Duration;

use common::{PLAYBOOK, RESPONDER, SCOPE, SUBSCRIPTION, TENANT, World, contoso, world};
use entente_simulator::control::seed::SettingsPatch;
use entente_simulator::control::types::Tamper;
use reqwest::Method;
use serde_json::{Value, json};

const ROLES: &str = "/beta/roleManagement/defender/roleDefinitions";
const ASSIGNMENTS: &str = "/beta/roleManagement/defender/roleAssignments";
const NAME: &str = "5e1f0000-0000-4000-8000-000000000001";

fn azure(name: &str) -> String {
    format!("{SCOPE}/providers/Microsoft.Authorization/roleAssignments/{name}?api-version=2022-04-01")
}

fn assignment(role: &str, principal: &str, kind: &str) -> Value {
    let role = format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}");
    json!({"properties": {"roleDefinitionId": role, "principalId": principal, "principalType": kind}})
}

#[tokio::test]
async fn an_assignment_is_made_once_and_taken_away_twice() {
    let world = world(contoso()).await;
    let group = world.create_group("ent-l1").await;
    let put =
        async |name: &str, role: &str| world.call(Method::PUT, &azure(name), assignment(role, &group, "Group")).await;
    assert_eq!(put(NAME, RESPONDER).await.0, 201);
    assert_eq!(put(NAME, RESPONDER).await.0, 200);
    let (status, body, _) = put(NAME, PLAYBOOK).await;
    assert_eq!((status.as_u16(), body["error"]["code"].as_str()), (400, Some("RoleAssignmentUpdateNotPermitted")));
    let (status, body, _) = put("5e1f0000-0000-4000-8000-000000000002", RESPONDER).await;
    assert_eq!((status.as_u16(), body["error"]["code"].as_str()), (409, Some("RoleAssignmentExists")));
    assert!(body["error"]["message"].as_str().unwrap().contains(&NAME.replace('-', "")));
    let (status, gone, headers) = world.call(Method::DELETE, &azure(NAME), Value::Null).await;
    assert_eq!((status.as_u16(), gone["name"].as_str()), (200, Some(NAME)));
    assert!(headers.contains_key("x-ms-ratelimit-remaining-subscription-deletes"));
    assert_eq!(world.call(Method::DELETE, &azure(NAME), Value::Null).await.0, 204);
    assert_eq!(world.get(&azure(NAME)).await.1["error"]["code"], "RoleAssignmentNotFound");
}

#[tokio::test]
async fn arm_learns_of_a_new_group_late_and_naming_its_type_does_not_help() {
    let world = world(contoso()).await;
    let lag = SettingsPatch { lag_seconds: Some(10.0), arm_lag_factor: Some(10.0), ..Default::default() };
    world.control.settings(TENANT, &lag).await.unwrap();
    let group = world.create_group("ent-l1").await;
    let (status, body, _) = world.call(Method::PUT, &azure(NAME), assignment(RESPONDER, &group, "Group")).await;
    assert_eq!((status.as_u16(), body["error"]["code"].as_str()), (400, Some("PrincipalNotFound")));
    world.control.set_switch(TENANT, "principal_not_found_status", "403").await.unwrap();
    assert_eq!(world.call(Method::PUT, &azure(NAME), assignment(RESPONDER, &group, "Group")).await.0, 403);
    let user = world.invite("maya@nordwall.example").await;
    assert_eq!(world.call(Method::PUT, &azure(NAME), assignment(RESPONDER, &user, "User")).await.0, 201);
    world.control.advance_clock(Duration::from_secs(151)).await.unwrap();
    assert_eq!(
        world
            .call(Method::PUT, &azure("5e1f0000-0000-4000-8000-000000000002"), assignment(RESPONDER, &group, "Group"))
            .await
            .0,
        201
    );
    assert_eq!(world.call(Method::PUT, &azure(NAME), assignment(RESPONDER, &user, "Group")).await.0, 200);
}

#[tokio::test]
async fn assignments_are_inherited_listed_by_principal_and_paged() {
    let world = world(contoso()).await;
    world.control.settings(TENANT, &SettingsPatch { arm_page_size: Some(1), ..Default::default() }).await.unwrap();
    let group = world.create_group("ent-l1").await;
    let add = |scope: String, principal: String| Tamper::AddAzureAssignment {
        scope,
        role: RESPONDER.into(),
        principal,
        principal_type: "Group".into(),
    };
    world.control.tamper(TENANT, &add(format!("/subscriptions/{SUBSCRIPTION}"), group.clone())).await.unwrap();
    world.control.tamper(TENANT, &add(SCOPE.into(), group.clone())).await.unwrap();
    let all = list(&world, &format!("{SCOPE}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01&$filter=principalId%20eq%20'{group}'")).await;
    assert_eq!(all.len(), 2);
    let at_scope = list(
        &world,
        &format!("{SCOPE}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01&$filter=atScope()"),
    )
    .await;
    assert_eq!(at_scope.len(), 3);
    let (_, roles, _) = world.get(&format!("{SCOPE}/providers/Microsoft.Authorization/roleDefinitions?api-version=2022-04-01&$filter=roleName%20eq%20'Microsoft%20Sentinel%20Responder'")).await;
    assert_eq!(roles["value"][0]["name"], RESPONDER);
    let (_, subscriptions, _) = world.get("/subscriptions?api-version=2022-12-01").await;
    assert_eq!(subscriptions["value"][0]["subscriptionId"], SUBSCRIPTION);
    assert_eq!(world.get("/subscriptions").await.1["error"]["code"], "MissingApiVersionParameter");
    let elsewhere = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-none/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01"
    );
    assert_eq!(world.get(&elsewhere).await.1["error"]["code"], "ResourceGroupNotFound");
}

async fn list(world: &World, path: &str) -> Vec<Value> {
    let mut path = path.to_owned();
    let mut found = Vec::new();
    for _ in 0..20 {
        let (status, page, _) = world.get(&path).await;
        assert_eq!(status, 200, "{page}");
        found.extend(page["value"].as_array().unwrap().clone());
        match page["nextLink"].as_str() {
            Some(next) => path = next.to_owned(),
            None => return found,
        }
    }
    panic!("the list has no end");
}

async fn action(world: &World, display: &str) -> String {
    let (_, body, _) = world.get("/beta/roleManagement/defender/resourceNamespaces?$expand=resourceActions").await;
    let actions = body["value"][0]["resourceActions"].as_array().unwrap().clone();
    actions.iter().find(|one| one["name"].as_str().unwrap().ends_with(display)).unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn role(actions: &[&str]) -> Value {
    json!({"displayName": "ent-l1", "description": "", "rolePermissions": [{"allowedResourceActions": actions}]})
}

#[tokio::test]
async fn a_created_defender_role_answers_with_a_redirect_and_shows_late() {
    let world = world(contoso()).await;
    world
        .control
        .settings(TENANT, &SettingsPatch { defender_lag_seconds: Some(60.0), ..Default::default() })
        .await
        .unwrap();
    let alerts = action(&world, "Alerts (manage)").await;
    let (status, _, headers) = world.call(Method::POST, ROLES, role(&[&alerts])).await;
    assert_eq!(status, 302);
    assert!(headers["location"].to_str().unwrap().starts_with("http://"));
    assert_eq!(world.get(ROLES).await.1["value"], json!([]));
    world.call(Method::POST, ROLES, role(&[&alerts])).await;
    world.control.advance_clock(Duration::from_secs(181)).await.unwrap();
    // Names are not unique: an impatient client has two now.
    let (_, found, _) = world.get(&format!("{ROLES}?$filter=displayName%20eq%20'ent-l1'")).await;
    assert_eq!(found["value"].as_array().unwrap().len(), 2);
    assert_eq!(world.control.truth(TENANT).await.unwrap().defender_roles[0].created_by.as_deref(), Some(common::APP));
}

#[tokio::test]
async fn actions_are_found_by_display_text_and_stored_canonically() {
    let world = world(contoso()).await;
    assert_eq!(action(&world, "Security data basics (read)").await, "microsoft.xdr/secops/securitydata/read");
    let mut other = contoso();
    other.defender.spelling = "basics".into();
    world.control.seed(&other).await.unwrap();
    assert_eq!(action(&world, "Security data basics (read)").await, "microsoft.xdr/secops/securitydata/basics/read");
    world.control.set_switch(TENANT, "post_role_redirect", "off").await.unwrap();
    let (_, made, _) = world
        .call(
            Method::POST,
            ROLES,
            role(&["microsoft.xdr/secops/*/read", "microsoft.xdr/secops/securitydata/basics/read"]),
        )
        .await;
    assert_eq!(made["rolePermissions"][0]["allowedResourceActions"], json!(["microsoft.xdr/secops/*/read"]));
    for wrong in ["microsoft.xdr/secops/securitydata/read", "microsoft.xdr/dataops/datamanagement/manage"] {
        let (status, body, _) = world.call(Method::POST, ROLES, role(&[wrong])).await;
        assert_eq!(status, 400);
        assert!(
            body["error"]["message"].as_str().unwrap().ends_with("is not a valid permission for storage"),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_defender_assignment_reaches_the_members_of_its_group() {
    let world = world(contoso()).await;
    let alerts = action(&world, "Alerts (manage)").await;
    world.call(Method::POST, ROLES, role(&[&alerts])).await;
    let role = world.get(ROLES).await.1["value"][0]["id"].clone();
    let group = world.create_group("ent-l1").await;
    let maya = world.invite("maya@nordwall.example").await;
    world.add_member(&group, &maya).await;
    let mut body = json!({"displayName": "ent-l1", "roleDefinitionId": role, "principalIds": [group], "appScopeIds": ["/"], "@odata.type": "#microsoft.graph.unifiedRoleAssignmentMultiple"});
    let (status, refusal, _) = world.call(Method::POST, ASSIGNMENTS, body.clone()).await;
    assert_eq!(
        (status.as_u16(), refusal["error"]["message"].as_str()),
        (400, Some("The roleAssignment field is required."))
    );
    body.as_object_mut().unwrap().remove("@odata.type");
    assert_eq!(world.call(Method::POST, ASSIGNMENTS, body).await.0, 302);
    let (_, found, _) = world.get(&format!("{ASSIGNMENTS}?$filter=principalIds/any(x:x%20eq%20'{group}')")).await;
    let id = found["value"][0]["id"].as_str().unwrap().to_owned();
    let rights = world.control.rights(TENANT, "maya@nordwall.example").await.unwrap();
    assert_eq!(rights.users[0].defender_roles.len(), 1);
    assert_eq!(world.call(Method::DELETE, &format!("{ASSIGNMENTS}/{id}"), Value::Null).await.0, 204);
    assert_eq!(world.control.rights(TENANT, "maya@nordwall.example").await.unwrap().users[0].defender_roles.len(), 0);
}

#[tokio::test]
async fn nothing_answers_before_a_person_has_activated_unified_rbac() {
    let world = world(contoso()).await;
    world
        .control
        .settings(TENANT, &SettingsPatch { defender_active: Some(false), ..Default::default() })
        .await
        .unwrap();
    assert_eq!(world.get(ROLES).await.0, 403);
    world.control.settings(TENANT, &SettingsPatch { defender_active: Some(true), ..Default::default() }).await.unwrap();
    assert_eq!(world.get(ROLES).await.0, 200);
}

/// By Azure's built-in roles, which Microsoft changes.
#[tokio::test]
async fn a_built_in_role_shows_its_actions_and_those_that_it_grew() {
    let world = world(contoso()).await;
    let path = format!("{SCOPE}/providers/Microsoft.Authorization/roleDefinitions/{RESPONDER}?api-version=2022-04-01");
    let shown = async || {
        let body = world.get(&path).await.1;
        let actions = &body["properties"]["permissions"][0]["actions"];
        actions.as_array().unwrap().iter().map(|it| it.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let before = shown().await;
    assert!(before.contains(&"Microsoft.OperationalInsights/workspaces/query/*/read".to_owned()), "{before:?}");
    let grown = "Microsoft.SecurityInsights/alertRules/write".to_owned();
    assert!(!before.contains(&grown) && !before.contains(&"*/read".to_owned()));
    let grow = Tamper::GrowAzureRole { role: RESPONDER.into(), actions: vec![grown.clone()] };
    world.control.tamper(TENANT, &grow).await.unwrap();
    assert!(shown().await.contains(&grown));
}
