//! Delta queries of users and groups over real HTTPS.
#![allow(clippy::unwrap_used)] // tests fail by panicking

mod common;

use std::time::Duration;

use common::{AGENT_PERMISSIONS, TENANT, World, agent, contoso, world};
use entente_simulator::control::seed::{SettingsPatch, TenantSeed};
use entente_simulator::control::types::Tamper;
use reqwest::Method;
use serde_json::{Value, json};

const USERS: &str = "/v1.0/users/delta?$select=displayName,accountEnabled";
const GROUPS: &str = "/v1.0/groups/delta?$select=displayName,members";
const DAY: Duration = Duration::from_secs(24 * 3600);

fn wide() -> TenantSeed {
    let mut seed = contoso();
    seed.apps = vec![agent(&[AGENT_PERMISSIONS, &["Group.ReadWrite.All", "User.ReadWrite.All"]].concat())];
    seed
}

/// A whole round, page by page: its entries, and the link to the next one.
async fn round(world: &World, path: &str) -> (Vec<Value>, String) {
    let mut path = path.to_owned();
    let mut entries = Vec::new();
    loop {
        let (status, body, _) = world.get(&path).await;
        assert_eq!(status, 200, "{path}: {body}");
        entries.extend(body["value"].as_array().unwrap().clone());
        match (body["@odata.nextLink"].as_str(), body["@odata.deltaLink"].as_str()) {
            (Some(next), None) => path = next.to_owned(),
            (None, Some(delta)) => return (entries, delta.to_owned()),
            both => panic!("never both, never neither: {both:?}"),
        }
    }
}

#[tokio::test]
async fn users_come_whole_at_first_and_then_by_what_changed() {
    let world = world(wide()).await;
    let (first, mut link) = round(&world, USERS).await;
    assert_eq!(first.len(), 2);
    assert!(first.iter().all(|one| one["accountEnabled"] == true && one.get("mail").is_none()), "{first:?}");
    let maya = world.invite("maya@nordwall.example").await;
    let steps = [
        (None, json!([{"id": maya, "displayName": "Maya Berg", "accountEnabled": true}])),
        (None, json!([])),
        (Some(Tamper::SetUserProperties { user: maya.clone(), properties: json!({"jobTitle": "x"}) }), json!([])),
        (
            Some(Tamper::SetEnabled { user: maya.clone(), enabled: false }),
            json!([{"id": maya, "displayName": "Maya Berg", "accountEnabled": false}]),
        ),
        (Some(Tamper::DeleteUser { user: maya.clone() }), json!([{"id": maya, "@removed": {"reason": "changed"}}])),
        (
            Some(Tamper::RestoreUser { user: maya.clone() }),
            json!([{"id": maya, "displayName": "Maya Berg", "accountEnabled": false}]),
        ),
        (Some(Tamper::DeleteUser { user: maya.clone() }), json!([{"id": maya, "@removed": {"reason": "changed"}}])),
        (Some(Tamper::Purge { object: maya.clone() }), json!([{"id": maya, "@removed": {"reason": "deleted"}}])),
    ];
    for (op, expected) in steps {
        if let Some(op) = &op {
            world.control.tamper(TENANT, op).await.unwrap();
        }
        let (entries, next) = round(&world, &link).await;
        assert_eq!(json!(entries), expected, "{op:?}");
        assert_ne!(next, link, "a new link each time");
        link = next;
    }
}

