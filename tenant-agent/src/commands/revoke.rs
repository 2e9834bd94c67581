//! `revoke --not-allowed` and `revoke-all`: each asks, turns its switch, and waits until access is taken away: by the
//! running agent, or here if none runs. The first lists what the guardrail no longer allows. The second removes
//! everything: removing needs no room on disk; the receipt does, and is printed where it cannot be written.

use std::time::Duration;

use entente_model::desired::ItemKey;
use entente_planner::guardrail::{Guardrail, OnLeave};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::screen::{self, Done, Outcome};
use crate::config::Config;
use crate::files::{self, FileError};
use crate::guardrail_file::{self, GuardrailFile};
use crate::identity::Identity;
use crate::receipt::{About, Receipt};
use crate::run::Base;
use crate::status_file::{NotAllowedList, StatusFile};
use crate::steward::Steward;
use crate::switches::Switches;

/// How often to look at the running agent's progress.
const GLANCE: Duration = Duration::from_millis(200);

/// Time for a running agent to compare the tenant with a changed file: a look at a large tenant.
const COMPARED_WITHIN: Duration = Duration::from_secs(120);

type Failure = Box<dyn std::error::Error>;

pub(super) async fn revoke(config: &Config, dry_run: bool, yes: bool, timeout: u64) -> Outcome {
    let switches = Switches::of(&config.state_dir);
    if switches.positions().revoke_all {
        return Err("revoke-all is on, which removes everything".into());
    }
    // A file that cannot be used is no reason to take anything away.
    let root = Identity::load(&config.state_dir, config.entra_tenant)?.root_key.id();
    let guardrail = GuardrailFile::read(&config.guardrail, config.entra_tenant, root).content?;
    // The base holds the lock.
    let mut own = match Base::open_unless_running(config).await? {
        Some(base) => Some((base.steward(config).await?, base)),
        None => None,
    };
    let list = match &mut own {
        Some((steward, _)) => steward.list_not_allowed().await?,
        None => listed_by_agent(config).await?,
    };
    show(&guardrail, &list);
    if dry_run || list.items.is_empty() {
        return Ok(Done::Whole);
    }
    if !yes && !screen::agreed(&format!("Take away these {}?", list.items.len()))? {
        return Ok(Done::NotAgreed);
    }
    Receipt::clear(&config.state_dir, About::NotAllowed)?;
    let listed = list.items.iter().map(|it| it.line()).collect();
    Receipt { about: About::NotAllowed, listed, began: crate::clock::wall(), ..Receipt::default() }
        .save(&config.state_dir)?;
    switches.revoke(&list.items.iter().map(|it| it.key.clone()).collect())?;
    let work = see_through(&switches, own);
    if let Ok(ended) = tokio::time::timeout(Duration::from_secs(timeout), work).await {
        ended?;
    }
    let receipt = Receipt::read(&config.state_dir, About::NotAllowed)?.unwrap_or_default();
    print!("{}", screen::shown(&receipt.text()));
    Ok(if receipt.is_complete() { Done::Whole } else { Done::Incomplete })
}

/// What the running agent found by the present file.
async fn listed_by_agent(config: &Config) -> Result<NotAllowedList, Failure> {
    let (digest, _) = guardrail_file::read_text(&config.guardrail)?;
    let begun = Instant::now();
    loop {
        let status = StatusFile::read(&config.state_dir)?.unwrap_or_default();
        if status.not_allowed.guardrail == digest {
            return Ok(status.not_allowed);
        }
        if begun.elapsed() > COMPARED_WITHIN {
            return Err(
                "the agent has not compared the tenant with this guardrail yet; see `entente-agent status`".into()
            );
        }
        tokio::time::sleep(GLANCE).await;
    }
}

fn show(guardrail: &Guardrail, list: &NotAllowedList) {
    if list.items.is_empty() {
        return println!("the guardrail refuses nothing of what this agent gave");
    }
    println!("This agent gave, and the guardrail no longer allows:");
    list.items.iter().for_each(|it| println!("  {}", screen::plain(&it.line())));
    let has_accounts = list.items.iter().any(|it| matches!(it.key, ItemKey::User(_)));
    if has_accounts && !guardrail.people.on_leave.contains(&OnLeave::Block) {
        println!("The accounts stay enabled, in no group: people.onLeave has no block.");
    }
}

