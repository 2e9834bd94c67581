//! The tenant agent as a program. All of it is in the library, so that other programs can run it as themselves.

use std::process::ExitCode;

fn main() -> ExitCode {
    entente_agent::main_with_args(std::env::args_os())
}
