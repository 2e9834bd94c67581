//! `revoke-all`: turns the switch, and sees it through: by the agent that runs, or here if none does.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{Outcome, agree};
use crate::Done;
use crate::config::Config;
use crate::files;
use crate::lock::LockError;
use crate::receipt::{About, Receipt};
use crate::run::{Base, RunError};
use crate::steward::Steward;
use crate::switches::Switches;

/// How often the receipt of an agent that runs is looked at.
const GLANCE: Duration = Duration::from_millis(500);

pub(super) async fn revoke_all(config: Config, yes: bool, timeout: u64) -> Outcome {
    let question = format!("Remove everything that this agent gave in the tenant {}?", config.entra_tenant);
    if !yes && !agree::agreed(&question)? {
        return Ok(Done::NotAgreed);
    }
    files::make_private_dir(&config.state_dir)?;
    if Receipt::read(&config.state_dir, About::All)?.is_some_and(|receipt| receipt.is_complete()) {
        // It ended before; this one proves it anew.
        Receipt::clear(&config.state_dir, About::All)?;
    }
    Switches::of(&config.state_dir).revoke_all()?;
    let cancel = CancellationToken::new();
    let work = see_through(&config, &cancel);
    let ended = tokio::time::timeout(Duration::from_secs(timeout), work).await;
    if let Ok(failed) = ended {
        failed?;
    }
    let receipt = Receipt::read(&config.state_dir, About::All)?.unwrap_or_default();
    print!("{}", receipt.text());
    Ok(if receipt.is_complete() { Done::Whole } else { Done::Incomplete })
}

async fn see_through(config: &Config, cancel: &CancellationToken) -> Result<(), Box<dyn std::error::Error>> {
    loop {
        match Base::open(config, false).await {
            Ok(base) => return here(config, base, cancel).await,
            Err(RunError::Lock(LockError::Held(_))) => {}
            Err(error) => return Err(error.into()),
        }
        if is_complete(config)? {
            return Ok(());
        }
        tokio::time::sleep(GLANCE).await;
    }
}

async fn here(config: &Config, base: Base, cancel: &CancellationToken) -> Result<(), Box<dyn std::error::Error>> {
    let (_view, shown) = watch::channel(base.session.view(base.clock.now()));
    let (_plans, asked) = mpsc::channel(1);
    let mut steward = Steward::new(base.steward_parts(config, shown, asked)?).await?;
    loop {
        if !Switches::of(&config.state_dir).positions().revoke_all {
            return Err("ended by `entente-agent resume` before it was complete".into());
        }
        let wait = steward.farewell(cancel).await?;
        if is_complete(config)? {
            return Ok(());
        }
        tokio::time::sleep(wait).await;
    }
}

fn is_complete(config: &Config) -> Result<bool, files::FileError> {
    Ok(Receipt::read(&config.state_dir, About::All)?.is_some_and(|receipt| receipt.is_complete()))
}
