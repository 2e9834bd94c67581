//! The program as a customer meets it: exit codes, what it says, and switches that need no agent to be running.

// Tests may panic.
#![allow(clippy::unwrap_used)]

use std::os::unix::fs::PermissionsExt;
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
people: {userTypes: [guest], maxOperators: 25, onLeave: [block]}
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

const TOKEN: &str = "\
address = \"localhost:1\"
tenant = \"tenants/contoso\"
entra_tenant = \"0c0de000-0000-4000-8000-000000000001\"
token = \"t1.topsecret\"
ca_sha256 = \"abababababababababababababababababababababababababababababababab\"
root_key = \"ed25519:cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd\"
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
    check(dir.path(), &["revoke-all"], 2, "--yes");
    std::fs::write(dir.path().join("agent.toml"), format!("colour = 1\n{CONFIG}")).unwrap();
    check(dir.path(), &["run"], 1, "colour");
}

#[test]
fn a_word_is_explained_by_the_file_and_an_item_only_by_what_the_agent_wrote() {
    let dir = customer();
    check(
        dir.path(),
        &["explain", "capabilities.allow"],
        0,
        "guardrail.yaml:11: capabilities: {allow: [readIncidents]}",
    );
    check(dir.path(), &["explain", "GUARDRAIL_CAPABILITY"], 0, "guardrail.yaml:11: ");
    check(dir.path(), &["explain", "guardrail_scope", "--output", "yaml"], 0, "word: GUARDRAIL_SCOPE");
    for about in [&["explain", "maya"][..], &["explain"]] {
        check(dir.path(), about, 1, "not known: the agent has not looked at the tenant yet");
    }
    std::fs::create_dir(dir.path().join("state")).unwrap();
    std::fs::write(dir.path().join("state/status.json"), "{").unwrap();
    check(dir.path(), &["explain", "maya"], 1, "which items there are is not known: ");
    std::fs::remove_file(dir.path().join("agent.toml")).unwrap();
    check(dir.path(), &["explain", "HELD"], 0, "HELD (state)");
    check(dir.path(), &["explain", "azure.scopes"], 0, "not known: there is no configuration file");
    check(dir.path(), &["explain", "maya"], 1, "there is no configuration file");
}

/// The lines of the first steps, without what they say of themselves.
fn first_steps(help: &str) -> Vec<Vec<String>> {
    let steps = help.lines().skip_while(|line| !line.starts_with("First steps")).skip(1);
    let steps =
        steps.take_while(|line| line.starts_with(' ')).filter_map(|line| line.trim().strip_prefix("entente-agent "));
    steps.map(|line| line.split("  ").next().unwrap().split_whitespace().map(str::to_owned).collect()).collect()
}

/// What a person writes where `init` left capitals; and Microsoft is nowhere.
fn fill_in(dir: &Path) {
    let guardrail: &[(&str, &str)] = &[
        ("entraTenant: TENANT", "entraTenant: 0c0de000-0000-4000-8000-000000000001"),
        ("NAME,", "Contoso,"),
        ("owner: OWNER", "owner: ciso@contoso.example"),
        ("REVIEW", "2099-12-31"),
        ("HOME_TENANT", "0a0de000-0000-4000-8000-000000000002"),
        ("MAIL_DOMAIN", "nordwall.example"),
        ("STATE_KEY", "ed25519:abababababababababababababababababababababababababababababababab"),
    ];
    let config: &[(&str, &str)] = &[
        ("\"TENANT\"", "\"0c0de000-0000-4000-8000-000000000001\""),
        ("CLIENT_ID", "0c11e000-0000-4000-8000-000000000001"),
        (
            "# [cloud]\n",
            "[cloud]\nlogin = \"https://localhost:1\"\ngraph = \"https://localhost:1\"\narm = \"https://localhost:1\"\n",
        ),
    ];
    for (name, words) in [("guardrail.yaml", guardrail), ("agent.toml", config)] {
        let text = std::fs::read_to_string(dir.join(name)).unwrap();
        let filled = words.iter().fold(text, |text, (from, to)| text.replacen(from, to, 1));
        std::fs::write(dir.join(name), filled).unwrap();
    }
    std::fs::write(dir.join("token.toml"), TOKEN.replace("cdcd", "abab")).unwrap();
}

#[test]
fn the_first_steps_of_the_help_work_as_they_are_written() {
    let dir = tempfile::tempdir().unwrap();
    let run = |args: &[String]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_entente-agent"));
        let output = command.current_dir(dir.path()).args(args).env_remove("RUST_LOG").output().unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.code(), text)
    };
    let steps = first_steps(&run(&["--help".to_owned()]).1);
    // Nobody answers here: it is the provider, or Microsoft, that is missing, and never a file.
    let comes_to = [
        ("init", 0, "Written"),
        ("check-guardrail", 0, "MICROSOFT LETS THE AGENT"),
        ("permissions", 0, "User.Invite.All"),
        ("enroll", 1, "localhost:1 shows no certificate"),
        ("doctor", 1, "OK       configuration"),
        ("run", 1, "is not enrolled"),
    ];
    assert_eq!(steps.len(), comes_to.len(), "{steps:?}");
    for (step, (name, code, says)) in steps.iter().zip(comes_to) {
        assert!(step.iter().any(|word| word == name), "{step:?}");
        let (ended, text) = run(step);
        assert_eq!(ended, Some(code), "{step:?}: {text}");
        assert!(text.contains(says), "{step:?} does not say {says:?}: {text}");
        if name == "init" {
            fill_in(dir.path());
        }
    }
}

