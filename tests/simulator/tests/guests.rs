//! What a guest's account shows at which time, and what ends a guest's session; over real HTTPS.
#![allow(clippy::unwrap_used)] // tests fail by panicking

mod common;

use std::time::Duration;

use common::{TENANT, World, contoso, invitation, world};
use entente_simulator::control::seed::SettingsPatch;
use entente_simulator::control::types::{Identity, SessionTruth, Tamper};
use reqwest::Method;
use serde_json::{Value, json};

const MAYA: &str = "maya@nordwall.example";

/// State, and the issuer that shows how the guest signs in.
async fn shown(world: &World, user: &str) -> (Value, Value) {
    let (status, body, _) = world.get(&format!("/v1.0/users/{user}?$select=externalUserState,identities")).await;
    assert_eq!(status, 200, "{body}");
    (body["externalUserState"].clone(), body["identities"][0]["issuer"].clone())
}

async fn session(world: &World, user: &str) -> Option<SessionTruth> {
    let truth = world.control.truth(TENANT).await.unwrap();
    truth.users.into_iter().find(|one| one.id == user).unwrap().session
}

#[tokio::test]
async fn state_and_identities_may_arrive_apart() {
    let lag = SettingsPatch { lag_seconds: Some(10.0), token_lifetime_seconds: Some(100_000), ..Default::default() };
    for (order, state, issuer) in [
        ("state_first", "Accepted", "contoso.onmicrosoft.com"),
        ("identities_first", "PendingAcceptance", "ExternalAzureAD"),
    ] {
        let world = world(contoso()).await;
        world.control.set_switch(TENANT, "redemption", order).await.unwrap();
        let maya = world.invite(MAYA).await;
        world.control.settings(TENANT, &lag).await.unwrap();
        world.control.redeem(TENANT, &maya, Identity::Entra).await.unwrap();
        // The lag is 5 to 15 seconds by the seed: one more second at a time until something shows.
        let mut seen = vec![shown(&world, &maya).await];
        for _ in 0..45 {
            world.control.advance_clock(Duration::from_secs(1)).await.unwrap();
            seen.push(shown(&world, &maya).await);
        }
        seen.dedup();
        let pending = (json!("PendingAcceptance"), json!("contoso.onmicrosoft.com"));
        let whole = (json!("Accepted"), json!("ExternalAzureAD"));
        assert_eq!(seen, [pending, (json!(state), json!(issuer)), whole], "{order}");
    }
}

#[tokio::test]
async fn a_redeemed_guest_may_show_no_state() {
    let mut seed = contoso();
    seed.switches.insert("redeemed_state".into(), "null".into());
    let world = world(seed).await;
    let maya = world.invite(MAYA).await;
    world.control.redeem(TENANT, &maya, Identity::Entra).await.unwrap();
    assert_eq!(shown(&world, &maya).await, (Value::Null, json!("ExternalAzureAD")));
    assert!(world.control.truth(TENANT).await.unwrap().users.iter().any(|one| one.id == maya && one.redeemed));
    let (_, again, _) = world.call(Method::POST, "/v1.0/invitations", invitation(MAYA)).await;
    assert_eq!(again["status"], "Completed");
}

#[tokio::test]
async fn a_guest_keeps_the_invited_address_and_a_member_is_named_in_the_refusal() {
    let world = world(contoso()).await;
    let maya = world.invite(MAYA).await;
    let (_, user, _) = world.get(&format!("/v1.0/users/{maya}?$select=otherMails")).await;
    assert_eq!(user["otherMails"], json!([MAYA]));
    let found = format!("/v1.0/users?$filter=otherMails/any(x:x eq '{MAYA}')");
    assert_eq!(world.get(&found).await.1["value"][0]["id"], json!(maya));
    let (_, refused, _) = world.call(Method::POST, "/v1.0/invitations", invitation("kari@contoso.example")).await;
    let text = refused["error"]["message"].as_str().unwrap();
    assert!(text.starts_with("The invited user already exists in the directory as objectID: "), "{text}");
}

#[tokio::test]
async fn revoking_a_guests_sessions_is_answered_and_ends_nothing() {
    let world = world(contoso()).await;
    let maya = world.invite(MAYA).await;
    assert!(session(&world, &maya).await.is_none(), "nobody has signed in");
    world.control.redeem(TENANT, &maya, Identity::Entra).await.unwrap();
    let revoke = |user: String| async move { format!("/v1.0/users/{user}/revokeSignInSessions") };
    let path = revoke(maya.clone()).await;
    let (status, body, _) = world.call(Method::POST, &path, json!({})).await;
    assert_eq!((status.as_u16(), &body["value"]), (200, &json!(true)));
    let (_, user, _) = world.get(&format!("/v1.0/users/{maya}?$select=signInSessionsValidFromDateTime")).await;
    assert!(user["signInSessionsValidFromDateTime"].is_null(), "{user}");
    let going_on = session(&world, &maya).await.unwrap();
    assert!(going_on.alive && !going_on.signed_out && going_on.tokens_die_at.is_none(), "{going_on:?}");

    world.control.set_switch(TENANT, "revoke_guest_sessions", "works").await.unwrap();
    world.call(Method::POST, &path, json!({})).await;
    let ended = session(&world, &maya).await.unwrap();
    assert!(ended.alive && ended.signed_out && ended.tokens_die_at.is_some(), "tokens outlive the session: {ended:?}");
    // A member signs in here, and the sign-out works.
    world.control.set_switch(TENANT, "revoke_guest_sessions", "ineffective").await.unwrap();
    let truth = world.control.truth(TENANT).await.unwrap();
    let kari = truth.users.into_iter().find(|one| one.display_name == "Kari Nord").unwrap().id;
    world.call(Method::POST, &revoke(kari.clone()).await, json!({})).await;
    assert!(session(&world, &kari).await.unwrap().signed_out);
}

#[tokio::test]
async fn a_block_ends_what_a_session_can_do_within_the_hour() {
    let world = world(contoso()).await;
    let maya = world.invite(MAYA).await;
    world.control.redeem(TENANT, &maya, Identity::Entra).await.unwrap();
    let enable = |enabled| Tamper::SetEnabled { user: maya.clone(), enabled };
    world.control.tamper(TENANT, &enable(false)).await.unwrap();
    let blocked = session(&world, &maya).await.unwrap();
    assert!(blocked.alive && blocked.tokens_die_at.is_some(), "{blocked:?}");
    world.control.advance_clock(Duration::from_secs(3600)).await.unwrap();
    assert!(!session(&world, &maya).await.unwrap().alive);
    world.control.tamper(TENANT, &enable(true)).await.unwrap();
    let renewed = session(&world, &maya).await.unwrap();
    assert!(renewed.alive && renewed.tokens_die_at.is_none(), "{renewed:?}");
}
