//! `entente`: the SOC team's command line, a client of the public gRPC API and of nothing else.
//!
//! Each command is a file: it asks, and prints. What a thing means is the control plane's; how it is printed is
//! [`output`]'s.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod admin;
mod apply;
mod args;
mod audit;
mod certificate;
mod change;
mod client;
mod confirm;
mod context;
mod difference;
mod endings;
mod events;
mod explain;
mod failure;
mod impact;
mod items;
mod leavers;
mod leftover;
mod lines;
mod manifests;
mod operators;
mod outlook;
mod output;
mod pages;
mod private_file;
mod prune;
mod redeem;
mod removals;
mod resources;
mod run;
#[cfg(test)]
mod screens;
mod since;
mod sources;
mod status;
#[cfg(test)]
mod tasks;
mod wait;
mod who;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

/// Runs the command line that `args` spell, the program's name first.
///
/// Exit codes: 0 done, 1 failed, 2 usage, 3 begun but not complete, 4 something would change.
pub fn main_with_args(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = match args::Args::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            // Printing help to a closed pipe is not worth an error of its own.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("entente: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(async {
        tokio::select! {
            result = run::run(args) => result,
            // What was asked for goes on at the server; only the watching ends.
            _ = tokio::signal::ctrl_c() => Err(failure::Failure::Interrupted),
        }
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
