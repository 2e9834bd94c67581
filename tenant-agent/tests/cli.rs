//! The program as a customer meets it: exit codes, what it says, and switches that need no agent to be running.

// Tests may panic.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Output};

const GUARDRAIL: &str = "\
guardrail: 1
customer: {name: Contoso, entraTenant: 0c0de000-0000-4000-8000-000000000001}
owner: ciso@contoso.example
reviewBy: 2099-12-31
provider:
  homeTenant: 0a0de000-0000-4000-8000-000000000002
  mailDomains: [nordwall.example]
  stateKey: \"ed25519:abababababababababababababababababababababababababababababababab\"
planes: {users: manage, groups: manage, memberships: manage}
people: {userTypes: [guest], maxOperators: 25, onLeave: [revokeSessions, block]}
capabilities: {allow: [readIncidents]}
limits: {namePrefix: ent-, groups: 12, perDay: {joiners: 5, otherChanges: 40, impliedRemovals: 10}}
";

const CONFIG: &str = "\
entra_tenant = \"0c0de000-0000-4000-8000-000000000001\"
guardrail = \"guardrail.yaml\"
state_dir = \"state\"
[credential]
client_id = \"0c11e000-0000-4000-8000-000000000001\"
secret_file = \"client-secret\"
";

fn customer() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("guardrail.yaml"), GUARDRAIL).unwrap();
    std::fs::write(dir.path().join("agent.toml"), CONFIG).unwrap();
    std::fs::write(dir.path().join("client-secret"), "simulated").unwrap();
    dir
}

fn agent(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_entente-agent"));
    command.current_dir(dir).args(["--config", "agent.toml"]).args(args).env_remove("RUST_LOG").output().unwrap()
}

fn check(dir: &Path, args: &[&str], code: i32, says: &str) {
    let output = agent(dir, args);
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
    assert!(text.contains(says), "{args:?} does not say {says:?}: {text}");
}

#[test]
fn exit_codes_tell_usage_from_failure() {
    let dir = customer();
    check(dir.path(), &["--help"], 0, "First steps");
    check(dir.path(), &["fly"], 2, "fly");
    check(dir.path(), &["run"], 1, "entente-agent enroll --token FILE");
    check(dir.path(), &["plan"], 1, "not enrolled");
    check(dir.path(), &["revoke-all"], 1, "--yes");
    std::fs::write(dir.path().join("agent.toml"), format!("colour = 1\n{CONFIG}")).unwrap();
    check(dir.path(), &["run"], 1, "colour");
}

#[test]
fn a_guardrail_is_checked_and_its_consent_text_printed_without_an_agent() {
    let dir = customer();
    check(dir.path(), &["check-guardrail", "guardrail.yaml"], 0, "MICROSOFT LETS THE AGENT");
    check(dir.path(), &["permissions"], 0, "User.Invite.All");
    let wrong = GUARDRAIL.replace("mailDomains: [nordwall.example]", "mailDomains: []");
    std::fs::write(dir.path().join("guardrail.yaml"), wrong).unwrap();
    check(dir.path(), &["check-guardrail", "guardrail.yaml"], 1, "provider.mailDomains");
    check(dir.path(), &["check-guardrail", "nowhere.yaml"], 1, "nowhere.yaml");
}

#[test]
fn pause_and_resume_need_no_agent_and_show_in_status() {
    let dir = customer();
    check(dir.path(), &["status"], 0, "not enrolled");
    check(dir.path(), &["pause"], 0, "resume");
    check(dir.path(), &["status"], 0, "PAUSED");
    check(dir.path(), &["status", "--output", "json"], 0, "\"paused\": true");
    check(dir.path(), &["resume"], 0, "resumed");
    check(dir.path(), &["status", "--output", "json"], 0, "\"paused\": false");
}

#[test]
fn nobody_is_allowed_again_whom_the_agent_does_not_know_as_deleted() {
    let dir = customer();
    check(dir.path(), &["allow-again"], 2, "USER");
    check(dir.path(), &["allow-again", "maya"], 1, "has not looked at the tenant yet");
    let status = r#"{"time": "2026-11-23T08:00:00Z", "pid": 1, "connected": true, "lastConnected": null, "version": null,
        "freshUntil": null, "parked": null, "refused": null, "counts": {}, "open": [], "alarms": [], "ledger": null,
        "standing": STANDING, "deleted": [{"person": "0b0de000-0000-4000-8000-000000000001", "operator": "maya",
        "mail": "maya@nordwall.example", "upn": "maya@nordwall.example", "deleted": "2026-11-23T07:00:00Z",
        "allowed": null}]}"#;
    let standing =
        r#"{"compared": "", "paused": false, "guardrail": "", "planes": [], "permissions": [], "findings": []}"#;
    std::fs::create_dir(dir.path().join("state")).unwrap();
    std::fs::write(dir.path().join("state/status.json"), status.replace("STANDING", standing)).unwrap();
    check(dir.path(), &["allow-again", "mayaa"], 1, "maya <maya@nordwall.example>");
    assert!(!dir.path().join("state/allow-again").exists());
    check(dir.path(), &["status"], 0, "DELETED    maya <maya@nordwall.example>");
    check(dir.path(), &["allow-again", "Maya@nordwall.example"], 0, "for one time");
    assert!(dir.path().join("state/allow-again/0b0de000-0000-4000-8000-000000000001").exists());
}

#[test]
fn an_enrolment_of_another_provider_is_refused_without_a_network() {
    let dir = customer();
    let token = "address = \"localhost:1\"\ntenant = \"tenants/contoso\"\n\
        entra_tenant = \"0c0de000-0000-4000-8000-000000000001\"\ntoken = \"t1.topsecret\"\n\
        ca_sha256 = \"abababababababababababababababababababababababababababababababab\"\n\
        root_key = \"ed25519:cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd\"\n";
    std::fs::write(dir.path().join("token.toml"), token).unwrap();
    check(dir.path(), &["enroll", "--token", "token.toml"], 1, "do not enrol");
    let output = agent(dir.path(), &["enroll", "--token", "token.toml"]);
    assert!(!String::from_utf8_lossy(&output.stderr).contains("topsecret"));
}
