//! What lies on this machine: configuration, guardrail, state folder, and which way out is taken.

use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use entente_model::violation::{Fault, Violation};
use entente_planner::guardrail::Guardrail;

use super::check::Check;
use crate::commands::guardrail::judge;
use crate::config::{Config, ConfigError, HTTPS_PROXY, NO_PROXY};
use crate::files::FileError;
use crate::guardrail_file::{Others, chain};
use crate::identity::Identity;
use crate::socket;
use crate::status_file::{AgentStatus, StatusFile};

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

/// As the agent would read it, and every fault for itself.
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

/// Well written, and not for this agent.
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

const FOLDER: &str = "state folder";

/// Its rights, whether something can be written there, and whether an agent is at work in it.
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

/// By writing a file, as rights and free room say less than that.
fn writable(dir: &Path, owner: u32) -> Check {
    let probe = dir.join(format!("doctor-{}", std::process::id()));
    let written = std::fs::File::create_new(&probe).and_then(|mut file| {
        file.write_all(&[0; 4_096])?;
        file.sync_all()?;
        file.metadata().map(|made| made.uid())
    });
    // Nothing is left of it, whatever came of it.
    std::fs::remove_file(&probe).ok();
    match written {
        Ok(uid) if uid == owner => Check::ok(FOLDER, format!("{} is this user's, and takes files", dir.display())),
        Ok(uid) => Check::unknown(
            FOLDER,
            format!(
                "{} is of user {owner}, and this is user {uid}: what the agent may do there was not tried",
                dir.display()
            ),
            "run entente-agent doctor as the user that the agent runs as",
        ),
        Err(error) => unusable(dir, &error.to_string()),
    }
}

/// What must be the agent's alone: the folder, and the files that hold its key.
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
        Err(error) => Check::unknown(
            NAME,
            format!("whether it is running cannot be told: {error}"),
            "run entente-agent doctor as the user that the agent runs as",
        ),
    }
}

/// Whether somebody stopped it or it ended by itself is not known here: since when it does nothing is.
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

/// Read by curl and by nothing here: what is asked is always TLS.
const NOT_READ: [&str; 2] = ["http_proxy", "HTTP_PROXY"];

/// Which proxy everything takes, and which of the environment's words were heard.
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
