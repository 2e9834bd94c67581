//! Query options of lists as the directory accepts them, over real HTTPS.
#![allow(clippy::unwrap_used)] // tests fail by panicking

mod common;

use common::{AGENT_PERMISSIONS, TENANT, World, agent, contoso, world};
use entente_simulator::control::seed::{SettingsPatch, TenantSeed};
use reqwest::Method;
use serde_json::{Value, json};

const EVENTUAL: &[(&str, &str)] = &[("ConsistencyLevel", "eventual")];

fn wide() -> TenantSeed {
    let mut seed = contoso();
    seed.apps =
        vec![agent(&[AGENT_PERMISSIONS, &["Group.ReadWrite.All", "User.ReadWrite.All", "AuditLog.Read.All"]].concat())];
    seed
}

async fn status(world: &World, path: &str, headers: &[(&str, &str)]) -> u16 {
    world.try_call(Method::GET, path, Value::Null, headers).await.unwrap().0.as_u16()
}

#[tokio::test]
async fn sorting_alone_is_plain_and_sorts_over_pages() {
    let world = world(contoso()).await;
    for name in ["b", "c", "a"] {
        world.invite(&format!("{name}@nordwall.example")).await;
    }
    world.control.settings(TENANT, &SettingsPatch { page_size: Some(2), ..Default::default() }).await.unwrap();
    for (order, expected) in [("mail", "abc"), ("mail desc", "cba")] {
        let mut path = format!("/v1.0/users?$orderby={order}&$select=mail");
        let mut seen = Vec::new();
        while !path.is_empty() {
            let (status, page, _) = world.get(&path).await;
            assert_eq!(status, 200, "{page}");
            seen.extend(page["value"].as_array().unwrap().iter().map(|one| one["mail"].as_str().unwrap().to_owned()));
            path = page["@odata.nextLink"].as_str().unwrap_or_default().to_owned();
        }
        let guests: String =
            seen.iter().filter(|mail| mail.ends_with("nordwall.example")).map(|mail| &mail[..1]).collect();
        assert_eq!((seen.len(), guests.as_str()), (5, expected), "{order}");
    }
    assert_eq!(status(&world, "/v1.0/users?$orderby=nonsense", &[]).await, 400);
    let filtered = "/v1.0/users?$orderby=mail&$filter=userType eq 'Guest'";
    assert_eq!(status(&world, filtered, &[]).await, 400);
    assert_eq!(status(&world, &format!("{filtered}&$count=true"), EVENTUAL).await, 200);
}

#[tokio::test]
async fn a_count_without_the_header_is_ignored() {
    let world = world(contoso()).await;
    let path = "/v1.0/users?$count=true";
    assert!(world.get(path).await.1.get("@odata.count").is_none());
    let (_, counted, _) = world.try_call(Method::GET, path, Value::Null, EVENTUAL).await.unwrap();
    assert_eq!(counted["@odata.count"], 2);
}

#[tokio::test]
async fn members_are_filtered_in_the_index_only() {
    let world = world(wide()).await;
    let group = world.create_group("ent-l1").await;
    let maya = world.invite("maya@nordwall.example").await;
    world.add_member(&group, &maya).await;
    let path = format!("/v1.0/groups/{group}/members?$filter=displayName eq 'Maya Berg'");
    assert_eq!(status(&world, &path, &[]).await, 400);
    let path = format!("{path}&$count=true");
    assert_eq!(status(&world, &path, &[]).await, 400);
    assert_eq!(status(&world, &path, EVENTUAL).await, 200);
}

