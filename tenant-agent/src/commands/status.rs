//! `status`: how the agent stands, from its status file and its switches, whether or not it runs.

use std::time::Duration;

use entente_model::Timestamp;
use entente_model::report::{MicrosoftState, PlaneStanding};
use serde::Serialize;

use super::screen::{self, Done, Outcome};
use crate::args::Output;
use crate::clock;
use crate::config::Config;
use crate::endings::{self, Ending};
use crate::guardrail_file::{self, GuardrailFile};
use crate::identity::{Identity, IdentityError};
use crate::lock::{Lock, LockError};
use crate::receipt::{About, Receipt};
use crate::status_file::{AgentStatus, StatusFile, ToldItem};
use crate::switches::Switches;

/// Three times the usual time between two looks.
const OLD: Duration = Duration::from_secs(15 * 60);

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    agent: Option<String>,
    running: bool,
    paused: bool,
    paused_since: Option<Timestamp>,
    revoke_all: bool,
    guardrail: Option<Guardrail>,
    /// Unix seconds.
    certificate_ends: Option<i64>,
    /// What ends soon, has ended, or has an unknown end.
    endings: Vec<Ending>,
    status: Option<AgentStatus>,
    /// Why the status file cannot be read, if it exists and cannot.
    status_fault: Option<String>,
    receipt: Option<Receipt>,
    /// The agent is taking away what the guardrail no longer allows.
    revokes: bool,
    /// The receipt of `revoke --not-allowed`, under way or the last one.
    revoked: Option<Receipt>,
}

/// The guardrail file as it is now, whether or not the agent runs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Guardrail {
    fault: Option<String>,
    /// When the file stops giving new access.
    review_ends: Option<Timestamp>,
    review_past: bool,
}

impl Guardrail {
    fn of(file: &GuardrailFile, now: Timestamp) -> Self {
        let review_ends = file.content.as_ref().ok().map(|content| content.review_by.ends());
        Self { fault: file.fault(), review_ends, review_past: review_ends.is_some_and(|ends| ends <= now) }
    }
}

pub(super) fn show(config: &Config, output: Output) -> Outcome {
    let identity = match Identity::load(&config.state_dir, config.entra_tenant) {
        Ok(identity) => Some(identity),
        Err(IdentityError::NotEnrolled) => None,
        Err(error) => return Err(error.into()),
    };
    let switches = Switches::of(&config.state_dir);
    let (positions, now) = (switches.positions(), clock::wall());
    let root = identity.as_ref().map(|identity| identity.root_key.id());
    let status = StatusFile::read(&config.state_dir);
    let status_fault = status.as_ref().err().map(|error| guardrail_file::chain(error));
    let guardrail = root.map(|root| GuardrailFile::read(&config.guardrail, config.entra_tenant, root));
    let shown = Shown {
        agent: identity.as_ref().map(|identity| identity.pinned.agent.to_string()),
        running: identity.is_some() && matches!(Lock::try_take(&config.state_dir), Err(LockError::Held(_))),
        paused: positions.paused,
        paused_since: switches.paused_since(),
        guardrail: guardrail.map(|file| Guardrail::of(&file, now)),
        revoke_all: positions.revoke_all,
        certificate_ends: identity.as_ref().and_then(Identity::validity).map(|(_, until)| until.as_unix()),
        endings: endings::endings(config, identity.as_ref(), now),
        status: status.ok().flatten(),
        status_fault,
        receipt: Receipt::read(&config.state_dir, About::All)?,
        revoked: Receipt::read(&config.state_dir, About::NotAllowed)?,
        revokes: positions.revokes,
    };
    screen::print(output, &shown, || screen::lines(&screen::shown(&text(&shown, now)), screen::width()))?;
    Ok(if shown.status_fault.is_none() { Done::Whole } else { Done::Incomplete })
}

fn text(shown: &Shown, now: Timestamp) -> String {
    let mut lines = Vec::new();
    let agent = shown.agent.as_deref().unwrap_or("not enrolled: run `entente-agent enroll --token FILE`");
    lines.push(format!("agent      {agent}, {}", if shown.running { "running" } else { "not running" }));
    if shown.paused {
        let since = shown.paused_since.map_or_else(String::new, |since| format!("since {since}: "));
        lines.push(format!(
            "PAUSED     {since}nothing is given or taken away, leavers neither, until `entente-agent resume`; end dates \
             take effect"
        ));
    }
    if shown.revoke_all {
        let is_done = shown.receipt.as_ref().is_some_and(Receipt::is_complete);
        let how = if is_done { "all access was taken back" } else { "all access is being taken back" };
        lines.push(format!(
            "REVOKE-ALL {how}; nothing is given until `entente-agent resume`, which lets it all come back"
        ));
    }
    if shown.revokes {
        lines.push("REVOKE     what the guardrail does not allow is being taken away".into());
    }
    lines.extend(shown.guardrail.as_ref().map(|guardrail| guardrail_line(guardrail, shown.status.as_ref(), now)));
    match (&shown.status, &shown.status_fault) {
        (Some(status), _) => lines.extend(status_lines(shown, status, now)),
        (None, Some(fault)) => lines.push(format!("STATUS     not known: {fault}")),
        (None, None) => lines.push("it has not looked at the tenant yet".into()),
    }
    lines.extend(shown.endings.iter().map(ending));
    lines.extend(shown.revoked.iter().chain(&shown.receipt).map(Receipt::text));
    lines.join("\n") + "\n"
}