/// Waits until the switch is off again, running the loop if it is here.
async fn see_through(switches: &Switches, own: Option<(Steward, Base)>) -> Result<(), Failure> {
    let mut own = own;
    let cancel = CancellationToken::new();
    loop {
        let wait = match &mut own {
            Some((steward, _)) => steward.revoke(&cancel).await?.unwrap_or(GLANCE),
            None => GLANCE,
        };
        if !switches.positions().revokes {
            return Ok(());
        }
        tokio::time::sleep(wait).await;
    }
}

pub(super) async fn revoke_all(config: Config, yes: bool, timeout: u64) -> Outcome {
    let question = format!("Remove everything that this agent gave in the tenant {}?", config.entra_tenant);
    if !yes && !screen::agreed(&question)? {
        return Ok(Done::NotAgreed);
    }
    files::make_private_dir(&config.state_dir)?;
    if Receipt::read(&config.state_dir, About::All)?.is_some_and(|receipt| receipt.is_complete()) {
        // It was complete before. This run proves it again.
        Receipt::clear(&config.state_dir, About::All)?;
    }
    let no_switch = match Switches::of(&config.state_dir).revoke_all() {
        Err(error) if error.is_full() => Some(error),
        turned => turned.map(|()| None)?,
    };
    let mut unkept = None;
    let work = see_all_through(&config, no_switch.as_ref(), &mut unkept);
    let ended = tokio::time::timeout(Duration::from_secs(timeout), work).await;
    if let Ok(failed) = ended {
        failed?;
    }
    // There may be room by now, as the ledger gives up the space that it reserved.
    let has_no_switch = no_switch.is_some() && Switches::of(&config.state_dir).revoke_all().is_err();
    tell(&config, unkept, has_no_switch)
}

/// Prints the receipt: from the file, or what this process did if the disk had no room.
fn tell(config: &Config, unkept: Option<Receipt>, has_no_switch: bool) -> Outcome {
    let is_kept = unkept.is_none();
    let receipt = match unkept {
        Some(receipt) => Some(receipt),
        None => Receipt::read(&config.state_dir, About::All)?,
    };
    match &receipt {
        Some(receipt) => print!("{}", screen::shown(&receipt.text())),
        None => println!("there is no receipt: the disk has no room for it, or nothing could be read yet"),
    }
    if !is_kept {
        println!(
            "The disk is full: this receipt could not be written. Make room, and run revoke-all again for one that is."
        );
    }
    if has_no_switch {
        println!(
            "The switch could not be written either: before you start the agent, make room and run revoke-all again, or it gives access again."
        );
    }
    let is_whole = is_kept && !has_no_switch && receipt.is_some_and(|receipt| receipt.is_complete());
    Ok(if is_whole { Done::Whole } else { Done::Incomplete })
}

async fn see_all_through(
    config: &Config,
    no_switch: Option<&FileError>,
    unkept: &mut Option<Receipt>,
) -> Result<(), Failure> {
    loop {
        if let Some(base) = Base::open_unless_running(config).await? {
            return here(config, base, no_switch.is_some(), unkept).await;
        }
        if let Some(error) = no_switch {
            let remedy = "make room, and run revoke-all again";
            return Err(format!(
                "the running agent cannot be told: {error}: the disk is full. Nothing was done: {remedy}"
            )
            .into());
        }
        if is_complete(config)? {
            return Ok(());
        }
        tokio::time::sleep(GLANCE).await;
    }
}

async fn here(config: &Config, base: Base, insists: bool, unkept: &mut Option<Receipt>) -> Result<(), Failure> {
    let mut steward = base.steward(config).await?;
    if insists {
        steward.insist();
    }
    let cancel = CancellationToken::new();
    loop {
        if !insists && !Switches::of(&config.state_dir).positions().revoke_all {
            return Err("`entente-agent resume` ended it before it was complete".into());
        }
        let wait = steward.farewell(&cancel).await?;
        *unkept = steward.unkept_receipt().cloned();
        if unkept.as_ref().is_some_and(Receipt::is_complete) || is_complete(config)? {
            return Ok(());
        }
        tokio::time::sleep(wait).await;
    }
}

fn is_complete(config: &Config) -> Result<bool, FileError> {
    Ok(Receipt::read(&config.state_dir, About::All)?.is_some_and(|receipt| receipt.is_complete()))
}