#[tokio::test]
async fn expanding_shows_what_was_asked_for_and_nothing_in_silence() {
    let world = world(wide()).await;
    let group = world.create_group("ent-l1").await;
    let maya = world.invite("maya@nordwall.example").await;
    world.add_member(&group, &maya).await;
    let path = format!("/v1.0/groups/{group}?$select=id&$expand=owners,members($select=id,displayName)");
    let (_, body, _) = world.get(&path).await;
    let member = json!({"@odata.type": "#microsoft.graph.user", "id": maya, "displayName": "Maya Berg"});
    assert_eq!(body["members"], json!([member]), "{body}");
    assert_eq!(body["owners"][0]["id"], world.own_id());
    assert_eq!(status(&world, "/v1.0/groups?$expand=sponsors", &[]).await, 400);
    assert_eq!(status(&world, "/v1.0/users?$expand=memberOf", &[]).await, 400);
    let advanced = "/v1.0/groups?$expand=members&$filter=displayName ne 'x'&$count=true";
    assert_eq!(status(&world, advanced, EVENTUAL).await, 400);
    let links = format!("/v1.0/groups/{group}/members/$ref");
    let link = world.get(&links).await.1["value"][0]["@odata.id"].as_str().unwrap().to_owned();
    assert!(link.ends_with(&format!("/directoryObjects/{maya}")), "{link}");
}

#[tokio::test]
async fn single_properties_are_read_and_extension_attributes_written() {
    let world = world(wide()).await;
    let maya = world.invite("maya@nordwall.example").await;
    let path = format!("/v1.0/users/{maya}");
    assert_eq!(world.get(&format!("{path}/displayName")).await.1["value"], "Maya Berg");
    assert_eq!(world.get(&format!("{path}/jobTitle")).await.0, 204);
    let attributes = json!({"onPremisesExtensionAttributes": {"extensionAttribute1": "soc"}});
    assert_eq!(world.call(Method::PATCH, &path, attributes.clone()).await.0, 204);
    let (_, user, _) = world.get(&format!("{path}?$select=onPremisesExtensionAttributes")).await;
    assert_eq!(user["onPremisesExtensionAttributes"], attributes["onPremisesExtensionAttributes"]);
    let namespace = "/beta/roleManagement/defender/resourceNamespaces/microsoft.xdr";
    assert_eq!(world.get(namespace).await.1["name"], "microsoft.xdr");
    let combined =
        "/v1.0/users?$filter=signInActivity/lastSignInDateTime le 2026-01-01T00:00:00Z and userType eq 'Guest'";
    assert_eq!(status(&world, combined, &[]).await, 400);
}

#[tokio::test]
async fn a_collection_is_filtered_with_any() {
    let world = world(contoso()).await;
    let assignments = "/beta/roleManagement/defender/roleAssignments";
    let own = world.own_id();
    assert_eq!(status(&world, &format!("{assignments}?$filter=principalIds eq '{own}'"), &[]).await, 400);
    assert_eq!(status(&world, &format!("{assignments}?$filter=principalIds/any(x:x eq '{own}')"), &[]).await, 200);
    assert_eq!(status(&world, "/v1.0/users?$filter=otherMails eq 'x@y.example'", &[]).await, 400);
}

#[tokio::test]
async fn a_defender_assignment_is_for_somebody_who_exists() {
    let mut seed = contoso();
    seed.switches.insert("post_role_redirect".into(), "off".into());
    let world = world(seed).await;
    let roles = "/beta/roleManagement/defender/roleDefinitions";
    let actions = ["microsoft.xdr/configuration/system/manage"];
    let role = json!({"displayName": "ops", "rolePermissions": [{"allowedResourceActions": actions}]});
    let role = world.call(Method::POST, roles, role).await.1["id"].clone();
    let post = async |principal: &str| {
        let body =
            json!({"displayName": "ops", "roleDefinitionId": role, "principalIds": [principal], "appScopeIds": ["/"]});
        world.call(Method::POST, "/beta/roleManagement/defender/roleAssignments", body).await.0.as_u16()
    };
    let stranger = "0dead000-0000-4000-8000-000000000000";
    assert_eq!(post(stranger).await, 400);
    world.control.set_switch(TENANT, "defender_principal", "accepted").await.unwrap();
    assert_eq!(post(stranger).await, 302);
    let lag = SettingsPatch { lag_seconds: Some(60.0), ..Default::default() };
    world.control.settings(TENANT, &lag).await.unwrap();
    let fresh = world.invite("maya@nordwall.example").await;
    world.control.set_switch(TENANT, "defender_principal", "refused_until_seen").await.unwrap();
    assert_eq!(post(&fresh).await, 400);
    world.control.set_switch(TENANT, "defender_principal", "refused").await.unwrap();
    assert_eq!(post(&fresh).await, 302);
}
