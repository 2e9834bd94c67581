//! What each command does and prints. Results go to standard output, in words; nothing secret goes anywhere but into
//! its file.

use std::collections::BTreeSet;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use entente_app::system_clock;
use entente_grpc::transport::Tls;
use entente_model::Timestamp;
use entente_seal::Statement;
use entente_store_embedded::Restored;
use entente_tasks::stop_at_signals;
use tokio_util::sync::CancellationToken;

use super::args::{
    BackupArgs, Command, ConfigArgs, DelegateArgs, InitArgs, NewEpochArgs, RecoverAdminArgs, RestoreArgs,
    RevokeDelegationArgs, RootArgs, RunArgs,
};
use crate::config::{Config, Listen, Timing};
use crate::failure::Failure;
use crate::init::{Init, init, loopback, new_key};
use crate::run::{Expiry, Materials, Ready, open_keys, run};
use crate::statements::{self, Statements};
use crate::{admin, backup, files, logging};

const DAY: Duration = Duration::from_secs(86_400);

/// Time to replace what ends.
const ENDS_SOON: Duration = Duration::from_secs(7 * 86_400);

pub(super) fn perform(command: Command) -> Result<(), Failure> {
    match command {
        Command::Init(args) => initialise(args),
        Command::Run(args) => serve(args),
        Command::CheckConfig(args) => check_config(&args),
        Command::Delegate(args) => delegate(&args),
        Command::RevokeDelegation(args) => revoke_delegation(&args),
        Command::NewEpoch(args) => new_epoch(&args),
        Command::Backup(args) => back_up(&args),
        Command::Verify(args) => backup::verify(&args.file).map(|found| print_backup("verified", &found)),
        Command::Restore(args) => restore(&args),
        Command::RecoverAdmin(args) => recover_admin(&args),
    }
}

fn now() -> Timestamp {
    system_clock()()
}

fn initialise(args: InitArgs) -> Result<(), Failure> {
    let InitArgs { dir, hosts, trust_domain, admin, listen, api, agents, metrics } = args;
    let own = loopback(&hosts);
    let at = |told: Option<SocketAddr>, ip: IpAddr, port| told.unwrap_or_else(|| (ip, port).into());
    let ip = listen.unwrap_or(own);
    let listen = Listen { api: at(api, ip, 7_443), agents: at(agents, ip, 7_444), metrics: at(metrics, own, 9_443) };
    let asked = Init { dir, hosts, trust_domain, admin, listen, timing: Timing::default() };
    let made = block_on(init(&asked, now()))?;
    println!("made {}", made.config.display());
    println!();
    println!("Root key id, which customers pin in their guardrail as stateKey:");
    println!("  {}", made.root_key_id);
    println!();
    println!("Next:");
    println!("  1. Move {} offline, to two places. No server reads it; without it the", made.root_key.display());
    println!("     server stops signing when the delegation ends, in 30 days.");
    println!("  2. entente-control-plane run --config {}", made.config.display());
    println!("  3. entente --config {} principals whoami", made.context.display());
    print!("{}", reach(&asked.listen, &made.config));
    Ok(())
}

/// Who reaches the server, and how that is changed: nobody opens a port by not knowing of it.
fn reach(listen: &Listen, config: &Path) -> String {
    let told = |name: &str, at: SocketAddr| match at.ip().is_loopback() {
        true => format!("  {name:8} {at}, from this machine alone\n"),
        false => format!("  {name:8} {at}, from wherever the network lets in\n"),
    };
    let all = told("API", listen.api) + &told("agents", listen.agents) + &told("metrics", listen.metrics);
    let closed = [("api", listen.api), ("agents", listen.agents)].into_iter().filter(|(_, at)| at.ip().is_loopback());
    let open: Vec<String> = closed.map(|(name, at)| format!("{name} = \"0.0.0.0:{}\"", at.port())).collect();
    let more = match open.as_slice() {
        [] => String::new(),
        open => format!(
            "To let agents and colleagues in from elsewhere, write into [listen] of {} before it runs:\n  {}\n",
            config.display(),
            open.join("\n  ")
        ),
    };
    format!("\nIt listens on\n{all}{more}")
}

fn serve(args: RunArgs) -> Result<(), Failure> {
    let config = Config::load(&args.config.config)?;
    logging::start(&config.log)?;
    let ready = Ready { file: args.ready_file, sender: None };
    block_on(async move {
        let stop = CancellationToken::new();
        stop_at_signals(stop.clone()).map_err(|error| Failure::because("cannot await signals", error))?;
        run(config, ready, stop).await
    })
}

fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| Failure::because("cannot start the runtime", error))?.block_on(work)
}

