//! The control plane's process: see `entente_control_plane::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    entente_control_plane::main_with_args(std::env::args_os())
}