#[test]
fn a_doctor_that_finds_a_fault_ends_with_failure_and_a_schema_needs_no_agent() {
    let dir = customer();
    std::fs::write(dir.path().join("agent.toml"), CONFIG.replace("secret_file", "recheck = 1\nsecret_file")).unwrap();
    check(dir.path(), &["doctor"], 1, "FAULT    configuration");
    check(dir.path(), &["doctor"], 1, "0 OK, 1 FAULT, 1 UNKNOWN");
    check(dir.path(), &["doctor", "--output", "json"], 1, "\"state\": \"FAULT\"");
    std::fs::remove_file(dir.path().join("agent.toml")).unwrap();
    check(dir.path(), &["doctor"], 1, "entente-agent init writes one");
    check(dir.path(), &["schema"], 0, "\"additionalProperties\": false");
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

/// Writes the file anew, with one thing changed, and nobody else to write it.
fn change(dir: &Path, from: &str, to: &str) {
    assert!(GUARDRAIL.contains(from), "{from}");
    std::fs::write(dir.join("guardrail.yaml"), GUARDRAIL.replace(from, to)).unwrap();
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn every_fault_is_named_at_once_and_ends_with_failure() {
    let dir = customer();
    let file = dir.path().join("guardrail.yaml");
    for (from, to, says) in [
        ("abababababababab\"", "...\"", "provider.stateKey"),
        ("reviewBy: 2099-12-31", "reviewBy: 2020-12-31", "reviewBy: 2020-12-31 is past"),
        ("reviewBy: 2099-12-31", "reviewBy: 9999-12-31", "reviewBy"),
        ("[nordwall.example]", "[\".\"]", "provider.mailDomains"),
    ] {
        change(dir.path(), from, to);
        check(dir.path(), &["check-guardrail", "guardrail.yaml"], 1, says);
    }
    let wrong =
        GUARDRAIL.replace("2099-12-31", "2020-12-31").replace("[nordwall.example]", "[.]").replace("ab\"", "\"");
    std::fs::write(&file, wrong).unwrap();
    set_mode(&file, 0o666);
    for says in ["reviewBy", "provider.mailDomains", "provider.stateKey", "others may write", "4 faults"] {
        check(dir.path(), &["check-guardrail", "guardrail.yaml"], 1, says);
    }
}

#[test]
fn attacks_p12_a_file_that_others_may_write_is_refused_and_a_link_is_said() {
    let dir = customer();
    let file = dir.path().join("guardrail.yaml");
    for mode in [0o620, 0o602, 0o666] {
        set_mode(&file, mode);
        check(dir.path(), &["check-guardrail", "guardrail.yaml"], 1, "chmod go-w");
    }
    set_mode(&file, 0o644);
    let elsewhere = dir.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::rename(&file, elsewhere.join("real.yaml")).unwrap();
    std::os::unix::fs::symlink("elsewhere/real.yaml", &file).unwrap();
    check(dir.path(), &["check-guardrail", "guardrail.yaml"], 0, "is a link to");
    check(dir.path(), &["check-guardrail", "guardrail.yaml"], 0, "elsewhere/real.yaml");
    // What a link leads to counts, and the folder that it lies in.
    set_mode(&elsewhere.join("real.yaml"), 0o646);
    check(dir.path(), &["check-guardrail", "guardrail.yaml"], 1, "real.yaml; run chmod go-w");
    set_mode(&elsewhere.join("real.yaml"), 0o644);
    set_mode(&elsewhere, 0o777);
    check(dir.path(), &["check-guardrail", "guardrail.yaml"], 1, "everybody may write in");
    set_mode(&elsewhere, 0o1777);
    check(dir.path(), &["check-guardrail", "guardrail.yaml"], 0, "MICROSOFT LETS THE AGENT");
}

#[test]
fn a_changed_file_is_told_as_what_it_allows_now_and_no_longer() {
    let dir = customer();
    std::fs::write(dir.path().join("old.yaml"), GUARDRAIL).unwrap();
    let args = ["check-guardrail", "guardrail.yaml", "--diff", "old.yaml"];
    check(dir.path(), &args, 0, "no more.");
    change(dir.path(), "allow: [readIncidents]", "allow: [respond]");
    check(dir.path(), &args, 0, "Allowed now, and not before:\n  + people may respond");
    check(dir.path(), &args, 0, "Allowed before, and not now:\n  - people may read incidents");
    change(dir.path(), "onLeave: [block]", "onLeave: [block, delete]");
    check(dir.path(), &args, 0, "Grant the agent:\n  + User.DeleteRestore.All");
    change(dir.path(), "nordwall.example]", ".]");
    check(dir.path(), &args, 1, "provider.mailDomains");
    check(dir.path(), &["check-guardrail", "guardrail.yaml", "--diff", "nowhere.yaml"], 1, "fault");
    std::fs::write(dir.path().join("guardrail.yaml"), GUARDRAIL).unwrap();
    check(
        dir.path(),
        &["check-guardrail", "guardrail.yaml", "--diff", "nowhere.yaml"],
        1,
        "nowhere.yaml, which --diff",
    );
}

/// No text names a command that does not exist.
#[test]
fn commands_in_texts_exist() {
    let dir = customer();
    std::fs::write(dir.path().join("old.yaml"), GUARDRAIL).unwrap();
    change(dir.path(), "allow: [readIncidents]", "allow: []");
    for args in [&["check-guardrail", "old.yaml"][..], &["check-guardrail", "guardrail.yaml", "--diff", "old.yaml"]] {
        let output = agent(dir.path(), args);
        let text = String::from_utf8_lossy(&output.stdout).to_string();
        let named = text.match_indices("entente-agent ").map(|(at, words)| {
            let rest = &text[at + words.len()..];
            rest.split(|c: char| !c.is_ascii_lowercase() && c != '-').next().unwrap_or_default().to_string()
        });
        let named: Vec<String> = named.collect();
        assert!(named.iter().any(|name| name == "revoke-all"), "{text}");
        named.iter().for_each(|name| check(dir.path(), &[name, "--help"], 0, "Usage"));
    }
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
fn what_revoke_all_took_comes_back_only_when_somebody_says_so() {
    let dir = customer();
    std::fs::create_dir(dir.path().join("state")).unwrap();
    let switch = dir.path().join("state/revoke-all");
    std::fs::write(&switch, "").unwrap();
    check(dir.path(), &["resume"], 2, "access comes back");
    check(dir.path(), &["resume"], 2, "--yes");
    assert!(switch.exists());
    check(dir.path(), &["resume", "--yes"], 0, "resumed");
    assert!(!switch.exists());
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
fn a_status_file_that_is_not_understood_is_told_as_that_and_not_as_an_agent_that_never_looked() {
    let dir = customer();
    std::fs::create_dir(dir.path().join("state")).unwrap();
    for text in ["", "{\"time\": 7}", "[]"] {
        std::fs::write(dir.path().join("state/status.json"), text).unwrap();
        let says = "status.json cannot be read: it is damaged, or another version of entente-agent wrote it";
        check(dir.path(), &["who"], 1, says);
        check(dir.path(), &["allow-again", "maya"], 1, says);
        // The rest of it is known, and said.
        check(dir.path(), &["status"], 3, says);
        check(dir.path(), &["status"], 3, "ENDS       credential");
        check(dir.path(), &["status", "--output", "json"], 3, "\"statusFault\": \"");
        let output = agent(dir.path(), &["status"]);
        assert!(!String::from_utf8_lossy(&output.stdout).contains("has not looked"), "{output:?}");
    }
}

#[test]
fn an_enrolment_of_another_provider_is_refused_without_a_network() {
    let dir = customer();
    std::fs::write(dir.path().join("token.toml"), TOKEN).unwrap();
    check(dir.path(), &["enroll", "--token", "token.toml"], 1, "do not enrol");
    let output = agent(dir.path(), &["enroll", "--token", "token.toml"]);
    assert!(!String::from_utf8_lossy(&output.stderr).contains("topsecret"));
}

#[test]
fn field_kind_10_status_says_what_ends_and_of_what_nobody_can_tell() {
    let dir = customer();
    check(dir.path(), &["status"], 0, "ENDS       credential end not known: a client secret does not tell");
    let with = |expires: &str| {
        let text = format!("{CONFIG}expires = \"{expires}\"\n");
        std::fs::write(dir.path().join("agent.toml"), text).unwrap();
    };
    with("2020-01-01T00:00:00Z");
    check(dir.path(), &["status"], 0, "ENDS       credential until 2020-01-01");
    check(dir.path(), &["status", "--output", "json"], 0, "\"endings\"");
    let certificate =
        CONFIG.replace("secret_file = \"client-secret\"", "certificate_file = \"agent.pem\"\nkey_file = \"agent.key\"");
    std::fs::write(dir.path().join("agent.toml"), certificate).unwrap();
    check(dir.path(), &["status"], 0, "ENDS       credential end not known: see that credential.certificate_file");
    std::fs::write(dir.path().join("agent.pem"), "no certificate").unwrap();
    check(dir.path(), &["status"], 0, "ENDS       credential end not known: see that credential.certificate_file");
    with("2099-01-01T00:00:00Z");
    let output = agent(dir.path(), &["status"]);
    assert!(!String::from_utf8_lossy(&output.stdout).contains("ENDS"), "{output:?}");
}
