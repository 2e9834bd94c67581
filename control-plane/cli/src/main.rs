//! `entente`, the SOC team's command line.

fn main() -> std::process::ExitCode {
    entente_cli::main_with_args(std::env::args_os())
}