fn ending(it: &Ending) -> String {
    let ends = it.ends.map_or_else(|| "end not known".to_owned(), |ends| format!("until {ends}"));
    format!("ENDS       {} {ends}: {}", it.what, it.remedy)
}

fn guardrail_line(guardrail: &Guardrail, status: Option<&AgentStatus>, now: Timestamp) -> String {
    if let Some(fault) = &guardrail.fault {
        let since = status.and_then(|status| status.standing.guardrail_fault_since);
        let since = since.map_or_else(String::new, |since| format!(" since {since}"));
        return format!("GUARDRAIL  cannot be used{since}: nothing is given, leavers go: {fault}");
    }
    match guardrail.review_ends {
        Some(ends) if guardrail.review_past => {
            format!(
                "GUARDRAIL  its day of review, {}, is PAST: nothing new is given until you review it",
                ends.as_end()
            )
        }
        Some(ends) => {
            let days = ends.since(now).as_secs() / 86_400;
            format!("guardrail  valid, review within {days} days (by {})", ends.as_end())
        }
        None => "guardrail  valid".into(),
    }
}

/// `old`: the time of the last look, if it is too old to be stated as now.
fn microsoft_line(status: &AgentStatus, old: Option<Timestamp>) -> String {
    let Some(it) = &status.standing.microsoft else { return "microsoft  not tried yet".into() };
    let (since, detail) = (it.since, &it.detail);
    let old = old.map(|at| format!(", as of {at}")).unwrap_or_default();
    match it.state {
        state if state == MicrosoftState::SignedIn => format!("microsoft  signed in, since {since}{old}"),
        state if state == MicrosoftState::Refused => format!("MICROSOFT  cannot sign in since {since}{old}: {detail}"),
        state if state == MicrosoftState::Unreachable => {
            format!("MICROSOFT  cannot be reached since {since}{old}: {detail}")
        }
        state => format!("MICROSOFT  {state} since {since}{old}: {detail}"),
    }
}

/// The time of the last look, if it says nothing of now: the agent does not run, or has not looked for too long.
fn old(shown: &Shown, status: &AgentStatus, now: Timestamp) -> Option<Timestamp> {
    (!shown.running || now.since(status.time) > OLD).then_some(status.time)
}

fn state_line(status: &AgentStatus, now: Timestamp) -> String {
    let version = status.version.map_or("none yet".into(), |(epoch, revision)| format!("{epoch}.{revision}"));
    let fresh = match status.fresh_until {
        Some(until) if now < until => format!("fresh until {until}"),
        Some(until) => format!("NOT FRESH since {until}: nothing new is given"),
        None => "not fresh".into(),
    };
    format!("state      {version}, {fresh}")
}

/// How many items have each state, and when.
fn items_line(status: &AgentStatus) -> String {
    let counts = status.counts.iter().map(|(state, count)| format!("{count} {}", state.word()));
    let counts = if status.counts.is_empty() { "none".into() } else { counts.collect::<Vec<_>>().join(", ") };
    format!("items      {counts}, as of {}", status.time)
}

/// Says "read" only of a plane that was read.
fn plane_line(plane: &PlaneStanding) -> String {
    let verified = match (plane.unread_since, plane.verified) {
        (Some(since), Some(at)) => format!("NOT READ whole since {since}; last read {at}"),
        (Some(since), None) => format!("NOT READ since {since}"),
        (None, Some(at)) => format!("read {at}"),
        (None, None) => "not read".into(),
    };
    format!("plane      {:14} {:7} {verified}", plane.plane.word(), plane.mode.word())
}

fn status_lines(shown: &Shown, status: &AgentStatus, now: Timestamp) -> Vec<String> {
    let mut lines = Vec::new();
    let connected = match (shown.running, status.connected) {
        (true, true) => "connected",
        _ => "not connected",
    };
    lines.push(format!("provider   {connected}"));
    lines.push(state_line(status, now));
    lines.extend(status.parked.iter().map(|why| format!("PARKED     {why}")));
    lines.extend(status.refused.iter().map(|why| format!("REFUSED    the newest state: {why}")));
    lines.push(microsoft_line(status, old(shown, status, now)));
    lines.extend(status.standing.planes.iter().map(plane_line));
    lines.push(items_line(status));
    for item in &status.open {
        let reason = item.reason.map_or_else(String::new, |reason| format!(" {}", reason.word()));
        let line = format!("open       {} {}{reason} {}", item.key, item.state.word(), item.detail);
        lines.push(screen::plain(&line));
        lines.extend(item.script.iter().map(|script| format!("           run: {script}")));
    }
    let is_files = |it: &ToldItem| it.reason.is_some_and(|reason| !reason.guardrail_keys(it.key.plane()).is_empty());
    if status.open.iter().any(is_files) {
        lines.push(
            "explain    `entente-agent explain` says which line of the guardrail decides, and what to write".into(),
        );
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

#[cfg(test)]
mod tests;
