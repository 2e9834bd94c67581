//! What is told when Microsoft says no: to everything, or to one thing with words of its own.

use std::io::Write;
use std::sync::{Arc, Mutex};

use entente_simulator::control::seed::SettingsPatch;
use serde_json::{Value, json};

use super::*;
use crate::testing::{Spec, analysts};

/// Every line that is logged at a level or above while it lives.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn listen(&self) -> tracing::subscriber::DefaultGuard {
        self.listen_at(tracing::Level::WARN)
    }

    pub(super) fn listen_at(&self, level: tracing::Level) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let lines = tracing_subscriber::fmt().with_max_level(level).with_writer(move || log.clone());
        tracing::subscriber::set_default(lines.finish())
    }

    pub(super) fn lines(&self, part: &str) -> usize {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap().lines().filter(|line| line.contains(part)).count()
    }
}

fn answer(status: u16, body: Value) -> FaultAction {
    FaultAction::Answer { status, body, headers: Default::default() }
}

pub(super) fn always(method: &str, path: &str, status: u16, body: Value) -> Fault {
    Fault { count: None, ..once(on(method, path), answer(status, body)) }
}

pub(super) fn findings(world: &World) -> Vec<String> {
    let status = world.status.borrow().clone().unwrap();
    status.standing.findings.iter().map(|it| format!("{} {}", it.reason.word(), it.detail)).collect()
}

async fn tokens_asked(world: &World) -> usize {
    let log = world.control.log(0, Some(TENANT)).await.unwrap();
    log.iter().filter(|call| call.path.ends_with("/token")).count()
}

#[tokio::test]
async fn field_kind_8_a_credential_that_ended_is_told_once_with_microsofts_number_and_seldom_tried() {
    let log = Log::default();
    let _listening = log.listen();
    let mut world = World::new().await;
    let text = "AADSTS7000222: The provided client secret keys for app are expired.";
    let body = json!({"error": "invalid_client", "error_description": text, "error_codes": [7000222]});
    world.control.add_fault(&always("POST", "/oauth2/v2.0/token$", 401, body)).await.unwrap();
    world.desire(10, &analysts(&[0, 1]));
    let mut steward = world.steward().await;
    let cancel = CancellationToken::new();
    for _ in 0..20 {
        let next = steward.round(&cancel).await.unwrap();
        assert!(next <= Duration::from_secs(15), "a mended credential is noticed: {next:?}");
    }
    assert_eq!(tokens_asked(&world).await, 1);
    assert_eq!(log.lines("AADSTS7000222"), 1);
    let told = findings(&world);
    assert!(told.iter().any(|it| it.starts_with("CREDENTIAL_REFUSED AADSTS7000222: ")), "{told:?}");
    assert!(told.iter().any(|it| it.contains("secret keys for app are expired")), "{told:?}");
    assert!(world.told().contains("WAITING CREDENTIAL_REFUSED"), "{}", world.told());
}

#[tokio::test]
async fn fidelity_a13_tokens_that_are_never_taken_are_told_as_the_credentials_trouble_and_once() {
    let log = Log::default();
    let _listening = log.listen();
    let mut world = World::new().await;
    let body = json!({"error": {"code": "InvalidAuthenticationToken", "message": "Continuous access evaluation resulted in a challenge"}});
    for (method, path) in [("GET", "^/v1.0/"), ("POST", "^/v1.0/"), ("GET", "^/beta/")] {
        world.control.add_fault(&always(method, path, 401, body.clone())).await.unwrap();
    }
    world.desire(10, &analysts(&[0, 1]));
    let mut steward = world.steward().await;
    let cancel = CancellationToken::new();
    for _ in 0..10 {
        steward.round(&cancel).await.unwrap();
    }
    assert!(tokens_asked(&world).await <= 3, "{}", tokens_asked(&world).await);
    assert_eq!(log.lines("resulted in a challenge"), 1);
    let told = findings(&world);
    assert_eq!(told.iter().filter(|it| it.starts_with("CREDENTIAL_REFUSED ")).count(), 1, "{told:?}");
    assert!(world.told().contains("WAITING CREDENTIAL_REFUSED"), "{}", world.told());
    assert!(!world.told().contains("CLOUD_REFUSED"), "{}", world.told());
}

#[tokio::test]
async fn fidelity_a8_closed_invitations_are_called_so_whatever_the_status() {
    for status in ["400", "401", "403"] {
        let settings = SettingsPatch { allow_invites_from: Some("none".into()), ..Spec::default().settings };
        let mut world = World::of(Spec { settings, ..Spec::default() }).await;
        world.control.set_switch(TENANT, "invites_disabled_status", status).await.unwrap();
        world.desire(10, &analysts(&[0]));
        let mut steward = world.steward().await;
        world.until_told(&mut steward, "INVITATIONS_CLOSED").await;
        assert!(detail(&world, "user/").contains("Guest invitations not allowed for your company"), "{status}");
    }
}

#[tokio::test]
async fn field_kind_11_a_refused_invitation_keeps_microsofts_sentence() {
    let mut world = World::new().await;
    let text = "This invitation is blocked by cross-tenant access settings in your organization.";
    let body = json!({"error": {"code": "Forbidden", "message": text}});
    world.control.add_fault(&always("POST", "^/v1.0/invitations$", 403, body)).await.unwrap();
    world.desire(10, &analysts(&[0]));
    let mut steward = world.steward().await;
    world.until_told(&mut steward, "CLOUD_REFUSED").await;
    assert!(detail(&world, "user/").contains(text), "{}", detail(&world, "user/"));
}

fn detail(world: &World, key: &str) -> String {
    let status = world.status.borrow().clone().unwrap();
    let found = status.items.values().find(|item| item.key.to_string().starts_with(key));
    found.map(|item| item.detail.clone()).unwrap_or_default()
}
