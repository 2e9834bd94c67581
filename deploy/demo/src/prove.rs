//! `--prove`: one person leaves a hundred customers while things go wrong, and the reports are checked.
//!
//! [`cast`] has the customers' parts, [`sam`] what Sam does to keep access, [`leave`] the leave. [`books`] and
//! [`receipts`] check the result, and [`figures`] prints it.

mod books;
mod cast;
mod figures;
mod leave;
mod memory;
mod receipts;
mod sabotage;
mod sam;

use std::path::Path;

use anyhow::{Context, Result, ensure};
use entente_tests::{Customer, Fleet, FleetSpec};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use self::cast::Part;
pub use self::cast::TENANTS;
use self::figures::{Proof, Spread};
use self::leave::Leave;
use self::memory::Memory;
use self::receipts::Receipts;
use crate::lag::Lag;
use crate::patience::Patience;
use crate::screen::Screen;
use crate::{truth, view};

/// How often the tenants are queried while they converge. Each query is a process and a handshake.
const ASK_EVERY: std::time::Duration = std::time::Duration::from_secs(1);

/// Starts the cloud and the control plane.
pub async fn open(screen: &mut Screen, tenants: u32, lag: Lag, folder: &Path) -> Result<Fleet> {
    screen.heading(&format!("Entente: one leaver, {tenants} customers, and a receipt from each"));
    screen.say(
        "Real processes: a control plane, an agent for each customer, TLS between them, Graph and ARM over HTTPS with \
         Microsoft's published limits. Only the cloud is simulated.",
    );
    screen.gap();
    screen.say(&lag.sentence());
    // This program is the cloud: each agent has several connections to it.
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let mut spec = FleetSpec::of(cast::customers(tenants, lag));
    spec.dir = Some(folder.to_owned());
    spec.lag_seconds = lag.agents;
    Fleet::start_without_agents(spec).await
}

/// Plays it, and returns whether everything is as it should be.
pub async fn perform(screen: &mut Screen, fleet: &mut Fleet, lag: Lag, report: Option<&Path>) -> Result<bool> {
    enrol(screen, fleet).await?;
    let memory = converge(screen, fleet).await?;
    spoil(screen, fleet).await?;
    screen.heading("Sam leaves");
    let mut leave = leave::begin(fleet, screen).await?;
    leave.wait(fleet, screen).await?;
    let refused = sam::cli(fleet, &entente_tests::args!["status"]).await?;
    screen.heading("Result");
    let mut proof = judge(screen, fleet, &leave, lag).await?;
    proof.memory = memory;
    if refused.code == 0 {
        proof.faults.push("sam's own principal still works after the leave".into());
    }
    proof.print(screen);
    if let Some(path) = report {
        proof.write(path)?;
    }
    match proof.faults.as_slice() {
        [] => screen.good(&format!(
            "Sam is proven gone from {} tenants. Three tenants are listed as not proven.",
            proof.receipts
        )),
        faults => screen.bad(&format!("Not as it should be: {}.", faults.join("; "))),
    }
    Ok(proof.faults.is_empty())
}

/// The first agent shows how many more have room in memory.
async fn enrol(screen: &mut Screen, fleet: &mut Fleet) -> Result<()> {
    screen.heading("The customers");
    let names: Vec<String> = fleet.customers.keys().cloned().collect();
    for (at, name) in names.iter().enumerate() {
        fleet.enroll(name).await?;
        fleet.start_agent(name).await?;
        if at == 0 {
            match Memory::of(fleet) {
                Some(memory) => {
                    memory.ensure_room(names.len() - 1)?;
                    screen.say(&memory.sentence());
                    screen.say(&format!("Memory limits how many there can be: here, about {}.", memory.room()));
                }
                None => screen.say("Memory is not measured on this system."),
            }
        }
    }
    screen.say(&format!("{} agents have enrolled.", names.len()));
    Ok(())
}

async fn converge(screen: &mut Screen, fleet: &mut Fleet) -> Result<Option<Memory>> {
    screen.heading("The intent");
    screen.say("A squad of four works as L1 in every tenant, Sam among them.");
    let begun = tokio::time::Instant::now();
    fleet.apply(&cast::intent()).await?;
    let mut patience = Patience::new();
    loop {
        let standing = match view::statuses(fleet).await {
            Ok(all) if all.iter().all(|it| it.phase() == "converged") => break,
            Ok(all) => all.iter().map(|it| format!("{} {}/{}", it.phase(), it.done(), it.all())).collect(),
            Err(error) => vec![format!("{error:#}")],
        };
        patience.with(standing.join(", ")).context("the tenants do not converge")?;
        tokio::time::sleep(ASK_EVERY).await;
    }
    let seconds = begun.elapsed().as_secs_f64();
    screen.good(&format!("{} tenants have converged after {seconds:.1} s.", fleet.customers.len()));
    let memory = Memory::of(fleet);
    if let Some(memory) = &memory {
        screen.gap();
        screen.say(&memory.sentence());
    }
    Ok(memory)
}

