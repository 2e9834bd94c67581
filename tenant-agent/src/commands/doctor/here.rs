//! What is on this machine: the configuration, the guardrail, the state folder with its switches and status file, the
//! end of certificates, and the proxy.

use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use entente_model::Timestamp;
use entente_model::violation::{Fault, Violation};
use entente_planner::guardrail::Guardrail;

use super::check::Check;
use crate::commands::guardrail::judge;
use crate::config::{Config, ConfigError, HTTPS_PROXY, NO_PROXY};
use crate::endings::{self, Ending};
use crate::files::FileError;
use crate::guardrail_file::{Others, chain};
use crate::identity::Identity;
use crate::socket;
use crate::status_file::{AgentStatus, StatusFile};
use crate::switches::{Positions, Switches};

pub(super) fn no_config(faults: &[ConfigError]) -> Vec<Check> {
    let mut checks: Vec<Check> = faults.iter().map(config_fault).collect();
    checks.push(Check::unknown(
        "everything else",
        "was not looked at: where it is stands in the configuration",
        "mend the configuration, and run entente-agent doctor again",
    ));
    checks
}

fn config_fault(fault: &ConfigError) -> Check {
    let remedy = match fault {
        ConfigError::Missing(_) => "pass --config FILE; entente-agent init writes one to fill in",
        ConfigError::File(_) => "let this user read it",
        ConfigError::Form { .. } | ConfigError::Field { .. } => {
            "write it as the file of entente-agent init has it, whose comments name every key"
        }
    };
    Check::fault("configuration", chain(fault), remedy)
}

/// Judges the guardrail as the agent reads it, with each fault as a check of its own.
pub(super) fn guardrail(config: &Config, identity: Option<&Identity>) -> (Option<Guardrail>, Vec<Check>) {
    let (guardrail, mut faults) = match judge(&config.guardrail, Others::Everybody) {
        Ok(judged) => (judged.guardrail, judged.faults),
        Err(unreadable) => (None, unreadable.faults),
    };
    if let Some(guardrail) = &guardrail {
        faults.extend(of_another(guardrail, config, identity));
    }
    let remedy = "mend it: entente-agent check-guardrail says the same, and docs/guardrail-reference.md every key";
    let mut checks: Vec<Check> =
        faults.iter().map(|fault| Check::fault("guardrail", fault.to_string(), remedy)).collect();
    if let (Some(guardrail), true) = (&guardrail, checks.is_empty()) {
        let path = config.guardrail.display();
        checks.push(Check::ok("guardrail", format!("{path} can be used, until {}", guardrail.review_by)));
    }
    (guardrail, checks)
}

/// Faults of a file that is well formed but not for this agent.
fn of_another(guardrail: &Guardrail, config: &Config, identity: Option<&Identity>) -> Vec<Violation> {
    let mut faults = Vec::new();
    let (named, own) = (guardrail.customer.entra_tenant, config.entra_tenant);
    if named != own {
        let text = format!("is {named}, and the configuration's entra_tenant is {own}");
        faults.push(Violation::new("customer.entraTenant", Fault::Conflict, text));
    }
    if let Some(root) = identity.map(|identity| identity.root_key.id())
        && guardrail.provider.state_key.parse() != Ok(root)
    {
        let text = format!("is not the key that this agent enrolled with, {root}");
        faults.push(Violation::new("provider.stateKey", Fault::Conflict, text));
    }
    faults
}

const AS_AGENT: &str = "run entente-agent doctor as the user that the agent runs as";

const FOLDER: &str = "state folder";

/// Checks the folder's rights, whether files can be written there, and whether an agent runs in it.
pub(super) async fn state_folder(dir: &Path, enrolled: bool) -> Vec<Check> {
    let found = match dir.metadata() {
        Ok(found) if found.is_dir() => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !enrolled => {
            return vec![Check::ok(FOLDER, format!("{} is not there yet: enrolment makes it", dir.display()))];
        }
        Err(error) => return vec![unusable(dir, &error.to_string())],
        Ok(_) => return vec![unusable(dir, "it is not a folder")],
    };
    let mut checks = vec![writable(dir, found.uid())];
    checks.extend(open_to_others(dir));
    if enrolled && !dir.join("ledger").is_dir() {
        let detail = format!("there is no ledger in {}", dir.display());
        let remedy = "restore the folder from a backup, or start over with entente-agent run --new-ledger";
        checks.push(Check::fault("ledger", detail, remedy));
    }
    checks.push(running(dir).await);
    checks
}

