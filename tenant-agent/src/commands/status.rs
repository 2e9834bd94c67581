//! `status`: how the agent stands, from its status file and its switches; it may run or not.

use serde::Serialize;

use super::Outcome;
use crate::Done;
use crate::args::Output;
use crate::clock;
use crate::config::Config;
use crate::endings::{self, Ending};
use crate::identity::{Identity, IdentityError};
use crate::lock::{Lock, LockError};
use crate::receipt::{About, Receipt};
use crate::status_file::{AgentStatus, StatusFile};
use crate::switches::Switches;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    agent: Option<String>,
    running: bool,
    paused: bool,
    revoke_all: bool,
    /// Unix seconds.
    certificate_ends: Option<i64>,
    /// What ends soon, has ended, or cannot be told.
    endings: Vec<Ending>,
    status: Option<AgentStatus>,
    receipt: Option<Receipt>,
    /// What the guardrail does not allow is being taken away.
    revokes: bool,
    /// How that stands, or how it ended the last time.
    revoked: Option<Receipt>,
}

pub(super) fn show(config: &Config, output: Output) -> Outcome {
    let identity = match Identity::load(&config.state_dir, config.entra_tenant) {
        Ok(identity) => Some(identity),
        Err(IdentityError::NotEnrolled) => None,
        Err(error) => return Err(error.into()),
    };
    let positions = Switches::of(&config.state_dir).positions();
    let shown = Shown {
        agent: identity.as_ref().map(|identity| identity.pinned.agent.to_string()),
        running: identity.is_some() && matches!(Lock::try_take(&config.state_dir), Err(LockError::Held(_))),
        paused: positions.paused,
        revoke_all: positions.revoke_all,
        certificate_ends: identity.as_ref().and_then(Identity::validity).map(|(_, until)| until),
        endings: endings::endings(config, identity.as_ref(), clock::wall()),
        status: StatusFile::read(&config.state_dir)?,
        receipt: Receipt::read(&config.state_dir, About::All)?,
        revoked: Receipt::read(&config.state_dir, About::NotAllowed)?,
        revokes: positions.revokes,
    };
    match output {
        Output::Json => println!("{}", serde_json::to_string_pretty(&shown)?),
        Output::Text => print!("{}", text(&shown)),
    }
    Ok(Done::Whole)
}

fn text(shown: &Shown) -> String {
    let mut lines = Vec::new();
    let agent = shown.agent.as_deref().unwrap_or("not enrolled: run `entente-agent enroll --token FILE`");
    lines.push(format!("agent      {agent}, {}", if shown.running { "running" } else { "not running" }));
    if shown.paused {
        lines.push("PAUSED     only end dates pass until `entente-agent resume`".into());
    }
    if shown.revoke_all {
        lines.push("REVOKE-ALL everything goes; nothing is given until `entente-agent resume`".into());
    }
    if shown.revokes {
        lines.push("REVOKE     what the guardrail does not allow is being taken away".into());
    }
    match &shown.status {
        Some(status) => lines.extend(status_lines(shown, status)),
        None => lines.push("it has not looked at the tenant yet".into()),
    }
    lines.extend(shown.endings.iter().map(ending));
    lines.extend(shown.revoked.iter().chain(&shown.receipt).map(Receipt::text));
    lines.join("\n") + "\n"
}

fn ending(it: &Ending) -> String {
    let ends = it.ends.map_or_else(|| "end not known".to_owned(), |ends| format!("until {ends}"));
    format!("ENDS       {} {ends}: {}", it.what, it.remedy)
}

fn status_lines(shown: &Shown, status: &AgentStatus) -> Vec<String> {
    let mut lines = Vec::new();
    let connected = match (shown.running, status.connected) {
        (true, true) => "connected",
        _ => "not connected",
    };
    lines.push(format!("provider   {connected}"));
    let version = status.version.map_or("none yet".into(), |(epoch, revision)| format!("{epoch}.{revision}"));
    let fresh = status.fresh_until.map_or(", not fresh".into(), |until| format!(", fresh until {until}"));
    lines.push(format!("state      {version}{fresh}"));
    lines.extend(status.parked.iter().map(|why| format!("PARKED     {why}")));
    lines.extend(status.refused.iter().map(|why| format!("REFUSED    the newest state: {why}")));
    lines.extend(status.standing.guardrail_fault.iter().map(|why| format!("GUARDRAIL  {why}")));
    for plane in &status.standing.planes {
        let verified = plane.verified.map_or("not read yet".into(), |at| format!("read {at}"));
        lines.push(format!("plane      {:14} {:7} {verified}", plane.plane.word(), plane.mode.word()));
    }
    let counts = status.counts.iter().map(|(state, count)| format!("{count} {}", state.word()));
    lines.push(format!("items      {}", counts.collect::<Vec<_>>().join(", ")));
    for item in &status.open {
        let reason = item.reason.map_or_else(String::new, |reason| format!(" {}", reason.word()));
        lines.push(format!("open       {} {}{reason} {}", item.key, item.state.word(), item.detail));
        lines.extend(item.script.iter().map(|script| format!("           run: {script}")));
    }
    for person in &status.deleted {
        let name = format!("{} <{}> on {}", person.operator, person.mail, person.deleted);
        lines.push(match person.allowed {
            Some(at) => format!("DELETED    {name}, by the customer; allowed {at}: is invited again, for one time"),
            None => format!("DELETED    {name}, by the customer; not invited again until `entente-agent allow-again`"),
        });
    }
    for (of, what) in &status.named {
        lines.extend(what.iter().map(|it| format!("OTHERS     {of} {it}")));
    }
    let beyond = &status.not_allowed.items;
    lines.extend(beyond.iter().map(|it| format!("NOT NOW    {}: given, and not allowed any more", it.line())));
    if !beyond.is_empty() {
        lines.push("           it stays until `entente-agent revoke --not-allowed`".into());
    }
    let findings = &status.standing.findings;
    lines.extend(findings.iter().map(|it| format!("found      {} {} {}", it.plane, it.reason.word(), it.detail)));
    lines.extend(status.alarms.iter().map(|alarm| format!("ALARM      {alarm}")));
    lines
}
