//! The command line of the server: what each command is told, and what it prints. The SOC team's command line is
//! `entente`, another program.

mod args;
mod commands;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use args::Cli;

/// The whole program: parses, runs, prints, and says with which code to end.
pub fn main_with_args(args: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; clap prints each where it belongs.
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match commands::perform(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("entente-control-plane: {}", failure.chain());
            ExitCode::from(failure.exit_code())
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn wrong_usage_ends_with_2_and_help_with_0() {
        let code = |args: &[&str]| format!("{:?}", main_with_args(args.iter().map(|arg| OsString::from(*arg))));
        assert_eq!(code(&["x", "run"]), format!("{:?}", ExitCode::from(2)));
        assert_eq!(code(&["x", "fly"]), format!("{:?}", ExitCode::from(2)));
        assert_eq!(code(&["x", "--help"]), format!("{:?}", ExitCode::from(0)));
    }
}