fn unusable(dir: &Path, why: &str) -> Check {
    let remedy = "make state_dir a folder of the agent's own user on a disk that keeps it, or restore it from a backup";
    Check::fault(FOLDER, format!("{} cannot be used: {why}", dir.display()), remedy)
}

/// Writes a file, as rights and free space alone do not prove that it works.
fn writable(dir: &Path, owner: u32) -> Check {
    let probe = dir.join(format!("doctor-{}", std::process::id()));
    let written = std::fs::File::create_new(&probe).and_then(|mut file| {
        file.write_all(&[0; 4_096])?;
        file.sync_all()?;
        file.metadata().map(|made| made.uid())
    });
    // Removes the probe whatever happened.
    std::fs::remove_file(&probe).ok();
    match written {
        Ok(uid) if uid == owner => Check::ok(FOLDER, format!("{} is this user's, and takes files", dir.display())),
        Ok(uid) => Check::unknown(
            FOLDER,
            format!(
                "{} is of user {owner}, and this is user {uid}: what the agent may do there was not tried",
                dir.display()
            ),
            AS_AGENT,
        ),
        Err(error) => unusable(dir, &error.to_string()),
    }
}

/// Checks that only the agent can open the folder and the files with its key.
fn open_to_others(dir: &Path) -> Vec<Check> {
    let open = |path: &Path| path.metadata().is_ok_and(|found| found.mode() & 0o077 != 0);
    let paths = [dir.to_path_buf(), dir.join("identity.pem"), dir.join("enrolling.pem")];
    let open = paths.into_iter().filter(|path| open(path));
    open.map(|path| {
        let detail = format!("others than its owner may open {}", path.display());
        Check::fault(FOLDER, detail, format!("chmod go= {}; if others had access to it, enrol again", path.display()))
    })
    .collect()
}

async fn running(dir: &Path) -> Check {
    const NAME: &str = "agent";
    match socket::listener(dir).await {
        Ok(Some(_)) => Check::ok(NAME, "is running"),
        Ok(None) => stopped(NAME, StatusFile::read(dir)),
        Err(error) => Check::unknown(NAME, format!("whether it is running cannot be told: {error}"), AS_AGENT),
    }
}

/// The doctor cannot tell whether the agent was stopped or failed, but it can tell since when it does nothing.
fn stopped(name: &str, status: Result<Option<AgentStatus>, FileError>) -> Check {
    match status {
        Ok(None) => Check::ok(name, "is not running, and has not looked at the tenant yet"),
        Ok(Some(status)) => Check::ok(name, format!("is not running; it last looked at the tenant {}", status.time)),
        Err(error) => Check::unknown(
            name,
            format!("is not running, and since when cannot be told: {}", chain(&error)),
            "see the agent's log, and start it",
        ),
    }
}

/// Variables that curl reads and the agent does not, as all its requests use TLS.
const NOT_READ: [&str; 2] = ["http_proxy", "HTTP_PROXY"];

