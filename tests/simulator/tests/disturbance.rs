//! Faults and barriers over real HTTPS, and their entries in the call log.
#![allow(clippy::unwrap_used)] // tests fail by panicking

mod common;

use std::time::Duration;

use common::{TENANT, contoso, invitation, world};
use entente_simulator::control::types::{Fault, FaultAction, Match, Release, When};
use reqwest::Method;
use serde_json::{Value, json};

const WAIT: Duration = Duration::from_secs(10);

fn once(path: &str, action: FaultAction) -> Fault {
    Fault { on: invitations(path), action, count: Some(1), skip: 0, probability: None }
}

fn invitations(path: &str) -> Match {
    Match { tenant: Some(TENANT.into()), method: None, path: Some(path.into()) }
}

#[tokio::test]
async fn a_lost_answer_leaves_a_user_behind_and_a_lost_request_does_not() {
    let world = world(contoso()).await;
    let post = || world.try_call(Method::POST, "/v1.0/invitations", invitation("maya@nordwall.example"), &[]);
    world.control.add_fault(&once("^/v1.0/invitations$", FaultAction::DropBefore)).await.unwrap();
    assert!(post().await.is_err());
    assert_eq!(world.control.figures(TENANT, None).await.unwrap().accepted_invitations, 0);
    world.control.add_fault(&once("^/v1.0/invitations$", FaultAction::DropAfter)).await.unwrap();
    assert!(post().await.is_err());
    assert_eq!(world.control.figures(TENANT, None).await.unwrap().accepted_invitations, 1);
    assert_eq!(world.get("/v1.0/users?$filter=userType%20eq%20'Guest'").await.1["value"].as_array().unwrap().len(), 1);
    let log = world.control.log(0, Some(TENANT)).await.unwrap();
    let lost: Vec<u16> = log.iter().filter(|one| one.answer_lost).map(|one| one.status).collect();
    assert_eq!(lost, [0, 201]);
}

#[tokio::test]
async fn a_phantom_is_accepted_and_never_appears() {
    let world = world(contoso()).await;
    world.control.add_fault(&once("invitations", FaultAction::Phantom)).await.unwrap();
    let phantom = world.invite("maya@nordwall.example").await;
    assert_eq!(world.get(&format!("/v1.0/users/{phantom}")).await.0, 404);
    world.invite("maya@nordwall.example").await;
    let figures = world.control.figures(TENANT, None).await.unwrap();
    assert_eq!((figures.accepted_invitations, figures.duplicate_invitations), (2, 0));
}

#[tokio::test]
async fn a_fault_answers_what_it_is_told_so_often_and_no_more() {
    let world = world(contoso()).await;
    let action = FaultAction::Answer {
        status: 503,
        body: json!({"error": {"code": "ServiceUnavailable"}}),
        headers: [("Retry-After".into(), "7".into())].into(),
    };
    let fault = Fault { skip: 1, count: Some(2), ..once("^/v1.0/organization", action) };
    let fault = world.control.add_fault(&fault).await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(world.get("/v1.0/organization").await.0.as_u16());
    }
    assert_eq!(seen, [200, 503, 503, 200]);
    assert_eq!(world.control.faults().await.unwrap()[0].struck, 2);
    world.control.clear_fault(fault.id).await.unwrap();
    assert!(world.control.faults().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_barrier_holds_a_request_on_either_side_of_its_effect() {
    let world = world(contoso()).await;
    for (when, done) in [(When::Before, 0), (When::After, 1)] {
        let before = world.control.figures(TENANT, None).await.unwrap().accepted_invitations;
        let barrier = world.control.add_barrier(invitations("^/v1.0/invitations$"), when).await.unwrap();
        let mail = format!("maya{done}@nordwall.example");
        let post = world.try_call(Method::POST, "/v1.0/invitations", invitation(&mail), &[]);
        let meanwhile = async {
            let state = world.control.wait_barrier(barrier.id, 1, WAIT).await.unwrap();
            assert_eq!((state.arrived, state.held), (1, 1));
            let now = world.control.figures(TENANT, None).await.unwrap().accepted_invitations;
            assert_eq!(now - before, done);
            world.control.release_barrier(barrier.id, Release::Proceed).await.unwrap();
        };
        let (answer, ()) = tokio::join!(post, meanwhile);
        assert_eq!(answer.unwrap().0, 201);
        world.control.remove_barrier(barrier.id, Release::Proceed).await.unwrap();
    }
}

#[tokio::test]
async fn what_a_barrier_abandons_is_never_handled() {
    let world = world(contoso()).await;
    let barrier = world.control.add_barrier(invitations("^/v1.0/invitations$"), When::Before).await.unwrap();
    let post = world.try_call(Method::POST, "/v1.0/invitations", invitation("maya@nordwall.example"), &[]);
    let meanwhile = async {
        world.control.wait_barrier(barrier.id, 1, WAIT).await.unwrap();
        world.control.remove_barrier(barrier.id, Release::Abandon).await.unwrap();
    };
    let (answer, ()) = tokio::join!(post, meanwhile);
    assert!(answer.is_err());
    assert_eq!(world.control.figures(TENANT, None).await.unwrap().accepted_invitations, 0);
}

#[tokio::test]
async fn a_client_that_dies_at_a_barrier_has_still_sent_its_request() {
    let world = world(contoso()).await;
    let barrier = world.control.add_barrier(invitations("^/v1.0/invitations$"), When::Before).await.unwrap();
    let post = world.try_call(Method::POST, "/v1.0/invitations", invitation("maya@nordwall.example"), &[]);
    tokio::select! {
        _ = post => panic!("the barrier did not hold"),
        state = world.control.wait_barrier(barrier.id, 1, WAIT) => drop(state.unwrap()),
    }
    world.control.remove_barrier(barrier.id, Release::Proceed).await.unwrap();
    // The request continues by itself; the log shows when it is done.
    for _ in 0..500 {
        if world.control.figures(TENANT, None).await.unwrap().accepted_invitations == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the invitation was never handled");
}

#[tokio::test]
async fn the_log_tells_batches_apart_and_never_shows_a_secret() {
    let world = world(contoso()).await;
    let part = |id: &str, url: &str| json!({"id": id, "method": "GET", "url": url});
    let (_, body, _) = world
        .call(Method::POST, "/v1.0/$batch", json!({"requests": [part("1", "/users"), part("2", "/organization")]}))
        .await;
    assert_eq!(body["responses"].as_array().unwrap().len(), 2);
    let log = world.control.log(0, None).await.unwrap();
    let parts: Vec<&str> = log.iter().filter(|one| one.in_batch).map(|one| one.path.as_str()).collect();
    assert_eq!(parts, ["/v1.0/users", "/v1.0/organization"]);
    let tokens: Vec<&Value> = log.iter().filter(|one| one.plane == "token").map(|one| &one.request).collect();
    assert_eq!(tokens, [&Value::Null, &Value::Null]);
    assert!(log.windows(2).all(|two| two[0].seq < two[1].seq));
    let counters = world.control.counters(TENANT).await.unwrap();
    assert_eq!((counters.tokens, counters.batches, counters.graph_reads), (2, 1, 2));
}
