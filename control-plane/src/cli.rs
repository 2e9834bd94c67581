//! The command line of the server: what each command is told, and what it prints. The SOC team's command line is
//! `entente`, another program.

mod commands;

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

const AFTER: &str = "\
A first server:
  entente-control-plane init --dir entente --host control.nordwall.example --listen 0.0.0.0
  entente-control-plane run --config entente/config.toml
  entente --config entente/cli.toml principals whoami

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 done in part.";

/// The control plane of Entente: keeps the service provider's intent, and streams a signed desired state to the agent
/// of each customer tenant.
#[derive(Debug, Parser)]
#[command(name = "entente-control-plane", version, after_help = AFTER)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make everything that a first server needs: keys, certificates, store, administrator, configuration.
    Init(InitArgs),
    /// Serve until SIGTERM or Ctrl-C. SIGHUP reloads the certificates.
    Run(RunArgs),
    /// Read the configuration and every file that it names, and say what is wrong or soon will be.
    CheckConfig(ConfigArgs),
    /// Sign a new delegation of the online key, with the root key.
    ///
    /// Takes effect when the server starts next. The statement is a file without a secret: it can be made where the
    /// root key lives, with a copy of the folder, and carried over.
    Delegate(DelegateArgs),
    /// Sign that some delegations no longer count, with the root key: a signing key was stolen or lost.
    RevokeDelegation(RevokeDelegationArgs),
    /// Sign that a new history begins, with the root key: after a restore, or a change of root.
    ///
    /// Agents hold what a new history would remove, and grants to people they know to have left, until a person has
    /// looked. Takes effect when the server starts next.
    NewEpoch(NewEpochArgs),
    /// Write a backup of the store, from a running server or from one that is stopped, and read it back.
    ///
    /// Key files, certificates and statements are files to copy beside it.
    Backup(BackupArgs),
    /// Read a backup as a restore would, and say what is in it.
    Verify(FileArgs),
    /// Restore a backup into the configuration's data folder, which must be empty or not there.
    Restore(RestoreArgs),
    /// Issue an administrator's certificate when all of them are lost. The server must be stopped.
    RecoverAdmin(RecoverAdminArgs),
}

#[derive(Debug, Args)]
struct InitArgs {
    /// Folder to make everything in; empty, or not there yet.
    #[arg(long)]
    dir: PathBuf,
    /// DNS name or IP address of the server, once for each; agents are told the first.
    #[arg(long = "host", default_value = "localhost")]
    hosts: Vec<String>,
    /// A name of the service provider's, in every certificate: lower case, like a DNS name.
    #[arg(long, default_value = "entente.example")]
    trust_domain: String,
    /// Id of the first administrator.
    #[arg(long, default_value = "admin")]
    admin: String,
    /// Address on which the SOC team and agents reach it: 0.0.0.0 is every one, :: too and IPv6. Otherwise it listens on
    /// this machine alone. The metrics stay on it.
    #[arg(long, value_name = "IP")]
    listen: Option<IpAddr>,
    /// Where the SOC team and its programs connect; port 7443 of --listen.
    #[arg(long, value_name = "ADDRESS")]
    api: Option<SocketAddr>,
    /// Where agents connect; port 7444 of --listen.
    #[arg(long, value_name = "ADDRESS")]
    agents: Option<SocketAddr>,
    /// Where Prometheus connects; port 9443 of this machine alone.
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,
}

#[derive(Debug, Args)]
struct ConfigArgs {
    /// The configuration, as `init` writes it.
    #[arg(long, env = "ENTENTE_CONTROL_PLANE_CONFIG", value_name = "FILE")]
    config: PathBuf,
}

#[derive(Debug, Args)]
struct RunArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// File that gets the bound addresses as JSON once the server serves.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct RootArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The root key, from where it is kept.
    #[arg(long, value_name = "FILE")]
    root_key: PathBuf,
}

#[derive(Debug, Args)]
struct DelegateArgs {
    #[command(flatten)]
    root: RootArgs,
    /// How long the online key may sign.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=366))]
    days: u32,
    /// Make a new online key first; the old one is kept beside it, ending in `.old`.
    #[arg(long)]
    new_key: bool,
}

#[derive(Debug, Args)]
struct RevokeDelegationArgs {
    #[command(flatten)]
    root: RootArgs,
    /// Serial number of a delegation, once for each; `check-config` lists them.
    #[arg(long = "serial", required = true)]
    serials: Vec<u64>,
}

#[derive(Debug, Args)]
struct NewEpochArgs {
    #[command(flatten)]
    root: RootArgs,
    /// Why, for the people who look at it.
    #[arg(long)]
    reason: String,
}

#[derive(Debug, Args)]
struct BackupArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// New file.
    out: PathBuf,
}

#[derive(Debug, Args)]
struct FileArgs {
    /// The backup.
    file: PathBuf,
}

#[derive(Debug, Args)]
struct RestoreArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The backup.
    file: PathBuf,
}

#[derive(Debug, Args)]
struct RecoverAdminArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Id of the administrator, new or known; a known one's former certificate no longer counts.
    #[arg(long, default_value = "admin")]
    name: String,
    /// Folder for the certificate and its key.
    #[arg(long, default_value = ".")]
    out: PathBuf,
}

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
