//! The command line, written so that `--help` teaches.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// The agent that a customer hosts. It keeps this Entra tenant as the service provider's signed state says, and does
/// nothing that the customer's own guardrail file does not allow.
#[derive(Debug, Parser)]
#[command(name = "entente-agent", version, disable_help_subcommand = true, max_term_width = 100)]
#[command(after_help = "\
First steps, in a folder of the agent's own:
  entente-agent init .                           agent.toml and guardrail.yaml, to fill in
  entente-agent check-guardrail guardrail.yaml   every fault, or the text to consent to
  entente-agent --config agent.toml permissions  what to grant it in Microsoft, and no more
  entente-agent --config agent.toml enroll --token token.toml
                                                 once, with the file from the service provider
  entente-agent --config agent.toml doctor       what keeps it from working, and what to do about it
  entente-agent --config agent.toml run          as a service
Look:  status, who, explain, plan, permissions, doctor
Without --config it is /etc/entente/agent.toml, or what ENTENTE_AGENT_CONFIG names.
Stop:  pause, revoke, revoke-all; or stop the agent and disable its identity

Exit codes: 0 done, 1 failed, 2 usage, 3 incomplete.")]
pub(crate) struct Args {
    /// The configuration file
    #[arg(
        long,
        global = true,
        env = "ENTENTE_AGENT_CONFIG",
        default_value = "/etc/entente/agent.toml",
        value_name = "FILE"
    )]
    pub(crate) config: PathBuf,
    /// How log lines look on standard error; RUST_LOG chooses which (default: info)
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub(crate) log_format: LogFormat,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    Text,
    Json,
    Yaml,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a configuration and a guardrail to fill in, and print the next steps
    ///
    /// What stands in capitals is for you: until it is filled in, the files are refused, and nothing is given by them.
    Init {
        /// Where they are written; files that are there are not written over
        #[arg(default_value = "entente-agent", value_name = "FOLDER")]
        dir: PathBuf,
        /// Your Entra tenant's id
        #[arg(long, value_name = "GUID")]
        tenant: Option<entente_model::Guid>,
    },
    /// Look for what keeps this agent from working, and say what to do about it
    ///
    /// The configuration, the guardrail, the state folder, the switches, the way to the service provider and to Microsoft,
    /// sign-in, permissions, the condition of the Azure role, the clock, and what ends. It changes nothing, and may be run
    /// before enrolment and beside an agent that runs. Exit code 1 if something is a fault, 3 if something is only not known:
    /// so before the agent runs, as nobody knows by then whether the provider takes it.
    Doctor {
        #[arg(long, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
        output: Output,
    },
    /// Exchange a one-time token for this agent's certificate
    ///
    /// The key is made here and never leaves. Refused if the token file's root key is not the guardrail's
    /// provider.stateKey, or the server does not show the CA that the token file names. Running it again with the same
    /// token changes nothing.
    Enroll {
        /// The file that the service provider gave you
        #[arg(long, value_name = "FILE")]
        token: PathBuf,
    },
    /// Run the agent until it is stopped
    ///
    /// Keeps access as it was last allowed when the control plane is away: end dates hold, removals go on; after the
    /// lease ends, nothing new is given.
    Run {
        /// Write this file once the agent runs
        #[arg(long, value_name = "FILE")]
        ready_file: Option<PathBuf>,
        /// Start over after the ledger was lost: what is there is not touched, only proposed for adoption
        #[arg(long)]
        new_ledger: bool,
    },
    /// Show how the agent stands: connection, planes, what is open and why
    Status {
        #[arg(long, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
        output: Output,
    },
    /// Show which of the service provider's people have access in this tenant, as what, and until when
    Who {
        #[arg(long, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
        output: Output,
    },
    /// Say why something stands as it does, which line of your guardrail decides it, and what to write
    ///
    /// Of an item: what it is, why it is asked for, what it needs of the guardrail, whose move it is. Of a word: what a
    /// state, a reason or a key of the guardrail means, and where the key stands in your file. Without a name: everything
    /// that waits for you. It reads what the agent wrote at its last look, and your file as it is now; the agent may run or
    /// not.
    #[command(after_help = "\
Examples:
  entente-agent explain                          what waits for you
  entente-agent explain maya                     items whose key or words have that in them
  entente-agent explain GUARDRAIL_CAPABILITY     a reason, or a state such as HELD
  entente-agent explain azure.scopes             a key of the guardrail, with its lines in your file

Exit codes: 0 explained, 1 there is no such thing or nothing is known, 2 usage.")]
    Explain {
        /// An item's key, or a part of it or of its words; a state, a reason, or a key of the guardrail
        #[arg(value_name = "ITEM|WORD")]
        about: Option<String>,
        #[arg(long, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
        output: Output,
    },
    /// Show what would be done now, and change nothing
    Plan {
        #[arg(long, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
        output: Output,
    },
    /// Check a guardrail file and print the consent text that follows from it
    ///
    /// Every fault is listed with its field: also a day of review that is past, and a file that others may write. The
    /// consent text shows both sides: what Microsoft would let the agent do, and what this file lets it do.
    CheckGuardrail {
        /// The guardrail file
        file: PathBuf,
        /// Show instead what is allowed by it and was not by this older file, and what was allowed and is not
        #[arg(long, value_name = "OLD")]
        diff: Option<PathBuf>,
    },
    /// Print a JSON schema of the guardrail, for an editor that completes and checks YAML by one
    Schema,
    /// Stop all changes at once, but for end dates
    ///
    /// Holds until `resume`, over restarts, and is seen by the service provider.
    Pause,
    /// End a pause, or go on after revoke-all
    ///
    /// After revoke-all it asks first: what the service provider still wants comes back.
    Resume {
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Let a person be invited again whose guest was deleted in this tenant, for one time
    ///
    /// Whom an administrator of this tenant deletes is not invited again unasked, also if the service provider still
    /// wants the person. The other way back is to restore the guest from the recycle bin.
    AllowAgain {
        /// The operator's name or address, as `status` shows it
        #[arg(value_name = "USER")]
        user: String,
    },
    /// Remove everything that this agent gave, without the service provider
    ///
    /// Goes on where it stopped if it is interrupted, and ends with two reads that find nothing, further apart than
    /// Microsoft's replication lag. Nothing is given again until `resume`. Exit code 3 if something is left.
    RevokeAll {
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// How long to go on before giving up, in seconds
        #[arg(long, default_value_t = 1_800, value_name = "SECONDS")]
        timeout: u64,
    },
    /// Take away what this agent gave and the guardrail does not allow any more
    ///
    /// A narrower guardrail stops grants, and what was given before stays until somebody says so here: this lists it,
    /// asks, and takes it away. Accounts are blocked if people.onLeave says so. An agent that runs goes on with it until it
    /// is done, or `resume`. Exit code 3 if something is left.
    Revoke {
        /// What the guardrail does not allow, as it is now
        #[arg(long, required = true)]
        not_allowed: bool,
        /// List it, and change nothing
        #[arg(long)]
        dry_run: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// How long to go on before giving up, in seconds
        #[arg(long, default_value_t = 600, value_name = "SECONDS")]
        timeout: u64,
    },
    /// Print the Microsoft permissions that the guardrail needs
    Permissions {
        /// Another guardrail file than the configuration's
        file: Option<PathBuf>,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Args::command().debug_assert();
    }
}
