//! Faults that send a body other than JSON, change a true answer, or answer slowly; over real HTTPS.
#![allow(clippy::unwrap_used)] // tests fail by panicking

mod common;

use std::time::{Duration, Instant};

use common::{TENANT, World, contoso, invitation, world};
use entente_simulator::control::types::{Bend, Fault, FaultAction, Match};
use reqwest::Method;
use serde_json::{Value, json};

const USERS: &str = "/v1.0/users?$select=id,mail,identities,accountEnabled";

async fn strike(world: &World, path: &str, action: FaultAction) {
    let on = Match { tenant: Some(TENANT.into()), method: None, path: Some(path.into()) };
    let fault = Fault { on, action, count: Some(1), skip: 0, probability: None };
    world.control.add_fault(&fault).await.unwrap();
}

fn bend(json: Value) -> FaultAction {
    FaultAction::Bend(serde_json::from_value(json).unwrap())
}

#[tokio::test]
async fn a_gateways_page_is_html_and_nothing_was_handled() {
    let world = world(contoso()).await;
    for status in [404, 503, 504] {
        let html = format!("<html><h1>{status}</h1></html>");
        strike(&world, "^/v1.0/invitations$", FaultAction::page(status, &html)).await;
        let (answered, body, headers) =
            world.call(Method::POST, "/v1.0/invitations", invitation("maya@nordwall.example")).await;
        assert_eq!((answered.as_u16(), body), (status, Value::String(html)));
        assert_eq!(headers.get_all("content-type").iter().collect::<Vec<_>>(), ["text/html; charset=utf-8"]);
        assert!(headers.contains_key("request-id"));
    }
    assert_eq!(world.control.figures(TENANT, None).await.unwrap().accepted_invitations, 0);
}

#[tokio::test]
async fn a_claims_challenge_says_what_to_ask_for() {
    let world = world(contoso()).await;
    strike(&world, "^/v1.0/users", FaultAction::claims_challenge()).await;
    let (status, body, headers) = world.get(USERS).await;
    assert_eq!((status.as_u16(), &body["error"]["code"]), (401, &json!("InvalidAuthenticationToken")));
    let challenge = headers["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains("error=\"insufficient_claims\", claims=\"eyJ"), "{challenge}");
    assert_eq!(world.get(USERS).await.0, 200);
}

#[tokio::test]
async fn a_bend_changes_the_true_answer_and_not_the_truth() {
    let world = world(contoso()).await;
    let maya = world.invite("maya@nordwall.example").await;
    let stranger = json!({"id": "not a guid"});
    let changes = json!({
        "set": {"/value/*/identities": null, (format!("/value/id={maya}/mail")): "elsewhere@nordwall.example"},
        "remove": ["/value/*/accountEnabled"],
        "append": {"/value": stranger},
    });
    strike(&world, "^/v1.0/users", bend(changes)).await;
    let (status, bent, _) = world.get(USERS).await;
    let users = bent["value"].as_array().unwrap();
    assert_eq!((status.as_u16(), users.last()), (200, Some(&stranger)));
    assert!(
        users[..users.len() - 1]
            .iter()
            .all(|user| user["identities"].is_null() && user.get("accountEnabled").is_none())
    );
    assert!(users.iter().any(|user| user["mail"] == "elsewhere@nordwall.example"));
    let (_, plain, _) = world.get(USERS).await;
    assert!(plain["value"].as_array().unwrap().iter().all(|user| user["identities"].is_array()));
}

#[tokio::test]
async fn a_bend_reaches_a_part_of_a_batch_and_lets_writes_happen() {
    let world = world(contoso()).await;
    let maya = world.invite("maya@nordwall.example").await;
    strike(&world, &format!("^/v1.0/users/{maya}"), bend(json!({"set": {"/accountEnabled": null}}))).await;
    let part = |id: &str, url: &str| json!({"id": id, "method": "GET", "url": url});
    let url = format!("/users/{maya}?$select=id,accountEnabled");
    let batch = json!({"requests": [part("1", &url), part("2", "/organization")]});
    let (_, answer, _) = world.call(Method::POST, "/v1.0/$batch", batch).await;
    let bent = answer["responses"].as_array().unwrap().iter().find(|one| one["id"] == "1").unwrap();
    assert_eq!(
        bent["body"],
        json!({"id": maya, "accountEnabled": null, "@odata.context": bent["body"]["@odata.context"]})
    );
    strike(&world, "revokeSignInSessions", bend(json!({"status": 204}))).await;
    let path = format!("/v1.0/users/{maya}/revokeSignInSessions");
    let (status, body, _) = world.call(Method::POST, &path, json!({})).await;
    assert_eq!((status.as_u16(), body), (204, json!("")));
    assert!(world.control.truth(TENANT).await.unwrap().users.iter().any(|one| one.sessions_revoked_at.is_some()));
}

#[tokio::test]
async fn a_drip_comes_byte_by_byte_and_whole_in_the_end() {
    let world = world(contoso()).await;
    strike(&world, "^/v1.0/organization", FaultAction::Drip { seconds: 2 }).await;
    let url = format!("{}/v1.0/organization", world.running.url());
    let begun = Instant::now();
    let mut answer = world.http.get(url).bearer_auth(&world.graph).send().await.unwrap();
    assert_eq!(answer.chunk().await.unwrap().unwrap().len(), 1);
    let mut rest = Vec::new();
    while let Some(chunk) = answer.chunk().await.unwrap() {
        rest.extend(chunk);
    }
    assert!(begun.elapsed() >= Duration::from_secs(2));
    assert!(serde_json::from_slice::<Value>(&[b"{", rest.as_slice()].concat()).unwrap()["value"].is_array());
}

#[tokio::test]
async fn a_fault_that_makes_no_sense_is_refused_with_its_reason() {
    let world = world(contoso()).await;
    let place = Bend { remove: vec!["value".into()], ..Bend::default() };
    for (action, reason) in [
        (FaultAction::Bend(place), "a pointer starts with a slash"),
        (FaultAction::page(99, ""), "99 is no HTTP status"),
        (FaultAction::Drip { seconds: 601 }, "longer than 600 s"),
    ] {
        let fault = Fault { on: Match::default(), action, count: None, skip: 0, probability: None };
        let refused = world.control.add_fault(&fault).await.unwrap_err().to_string();
        assert!(refused.contains(reason), "{refused}");
    }
}
