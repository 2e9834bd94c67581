//! Removals tenant by tenant: how each stands, and receipts as files that others can check. Which of them are a leave's is
//! [`crate::operators`]'s.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use entente_proto::fleet::v1::{ListRemovalsRequest, Removal, SignedStatement};
use serde::Serialize;
use serde_json::{Value, json};

use crate::args::{Format, Removals};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{self, List, column, instant, or_dash, wide};
use crate::pages::{every_page, full_name};

/// A receipt's file: what is needed to check it beside the CA's certificate, and nothing else.
#[derive(Serialize)]
struct File<'a> {
    statement: &'a str,
    signature: &'a str,
    certificate: &'a str,
}

/// Prints them, and writes their receipts if that is asked. Not done unless every one is complete.
pub(crate) async fn run(mut client: Client, ca: &Path, ask: Removals, format: Format) -> Result<(), Failure> {
    let operator = ask.operator.map(|name| full_name("operators", &name)).unwrap_or_default();
    let all = list(&mut client, &operator).await?;
    if let Some(folder) = &ask.receipts {
        write(folder, ca, &all)?;
    }
    print(&all, None, format)?;
    all_complete(&all)
}

pub(crate) async fn list(client: &mut Client, operator: &str) -> Result<Vec<Removal>, Failure> {
    let request = ListRemovalsRequest { page_size: 1_000, page_token: String::new(), operator: operator.to_owned() };
    Ok(every_page!(client.fleet, list_removals, request, removals))
}

/// How one stands, in a word: PROVEN by a receipt, NOTHING where no agent ever was, or the state.
pub(crate) fn word(it: &Removal) -> &str {
    match (it.complete, it.proof.is_some()) {
        (true, true) => "PROVEN",
        (true, false) => "NOTHING",
        (false, _) => &it.state,
    }
}

pub(crate) fn all_complete(all: &[Removal]) -> Result<(), Failure> {
    let mut open: BTreeMap<&str, usize> = BTreeMap::new();
    for it in all.iter().filter(|it| !it.complete) {
        *open.entry(word(it)).or_default() += 1;
    }
    if open.is_empty() {
        return Ok(());
    }
    let tenants = tenants(all);
    let missing = tenants.values().filter(|done| !**done).count();
    let states: Vec<_> = open.iter().map(|(word, count)| format!("{count} {word}")).collect();
    let text = format!("not proven in {missing} of {} tenants: {}", tenants.len(), states.join(", "));
    Err(Failure::Incomplete(text + "; `entente removals NAME` goes on"))
}

/// Each tenant, and whether everything in it is complete.
pub(crate) fn tenants(all: &[Removal]) -> BTreeMap<&str, bool> {
    let mut tenants = BTreeMap::new();
    all.iter().for_each(|it| *tenants.entry(it.tenant.as_str()).or_insert(true) &= it.complete);
    tenants
}

/// With the principals that ended, where that is known: right after a leave.
pub(crate) fn print(all: &[Removal], ended: Option<&[String]>, format: Format) -> Result<(), Failure> {
    let complete = all.iter().all(|it| it.complete);
    let documents: Vec<Value> = all.iter().map(output::document).collect();
    let mut document = json!({"complete": complete, "removals": documents});
    if let Some(ended) = ended {
        document["endedPrincipals"] = json!(ended);
    }
    rows(all, output::now()).print(format, &document, ("", ""))
}

/// A row each; its name is the tenant's.
pub(crate) fn rows(all: &[Removal], now: entente_model::Timestamp) -> List {
    let mut list = List::new([
        column("TENANT"),
        column("OPERATOR"),
        column("CAUSE"),
        column("AGE"),
        column("STATE"),
        column("PROVEN AT"),
        column("NOTE"),
        wide("ASKED AT"),
        wide("BLOCKED AT"),
        wide("TOKENS DEAD BY"),
        wide("AGENT"),
        wide("ID"),
    ]);
    for it in all {
        list.row(&it.tenant, row(it, now));
    }
    list
}

