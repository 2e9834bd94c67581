//! After a "too many requests", no caller uses the service until the time that it named.

use std::time::Duration;

use entente_cloud::{Failure, Membership, Scope};
use serde_json::{Value, json};
use tokio::time::{advance, pause, resume};
use uuid::Uuid;

use crate::fake::{Fake, error, error_body, reply, token};

const MAYA: Uuid = Uuid::from_u128(0xa1);
const SAM: Uuid = Uuid::from_u128(0xa2);

fn user() -> Value {
    json!({"id": MAYA, "userPrincipalName": "maya"})
}

fn left(failure: &Failure) -> u64 {
    assert!(matches!(failure, Failure::Throttled { .. }), "{failure:?}");
    failure.retry_after().unwrap().as_secs_f64().ceil() as u64
}

#[tokio::test]
async fn nothing_is_asked_of_a_throttled_service_before_its_time_is_up_and_the_others_go_on() {
    let fake = Fake::start(|request, n| match request.path.starts_with("/v1.0") {
        true if n == 0 => error(429, "TooManyRequests", "slow down").header("Retry-After", 120),
        true => reply(200, user()),
        false => error(404, "RoleAssignmentNotFound", "no"),
    });
    let fake = fake.await;
    let cloud = fake.cloud();
    let (graph, place) = (cloud.graph(), Membership { group: SAM, member: MAYA });
    for end in graph.get_users(&[MAYA, SAM]).await {
        let failure = end.unwrap_err();
        assert_eq!(left(&failure), 120);
        assert!(failure.to_string().contains("TooManyRequests: slow down"), "{failure}");
    }
    pause();
    for _ in 0..12 {
        assert!(left(&graph.get_user(MAYA).await.unwrap_err()) <= 120);
        assert!(left(&graph.list_members(MAYA).await.unwrap_err()) <= 120);
        assert!(left(&cloud.defender().list_role_definitions().await.unwrap_err()) <= 120);
        for end in graph.remove_members(&[place, place]).await {
            assert!(left(&end.unwrap_err()) <= 120);
        }
        advance(Duration::from_secs(5)).await;
    }
    assert!(left(&graph.get_user(MAYA).await.unwrap_err()) <= 60);
    assert_eq!(fake.requests().len(), 1, "one in sixty seconds");
    resume();
    let scope = Scope::parse("/subscriptions/1").unwrap();
    assert!(cloud.arm().get_role_assignment(&scope, MAYA).await.unwrap().is_none(), "ARM has a gate of its own");
    pause();
    advance(Duration::from_secs(60)).await;
    resume();
    assert!(graph.get_user(MAYA).await.unwrap().is_some());
    assert_eq!((fake.requests().len(), cloud.usage().throttled), (3, 2));
}

#[tokio::test]
async fn a_part_of_a_batch_that_is_throttled_closes_the_gate() {
    let fake = Fake::start(|request, _| {
        let part = |part: &Value| match part["url"].as_str().unwrap().contains(&SAM.to_string()) {
            true => json!({"id": part["id"], "status": 429, "headers": {"Retry-After": "77.5"},
                "body": error_body("TooManyRequests", "slow down")}),
            false => json!({"id": part["id"], "status": 200, "body": user()}),
        };
        let parts = request.json()["requests"].as_array().unwrap().clone();
        reply(200, json!({"responses": parts.iter().map(part).collect::<Vec<_>>()}))
    });
    let fake = fake.await;
    let graph = fake.cloud().graph();
    let mut ends = graph.get_users(&[MAYA, SAM]).await;
    assert!(ends.remove(0).unwrap().is_some());
    assert_eq!(left(&ends.remove(0).unwrap_err()), 78);
    assert_eq!(left(&graph.get_user(MAYA).await.unwrap_err()), 78);
    assert_eq!(fake.requests().len(), 1);
}

#[tokio::test]
async fn the_login_service_has_a_gate_too_and_is_not_asked_for_a_call_that_would_not_go() {
    let login = |n| match n {
        0 => reply(429, json!({"error": "temporarily_unavailable"})).header("Retry-After", 90),
        _ => reply(200, json!({"access_token": token(crate::fake::TENANT, n), "expires_in": 3600})),
    };
    let fake = Fake::with_login(login, |_, _| error(429, "TooManyRequests", "slow down").header("Retry-After", 120));
    let fake = fake.await;
    let cloud = fake.cloud();
    for _ in 0..3 {
        let failure = cloud.graph().get_user(MAYA).await.unwrap_err();
        assert!(matches!(failure, Failure::NoToken(_)) && failure.is_passing(), "{failure:?}");
        assert!(failure.retry_after().unwrap() > Duration::from_secs(60));
    }
    assert_eq!((fake.logins().len(), fake.requests().len()), (1, 0));
    pause();
    advance(Duration::from_secs(91)).await;
    resume();
    assert_eq!(left(&cloud.graph().get_user(MAYA).await.unwrap_err()), 120);
    cloud.forget_tokens().await;
    cloud.graph().get_user(MAYA).await.unwrap_err();
    assert_eq!((fake.logins().len(), fake.requests().len()), (2, 1));
}

#[tokio::test]
async fn a_time_is_read_in_every_form_by_the_services_own_clock() {
    let date = "Mon, 23 Nov 2026 10:00:00 GMT";
    for (status, value, expected) in [
        (429, "Mon, 23 Nov 2026 10:01:30 GMT", 90),
        (503, "Mon, 23 Nov 2026 10:01:30 GMT", 90),
        (429, "30.25", 31),
        (429, "86400", 300),
    ] {
        let fake =
            Fake::start(move |_, _| error(status, "no", "later").header("Retry-After", value).header("Date", date));
        let fake = fake.await;
        let graph = fake.cloud().graph();
        graph.get_user(MAYA).await.unwrap_err();
        assert_eq!(left(&graph.get_user(MAYA).await.unwrap_err()), expected, "{value}");
        assert_eq!(fake.requests().len(), 1);
    }
}
