//! What ends, and whether that is told before it ends: the agent's certificate and its credential at Microsoft.

use entente_model::Timestamp;

use super::check::Check;
use crate::config::Config;
use crate::endings::{self, Ending};
use crate::identity::Identity;
use crate::run;

pub(super) fn look(config: &Config, identity: Option<&Identity>, now: Timestamp) -> Vec<Check> {
    let told = endings::endings(config, identity, now);
    // A guardrail that is past its day is a fault of the guardrail's, named there.
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
        Some((_, ends)) => Check::ok("certificate", format!("is renewed before {}", Timestamp::from_unix(ends))),
        None => Check::fault("certificate", "identity.pem holds none that can be read", "enrol again with a new token"),
    }
}

fn credential(config: &Config) -> Check {
    const NAME: &str = "credential";
    if let Some(ends) = config.credential_expires.or_else(|| run::certificate_validity(config).map(|(_, ends)| ends)) {
        return Check::ok(NAME, format!("is good until {ends}"));
    }
    Check::ok(NAME, "is renewed by the platform")
}
