//! What can be asked, and the help that teaches it.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

/// State who of the SOC may do what in which customer's tenant, and see that it is so.
#[derive(Debug, Parser)]
#[command(
    name = "entente",
    version,
    after_help = "Begin with:\n  entente apply -f intent/ --dry-run   what would change, and what it touches\n  entente apply -f intent/ --wait      make it so, and wait until it is\n  entente status --watch               how each tenant stands, as it changes\n  entente operators leave sam          end one person's access everywhere, with receipts\n\nExit codes: 0 done, 1 failed, 2 usage, 3 begun but not complete, 4 something would change (apply --exit-code)."
)]
pub(crate) struct Args {
    /// The contexts file
    #[arg(long, global = true, env = "ENTENTE_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The context to use instead of the current one
    #[arg(long, global = true, env = "ENTENTE_CONTEXT", value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// How to print
    #[arg(long, short, global = true, value_enum, default_value = "table")]
    pub(crate) output: Format,
    /// In which zone tables show times: UTC, local, or a name such as Europe/Stockholm. JSON, YAML, CSV and days stay in UTC
    #[arg(
        long,
        global = true,
        env = "ENTENTE_TIME_ZONE",
        default_value = "UTC",
        value_name = "ZONE",
        hide_env_values = true
    )]
    pub(crate) time_zone: String,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How answers are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// As wide as the terminal
    Table,
    /// Every column, whole
    Wide,
    Json,
    Yaml,
    /// Of a list: only the names, one a line
    Name,
    /// Of a list: every column, for spreadsheets
    Csv,
}

impl Format {
    pub(crate) fn is_for_people(self) -> bool {
        matches!(self, Self::Table | Self::Wide)
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Put manifests in one transaction, all or none, and show what they change
    Apply(Apply),
    /// Show resources of one kind, or one of them: `get tenants`, `get tenants/contoso`
    Get(Get),
    /// Show one resource and how it stands
    Describe { name: String },
    /// Delete resources, all of them or none: `delete assignments/nordic-l1 squads/nordic`
    Delete(Delete),
    /// How tenants stand: phase, last seen, revisions behind, why, and whose move it is
    #[command(after_help = PHASES)]
    Status(Status),
    /// Wait until tenants have settled, or are in a phase
    #[command(
        after_help = "Examples:\n  entente wait contoso fabrikam              until their agents have nothing left to do\n  entente wait -l region=nordic --for CONVERGED,WAITING --timeout 60"
    )]
    Wait(Wait),
    /// What ends soon or has ended: the delegation, certificates, unused tokens, credentials
    Endings,
    /// What happened in tenants, the newest first: phases, refusals, drift that was found and mended, agents that came and went
    #[command(
        after_help = "Examples:\n  entente events --since 12h                what happened in the fleet last night\n  entente events contoso --since 7d         in one tenant; at most its last 1,000 events are kept\n  entente events --watch -o json            as it comes, one line of JSON each\n\nThat an agent was offline is not among them: `entente status` says since when it is."
    )]
    Events(Events),
    /// The items of one tenant, each with its state and reason
    Items(Items),
    /// Who has access where, how much of each role, until when and why; all people, without any option
    Who(Who),
    /// What a state, a reason, a field of intent or an item means, and whose move it is
    #[command(
        after_help = "Examples:\n  entente explain GUARDRAIL_CAPABILITY   a word that stands in a table\n  entente explain squad.members          a field of a manifest\n  entente explain contoso playbook       items of a tenant: by key, or by a part of what is shown of them"
    )]
    Explain(Explain),
    /// One person's invitations that are not redeemed yet, with their personal links
    Redeem(Redeem),
    /// What a tenant's agent would do now
    Plan { tenant: String },
    /// Have a tenant's agent compare with the tenant now
    Compare { tenant: String },
    /// Send a parked tenant its state again
    Resend { tenant: String },
    /// People's removals, tenant by tenant, with their receipts; exit code 3 if one is not proven
    Removals(Removals),
    /// People: end and restore their access
    #[command(subcommand)]
    Operators(Operators),
    /// Enrolment tokens for agents
    #[command(subcommand)]
    Tokens(Tokens),
    /// Enrolled agents
    #[command(subcommand)]
    Agents(Agents),
    /// Who may call the API
    #[command(subcommand)]
    Principals(Principals),
    /// The record of changes of intent
    #[command(subcommand)]
    Audit(Audit),
    /// Control planes that this command line knows
    #[command(subcommand)]
    Context(ContextCommand),
    /// Print a completion script for a shell
    Completion { shell: clap_complete::Shell },
}

