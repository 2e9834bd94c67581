//! Permissions: tokens, rights and refusals, with the status and code that Microsoft returns.
#![allow(clippy::unwrap_used)] // tests fail by panicking

mod common;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::{APP, SCOPE, TENANT, World, agent, contoso, invitation, world};
use entente_simulator::control::seed::{AppSeed, SettingsPatch};
use entente_simulator::control::types::{Fault, FaultAction, Match, Tamper};
use reqwest::Method;
use serde_json::{Value, json};

/// Status and error code.
fn refusal(outcome: &common::Outcome) -> (u16, &str) {
    (outcome.0.as_u16(), outcome.1["error"]["code"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn the_token_endpoint_refuses_in_entras_words() {
    let world = world(contoso()).await;
    let graph = ("scope", "https://graph.microsoft.com/.default");
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, u64);
    let cases: [Case<'_>; 5] = [
        (&[("client_secret", "wrong"), graph], "invalid_client", 7000215),
        (&[graph], "invalid_client", 7000218),
        (&[("client_secret", common::SECRET), ("scope", "https://graph.microsoft.com")], "invalid_scope", 1002012),
        (
            &[("client_secret", common::SECRET), ("scope", "https://tailspin.example/.default")],
            "invalid_resource",
            500011,
        ),
        (&[("client_assertion", "a.b.c"), graph], "invalid_client", 50027),
    ];
    for (fields, error, number) in cases {
        let (status, body, _) = world.ask_token(fields).await;
        assert_eq!(
            (status.as_u16(), body["error"].as_str(), body["error_codes"][0].as_u64()),
            (400, Some(error), Some(number))
        );
        assert!(body["error_description"].as_str().unwrap().starts_with(&format!("AADSTS{number}: ")), "{body}");
        assert!(!body.to_string().contains("wrong"), "a secret was echoed");
    }
    let off = Tamper::SetAppEnabled { app: APP.into(), enabled: false };
    world.control.tamper(TENANT, &off).await.unwrap();
    let (_, body, _) = world.ask_token(&[("client_secret", common::SECRET), graph]).await;
    assert_eq!(body["error_codes"][0], 7000112);
    let url = format!("{}/{}/oauth2/v2.0/token", world.running.url(), "0c0de000-0000-4000-8000-00000000dead");
    let body: Value =
        world.http.post(url).form(&[("grant_type", "client_credentials")]).send().await.unwrap().json().await.unwrap();
    assert_eq!(body["error_codes"][0], 90002);
}

#[tokio::test]
async fn a_token_looks_like_entras_and_names_the_permissions() {
    let world = world(contoso()).await;
    let claims = |token: &str| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
    };
    let graph = claims(&world.graph);
    assert_eq!((graph["tid"].as_str(), graph["appid"].as_str()), (Some(TENANT), Some(APP)));
    assert_eq!((graph["aud"].as_str(), graph["idtyp"].as_str()), (Some("https://graph.microsoft.com"), Some("app")));
    assert_eq!(graph["roles"], json!(common::AGENT_PERMISSIONS));
    assert!(claims(&world.arm).get("roles").is_none());
}

#[tokio::test]
async fn no_token_a_strangers_an_old_one_and_one_for_elsewhere_are_401() {
    let mut world = world(contoso()).await;
    let good = world.graph.clone();
    world.graph = world.arm.clone();
    assert_eq!(refusal(&world.get("/v1.0/users").await), (401, "InvalidAuthenticationToken"));
    world.arm = good.clone();
    let list = format!("{SCOPE}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01");
    assert_eq!(refusal(&world.get(&list).await), (401, "InvalidAuthenticationTokenAudience"));
    for token in ["", "nonsense", &format!("{good}x")] {
        world.graph = token.to_owned();
        assert_eq!(refusal(&world.get("/v1.0/users").await), (401, "InvalidAuthenticationToken"));
    }
    world.graph = good;
    world.control.advance_clock(Duration::from_secs(3600)).await.unwrap();
    assert_eq!(refusal(&world.get("/v1.0/users").await), (401, "InvalidAuthenticationToken"));
    world.graph = world.token(&world.running.url()).await;
    assert_eq!(world.get("/v1.0/users").await.0, 200);
}

async fn permitted(world: &mut World, permission: &str, method: Method, path: &str, body: Value) -> bool {
    let set = Tamper::SetAppPermissions { app: APP.into(), permissions: vec![permission.into()] };
    world.control.tamper(TENANT, &set).await.unwrap();
    world.sign_in().await;
    let outcome = world.call(method, path, body).await;
    if outcome.0 == 403 {
        assert_eq!(outcome.1["error"]["code"], "Authorization_RequestDenied");
    }
    outcome.0 != 403
}

#[tokio::test]
async fn each_request_needs_its_own_permission() {
    let mut world = world(contoso()).await;
    let user = world.invite("maya@nordwall.example").await;
    let group = world.create_group("ent-l1").await;
    let (user, group) = (format!("/v1.0/users/{user}"), format!("/v1.0/groups/{group}"));
    let members = format!("{group}/members");
    let revoke = format!("{user}/revokeSignInSessions");
    let roles = "/beta/roleManagement/defender/roleDefinitions";
    let disable = json!({"accountEnabled": false});
    let convert = json!({"userType": "Member"});
    let nothing = Value::Null;
    let table = [
        (Method::POST, "/v1.0/invitations", invitation("li@nordwall.example"), "User.Invite.All", "User.Read.All"),
        (Method::GET, "/v1.0/users", nothing.clone(), "User.ReadBasic.All", "User.Invite.All"),
        (Method::PATCH, &user, disable.clone(), "User.EnableDisableAccount.All", "User.Read.All"),
        (Method::PATCH, &user, convert, "User.ReadWrite.All", "User.EnableDisableAccount.All"),
        (Method::POST, &revoke, json!({}), "User.RevokeSessions.All", "User.EnableDisableAccount.All"),
        (Method::GET, "/v1.0/groups", nothing.clone(), "Group.ReadBasic.All", "GroupMember.ReadWrite.All"),
        (Method::GET, &members, nothing.clone(), "GroupMember.ReadBasic.All", "User.Read.All"),
        (Method::PATCH, &group, json!({"description": "x"}), "Group.ReadWrite.All", "Group.Create"),
        (Method::DELETE, &group, nothing.clone(), "Group.ReadWrite.All", "GroupMember.ReadWrite.All"),
        (Method::DELETE, &user, nothing.clone(), "User.DeleteRestore.All", "User.EnableDisableAccount.All"),
        (Method::GET, "/v1.0/subscribedSkus", nothing.clone(), "LicenseAssignment.Read.All", "User.Read.All"),
        (Method::GET, "/v1.0/policies/authorizationPolicy", nothing.clone(), "Policy.Read.All", "User.Read.All"),
        (Method::GET, roles, nothing.clone(), "RoleManagement.Read.Defender", "User.Read.All"),
        (Method::POST, roles, json!({}), "RoleManagement.ReadWrite.Defender", "RoleManagement.Read.Defender"),
    ];
    for (method, path, body, least, other) in table {
        assert!(
            !permitted(&mut world, other, method.clone(), path, body.clone()).await,
            "{method} {path} with {other}"
        );
        assert!(permitted(&mut world, least, method.clone(), path, body).await, "{method} {path} with {least}");
    }
}

#[tokio::test]
async fn arm_asks_for_a_role_at_the_scope_and_honours_its_condition() {
    let world = world(contoso()).await;
    let at = |scope: &str| format!("{scope}/providers/Microsoft.Authorization/roleAssignments");
    let put = |scope: &str, role: &str| {
        let path = format!("{}/{}?api-version=2022-04-01", at(scope), "5e1f0000-0000-4000-8000-000000000009");
        let body = json!({"properties": {"roleDefinitionId": format!("/providers/Microsoft.Authorization/roleDefinitions/{role}"), "principalId": world.own_id(), "principalType": "ServicePrincipal"}});
        (path, body)
    };
    let subscription = format!("/subscriptions/{}", common::SUBSCRIPTION);
    for (scope, role) in [(SCOPE, common::RBAC_ADMINISTRATOR), (subscription.as_str(), common::RESPONDER)] {
        let (path, body) = put(scope, role);
        assert_eq!(
            refusal(&world.call(Method::PUT, &path, body).await),
            (403, "AuthorizationFailed"),
            "{scope} {role}"
        );
    }
    let list = format!("{}?api-version=2022-04-01", at(&subscription));
    assert_eq!(refusal(&world.get(&list).await), (403, "AuthorizationFailed"));
    let (path, body) = put(SCOPE, common::RESPONDER);
    assert_eq!(world.call(Method::PUT, &path, body).await.0, 201);
}

#[tokio::test]
async fn invitations_and_writes_have_budgets_and_429_says_how_long() {
    let world = world(contoso()).await;
    // A fiftieth of the budget: three invitations in five seconds.
    let scale = |scale: f64| SettingsPatch { throttle_scale: Some(scale), ..Default::default() };
    world.control.settings(TENANT, &scale(0.02)).await.unwrap();
    for at in 0..3 {
        world.invite(&format!("maya{at}@nordwall.example")).await;
    }
    let outcome = world.call(Method::POST, "/v1.0/invitations", invitation("li@nordwall.example")).await;
    assert_eq!(refusal(&outcome), (429, "TooManyRequests"));
    let wait: u64 = outcome.2["retry-after"].to_str().unwrap().parse().unwrap();
    world.control.advance_clock(Duration::from_secs(wait)).await.unwrap();
    world.invite("li@nordwall.example").await;
    world.control.set_switch(TENANT, "retry_after", "absent").await.unwrap();
    let outcome = loop {
        let outcome = world.call(Method::POST, "/v1.0/invitations", invitation("x+y@nordwall.example")).await;
        if outcome.0 == 429 {
            break outcome;
        }
    };
    assert!(outcome.2.get("retry-after").is_none());
    assert!(world.control.counters(TENANT).await.unwrap().throttled >= 2);
}

#[tokio::test]
async fn asking_on_before_the_time_counts_and_is_on_record() {
    let world = world(contoso()).await;
    let scale = SettingsPatch { throttle_scale: Some(0.02), ..Default::default() };
    world.control.settings(TENANT, &scale).await.unwrap();
    let told = async || -> u64 {
        let outcome = world.call(Method::POST, "/v1.0/invitations", invitation("li@nordwall.example")).await;
        assert_eq!(outcome.0, 429);
        outcome.2["retry-after"].to_str().unwrap().parse().unwrap()
    };
    for at in 0..3 {
        world.invite(&format!("maya{at}@nordwall.example")).await;
    }
    let first = told().await;
    assert_eq!(world.control.counters(TENANT).await.unwrap().asked_early, 0);
    told().await;
    assert!(told().await > first);
    assert_eq!(world.control.counters(TENANT).await.unwrap().asked_early, 2);
    world.control.settings(TENANT, &SettingsPatch { throttle_scale: Some(0.0), ..Default::default() }).await.unwrap();
    let wait = FaultAction::Answer {
        status: 429,
        body: json!({"error": {"code": "TooManyRequests"}}),
        headers: [("Retry-After".into(), "30".into())].into(),
    };
    let on = Match { path: Some("^/v1.0/users".into()), ..Match::default() };
    let fault = Fault { on, action: wait, count: Some(1), skip: 0, probability: None };
    world.control.add_fault(&fault).await.unwrap();
    assert_eq!(world.get("/v1.0/users?$select=id").await.0, 429);
    assert_eq!(world.get("/v1.0/users?$select=mail").await.0, 200);
    assert_eq!(world.get("/v1.0/users?$select=mail").await.0, 200);
    let log = world.control.log(0, Some(TENANT)).await.unwrap();
    let early: Vec<u16> = log.iter().filter(|one| one.asked_early).map(|one| one.status).collect();
    assert_eq!(early, [429, 429, 200], "an answer ends the wait");
}

#[tokio::test]
async fn the_control_api_needs_its_token() {
    let world = world(contoso()).await;
    let url = format!("{}/_sim/tenants", world.running.url());
    assert_eq!(world.http.get(&url).send().await.unwrap().status(), 401);
    assert_eq!(world.http.get(&url).bearer_auth("guess").send().await.unwrap().status(), 401);
    let unknown = world.control.set_switch(TENANT, "delete_member_absent", "418").await.unwrap_err();
    assert!(unknown.to_string().contains("404, 204"), "{unknown}");
}

#[tokio::test]
async fn tenants_do_not_see_each_other() {
    let world = world(contoso()).await;
    let mut other = contoso();
    other.id = "0fab0000-0000-4000-8000-000000000002".into();
    other.apps = vec![AppSeed { app_id: "0a990000-0000-4000-8000-000000000002".into(), ..agent(&[]) }];
    world.control.seed(&other).await.unwrap();
    world.invite("maya@nordwall.example").await;
    assert_eq!(world.control.truth(&other.id).await.unwrap().users.len(), 2);
    assert_eq!(world.control.truth(TENANT).await.unwrap().users.len(), 3);
}