/// Says which proxy is used, and which variables of the environment are not.
pub(super) fn proxy(config: &Config, env: &impl Fn(&str) -> Option<String>) -> Check {
    let set = |names: &[&'static str]| names.iter().copied().filter(|name| env(name).is_some()).collect::<Vec<_>>();
    let (asked, except, not_read) = (set(&HTTPS_PROXY), set(&NO_PROXY), set(&NOT_READ));
    let way = config.proxy.way("host.invalid", 443).unwrap_or_default();
    let mut detail = match config.proxy_from {
        None => "none is used".to_owned(),
        Some(from) if way.is_empty() => format!("none is used: no_proxy excepts every host from {from}"),
        Some(from) => format!("{way} is used, by {from}"),
    };
    let is_file = config.proxy_from.is_some_and(|from| from.starts_with("cloud."));
    let unused = asked.iter().skip(usize::from(!is_file)).chain(&not_read).copied().collect::<Vec<_>>();
    if config.proxy_from.is_none() && !asked.is_empty() {
        detail += &format!("; {} is set to nothing, which says none", asked[0]);
    }
    if !unused.is_empty() {
        detail += &format!("; set in the environment and not used: {}", unused.join(", "));
    }
    if config.proxy_from.is_some() && !config.cloud.no_proxy.is_empty() {
        detail += &format!("; not for {}", config.cloud.no_proxy);
    } else if !except.is_empty() {
        detail += &format!("; {} has no use without one", except.join(", "));
    }
    if !asked.is_empty() && !is_file {
        detail += "; this is the environment of this shell, and a service has its own";
    }
    Check::ok("proxy", detail)
}

const SWITCHES: &str = "switches";

/// Checks the customer's switches. One that is on stops the agent, however well the rest is.
pub(super) fn switches(state_dir: &Path) -> Vec<Check> {
    let switches = Switches::of(state_dir);
    let positions = match switches.told() {
        Ok(positions) => positions,
        Err(error) => {
            let detail = format!("whether the agent is paused, or takes everything back, cannot be told: {error}");
            return vec![Check::unknown(SWITCHES, detail, AS_AGENT)];
        }
    };
    let mut checks = Vec::new();
    if positions.paused {
        let since = switches.paused_since().map(|since| format!(" since {since}")).unwrap_or_default();
        let detail =
            format!("paused{since}: nothing is given or taken away, leavers neither, while end dates take effect");
        checks.push(Check::fault(SWITCHES, detail, "entente-agent resume ends the pause"));
    }
    if positions.revoke_all {
        let detail = "revoke-all: everything that the agent gave is taken back, and nothing is given";
        checks.push(Check::fault(SWITCHES, detail, "entente-agent resume ends it, and lets everything come back"));
    }
    if checks.is_empty() {
        checks.push(off(positions));
    }
    checks
}

fn off(positions: Positions) -> Check {
    let revokes = if positions.revokes { "; what the guardrail does not allow is being taken away" } else { "" };
    Check::ok(SWITCHES, format!("neither pause nor revoke-all is on{revokes}"))
}

const CONNECTION: &str = "connection";

/// Whether the provider takes this agent; `None` before enrolment. A handshake does not say it, as a revoked agent is
/// turned away after it, and a stream of the doctor's own would displace the agent's. So the doctor reads what the
/// running agent wrote of itself.
pub(super) async fn connection(state_dir: &Path, enrolled: bool) -> Option<Check> {
    if !enrolled {
        return None;
    }
    let Ok(Some(running)) = socket::listener(state_dir).await else {
        let detail = "whether the provider takes this agent is known only while the agent runs";
        return Some(Check::unknown(CONNECTION, detail, "start the agent, and run entente-agent doctor again"));
    };
    // A status that another process wrote is out of date.
    let status = StatusFile::read(state_dir).ok().flatten().filter(|status| running.pid == Some(status.pid));
    Some(as_it_says(status.as_ref()))
}

fn as_it_says(status: Option<&AgentStatus>) -> Check {
    match status {
        Some(status) if status.connected => Check::ok(CONNECTION, "the agent is connected: the provider takes it"),
        Some(status) => {
            let last = status.last_connected.map_or_else(|| "never".to_owned(), |at| at.to_string());
            let detail =
                format!("whether the provider takes this agent is not known: it is not connected, last {last}");
            let remedy = "see the agent's log; if it goes on, ask the provider whether this agent was revoked";
            Check::unknown(CONNECTION, detail, remedy)
        }
        None => Check::unknown(
            CONNECTION,
            "whether the provider takes this agent is not known: the agent that runs has not written how it stands",
            "run entente-agent doctor again when it has looked at the tenant once",
        ),
    }
}

/// Checks when the agent's certificate and its credential at Microsoft end.
pub(super) fn ends(config: &Config, identity: Option<&Identity>, now: Timestamp) -> Vec<Check> {
    let told = endings::endings(config, identity, now);
    // The check of the guardrail reports one that is past its day.
    let is_new = |it: &&Ending| it.what != "guardrail" || it.ends.is_some_and(|ends| now < ends);
    let mut checks: Vec<Check> = told.iter().filter(is_new).map(|it| soon(it, now)).collect();
    let is_told = |what: &str| told.iter().any(|it| it.what == what);
    if let Some(identity) = identity.filter(|_| !is_told("certificate")) {
        checks.push(certificate(identity));
    }
    if !is_told("credential") {
        checks.push(credential(config));
    }
    checks
}

fn soon(ending: &Ending, now: Timestamp) -> Check {
    match ending.ends {
        None => Check::unknown(ending.what, "its end cannot be told", ending.remedy),
        Some(ends) if ends <= now => Check::fault(ending.what, format!("ended {ends}"), ending.remedy),
        Some(ends) => Check::fault(ending.what, format!("ends soon: {ends}"), ending.remedy),
    }
}

fn certificate(identity: &Identity) -> Check {
    match identity.validity() {
        Some((_, ends)) => Check::ok("certificate", format!("is renewed before {ends}")),
        None => Check::fault("certificate", "identity.pem holds none that can be read", "enrol again with a new token"),
    }
}

fn credential(config: &Config) -> Check {
    let ends = endings::credential_ends(config).map(|ends| format!("is good until {ends}"));
    Check::ok("credential", ends.unwrap_or_else(|| "is renewed by the platform".into()))
}
