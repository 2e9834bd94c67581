//! What each command is told.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

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
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
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
pub(super) struct InitArgs {
    /// Folder to make everything in; empty, or not there yet.
    #[arg(long)]
    pub(super) dir: PathBuf,
    /// DNS name or IP address of the server, once for each; agents are told the first.
    #[arg(long = "host", default_value = "localhost")]
    pub(super) hosts: Vec<String>,
    /// A name of the service provider's, in every certificate: lower case, like a DNS name.
    #[arg(long, default_value = "entente.example")]
    pub(super) trust_domain: String,
    /// Id of the first administrator.
    #[arg(long, default_value = "admin")]
    pub(super) admin: String,
    /// Address on which the SOC team and agents reach it: 0.0.0.0 is every one, :: too and IPv6. Otherwise it listens on
    /// this machine alone. The metrics stay on it.
    #[arg(long, value_name = "IP")]
    pub(super) listen: Option<IpAddr>,
    /// Where the SOC team and its programs connect; port 7443 of --listen.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) api: Option<SocketAddr>,
    /// Where agents connect; port 7444 of --listen.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) agents: Option<SocketAddr>,
    /// Where Prometheus connects; port 9443 of this machine alone.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) metrics: Option<SocketAddr>,
}

#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    /// The configuration, as `init` writes it.
    #[arg(long, env = "ENTENTE_CONTROL_PLANE_CONFIG", value_name = "FILE")]
    pub(super) config: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) config: ConfigArgs,
    /// File that gets the bound addresses as JSON once the server serves.
    #[arg(long, value_name = "FILE")]
    pub(super) ready_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct RootArgs {
    #[command(flatten)]
    pub(super) config: ConfigArgs,
    /// The root key, from where it is kept.
    #[arg(long, value_name = "FILE")]
    pub(super) root_key: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct DelegateArgs {
    #[command(flatten)]
    pub(super) root: RootArgs,
    /// How long the online key may sign.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=366))]
    pub(super) days: u32,
    /// Make a new online key first; the old one is kept beside it, ending in `.old`.
    #[arg(long)]
    pub(super) new_key: bool,
}

#[derive(Debug, Args)]
pub(super) struct RevokeDelegationArgs {
    #[command(flatten)]
    pub(super) root: RootArgs,
    /// Serial number of a delegation, once for each; `check-config` lists them.
    #[arg(long = "serial", required = true)]
    pub(super) serials: Vec<u64>,
}

#[derive(Debug, Args)]
pub(super) struct NewEpochArgs {
    #[command(flatten)]
    pub(super) root: RootArgs,
    /// Why, for the people who look at it.
    #[arg(long)]
    pub(super) reason: String,
}

#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    #[command(flatten)]
    pub(super) config: ConfigArgs,
    /// New file.
    pub(super) out: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct FileArgs {
    /// The backup.
    pub(super) file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    #[command(flatten)]
    pub(super) config: ConfigArgs,
    /// The backup.
    pub(super) file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct RecoverAdminArgs {
    #[command(flatten)]
    pub(super) config: ConfigArgs,
    /// Id of the administrator, new or known; a known one's former certificate no longer counts.
    #[arg(long, default_value = "admin")]
    pub(super) name: String,
    /// Folder for the certificate and its key.
    #[arg(long, default_value = ".")]
    pub(super) out: PathBuf,
}