impl Command {
    /// Whether it answers with rows, so that there are names and cells.
    pub(crate) fn is_list(&self) -> bool {
        match self {
            Self::Get(ask) => !ask.what.join("/").contains('/'),
            Self::Status(_)
            | Self::Endings
            | Self::Events(_)
            | Self::Items(_)
            | Self::Who(_)
            | Self::Redeem(_)
            | Self::Plan { .. }
            | Self::Removals(_) => true,
            Self::Audit(ask) => matches!(ask, Audit::List(_)),
            Self::Context(ask) => matches!(ask, ContextCommand::List),
            Self::Tokens(ask) => matches!(ask, Tokens::List),
            Self::Agents(ask) => matches!(ask, Agents::List { .. }),
            Self::Principals(ask) => matches!(ask, Principals::List),
            Self::Apply(_)
            | Self::Describe { .. }
            | Self::Delete(_)
            | Self::Explain(_)
            | Self::Wait(_)
            | Self::Compare { .. }
            | Self::Resend { .. }
            | Self::Operators(_)
            | Self::Completion { .. } => false,
        }
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Apply {
    /// YAML files or folders; `-` is standard input. Hidden folders within, and links to folders, are not read. What the store has beyond a folder is kept, and named
    #[arg(long = "file", short, required = true, value_name = "PATH", num_args = 1..)]
    pub(crate) files: Vec<PathBuf>,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// With --dry-run: exit code 4 if something would change
    #[arg(long, requires = "dry_run")]
    pub(crate) exit_code: bool,
    /// Ask nothing: neither about what it removes, nor about people who leave by `state: LEFT`
    #[arg(long)]
    pub(crate) yes: bool,
    /// Delete, in the same transaction, what carries the label of -l and is in none of the files: tenants, squads, SOC roles and
    /// assignments. Never people: `entente operators leave` ends a leaver's access
    #[arg(long, requires = "labels")]
    pub(crate) prune: bool,
    /// The set that --prune is about: resources with this label of their own, `part=nordic`, and more of them
    #[arg(long = "label", short = 'l', value_name = "KEY=VALUE", value_delimiter = ',', requires = "prune")]
    pub(crate) labels: Vec<String>,
    /// Wait for the receipts of who leaves by it, and until the tenants that it touches have settled; exit code 3 if the time is
    /// over before, or something is refused or held. A tenant whose agent is not there never settles
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) wait: bool,
    /// How long --wait waits, in seconds
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    pub(crate) timeout: u64,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Wait {
    /// Only for these tenants; all without any
    pub(crate) tenants: Vec<String>,
    /// Only for tenants with this label: `region=nordic`, and more of them
    #[arg(long = "label", short = 'l', value_name = "KEY=VALUE", value_delimiter = ',')]
    pub(crate) labels: Vec<String>,
    /// What each of them is to be: `settled`, when no agent has anything left to do by itself, or one of these phases
    #[arg(long = "for", value_name = "settled|PHASE", value_delimiter = ',', default_value = "settled")]
    pub(crate) goal: Vec<String>,
    /// How long, in seconds; exit code 3 if it is over before
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    pub(crate) timeout: u64,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Get {
    /// A kind (homeTenants, tenants, operators, squads, socRoles, assignments) or a name, `squads/triage` or `squads triage`
    #[arg(required = true, num_args = 1..=2, value_name = "KIND|NAME")]
    pub(crate) what: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Delete {
    #[arg(required = true)]
    pub(crate) names: Vec<String>,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask, whatever it removes
    #[arg(long)]
    pub(crate) yes: bool,
}

/// The order of precedence of the API's `TenantPhase`.
pub(crate) const PHASES: &str = "\
Phases. If several apply, the first in this order counts: AGENT_REVOKED, REVOKE_ALL_RUNNING, REVOKE_ALL_DONE, PARKED, \
PAUSED, GUARDRAIL_FAULT, REVIEW_PAST, CANNOT_SIGN_IN, CLOUD_UNREACHABLE, OFFLINE, UNENROLLED, CONVERGING, PARTIAL, \
WAITING, CONVERGED. WHY says what it means and whose move it is.";

#[derive(Debug, ClapArgs)]
pub(crate) struct Status {
    /// Only these tenants; one alone is shown with all that is known of it
    pub(crate) tenants: Vec<String>,
    /// Only tenants with this label: `region=nordic`, and more of them
    #[arg(long = "label", short = 'l', value_name = "KEY=VALUE", value_delimiter = ',')]
    pub(crate) labels: Vec<String>,
    /// Only tenants in these phases, such as PAUSED
    #[arg(long = "phase", value_name = "PHASE", value_delimiter = ',')]
    pub(crate) phases: Vec<String>,
    /// In which order
    #[arg(long, value_enum, default_value = "urgency", value_name = "ORDER")]
    pub(crate) sort_by: SortBy,
    /// Print again whenever something changes: on a terminal the table in its place, elsewhere a line for each change
    #[arg(long, short)]
    pub(crate) watch: bool,
    /// With --watch: end when no agent has anything left to do by itself; exit code 3 if something is refused or held. A parked
    /// tenant, and one whose agent is offline, never settles
    #[arg(long, requires = "watch")]
    pub(crate) until_settled: bool,
}

/// The order of tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SortBy {
    /// What needs action first
    Urgency,
    Name,
    /// The longest in its phase first
    Since,
    /// The longest unseen first
    Seen,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Events {
    /// Only of this tenant
    pub(crate) tenant: Option<String>,
    /// Only what was recorded since then: 45m, 24h, 7d, or a day such as 2026-12-01
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Only of these kinds, such as DRIFT_MENDED
    #[arg(long = "kind", value_name = "KIND", value_delimiter = ',')]
    pub(crate) kinds: Vec<String>,
    /// At most how many; what is more is told
    #[arg(long, default_value = "100", conflicts_with = "watch")]
    pub(crate) limit: NonZeroUsize,
    /// Print a line for each event as it comes, the oldest first; with --since, those before it first
    #[arg(long, short)]
    pub(crate) watch: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Items {
    pub(crate) tenant: String,
    /// Only items in these states, such as REFUSED
    #[arg(long, value_delimiter = ',', value_name = "STATE")]
    pub(crate) state: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Who {
    /// In this tenant
    #[arg(long)]
    pub(crate) tenant: Option<String>,
    /// This person
    #[arg(long)]
    pub(crate) operator: Option<String>,
    /// As this role, in any version
    #[arg(long)]
    pub(crate) role: Option<String>,
    /// By this assignment
    #[arg(long)]
    pub(crate) assignment: Option<String>,
    /// Whose last day is before this one
    #[arg(long, value_name = "DATE")]
    pub(crate) expires_before: Option<entente_model::Date>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Redeem {
    /// `operators/maya`, or `maya`
    pub(crate) person: String,
    /// Print a text to send to that person
    #[arg(long)]
    pub(crate) mail: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Explain {
    /// A word, a field (`squad.members`), or a tenant
    pub(crate) what: String,
    /// Of a tenant: the item's key, or a part of what is shown of it
    pub(crate) item: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Operators {
    /// End a person's access in every tenant, and wait for each tenant's receipt
    Leave(Leave),
    /// Take a person's leaving back
    Rejoin { name: String },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Leave {
    /// `operators/sam`, or `sam`
    pub(crate) name: String,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask for the person's full name; needed where there is no terminal
    #[arg(long)]
    pub(crate) yes: bool,
    /// Come back at once; `entente removals NAME` shows the receipts
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// How long to wait for receipts, in seconds; exit code 3 if some are missing then
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    pub(crate) timeout: u64,
    /// Write each receipt to a file in this folder, with the CA's certificate: for the customer, and for your own files
    #[arg(long, alias = "out", value_name = "DIR", conflicts_with_all = ["dry_run", "no_wait"])]
    pub(crate) receipts: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Removals {
    /// Only of this operator; without it, all that are not complete
    pub(crate) operator: Option<String>,
    /// Write each receipt to a file in this folder, with the CA's certificate to check them by
    #[arg(long, alias = "out", value_name = "DIR", requires = "operator")]
    pub(crate) receipts: Option<std::path::PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Tokens {
    /// Make a token with which a tenant's agent enrols, once
    Create {
        tenant: String,
        /// How long it enrols, in hours
        #[arg(long, default_value_t = 72, value_name = "HOURS")]
        lifetime: u32,
        /// Let the agent displace the live one that is there; for admins
        #[arg(long)]
        replace: bool,
        /// Where to write the token file (kept from other users); without it, standard output
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// List tokens, without their secrets
    List,
    /// Delete a token: no agent can enrol with it any more
    Delete { name: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Agents {
    /// List agents
    List {
        /// Only of this tenant
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Show an agent: when it enrolled, which agent it replaced, and who vouches for it
    Get { name: String },
    /// Say that an agent is the customer's, so that its proofs count also for what was there before it
    Vouch { name: String },
    /// Say that you have seen that an agent replaced another, without vouching for it
    Acknowledge { name: String },
    /// Refuse an agent from now on, and cut its stream
    Revoke { name: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Principals {
    /// Make a principal: its key is made here and stays here
    Create {
        name: String,
        /// viewer reads, editor changes intent, admin does everything
        #[arg(long, value_enum)]
        role: Role,
        /// The person it belongs to: it cannot give that person access, and it ends when they leave
        #[arg(long)]
        operator: Option<String>,
        /// Where to write NAME.pem and NAME.key
        #[arg(long, default_value = ".", value_name = "FOLDER")]
        out: PathBuf,
    },
    /// List principals
    List,
    /// Tie a principal to a person: it gives that person nothing, and ends when they leave
    Tie { name: String, operator: String },
    /// Remove a principal's tie to an operator
    Untie { name: String },
    /// Refuse a principal from now on
    Delete { name: String },
    /// Who I am
    Whoami,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    Viewer,
    Editor,
    Admin,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// List changes of intent, the newest first: who changed what, from what to what
    List(AuditList),
    /// Compute the chain of all records and the logs of all signed roots anew, and compare them with what the server states; exit
    /// code 1 if a record or a root was altered, taken out, moved or cut off
    Verify {
        /// A digest that was written down before: one of the records must have it
        #[arg(long, value_name = "DIGEST")]
        known: Option<String>,
        /// A checkpoint that was kept: the log that it is of must go on from it
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct AuditList {
    /// Only changes of this resource
    #[arg(long)]
    pub(crate) resource: Option<String>,
    /// Only changes by this principal
    #[arg(long)]
    pub(crate) actor: Option<String>,
    /// Only changes since then: 45m, 24h, 7d, or a day such as 2026-12-01
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// At most how many; what is more is told
    #[arg(long, default_value = "100")]
    pub(crate) limit: NonZeroUsize,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ContextCommand {
    /// List contexts
    List,
    /// Use a context from now on
    Use { name: String },
    /// Add a context, or replace it
    Add {
        name: String,
        /// HOST:PORT of the API
        #[arg(long)]
        server: String,
        /// The CA by which the server is known, PEM
        #[arg(long)]
        ca: PathBuf,
        /// Our certificate, PEM
        #[arg(long)]
        certificate: PathBuf,
        /// Its key, PEM
        #[arg(long)]
        key: PathBuf,
    },
}

#[cfg(test)]
mod tests;