fn check_config(args: &ConfigArgs) -> Result<(), Failure> {
    let config = Config::load(&args.config)?;
    let materials = Materials::load(&config)?;
    open_keys(&config).iter().for_each(|warning| eprintln!("warning: {warning}"));
    Tls::new(&materials.tls).map_err(|error| Failure::because("TLS cannot be used", error))?;
    println!("root key     {}", materials.root.id());
    println!("signing key  {}", materials.online.id());
    for (_, statement) in &materials.statements.all {
        println!("statement    {}", statements::describe(statement));
    }
    let mut soon = Vec::new();
    for Expiry { what, end, remedy } in materials.expiries()? {
        println!("{:12} until {end}", what.replace('_', " "));
        if end <= now() {
            return Err(Failure::failed(format!("the {what} ended {end}: {remedy}")));
        }
        if end <= now().plus(ENDS_SOON) {
            soon.push(format!("the {what} ends {end}: {remedy}"));
        }
    }
    if soon.is_empty() { Ok(()) } else { Err(Failure::Incomplete(soon.join("; "))) }
}

fn delegate(args: &DelegateArgs) -> Result<(), Failure> {
    let (config, root) = open_root(&args.root)?;
    if args.new_key {
        let key = &config.signing.key;
        let old = key.with_extension("key.old");
        std::fs::rename(key, &old).map_err(Failure::writing(&old))?;
        files::write_secret(key, &files::key_pem(&new_key()?))?;
    }
    let online = files::online_key(&config.signing.key)?;
    state(&config, &root, &statements::delegation(online.public(), now(), DAY * args.days))
}

fn revoke_delegation(args: &RevokeDelegationArgs) -> Result<(), Failure> {
    let (config, root) = open_root(&args.root)?;
    let known: BTreeSet<u64> = load(&config)?.all.iter().filter_map(|(_, it)| statements::serial(it)).collect();
    if let Some(unknown) = args.serials.iter().find(|serial| !known.contains(serial)) {
        return Err(Failure::Usage(format!("no delegation has the serial {unknown}; check-config lists them")));
    }
    state(&config, &root, &Statement::Revocation { serials: args.serials.iter().copied().collect() })
}

fn new_epoch(args: &NewEpochArgs) -> Result<(), Failure> {
    // It is signed, and ends in agents' logs.
    entente_model::text::check(&args.reason).map_err(|error| Failure::Usage(format!("--reason {error}")))?;
    let (config, root) = open_root(&args.root)?;
    let epoch = load(&config)?.epoch() + 1;
    state(&config, &root, &Statement::Epoch { epoch, reason: args.reason.clone() })
}

fn open_root(args: &RootArgs) -> Result<(Config, entente_seal::RootKey), Failure> {
    let config = Config::load(&args.config.config)?;
    let root = files::root_key(&args.root_key)?;
    let pinned = config.root_public_key().map_err(Failure::Usage)?;
    if pinned == root.public() {
        return Ok((config, root));
    }
    Err(Failure::Usage(format!("this is root key {}; the configuration pins {}", root.id(), pinned.id())))
}

fn load(config: &Config) -> Result<Statements, Failure> {
    Statements::load(&config.signing.statements, config.root_public_key().map_err(Failure::Usage)?)
}

fn state(config: &Config, root: &entente_seal::RootKey, statement: &Statement) -> Result<(), Failure> {
    let path = statements::write(&config.signing.statements, root, statement, now())?;
    println!("signed: {}", statements::describe(statement));
    println!("{} takes effect when the server starts next.", path.display());
    Ok(())
}

fn back_up(args: &BackupArgs) -> Result<(), Failure> {
    let config = Config::load(&args.config.config)?;
    let (found, online) = block_on(backup::backup(&config, &args.out))?;
    print_backup(if online { "backed up from the running server" } else { "backed up" }, &found);
    Ok(())
}

fn print_backup(what: &str, found: &Restored) {
    println!("{what}: store {}, revision {}, {} records", found.id, found.revision.0, found.records);
}

fn restore(args: &RestoreArgs) -> Result<(), Failure> {
    let config = Config::load(&args.config.config)?;
    let found = backup::restore_into(&config, &args.file)?;
    print_backup("restored", &found);
    println!(
        "Agents that have seen more than this revision park their tenants. If changes were lost, sign a new epoch"
    );
    println!("before the start: entente-control-plane new-epoch --config FILE --root-key FILE --reason TEXT");
    Ok(())
}

fn recover_admin(args: &RecoverAdminArgs) -> Result<(), Failure> {
    let config = Config::load(&args.config.config)?;
    let (certificate, key) = block_on(admin::recover(&config, &args.name, &args.out, now()))?;
    println!("principals/{} is an admin with {} and {}", args.name, certificate.display(), key.display());
    Ok(())
}
