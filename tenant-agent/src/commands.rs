//! The commands: each reads what it needs, does it, and prints what came of it.

mod agree;
mod allow_again;
mod doctor;
mod explain;
mod guardrail;
mod init;
mod plan;
mod resume;
mod revoke;
mod revoke_all;
mod schema;
mod screen;
mod status;
mod who;

use std::error::Error;

use serde::Serialize;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::Done;
use crate::args::{Args, Command, LogFormat, Output};
use crate::config::Config;
use crate::enroll::{self, Enrolled};
use crate::run::{self, Options};
use crate::switches::Switches;

pub(crate) type Outcome = Result<Done, Box<dyn Error>>;

pub(crate) fn execute(args: Args) -> Outcome {
    if let Command::Init { dir, tenant } = &args.command {
        return init::init(dir, *tenant);
    }
    if let Command::CheckGuardrail { file, diff } = &args.command {
        return guardrail::check(file, diff.as_deref());
    }
    if let Command::Schema = &args.command {
        return schema::print();
    }
    if let Command::Permissions { file: Some(file) } = &args.command {
        return guardrail::permissions(file);
    }
    if let Command::Doctor { output } = args.command {
        log(args.log_format, false);
        return on_runtime(doctor::show(&args.config, output));
    }
    if let Command::Explain { about, output } = &args.command {
        return explain::show(&args.config, about.as_deref(), *output);
    }
    let config = Config::load(&args.config, |name| std::env::var(name).ok())?;
    log(args.log_format, matches!(args.command, Command::Run { .. }));
    on_runtime(perform(args.command, config))
}

fn on_runtime(command: impl Future<Output = Outcome>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let outcome = runtime.block_on(command);
    // What is still under way is nobody's any more: it must not hold up the end.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    outcome
}

async fn perform(command: Command, config: Config) -> Outcome {
    match command {
        Command::Enroll { token } => {
            match enroll::enroll(&config, &token).await? {
                Enrolled::Now(identity) => {
                    println!("enrolled as {}; the token is used, remove its file", identity.pinned.agent)
                }
                Enrolled::Already(identity) => {
                    println!("enrolled already as {}, with this token", identity.pinned.agent)
                }
            }
            Ok(Done::Whole)
        }
        Command::Run { ready_file, new_ledger } => {
            run::run(config, Options { ready_file, new_ledger }).await?;
            Ok(Done::Whole)
        }
        Command::Status { output } => status::show(&config, output),
        Command::Who { output } => who::show(&config, output),
        Command::Plan { output } => plan::show(&config, output).await,
        Command::Pause => {
            crate::files::make_private_dir(&config.state_dir)?;
            Switches::of(&config.state_dir).pause()?;
            println!(
                "paused: nothing is given or taken away, leavers neither, until `entente-agent resume`; end dates take effect"
            );
            Ok(Done::Whole)
        }
        Command::Resume { yes } => resume::resume(&config, yes),
        Command::AllowAgain { user } => allow_again::allow_again(&config, &user),
        Command::RevokeAll { yes, timeout } => revoke_all::revoke_all(config, yes, timeout).await,
        Command::Revoke { not_allowed: _, dry_run, yes, timeout } => {
            revoke::revoke(&config, dry_run, yes, timeout).await
        }
        Command::Permissions { file } => guardrail::permissions(&file.unwrap_or(config.guardrail)),
        Command::Doctor { .. } | Command::Explain { .. } => unreachable!("performed without a configuration"),
        Command::CheckGuardrail { file, diff } => guardrail::check(&file, diff.as_deref()),
        Command::Init { dir, tenant } => init::init(&dir, tenant),
        Command::Schema => schema::print(),
    }
}

/// Prints a document, or the text that stands for it.
fn print(output: Output, document: &impl Serialize, text: impl FnOnce() -> String) -> Result<(), Box<dyn Error>> {
    match output {
        Output::Json => println!("{}", serde_json::to_string_pretty(document)?),
        // By way of JSON: the same words in both.
        Output::Yaml => print!("{}", serde_saphyr::to_string(&serde_json::to_value(document)?)?),
        Output::Text => print!("{}", text()),
    }
    Ok(())
}

/// Lines of text without what a terminal obeys: names and details come from the service provider and from Microsoft.
fn shown(text: &str) -> String {
    text.replace(|c: char| c != '\n' && is_obeyed(c), "\u{fffd}")
}

/// The same for what has to stay within one line of ours.
fn plain(text: &str) -> String {
    text.replace(is_obeyed, "\u{fffd}")
}

/// Control characters, and what makes a terminal show text in another order than it stands in.
fn is_obeyed(c: char) -> bool {
    let turns = ['\u{61c}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}'];
    c.is_control() || turns.contains(&c) || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The agent tells what it does; other commands only what goes wrong, as they print the rest.
fn log(format: LogFormat, runs: bool) {
    let default = if runs { "info" } else { "warn" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_span_events(FmtSpan::NONE);
    // Fails if a program that runs us as itself has set one, which is as good.
    match format {
        LogFormat::Text => log.with_ansi(false).try_init().ok(),
        LogFormat::Json => log.json().try_init().ok(),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_shown_and_never_obeyed() {
        let evil = "x/\u{1b}[2J\u{202e}\nguardrail  valid";
        assert_eq!(shown(evil), "x/\u{fffd}[2J\u{fffd}\nguardrail  valid");
        assert_eq!(plain(evil), "x/\u{fffd}[2J\u{fffd}\u{fffd}guardrail  valid");
    }
}
