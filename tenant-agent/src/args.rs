//! The command line and its help.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// The agent that a customer hosts. It keeps this Entra tenant as the service provider's signed state says, within what
/// the customer's own guardrail file allows.
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
Without --config the configuration is /etc/entente/agent.toml, or what ENTENTE_AGENT_CONFIG names.
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
    /// Fill in what is in capitals. Until then the agent refuses the files and gives nothing.
    Init {
        /// The folder to write to; existing files are not overwritten
        #[arg(default_value = "entente-agent", value_name = "FOLDER")]
        dir: PathBuf,
        /// Your Entra tenant's id
        #[arg(long, value_name = "GUID")]
        tenant: Option<entente_model::Guid>,
    },
    /// Find what keeps this agent from working, and say what to do about it
    ///
    /// It checks the configuration, the guardrail, the state folder, the switches, the connections to the service
    /// provider and to Microsoft, sign-in, permissions, the condition of the Azure role, the clock, and what ends. It
    /// changes nothing, and also works before enrolment and beside a running agent. Exit code 1 if something is a
    /// fault, 3 if something is only unknown: before the agent runs, it is unknown whether the provider accepts it.
    Doctor {
        #[arg(long, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
        output: Output,
    },
    /// Exchange a one-time token for this agent's certificate
    ///
    /// The key is made here and never leaves. It refuses a token file whose root key is not the guardrail's
    /// provider.stateKey, and a server that does not show the CA of the token file. Running it again with the same
    /// token changes nothing.
    Enroll {
        /// The file that the service provider gave you
        #[arg(long, value_name = "FILE")]
        token: PathBuf,
    },
    /// Run the agent until it is stopped
    ///
    /// While it cannot reach the control plane, it keeps access as it was last allowed: end dates take effect and
    /// removals go on. After the lease ends, it gives nothing new.
    Run {
        /// Write this file once the agent runs
        #[arg(long, value_name = "FILE")]
        ready_file: Option<PathBuf>,
        /// Start over after the ledger was lost: existing objects are left alone, and only proposed for adoption
        #[arg(long)]
        new_ledger: bool,
    },
    /// Show the agent's status: connection, planes, open items and why
    Status {
        #[arg(long, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
        output: Output,
    },
    /// Show which of the service provider's people have access in this tenant, in which role, and until when
    Who {
        #[arg(long, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
        output: Output,
    },
    /// Explain why an item has its state, which line of your guardrail decides it, and what to write
    ///
    /// For an item it says what it is, who asks for it, what it needs of the guardrail, and whose move it is. For a
    /// word it says what the state, the reason or the guardrail key means, and where the key stands in your file.
    /// Without a name it explains everything that waits for you. It reads what the agent wrote at its last look, and
    /// your file as it is now. The agent need not run.
    #[command(after_help = "\
Examples:
  entente-agent explain                          what waits for you
  entente-agent explain maya                     items whose key or words contain that
  entente-agent explain GUARDRAIL_CAPABILITY     a reason, or a state such as HELD
  entente-agent explain azure.scopes             a key of the guardrail, with its lines in your file

Exit codes: 0 explained, 1 not found or nothing known, 2 usage.")]
    Explain {
        /// An item's key, or a part of it or of its words; a state, a reason, or a key of the guardrail
        #[arg(value_name = "ITEM|WORD")]
        about: Option<String>,
        #[arg(long, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
        output: Output,
    },
    /// Show what the agent would do now, and change nothing
    Plan {
        #[arg(long, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
        output: Output,
    },
    /// Check a guardrail file and print its consent text
    ///
    /// It lists every fault with its field, including a day of review that is past and a file that others may write.
    /// The consent text shows both sides: what Microsoft lets the agent do, and what this file lets it do.
    CheckGuardrail {
        /// The guardrail file
        file: PathBuf,
        /// Show instead what the file allows more and less than this older file
        #[arg(long, value_name = "OLD")]
        diff: Option<PathBuf>,
    },
    /// Print a JSON schema of the guardrail, by which editors complete and check YAML
    Schema,
    /// Stop all changes at once, except end dates
    ///
    /// The pause lasts until `resume`, also over restarts. The service provider sees it.
    Pause,
    /// End a pause, or give access again after revoke-all
    ///
    /// After revoke-all it asks first, as everything that the service provider still wants comes back.
    Resume {
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Let a person whose guest was deleted in this tenant be invited again, once
    ///
    /// The agent does not invite a person again whose guest an administrator of this tenant deleted, even if the
    /// service provider still wants the person. The other way back is to restore the guest from the recycle bin.
    AllowAgain {
        /// The operator's name or address, as `status` shows it
        #[arg(value_name = "USER")]
        user: String,
    },
    /// Remove everything that this agent gave, without the service provider
    ///
    /// It continues after an interruption, and ends with two reads that find nothing, further apart than Microsoft's
    /// replication lag. The agent gives nothing again until `resume`. Exit code 3 if something is left.
    RevokeAll {
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// Seconds until it gives up
        #[arg(long, default_value_t = 1_800, value_name = "SECONDS")]
        timeout: u64,
    },
    /// Take away what this agent gave and the guardrail no longer allows
    ///
    /// A narrower guardrail stops grants and leaves what was given before. This command lists that, asks, and takes it
    /// away. Accounts are blocked if people.onLeave says so. A running agent continues until it is done, or until
    /// `resume`. Exit code 3 if something is left.
    Revoke {
        /// What the present guardrail does not allow
        #[arg(long, required = true)]
        not_allowed: bool,
        /// List it, and change nothing
        #[arg(long)]
        dry_run: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// Seconds until it gives up
        #[arg(long, default_value_t = 600, value_name = "SECONDS")]
        timeout: u64,
    },
    /// Print the Microsoft permissions that the guardrail needs
    Permissions {
        /// A guardrail file, instead of the configuration's
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
