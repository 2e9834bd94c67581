//! The commands: each reads what it needs, acts, and prints the result.

mod doctor;
mod explain;
mod guardrail;
mod init;
mod plan;
mod revoke;
mod schema;
mod screen;
mod status;
mod switches;
mod who;

use std::path::Path;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use self::screen::{Done, Outcome};
use crate::args::{Args, Command, LogFormat};
use crate::config::Config;
use crate::enroll::{self, Enrolled};
use crate::run;

pub(crate) fn execute(args: Args) -> Outcome {
    let Args { config: path, log_format, command } = args;
    log(log_format, matches!(command, Command::Run { .. }));
    let config = || Config::load(&path, |name| std::env::var(name).ok());
    match command {
        Command::Init { dir, tenant } => init::init(&dir, tenant),
        Command::CheckGuardrail { file, diff } => guardrail::check(&file, diff.as_deref()),
        Command::Schema => schema::print(),
        Command::Permissions { file: Some(file) } => guardrail::permissions(&file),
        Command::Permissions { file: None } => guardrail::permissions(&config()?.guardrail),
        Command::Doctor { output } => on_runtime(doctor::show(&path, output)),
        Command::Explain { about, output } => explain::show(&path, about.as_deref(), output),
        Command::Enroll { token } => on_runtime(enrol(&config()?, &token)),
        Command::Run { ready_file, new_ledger } => {
            let config = config()?;
            on_runtime(async {
                run::run(config, ready_file, new_ledger).await?;
                Ok(Done::Whole)
            })
        }
        Command::Status { output } => status::show(&config()?, output),
        Command::Who { output } => who::show(&config()?, output),
        Command::Plan { output } => on_runtime(plan::show(&config()?, output)),
        Command::Pause => switches::pause(&config()?),
        Command::Resume { yes } => switches::resume(&config()?, yes),
        Command::AllowAgain { user } => switches::allow_again(&config()?, &user),
        Command::RevokeAll { yes, timeout } => on_runtime(revoke::revoke_all(config()?, yes, timeout)),
        Command::Revoke { not_allowed: _, dry_run, yes, timeout } => {
            on_runtime(revoke::revoke(&config()?, dry_run, yes, timeout))
        }
    }
}

fn on_runtime(command: impl Future<Output = Outcome>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let outcome = runtime.block_on(command);
    // Tasks that still run must not delay the end of the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    outcome
}

async fn enrol(config: &Config, token: &Path) -> Outcome {
    match enroll::enroll(config, token).await? {
        Enrolled::Now(identity) => {
            println!("enrolled as {}; the token is used, remove its file", identity.pinned.agent);
        }
        Enrolled::Already(identity) => println!("enrolled already as {}, with this token", identity.pinned.agent),
    }
    Ok(Done::Whole)
}

/// Starts the log. The agent logs what it does; other commands print that, and log only what goes wrong.
fn log(format: LogFormat, runs: bool) {
    let default = if runs { "info" } else { "warn" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_span_events(FmtSpan::NONE);
    // A program that runs the agent within itself may have set one.
    match format {
        LogFormat::Text => log.with_ansi(false).try_init().ok(),
        LogFormat::Json => log.json().try_init().ok(),
    };
}