#[tokio::test]
async fn a_groups_members_are_told_by_who_came_and_who_left() {
    let world = world(wide()).await;
    let (maya, li) = (world.invite("maya@nordwall.example").await, world.invite("li@nordwall.example").await);
    let group = world.create_group("ent-l1").await;
    let path = format!("{GROUPS}&$filter=id eq '{group}'");
    world.add_member(&group, &maya).await;
    let user = |id: &str| json!({"@odata.type": "#microsoft.graph.user", "id": id});
    let left = |id: &str| json!({"@odata.type": "#microsoft.graph.user", "id": id, "@removed": {"reason": "deleted"}});
    let (first, link) = round(&world, &path).await;
    assert_eq!(json!(first), json!([{"id": group, "displayName": "ent-l1", "members@delta": [user(&maya)]}]));
    world.add_member(&group, &li).await;
    let remove = format!("/v1.0/groups/{group}/members/{maya}/$ref");
    world.call(Method::DELETE, &remove, Value::Null).await;
    let headers = [("Prefer", "return=minimal")];
    let (_, body, _) = world.try_call(Method::GET, &link, Value::Null, &headers).await.unwrap();
    assert_eq!(body["value"], json!([{"id": group, "members@delta": [user(&li), left(&maya)]}]));
    // The recycle bin hides a member from lists at once, and from delta once it is emptied.
    let (_, mut link) = round(&world, &link).await;
    let deleted = Tamper::DeleteUser { user: li.clone() };
    for (op, expected) in [
        (deleted, json!([])),
        (Tamper::Purge { object: li.clone() }, json!([left(&li)])),
        (Tamper::DeleteGroup { group: group.clone() }, json!({"reason": "changed"})),
        (Tamper::Purge { object: group.clone() }, json!({"reason": "deleted"})),
    ] {
        world.control.tamper(TENANT, &op).await.unwrap();
        let (entries, next) = round(&world, &link).await;
        let told = entries.first().cloned().unwrap_or_default();
        let shown = told.get("members@delta").or(told.get("@removed")).cloned().unwrap_or(json!([]));
        assert_eq!(shown, expected, "{op:?}: {told}");
        link = next;
    }
}

#[tokio::test]
async fn rounds_page_and_large_groups_come_in_pieces() {
    let world = world(wide()).await;
    let group = world.create_group("ent-l1").await;
    for at in 0..5 {
        let user = world.invite(&format!("maya{at}@nordwall.example")).await;
        world.add_member(&group, &user).await;
    }
    world.control.settings(TENANT, &SettingsPatch { page_size: Some(2), ..Default::default() }).await.unwrap();
    let (users, _) = round(&world, "/v1.0/users/delta()").await;
    assert_eq!(users.len(), 7);
    let (pieces, _) = round(&world, &format!("{GROUPS}&$filter=id eq '{group}'")).await;
    let sizes: Vec<usize> = pieces.iter().map(|one| one["members@delta"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [2, 2, 1]);
    assert!(pieces.iter().all(|one| one["id"] == json!(group)));
    world.control.set_switch(TENANT, "delta_pages", "untidy").await.unwrap();
    let (_, first, _) = world.get(USERS).await;
    assert!(first["value"] == json!([]) && first["@odata.nextLink"].is_string(), "{first}");
    assert_eq!(round(&world, USERS).await.0.len(), 8, "one comes twice");
}

#[tokio::test]
async fn a_stream_may_start_from_now_and_ends_after_seven_days() {
    let mut world = world(wide()).await;
    let (nothing, link) = round(&world, &format!("{USERS}&$deltaToken=latest")).await;
    assert!(nothing.is_empty());
    let maya = world.invite("maya@nordwall.example").await;
    assert_eq!(round(&world, &link).await.0[0]["id"], json!(maya));
    world.control.advance_clock(7 * DAY).await.unwrap();
    world.sign_in().await;
    let (status, body, headers) = world.get(&link).await;
    assert_eq!((status.as_u16(), &body["error"]["code"]), (410, &json!("syncStateNotFound")));
    let anew = headers["location"].to_str().unwrap();
    assert!(anew.ends_with("/v1.0/users/delta?$deltatoken="), "{anew}");
    assert_eq!(round(&world, anew).await.0.len(), 3);
    world.control.set_switch(TENANT, "stale_delta_token", "400").await.unwrap();
    let (status, _, headers) = world.get(&link).await;
    assert!(status == 400 && headers.get("location").is_none());
}

#[tokio::test]
async fn a_delta_query_refuses_what_it_cannot_follow() {
    let mut world = world(wide()).await;
    let ids = vec!["id eq '0dead000-0000-4000-8000-000000000000'"; 51].join(" or ");
    let no = ["$top=5", "$orderby=displayName", "$select=nonsense", "$deltatoken=nonsense", "$filter=mail eq 'x'"];
    for query in no.iter().map(|one| one.to_string()).chain([format!("$filter={ids}")]) {
        assert_eq!(world.get(&format!("/v1.0/users/delta?{query}")).await.0, 400, "{query}");
    }
    world.control.add_app(TENANT, &agent(&["User.ReadBasic.All"])).await.unwrap();
    world.sign_in().await;
    assert_eq!(world.get(USERS).await.0, 403);
}
