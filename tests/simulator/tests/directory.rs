//! Groups, members, lists, batches and deleted items over real HTTPS.
#![allow(clippy::unwrap_used)] // tests fail by panicking

mod common;

use common::{AGENT_PERMISSIONS, APP, TENANT, agent, contoso, reference, world};
use entente_simulator::control::seed::SettingsPatch;
use reqwest::Method;
use serde_json::{Value, json};

const UPSERT: &[(&str, &str)] = &[("Prefer", "create-if-missing")];

fn wide() -> entente_simulator::control::seed::TenantSeed {
    let mut seed = contoso();
    seed.apps = vec![agent(&[AGENT_PERMISSIONS, &["Group.ReadWrite.All", "User.ReadWrite.All"]].concat())];
    seed
}

#[tokio::test]
async fn a_group_without_owner_made_with_the_least_permission_cannot_be_changed() {
    let world = world(contoso()).await;
    let user = world.invite("maya@nordwall.example").await;
    let mut body = world.group("ent-l1").await;
    body.as_object_mut().unwrap().remove("owners@odata.bind");
    let (_, made, _) = world.call(Method::POST, "/v1.0/groups", body).await;
    assert_eq!(world.add_member(made["id"].as_str().unwrap(), &user).await.0, 403);
    let owned = world.create_group("ent-l1").await;
    assert_eq!(world.add_member(&owned, &user).await.0, 204);
    let (_, owners, _) = world.get(&format!("/v1.0/groups/{owned}/owners")).await;
    assert_eq!(owners["value"][0]["id"], world.own_id());
    // Names are not unique: there are two now.
    let (_, found, _) = world.get("/v1.0/groups?$filter=displayName%20eq%20'ent-l1'").await;
    assert_eq!(found["value"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn an_upsert_creates_once_and_then_updates() {
    let world = world(wide()).await;
    let path = "/v1.0/groups(uniqueName='ent-l1')";
    let body = world.group("ent-l1").await;
    let patch = |body: Value| world.try_call(Method::PATCH, path, body, UPSERT);
    assert_eq!(world.call(Method::PATCH, path, body.clone()).await.0, 404);
    assert_eq!(patch(body.clone()).await.unwrap().0, 201);
    let mut again = body.clone();
    again.as_object_mut().unwrap().remove("owners@odata.bind");
    assert_eq!(patch(again).await.unwrap().0, 204);
    let (_, group, _) = world.get(path).await;
    assert_eq!(group["uniqueName"], "ent-l1");
    let id = group["id"].as_str().unwrap();
    assert_eq!(world.call(Method::PATCH, &format!("/v1.0/groups/{id}"), json!({"uniqueName": "other"})).await.0, 400);
    assert_eq!(world.call(Method::DELETE, &format!("/v1.0/groups/{id}"), Value::Null).await.0, 204);
    // Soft-deleted, it still holds the name; the switch frees it.
    assert_eq!(patch(body.clone()).await.unwrap().0, 400);
    world.control.set_switch(TENANT, "deleted_unique_name", "free").await.unwrap();
    assert_eq!(patch(body).await.unwrap().0, 201);
}

#[tokio::test]
async fn binding_members_is_all_or_nothing() {
    let world = world(contoso()).await;
    let group = world.create_group("ent-l1").await;
    let (maya, li) = (world.invite("maya@nordwall.example").await, world.invite("li@nordwall.example").await);
    assert_eq!(world.add_member(&group, &maya).await.0, 204);
    let bind = |ids: &[&str]| {
        let links: Vec<Value> = ids.iter().map(|id| reference(id)["@odata.id"].clone()).collect();
        json!({"members@odata.bind": links})
    };
    let path = format!("/v1.0/groups/{group}");
    assert_eq!(world.call(Method::PATCH, &path, bind(&[&li, &maya])).await.0, 400);
    assert_eq!(world.call(Method::PATCH, &path, bind(&[&li, &li])).await.0, 400);
    assert_eq!(world.call(Method::PATCH, &path, bind(&[&li, "0dead000-0000-4000-8000-000000000000"])).await.0, 404);
    assert_eq!(world.call(Method::PATCH, &path, bind(&vec![li.as_str(); 21])).await.0, 400);
    let members = || async { world.get(&format!("{path}/members")).await.1["value"].as_array().unwrap().len() };
    assert_eq!(members().await, 1);
    assert_eq!(world.call(Method::PATCH, &path, bind(&[&li])).await.0, 204);
    assert_eq!(members().await, 2);
}

#[tokio::test]
async fn a_forgotten_ref_deletes_the_user() {
    let world = world(wide()).await;
    let group = world.create_group("ent-l1").await;
    let maya = world.invite("maya@nordwall.example").await;
    world.add_member(&group, &maya).await;
    let path = format!("/v1.0/groups/{group}/members/{maya}");
    assert_eq!(world.call(Method::DELETE, &path, Value::Null).await.0, 204);
    assert!(world.control.truth(TENANT).await.unwrap().users.iter().any(|user| user.id == maya && user.deleted));
}

#[tokio::test]
async fn a_deleted_user_comes_back_with_memberships() {
    let world = world(wide()).await;
    let group = world.create_group("ent-l1").await;
    let maya = world.invite("maya@nordwall.example").await;
    world.add_member(&group, &maya).await;
    assert_eq!(world.call(Method::DELETE, &format!("/v1.0/users/{maya}"), Value::Null).await.0, 204);
    assert_eq!(world.get(&format!("/v1.0/users/{maya}")).await.0, 404);
    assert_eq!(world.get(&format!("/v1.0/groups/{group}/members")).await.1["value"], json!([]));
    let (_, deleted, _) = world.get("/v1.0/directory/deletedItems/microsoft.graph.user").await;
    assert_eq!(deleted["value"][0]["id"], json!(maya));
    let (status, restored, _) =
        world.call(Method::POST, &format!("/v1.0/directory/deletedItems/{maya}/restore"), Value::Null).await;
    assert_eq!((status.as_u16(), restored["@odata.type"].as_str()), (200, Some("#microsoft.graph.user")));
    assert_eq!(world.get(&format!("/v1.0/groups/{group}/members")).await.1["value"][0]["id"], json!(maya));
}

#[tokio::test]
async fn lists_page_by_links_that_do_not_carry_headers() {
    let world = world(contoso()).await;
    world.control.settings(TENANT, &SettingsPatch { page_size: Some(2), ..Default::default() }).await.unwrap();
    for at in 0..5 {
        world.invite(&format!("maya{at}@nordwall.example")).await;
    }
    let mut path = "/v1.0/users?$select=id,mail&$top=999".to_owned();
    let mut seen = Vec::new();
    for _ in 0..4 {
        let (status, page, _) = world.get(&path).await;
        assert_eq!(status, 200, "{page}");
        seen.extend(page["value"].as_array().unwrap().iter().map(|user| user["id"].clone()));
        path = page["@odata.nextLink"].as_str().unwrap_or_default().to_owned();
    }
    assert_eq!(path, "", "there are more pages than users");
    seen.dedup();
    assert_eq!(seen.len(), 7);
    let advanced = "/v1.0/users?$count=true&$filter=endsWith(mail,'@nordwall.example')";
    assert_eq!(world.get(advanced).await.1["error"]["code"], "Request_UnsupportedQuery");
    let eventual = [("ConsistencyLevel", "eventual")];
    let (_, page, _) = world.try_call(Method::GET, advanced, Value::Null, &eventual).await.unwrap();
    assert_eq!(page["@odata.count"], 5);
    let next = page["@odata.nextLink"].as_str().unwrap();
    assert_eq!(world.get(next).await.0, 400);
    let (_, page, _) = world.try_call(Method::GET, next, Value::Null, &eventual).await.unwrap();
    assert_eq!((page["value"].as_array().unwrap().len(), page.get("@odata.count")), (2, None));
    for wrong in [
        "/v1.0/users?$filter=colour%20eq%20'red'",
        "/v1.0/users?$select=colour",
        "/v1.0/users?$top=1000",
        "/v1.0/users?$skip=5",
        "/v1.0/planets",
    ] {
        assert_eq!(world.get(wrong).await.0, 400, "{wrong}");
    }
}

#[tokio::test]
async fn a_batch_keeps_order_and_spares_dependants_of_a_failure() {
    let world = world(contoso()).await;
    let part = |id: &str, method: &str, url: &str, body: Value, after: &[&str]| json!({"id": id, "method": method, "url": url, "headers": {"Content-Type": "application/json"}, "body": body, "dependsOn": after});
    let body = json!({"requests": [
        part("a", "POST", "/groups", world.group("ent-l1").await, &[]),
        part("b", "PATCH", "/users/0dead000-0000-4000-8000-000000000000", json!({"accountEnabled": false}), &["a"]),
        part("c", "POST", "/groups", world.group("ent-l2").await, &["b"]),
    ]});
    let (status, answer, _) = world.call(Method::POST, "/v1.0/$batch", body).await;
    let statuses: Vec<u64> =
        answer["responses"].as_array().unwrap().iter().map(|one| one["status"].as_u64().unwrap()).collect();
    assert_eq!((status.as_u16(), statuses), (200, vec![201, 404, 424]));
    let many: Vec<Value> = (0..21).map(|at| json!({"id": at.to_string(), "method": "GET", "url": "/users"})).collect();
    let twice = ["x", "X"].map(|id| json!({"id": id, "method": "GET", "url": "/users"}));
    let bare = json!([{"id": "1", "method": "POST", "url": "/groups", "body": {}}]);
    for wrong in [json!(many), json!(twice), bare] {
        assert_eq!(world.call(Method::POST, "/v1.0/$batch", json!({"requests": wrong})).await.0, 400);
    }
}

#[tokio::test]
async fn each_part_of_a_batch_is_throttled_on_its_own() {
    let world = world(contoso()).await;
    world.control.settings(TENANT, &SettingsPatch { throttle_scale: Some(0.02), ..Default::default() }).await.unwrap();
    let invite = |at: usize| json!({"id": at.to_string(), "method": "POST", "url": "/invitations", "headers": {"Content-Type": "application/json"}, "body": common::invitation(&format!("m{at}@nordwall.example"))});
    let (status, answer, _) =
        world.call(Method::POST, "/v1.0/$batch", json!({"requests": (0..6).map(invite).collect::<Vec<_>>()})).await;
    let limited = answer["responses"].as_array().unwrap().iter().filter(|one| one["status"] == 429);
    assert_eq!(status, 200);
    assert!(
        limited.clone().count() >= 2 && limited.into_iter().all(|one| one["headers"]["Retry-After"].is_string()),
        "{answer}"
    );
}

#[tokio::test]
async fn a_role_assignable_group_is_guarded_and_a_dynamic_one_is_not_filled_by_hand() {
    let mut seed = wide();
    seed.groups.push(entente_simulator::control::seed::GroupSeed {
        display_name: "admins".into(),
        role_assignable: true,
        ..Default::default()
    });
    let rule = Some("user.userType -eq \"Guest\"".to_owned());
    seed.groups.push(entente_simulator::control::seed::GroupSeed {
        display_name: "guests".into(),
        membership_rule: rule,
        ..Default::default()
    });
    let world = world(seed).await;
    let maya = world.invite("maya@nordwall.example").await;
    let truth = world.control.truth(TENANT).await.unwrap();
    let id = |name: &str| truth.groups.iter().find(|group| group.display_name == name).unwrap().id.clone();
    assert_eq!(world.add_member(&id("admins"), &maya).await.0, 403);
    assert_eq!(world.add_member(&id("guests"), &maya).await.0, 400);
}

#[tokio::test]
async fn objects_of_any_kind_are_found_by_id() {
    let mut seed = contoso();
    seed.apps = vec![agent(&[AGENT_PERMISSIONS, &["Application.Read.All", "Organization.Read.All"]].concat())];
    let world = world(seed).await;
    let group = world.create_group("ent-l1").await;
    let ids = json!({"ids": [group, world.own_id(), "0dead000-0000-4000-8000-000000000000"], "types": ["group", "servicePrincipal"]});
    let (_, found, _) = world.call(Method::POST, "/v1.0/directoryObjects/getByIds", ids).await;
    assert_eq!(found["value"].as_array().unwrap().len(), 2, "{found}");
    let (_, found, _) = world.get(&format!("/v1.0/servicePrincipals?$filter=appId%20eq%20'{APP}'")).await;
    assert_eq!(found["value"][0]["id"], world.own_id());
    let (_, organization, _) = world.get("/v1.0/organization").await;
    assert_eq!(organization["value"][0]["id"], TENANT);
    let (_, skus, _) = world.get("/v1.0/subscribedSkus").await;
    assert_eq!(skus["value"][0]["servicePlans"].as_array().unwrap().len(), 2);
    let (_, defaults, _) = world.get("/v1.0/policies/identitySecurityDefaultsEnforcementPolicy").await;
    assert_eq!(defaults["isEnabled"], false);
}
