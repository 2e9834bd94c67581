//! Where tokens come from, how often, and whose are refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use entente_cloud::{Cloud, Config, Credential, Failure, ManagedIdentity, Secret, TokenError};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::fake::{Fake, PRINCIPAL, SECRET, TENANT, error, reply, token};

const USER: Uuid = Uuid::from_u128(0xa1);

fn user() -> Value {
    json!({"id": USER, "userPrincipalName": "maya"})
}

fn token_error(failure: &Failure) -> &TokenError {
    match failure {
        Failure::NoToken(error) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_token_is_asked_for_once_however_many_wait() {
    let fake = Fake::start(|_, _| reply(200, user())).await;
    let graph = fake.cloud().graph();
    let calls: Vec<_> = (0..8)
        .map(|_| {
            tokio::spawn({
                let graph = graph.clone();
                async move { graph.get_user(USER).await }
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!((fake.logins().len(), fake.requests().len()), (1, 8));
    let form = &fake.logins()[0].body;
    assert!(form.contains("grant_type=client_credentials"), "{form}");
    assert!(form.contains("scope=https%3A%2F%2Fgraph.microsoft.com%2F.default"), "{form}");
    assert!(form.contains(&format!("client_secret={SECRET}")), "{form}");
    assert!(fake.logins()[0].path.starts_with(&format!("/{TENANT}/")));
    assert_eq!(fake.requests()[0].headers["authorization"], format!("Bearer {}", token(TENANT, 0)));
}

#[tokio::test]
async fn graph_and_arm_have_tokens_of_their_own() {
    let fake = Fake::start(|request, _| {
        reply(404, json!({"error": {"code": if request.path.contains("providers") { "RoleAssignmentNotFound" } else { "Request_ResourceNotFound" }}}))
    })
    .await;
    let cloud = fake.cloud();
    let scope = entente_cloud::Scope::parse("/subscriptions/1").unwrap();
    assert!(cloud.graph().get_user(USER).await.unwrap().is_none());
    assert!(cloud.arm().get_role_assignment(&scope, USER).await.unwrap().is_none());
    assert!(fake.logins()[1].body.contains("scope=https%3A%2F%2Fmanagement.azure.com%2F.default"));
}

#[tokio::test]
async fn the_services_time_is_learnt_from_every_answer_and_never_goes_back() {
    let dated = |answer: crate::fake::Reply, second: u8| {
        answer.header("Date", format!("Mon, 23 Nov 2026 10:00:{second:02} GMT"))
    };
    let login = move |n| dated(reply(200, json!({"access_token": token(TENANT, n), "expires_in": 3600})), 1);
    let fake = Fake::with_login(login, move |_, n| match n {
        0 => dated(error(404, "Request_ResourceNotFound", "gone"), 30),
        1 => dated(reply(200, user()), 20),
        2 => reply(200, user()).header("Date", "yesterday"),
        _ => dated(error(403, "AuthorizationFailed", "no"), 40),
    });
    let fake = fake.await;
    let cloud = fake.cloud();
    let second = || cloud.server_time().map(|time| time.date.second());
    assert_eq!(second(), None);
    cloud.permissions().await.unwrap();
    assert_eq!(second(), None, "one answer alone tells no time");
    for _ in 0..3 {
        cloud.graph().get_user(USER).await.unwrap();
        assert_eq!(second(), Some(30));
    }
    let scope = entente_cloud::Scope::parse("/subscriptions/1").unwrap();
    cloud.arm().get_role_assignment(&scope, USER).await.unwrap_err();
    assert_eq!(second(), Some(40));
    let time = cloud.server_time().unwrap();
    assert!(time.now() >= time.date && time.at <= tokio::time::Instant::now());
}

#[tokio::test]
async fn a_token_ends_by_the_clock_of_who_gave_it() {
    // Long ago by this machine's clock: 2001-11-23, 10:00.
    let machine = Fake::plain(|_, n| {
        let body = json!({"access_token": token(TENANT, n), "expires_on": "1006513200"});
        reply(200, body).header("Date", "Fri, 23 Nov 2001 10:00:00 GMT")
    });
    let machine = machine.await;
    let fake = Fake::start(|_, _| reply(200, user())).await;
    let address = format!("http://127.0.0.1:{}", machine.port);
    let source = ManagedIdentity::AppService { address, header: Secret::new("h-1") };
    let credential = Credential::ManagedIdentity { client_id: None, source };
    let cloud = Cloud::new(Config { credential, ..fake.config() }).unwrap();
    for _ in 0..3 {
        cloud.graph().get_user(USER).await.unwrap();
    }
    assert_eq!(machine.everything().len(), 1, "good for an hour");
    assert_eq!(cloud.server_time(), None, "the machine's endpoint is not asked what time it is");
}

#[tokio::test]
async fn a_spent_token_is_renewed_and_a_refused_one_replaced() {
    let short = |n| reply(200, json!({"access_token": token(TENANT, n), "expires_in": 0}));
    let fake = Fake::with_login(short, |_, _| reply(200, user())).await;
    let graph = fake.cloud().graph();
    graph.get_user(USER).await.unwrap();
    graph.get_user(USER).await.unwrap();
    assert_eq!(fake.logins().len(), 2);

    let fake = Fake::start(|_, n| match n {
        0 => error(401, "InvalidAuthenticationToken", "token expired"),
        _ => reply(200, user()),
    });
    let fake = fake.await;
    fake.cloud().graph().get_user(USER).await.unwrap();
    assert_eq!(fake.logins().len(), 2);
    assert_ne!(fake.requests()[0].headers["authorization"], fake.requests()[1].headers["authorization"]);
}

#[tokio::test]
async fn a_login_service_that_is_away_is_not_felt_while_the_old_token_is_good() {
    let away = Arc::new(AtomicBool::new(false));
    let gone = away.clone();
    // A life of six seconds: renewal is due after three, and the end comes after another three.
    let login = move |n| match gone.load(Ordering::SeqCst) {
        false => reply(200, json!({"access_token": token(TENANT, n), "expires_in": 6})),
        true => error(400, "invalid_client", "no"),
    };
    let fake = Fake::with_login(login, |_, _| reply(200, user())).await;
    let cloud = fake.cloud();
    cloud.graph().get_user(USER).await.unwrap();
    away.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(3_050)).await;
    cloud.graph().get_user(USER).await.unwrap();
    assert_eq!(fake.logins().len(), 2, "renewal was tried");
    cloud.forget_tokens().await;
    let failure = cloud.graph().get_user(USER).await.unwrap_err();
    assert!(matches!(token_error(&failure), TokenError::Login(_)));
}

#[tokio::test]
async fn a_token_of_another_tenant_is_refused_and_never_sent() {
    let other = Uuid::from_u128(0xbad);
    let login = move |n| reply(200, json!({"access_token": token(other, n), "expires_in": 3600}));
    let fake = Fake::with_login(login, |_, _| reply(200, user())).await;
    let failure = fake.cloud().graph().get_user(USER).await.unwrap_err();
    assert!(
        matches!(token_error(&failure), TokenError::WrongTenant { expected, actual }
        if *expected == TENANT && *actual == other),
        "{failure:?}"
    );
    assert!(fake.requests().is_empty());
}

#[tokio::test]
async fn tokens_that_cannot_be_read_are_refused_without_being_shown() {
    for bad in ["opaque-token-text", "a.!!.c", "e30.e30.c2ln"] {
        let login = move |_| reply(200, json!({"access_token": bad, "expires_in": 3600}));
        let fake = Fake::with_login(login, |_, _| reply(200, user())).await;
        let failure = fake.cloud().graph().get_user(USER).await.unwrap_err();
        assert!(matches!(token_error(&failure), TokenError::Malformed(_)), "{failure:?}");
        assert!(!format!("{failure:?}").contains(bad));
    }
}

#[tokio::test]
async fn a_token_says_who_we_are_and_what_we_may() {
    let fake = Fake::start(|_, _| reply(200, user())).await;
    let cloud = fake.cloud();
    assert_eq!(cloud.principal_object_id().await.unwrap(), PRINCIPAL);
    let permissions = cloud.permissions().await.unwrap();
    assert!(permissions.contains("User.Invite.All") && permissions.len() == 2);
}

#[tokio::test]
async fn the_secret_file_is_read_anew_for_each_token_and_a_missing_one_named() {
    let fake = Fake::start(|_, _| reply(200, user())).await;
    let cloud = fake.cloud();
    cloud.graph().get_user(USER).await.unwrap();
    std::fs::write(fake.secret_file(), "rotated").unwrap();
    cloud.forget_tokens().await;
    cloud.graph().get_user(USER).await.unwrap();
    assert!(fake.logins()[1].body.contains("client_secret=rotated"));
    std::fs::remove_file(fake.secret_file()).unwrap();
    cloud.forget_tokens().await;
    let failure = cloud.graph().get_user(USER).await.unwrap_err();
    assert!(token_error(&failure).to_string().contains("secret"), "{failure:?}");
}

#[tokio::test]
async fn field_kind_17_a_mark_before_the_secret_is_no_part_of_it_and_utf_16_is_named() {
    let fake = Fake::start(|_, _| reply(200, user())).await;
    let cloud = fake.cloud();
    std::fs::write(fake.secret_file(), "\u{feff}written-by-powershell\r\n").unwrap();
    cloud.graph().get_user(USER).await.unwrap();
    assert!(
        fake.logins()[0].body.contains("client_secret=written-by-powershell&")
            || fake.logins()[0].body.ends_with("client_secret=written-by-powershell")
    );
    let utf_16 = |mark: &[u8]| [mark, &"secret".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()].concat();
    for bytes in [utf_16(&[0xff, 0xfe]), utf_16(&[])] {
        std::fs::write(fake.secret_file(), bytes).unwrap();
        cloud.forget_tokens().await;
        let failure = cloud.graph().get_user(USER).await.unwrap_err();
        assert!(token_error(&failure).to_string().contains("UTF-8"), "{failure:?}");
    }
    assert_eq!(fake.logins().len(), 1);
}

#[tokio::test]
async fn a_wrong_secret_is_refused_at_once_and_never_shown() {
    let fake = Fake::with_login(
        |_| reply(401, json!({"error": "invalid_client", "error_description": "AADSTS7000215"})),
        |_, _| reply(200, user()),
    );
    let fake = fake.await;
    let cloud = fake.cloud();
    let failure = cloud.graph().get_user(USER).await.unwrap_err();
    assert_eq!(fake.logins().len(), 1);
    let TokenError::Login(why) = token_error(&failure) else { panic!("{failure:?}") };
    assert!(why.refusal().unwrap().has_code("invalid_client"));
    assert!(!format!("{failure:?} {cloud:?}").contains(SECRET));
}

#[tokio::test]
async fn neither_secret_nor_token_gets_into_debug() {
    let fake = Fake::start(|_, _| reply(200, user())).await;
    let cloud = fake.cloud();
    cloud.graph().get_user(USER).await.unwrap();
    let shown = format!("{cloud:?} {:?} {:?}", cloud.graph(), fake.config());
    assert!(!shown.contains(SECRET) && !shown.contains(&token(TENANT, 0)), "{shown}");
    let proxy = Some(Secret::new(format!("http://agent:{SECRET}@proxy.contoso.example:3128")));
    let config = Config { proxy, ..fake.config() };
    assert!(!format!("{config:?} {:?}", Cloud::new(config.clone()).unwrap()).contains(SECRET));
    let config = Config { proxy: Some(Secret::new(format!("no scheme {SECRET}"))), ..config };
    assert!(!format!("{:?}", Cloud::new(config).unwrap_err()).contains(SECRET));
    let header = ManagedIdentity::AppService { address: "http://127.0.0.1".into(), header: Secret::new(SECRET) };
    assert!(!format!("{header:?}").contains(SECRET));
}

#[tokio::test]
async fn a_federated_token_is_sent_as_the_assertion() {
    let fake = Fake::start(|_, _| reply(200, user())).await;
    std::fs::write(fake.secret_file(), "outer.jwt.text\n").unwrap();
    let credential = Credential::FederatedToken { client_id: Uuid::from_u128(9), token_file: fake.secret_file() };
    let cloud = Cloud::new(Config { credential, ..fake.config() }).unwrap();
    cloud.graph().get_user(USER).await.unwrap();
    let form = &fake.logins()[0].body;
    assert!(form.contains("client_assertion=outer.jwt.text"), "{form}");
    assert!(form.contains("client_assertion_type=urn%3Aietf"), "{form}");
}

#[tokio::test]
async fn the_machines_identity_is_asked_for_as_the_platform_wants_it() {
    let machine = Fake::plain(|_, n| match n {
        0 => reply(404, Value::Null),
        _ => reply(200, json!({"access_token": token(TENANT, n), "expires_in": "86399"})),
    });
    let machine = machine.await;
    let fake = Fake::start(|_, _| reply(200, user())).await;
    let address = format!("http://127.0.0.1:{}", machine.port);
    let source = ManagedIdentity::Imds { address: address.clone() };
    let credential = Credential::ManagedIdentity { client_id: Some(Uuid::from_u128(9)), source };
    let cloud = Cloud::new(Config { credential, ..fake.config() }).unwrap();
    cloud.graph().get_user(USER).await.unwrap();
    let asked = machine.everything();
    assert_eq!((asked.len(), fake.logins().len()), (2, 0));
    assert_eq!(asked[1].headers["metadata"], "true");
    for part in [
        "/metadata/identity/oauth2/token?",
        "resource=https://graph.microsoft.com/",
        "client_id=",
        "api-version=2018-02-01",
    ] {
        assert!(asked[1].path.contains(part), "{part} in {}", asked[1].path);
    }

    let source = ManagedIdentity::AppService { address: format!("{address}/msi/token"), header: Secret::new("h-1") };
    let credential = Credential::ManagedIdentity { client_id: None, source };
    let cloud = Cloud::new(Config { credential, ..fake.config() }).unwrap();
    cloud.graph().get_user(USER).await.unwrap();
    let asked = machine.everything().pop().unwrap();
    assert_eq!(asked.headers["x-identity-header"], "h-1");
    assert!(asked.path.starts_with("/msi/token?") && !asked.path.contains("client_id"), "{}", asked.path);
}

fn refused_login(_: usize) -> crate::fake::Reply {
    let text = "AADSTS7000222: The provided client secret keys for app are expired.";
    reply(401, json!({"error": "invalid_client", "error_description": text}))
}

#[tokio::test]
async fn a_refused_credential_is_not_tried_again_by_every_call_and_a_new_one_is_at_once() {
    let mended = Arc::new(AtomicBool::new(false));
    let is_mended = mended.clone();
    let login = move |n| match is_mended.load(Ordering::SeqCst) {
        true => reply(200, json!({"access_token": token(TENANT, n), "expires_in": 3600})),
        false => refused_login(n),
    };
    let fake = Fake::with_login(login, |_, _| reply(200, user())).await;
    let cloud = fake.cloud();
    let scope = entente_cloud::Scope::parse("/subscriptions/1").unwrap();
    assert!(cloud.trouble().is_none());
    for _ in 0..10 {
        let (graph, arm) = (cloud.graph(), cloud.arm());
        let (user, role) = tokio::join!(graph.get_user(USER), arm.get_role_assignment(&scope, USER));
        for failure in [user.unwrap_err(), role.unwrap_err()] {
            assert!(failure.is_of_credential() && !failure.may_have_applied(), "{failure:?}");
            assert!(failure.refusal().unwrap().says("AADSTS7000222"), "{failure:?}");
        }
    }
    assert_eq!(fake.logins().len(), 1, "both services' tokens come of one credential");
    assert!(cloud.trouble().unwrap().failure.refusal().unwrap().says("AADSTS7000222"));
    mended.store(true, Ordering::SeqCst);
    std::fs::write(fake.secret_file(), "the-next-one").unwrap();
    cloud.graph().get_user(USER).await.unwrap();
    assert_eq!(fake.logins().len(), 2);
    assert!(cloud.trouble().is_none());
}

#[tokio::test]
async fn a_credential_file_that_cannot_be_read_and_a_machine_without_identity_are_the_credentials_trouble() {
    let fake = Fake::start(|_, _| reply(200, user())).await;
    let cloud = fake.cloud();
    std::fs::remove_file(fake.secret_file()).unwrap();
    assert!(cloud.graph().get_user(USER).await.unwrap_err().is_of_credential());
    std::fs::write(fake.secret_file(), SECRET).unwrap();
    cloud.graph().get_user(USER).await.unwrap();
    let source = ManagedIdentity::Imds { address: "http://127.0.0.1:9".into() };
    let credential = Credential::ManagedIdentity { client_id: None, source };
    let cloud = Cloud::new(Config { credential, ..fake.config() }).unwrap();
    let failure = cloud.graph().get_user(USER).await.unwrap_err();
    assert!(failure.is_of_credential(), "{failure:?}");
    assert!(cloud.trouble().is_some());
}

#[tokio::test]
async fn tokens_that_a_service_never_takes_are_the_credentials_trouble_and_not_renewed_for_every_call() {
    let well = Arc::new(AtomicBool::new(false));
    let is_well = well.clone();
    let fake = Fake::start(move |_, _| match is_well.load(Ordering::SeqCst) {
        true => reply(200, user()),
        false => error(401, "InvalidAuthenticationToken", "Continuous access evaluation resulted in a challenge"),
    });
    let fake = fake.await;
    let cloud = fake.cloud();
    for _ in 0..10 {
        assert!(cloud.graph().get_user(USER).await.unwrap_err().is_of_credential());
    }
    assert_eq!(fake.logins().len(), 2);
    assert!(cloud.trouble().unwrap().failure.refusal().unwrap().says("challenge"));
    well.store(true, Ordering::SeqCst);
    cloud.graph().get_user(USER).await.unwrap();
    assert!(cloud.trouble().is_none());
    // One subscription in another directory says nothing about the credential.
    let fake = Fake::start(|_, _| error(401, "InvalidAuthenticationTokenTenant", "wrong issuer")).await;
    let cloud = fake.cloud();
    let scope = entente_cloud::Scope::parse("/subscriptions/1").unwrap();
    let failure = cloud.arm().get_role_assignment(&scope, USER).await.unwrap_err();
    assert!(!failure.is_of_credential() && cloud.trouble().is_none(), "{failure:?}");
}