/// What Sam and others do beforehand.
async fn spoil(screen: &mut Screen, fleet: &mut Fleet) -> Result<()> {
    let customers: Vec<Customer> = fleet.customers.values().cloned().collect();
    screen.heading("Sam prepares");
    sam::make_principal(fleet).await?;
    let forged = customers.iter().find(|it| Part::of(it) == Part::Forged).context("somebody is played")?;
    sam::forge(fleet, screen, forged).await?;
    let mut second = 0;
    for customer in customers.iter().filter(|it| Part::of(it).has_second()) {
        sam::add_account(fleet, customer).await?;
        second += 1;
    }
    screen.gap();
    screen.say(&format!(
        "In {second} tenants the customer has made him a second account: invited once more, or a contractor's with his \
         address among its others."
    ));
    screen.heading("Three tenants are sabotaged");
    for customer in &customers {
        if let Some(done) = sabotage::commit(fleet, customer).await? {
            screen.note(&customer.name, &done);
        }
    }
    Ok(())
}

/// Compares the reports with the simulated cloud's records and with the receipts.
async fn judge(screen: &mut Screen, fleet: &Fleet, leave: &Leave, lag: Lag) -> Result<Proof> {
    let mut proof = Proof {
        tenants: fleet.customers.len(),
        lag_seconds: lag.agents,
        simulated_lag_seconds: lag.simulated,
        receipts: leave.proven.len(),
        checked: None,
        open: leave.open.values().cloned().collect(),
        blocked_before_kill: leave.blocked_before_kill,
        seconds_to_block: Spread::default(),
        seconds_to_receipt: Spread::of(leave.proven.values().copied()),
        seconds_to_receipt_without_customer: Spread::default(),
        cross_tenant_sync_seconds: Proof::cross_tenant_sync_seconds(),
        accounts: 0,
        rights_left: 0,
        rights_left_where_open: 0,
        duplicate_invitations: 0,
        writes_to_unowned: 0,
        calls: 0,
        throttled: 0,
        memory: None,
        faults: Vec::new(),
    };
    let alone = leave.proven.iter().filter(|(name, _)| fleet.customer(name).is_ok_and(|it| !Part::of(it).has_second()));
    proof.seconds_to_receipt_without_customer = Spread::of(alone.map(|(_, seconds)| *seconds));
    let receipts = Receipts::export(fleet).await?;
    look_into_books(fleet, leave, &receipts, &mut proof).await?;
    when_blocked(fleet, leave, &mut proof).await?;
    match receipts.check(fleet).await {
        Ok(Some(said)) => {
            screen.say("Python checks the receipts from their files alone:");
            said.lines().for_each(|line| screen.say(line));
            proof.checked = Some(said);
        }
        Ok(None) => screen.bad(&format!(
            "SKIPPED: the receipts in {} are not checked, because there is no Python with the package cryptography; name \
             one with ENTENTE_PYTHON.",
            receipts.dir().display()
        )),
        Err(error) => proof.faults.push(format!("{error:#}")),
    }
    screen.gap();
    Ok(proof)
}

async fn look_into_books(fleet: &Fleet, leave: &Leave, receipts: &Receipts, proof: &mut Proof) -> Result<()> {
    let named = receipts.accounts()?;
    for (name, customer) in &fleet.customers {
        let left = books::left(fleet, customer).await?;
        let fault = |text: String| format!("{name}: {text}");
        if !leave.proven.contains_key(name) {
            proof.rights_left_where_open += left.count();
            continue;
        }
        proof.accounts += left.accounts.len();
        proof.rights_left += left.count();
        if left.count() > 0 || !left.owned_enabled.is_empty() {
            proof.faults.push(fault(format!("proven, but there is still {left:?}")));
        }
        match named.get(&customer.entra_tenant()) {
            None => proof.faults.push(fault("no receipt was written".into())),
            Some(named) if !left.accounts.is_subset(named) => {
                proof.faults.push(fault(format!("the receipt names {named:?}, and there are {:?}", left.accounts)));
            }
            Some(_) => {}
        }
    }
    if named.len() != leave.proven.len() {
        proof.faults.push(format!("{} tenants have a receipt as a file, not {}", named.len(), leave.proven.len()));
    }
    let figures = truth::figures(fleet, cast::SAM).await?;
    (proof.duplicate_invitations, proof.writes_to_unowned) = (figures.duplicate_invitations, figures.writes_to_unowned);
    (proof.calls, proof.throttled) = (figures.calls, figures.throttled);
    for (count, what) in [
        (proof.duplicate_invitations, "duplicate invitations"),
        (proof.writes_to_unowned, "writes to objects that the agents had not made"),
    ] {
        proof.faults.extend((count > 0).then(|| format!("{count} {what}")));
    }
    Ok(())
}

async fn when_blocked(fleet: &Fleet, leave: &Leave, proof: &mut Proof) -> Result<()> {
    let (blocks, _) = books::blocks(fleet, leave.since).await?;
    let seconds = books::seconds_to_block(&blocks, leave.begun)?;
    // The frozen agent blocks nothing. Every other one does, proven or not.
    let due = fleet.customers.values().filter(|it| Part::of(it) != Part::Frozen);
    for customer in due.filter(|it| !seconds.contains_key(&it.entra_tenant())) {
        proof.faults.push(format!("{} never blocked sam", customer.name));
    }
    proof.seconds_to_block = Spread::of(seconds.into_values());
    ensure!(proof.seconds_to_block.count > 0, "no tenant blocked sam");
    Ok(())
}
