//! All of Entente in one command: a simulated cloud with six customers, a control plane, an agent for each customer,
//! the sample intent, and the changes of a working day.
//!
//! Only the cloud is simulated. This program runs itself again as the control plane, as each agent and as the command
//! line, over the same TLS as in production. [`stage`] plays the day; [`customers`] has the customers. [`prove`] plays
//! another one: one person leaves a hundred customers.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod args;
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

use std::process::ExitCode;

use args::Args;
use clap::Parser;

fn main() -> ExitCode {
    // The fleet's processes are this program, started again.
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
