//! `revoke-all`: turns the switch and waits until everything is removed: by the running agent, or here if none runs.
//! Removing needs no room on disk; the receipt does, and is printed where it cannot be written.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::screen::{self, Done, Outcome};
use crate::config::Config;
use crate::files::{self, FileError};
use crate::lock::LockError;
use crate::receipt::{About, Receipt};
use crate::run::{Base, RunError};
use crate::switches::Switches;

/// How often to read the receipt of the running agent.
const GLANCE: Duration = Duration::from_millis(500);

type Failure = Box<dyn std::error::Error>;

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
    let work = see_through(&config, no_switch.as_ref(), &mut unkept);
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
            "The disk is full: this receipt could not be kept. Make room, and run revoke-all again for one that is."
        );
    }
    if has_no_switch {
        println!(
            "Nor could it be written that nothing is to be given again: before the agent is started, make room and run revoke-all again."
        );
    }
    let is_whole = is_kept && !has_no_switch && receipt.is_some_and(|receipt| receipt.is_complete());
    Ok(if is_whole { Done::Whole } else { Done::Incomplete })
}

async fn see_through(
    config: &Config,
    no_switch: Option<&FileError>,
    unkept: &mut Option<Receipt>,
) -> Result<(), Failure> {
    loop {
        match Base::open(config, false).await {
            Ok(base) => return here(config, base, no_switch.is_some(), unkept).await,
            Err(RunError::Lock(LockError::Held(_))) => {}
            Err(error) => return Err(error.into()),
        }
        if let Some(error) = no_switch {
            let remedy = "make room, and run revoke-all again";
            return Err(format!(
                "the agent that runs cannot be told: {error}: the disk is full. Nothing was done: {remedy}"
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
            return Err("ended by `entente-agent resume` before it was complete".into());
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
