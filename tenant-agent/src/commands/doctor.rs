//! `doctor`: what keeps an agent from working, one thing at a time, and what to do about it.
//!
//! It changes nothing and takes no lock. It reads files, asks Microsoft and compares permissions by the same code as
//! the agent. What it could not look at is UNKNOWN, never OK.

mod azure;
mod check;
mod here;
mod microsoft;
mod provider;

use std::path::Path;

use entente_planner::guardrail::Guardrail;

use self::check::Check;
use super::screen::{self, Outcome};
use crate::args::Output;
use crate::config::Config;
use crate::identity::{Identity, IdentityError};

pub(super) async fn show(path: &Path, output: Output) -> Outcome {
    let checks = look(path, &|name| std::env::var(name).ok()).await;
    screen::print(output, &check::document(&checks), || check::text(&checks))?;
    Ok(check::done(&checks))
}

async fn look(path: &Path, env: &impl Fn(&str) -> Option<String>) -> Vec<Check> {
    let config = match Config::read(path, env) {
        Ok(config) => config,
        Err(faults) => return here::no_config(&faults),
    };
    let mut checks = vec![Check::ok("configuration", format!("{} can be used", path.display()))];
    let identity = Identity::load(&config.state_dir, config.entra_tenant);
    checks.push(enrolment(&identity));
    let identity = identity.ok();
    let (guardrail, found) = here::guardrail(&config, identity.as_ref());
    checks.extend(found);
    checks.extend(here::state_folder(&config.state_dir, identity.is_some()).await);
    checks.extend(here::switches(&config.state_dir));
    checks.push(here::proxy(&config, env));
    let outward = tokio::join!(provider::look(&config, identity.as_ref()), microsoft(&config, guardrail.as_ref()));
    let (provider, (microsoft, now)) = outward;
    checks.push(provider);
    checks.extend(here::connection(&config.state_dir, identity.is_some()).await);
    checks.extend(microsoft);
    checks.extend(here::ends(&config, identity.as_ref(), now));
    checks
}

/// Boxed, as its many parts overflow a thread's stack in a debug build.
async fn microsoft(config: &Config, guardrail: Option<&Guardrail>) -> (Vec<Check>, entente_model::Timestamp) {
    Box::pin(microsoft::look(config, guardrail)).await
}

fn enrolment(identity: &Result<Identity, IdentityError>) -> Check {
    const NAME: &str = "enrolment";
    match identity {
        Ok(identity) => Check::ok(NAME, format!("this is {}", identity.pinned.agent)),
        Err(IdentityError::NotEnrolled) => Check::unknown(
            NAME,
            "this agent is not enrolled, so that the provider is not known to it",
            "entente-agent enroll --token FILE, with the file from the service provider",
        ),
        Err(error) => Check::fault(
            NAME,
            crate::guardrail_file::chain(error),
            "mend what it names, or enrol again with a new token of the service provider's",
        ),
    }
}

#[cfg(test)]
mod tests;