fn row(it: &Removal, now: entente_model::Timestamp) -> [String; 12] {
    // Of a proof that is refused nothing is shown but why.
    let proof = it.proof.clone().filter(|_| it.complete).unwrap_or_default();
    let agent = it.signed.as_ref().map(|it| it.agent.rsplit('/').next().unwrap_or_default().to_owned());
    [
        it.tenant.trim_start_matches("tenants/").to_owned(),
        it.operator.trim_start_matches("operators/").to_owned(),
        or_dash(&it.cause),
        output::age(&it.request_time, now),
        word(it).to_owned(),
        instant(&it.prove_time),
        or_dash(&note(it, &proof.unseen)),
        instant(&it.request_time),
        instant(&proof.blocked_time),
        instant(&proof.effective_by_time),
        or_dash(&agent.unwrap_or_default()),
        it.id.clone(),
    ]
}

fn note(it: &Removal, unseen: &[String]) -> String {
    let open: Vec<_> =
        it.accounts.iter().filter(|account| account.state == "ENABLED").map(|it| it.id.as_str()).collect();
    let open = if open.is_empty() { String::new() } else { format!("enabled: {}", open.join(", ")) };
    let membership = if it.subject == "person" { "" } else { it.subject.as_str() };
    let away = if it.connected || it.complete { "" } else { "agent is not connected" };
    let by = it.signed.as_ref().map(of_agent).unwrap_or_default();
    let unseen = if unseen.is_empty() { String::new() } else { format!("not looked at: {}", unseen.join(", ")) };
    let all = [membership, it.reason.as_str(), it.detail.as_str(), open.as_str(), away, by.as_str(), unseen.as_str()];
    all.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ")
}

/// What a reader should know of whose word it is.
fn of_agent(it: &SignedStatement) -> String {
    let displaced =
        if it.displaced_agent.is_empty() { String::new() } else { format!("took the place of {}", it.displaced_agent) };
    let vouched = if it.vouched_by.is_empty() { String::new() } else { format!("vouched for by {}", it.vouched_by) };
    [displaced, vouched].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", ")
}

/// One file for each receipt, and the certificate by which this control plane's agents are known.
pub(crate) fn write(folder: &Path, ca: &Path, all: &[Removal]) -> Result<(), Failure> {
    let failed =
        |error: std::io::Error| Failure::Failed(format!("cannot write receipts to {}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(failed)?;
    std::fs::copy(ca, folder.join("ca.pem")).map_err(failed)?;
    for it in all {
        let Some(SignedStatement { statement, signature, certificate, .. }) = &it.signed else { continue };
        let text = serde_json::to_string(&File { statement, signature, certificate }).expect("three texts");
        put(&folder.join(file_name(it)), &(text + "\n")).map_err(failed)?;
    }
    Ok(())
}

/// A receipt never takes the place of another one; the same one again is no fault.
fn put(path: &Path, text: &str) -> std::io::Result<()> {
    let taken = |error: std::io::Error| match std::fs::read_to_string(path) {
        Ok(there) if there == text => Ok(()),
        Ok(_) => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            Err(std::io::Error::other(format!("{name} is there with another content: name an empty folder")))
        }
        Err(_) => Err(error),
    };
    std::fs::File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes())).or_else(taken)
}

/// The names come from a server: no sign in them leads out of the folder. A person may have several removals in one
/// tenant, proven in one second.
fn file_name(it: &Removal) -> String {
    let time = it.prove_time.as_ref().map_or(0, |time| time.seconds);
    let tenant = it.tenant.trim_start_matches("tenants/");
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' };
    format!("{tenant}-{}-{time}", it.id).chars().map(plain).collect::<String>() + ".json"
}

#[cfg(test)]
mod screens;

#[cfg(test)]
mod tests {
    use entente_proto::fleet::v1::RemovalProof;

    use super::*;

    fn at(seconds: i64) -> entente_model::Timestamp {
        entente_model::Timestamp::from_unix(seconds)
    }

