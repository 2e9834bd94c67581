//! The whole of Entente in one command: a simulated cloud with six customers, a control plane, an agent each, the
//! sample intent, and what happens to it on a working day.
//!
//! Only the cloud is simulated. This program runs itself again as the control plane, as each agent and as the command
//! line, over the same TLS as in production. [`stage`] is the play; [`customers`] says what each customer is like.
//! [`prove`] is another play: one person leaves a hundred customers.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod customers;
mod intent;
mod keep;
mod lag;
mod patience;
mod picture;
mod prove;
mod report;
mod scenarios;
mod screen;
mod stage;
mod truth;
mod view;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// A cloud, a control plane and six customers on this machine: access given, moved, taken away, and proven.
#[derive(Debug, Parser)]
#[command(name = "entente-demo", version, after_help = "Exit codes: 0 all is as it should be, 1 something is not.")]
pub struct Args {
    /// Leave everything running at the end, and print commands to try
    #[arg(long, conflicts_with = "prove")]
    keep: bool,
    /// Prove that somebody who leaves a hundred customers is gone from them, while things go wrong
    #[arg(long)]
    prove: bool,
    /// How many customers, each with an agent of its own
    #[arg(long, requires = "prove", default_value_t = 100, value_name = "N",
          value_parser = clap::value_parser!(u32).range(prove::TENANTS))]
    tenants: u32,
    /// How long the agents wait for Microsoft's replication between the two reads of a removal
    #[arg(long, requires = "prove", default_value_t = lag::PRODUCTION_SECONDS, value_name = "SECONDS",
          value_parser = clap::value_parser!(u32).range(1..=3_600))]
    lag: u32,
    /// Write how it went as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Write what a terminal would show as a picture, SVG
    #[arg(long, conflicts_with_all = ["prove", "keep"], value_name = "FILE")]
    picture: Option<PathBuf>,
}

fn main() -> ExitCode {
    // The processes of the fleet are this program again.
    if let Some(code) = entente_tests::role::play(std::env::args_os()) {
        return code;
    }
    let args = Args::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("entente-demo: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(stage::run(&args)).unwrap_or_else(|error| {
        eprintln!("entente-demo: {error:#}");
        ExitCode::FAILURE
    })
}
