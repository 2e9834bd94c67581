//! The agent that a customer hosts: keeps the tenant as the signed desired state says, within the customer's guardrail.
//!
//! Start at [`run`] for how it is wired, [`steward`] for the loop (observe, plan, act, observe again) and [`stream`]
//! for the connection. It decides little: what to do is `entente-planner`'s, what to believe `entente-session`'s, how a
//! call is made `entente-cloud`'s. Its ledger is in [`memory`].

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod act;
mod args;
mod asked;
mod clock;
mod commands;
mod config;
mod endings;
mod enroll;
mod files;
mod guardrail_file;
mod here;
mod identity;
mod lock;
mod memory;
mod observe;
mod reasons;
mod receipt;
mod renew;
mod run;
mod socket;
mod status_file;
mod steward;
mod stream;
mod switches;
mod tenant;
#[cfg(test)]
mod testing;
mod token_file;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

/// Runs the agent's command line, the program's name first. Exit codes: 0 done, 1 failed, 2 usage, 3 incomplete.
pub fn main_with_args(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = match args::Args::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => {
            // The output may be closed.
            error.print().ok();
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    // Fails if one is installed already, which is as good.
    rustls::crypto::ring::default_provider().install_default().ok();
    match commands::execute(args) {
        Ok(done) => done.into(),
        Err(error) => {
            eprintln!("entente-agent: {}", guardrail_file::chain(&*error));
            ExitCode::FAILURE
        }
    }
}