    fn removal(complete: bool, state: &str) -> Removal {
        let (tenant, subject) = ("tenants/contoso".into(), "person".into());
        let proof = Some(RemovalProof { unseen: vec!["the recycle bin".into()], ..RemovalProof::default() });
        Removal { tenant, subject, complete, state: state.into(), proof, ..Removal::default() }
    }

    #[test]
    fn a_word_says_what_is_proven_and_nothing_else_is_complete() {
        let none = Removal { proof: None, ..removal(true, "REMOVED") };
        assert_eq!(
            [&removal(true, "REMOVED"), &none, &removal(false, "UNPROVEN")].map(word),
            ["PROVEN", "NOTHING", "UNPROVEN"]
        );
        assert!(all_complete(&[removal(true, "REMOVED"), none]).is_ok());
        let open = all_complete(&[removal(true, "REMOVED"), removal(false, "UNPROVEN")]).unwrap_err();
        assert!(
            matches!(&open, Failure::Incomplete(text) if text.starts_with("not proven in 1 of 1 tenants: 1 UNPROVEN"))
        );
    }

    #[test]
    fn a_refused_proof_is_not_shown_as_one() {
        let shown = row(&removal(true, "REMOVED"), at(0));
        assert_eq!(shown[6], "not looked at: the recycle bin");
        let refused = Removal { reason: "PROOF_REFUSED".into(), detail: "no".into(), ..removal(false, "UNPROVEN") };
        assert_eq!(row(&refused, at(0))[6], "PROOF_REFUSED; no; agent is not connected");
    }

    #[test]
    fn users_d05_each_removal_is_shown_with_its_cause_and_its_age() {
        let request_time = Some(prost_types::Timestamp { seconds: 1_000, nanos: 0 });
        let of = |cause: &str| Removal { cause: cause.into(), request_time, ..removal(true, "REMOVED") };
        assert_eq!(row(&of("LEFT"), at(1_059))[2..5], ["LEFT", "59s", "PROVEN"]);
        let ages = [1_060, 4_600, 87_400, 0].map(|now| output::age(&of("MEMBER_DROPPED").request_time, at(now)));
        assert_eq!(ages, ["1m", "1h", "24h", "0s"]);
    }

    #[test]
    fn receipts_are_files_of_what_is_signed_beside_the_ca() {
        let folder = tempfile::tempdir().unwrap();
        let (ca, receipts) = (folder.path().join("authority.pem"), folder.path().join("deep").join("receipts"));
        std::fs::write(&ca, "the CA").unwrap();
        let statement = SignedStatement {
            statement: "{\"a\":1}".into(),
            signature: "sig".into(),
            certificate: "cert".into(),
            ..SignedStatement::default()
        };
        let of = |id: &str| Removal { id: id.into(), signed: Some(statement.clone()), ..removal(true, "REMOVED") };
        let (one, second) = (of("sam/user/nordwall/1@7"), of("sam/user/nordwall/2@7"));
        let evil = Removal { tenant: "tenants/../../x".into(), ..one.clone() };
        let all = [one, second, evil, removal(false, "PENDING")];
        write(&receipts, &ca, &all).unwrap();
        write(&receipts, &ca, &all).unwrap();
        let mut names: Vec<_> =
            std::fs::read_dir(&receipts).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(
            names,
            [
                "------x-sam-user-nordwall-1-7-0.json",
                "ca.pem",
                "contoso-sam-user-nordwall-1-7-0.json",
                "contoso-sam-user-nordwall-2-7-0.json"
            ]
        );
        let text = std::fs::read_to_string(receipts.join("contoso-sam-user-nordwall-1-7-0.json")).unwrap();
        assert_eq!(text, "{\"statement\":\"{\\\"a\\\":1}\",\"signature\":\"sig\",\"certificate\":\"cert\"}\n");
        assert_eq!(std::fs::read_to_string(receipts.join("ca.pem")).unwrap(), "the CA");
        std::fs::write(receipts.join("contoso-sam-user-nordwall-2-7-0.json"), "another").unwrap();
        assert!(write(&receipts, &ca, &all).is_err(), "what is there is not overwritten");
    }
}
