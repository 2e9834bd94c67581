//! `revoke --not-allowed`: lists what the agent gave and the guardrail no longer allows, asks, turns the switch, and
//! waits until it is taken away: by the running agent, or here if none runs.

use std::time::Duration;

use entente_model::desired::ItemKey;
use entente_planner::guardrail::{Guardrail, OnLeave};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::screen::{self, Done, Outcome};
use crate::config::Config;
use crate::guardrail_file::{self, GuardrailFile};
use crate::identity::Identity;
use crate::lock::LockError;
use crate::receipt::{About, Receipt};
use crate::run::{Base, RunError};
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
        return Err("revoke-all is on: everything goes as it is".into());
    }
    // A file that cannot be used is no reason to take anything away.
    let root = Identity::load(&config.state_dir, config.entra_tenant)?.root_key.id();
    let guardrail = GuardrailFile::read(&config.guardrail, config.entra_tenant, root).content?;
    let mut own = own_loop(config).await?;
    let list = match &mut own {
        Some((_, steward)) => steward.list_not_allowed().await?,
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

/// The loop, unless an agent runs.
async fn own_loop(config: &Config) -> Result<Option<(Base, Steward)>, Failure> {
    let base = match Base::open(config, false).await {
        Err(RunError::Lock(LockError::Held(_))) => return Ok(None),
        opened => opened?,
    };
    let steward = base.steward(config).await?;
    Ok(Some((base, steward)))
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
                "the agent has not compared the tenant with this guardrail yet: see `entente-agent status`".into()
            );
        }
        tokio::time::sleep(GLANCE).await;
    }
}

fn show(guardrail: &Guardrail, list: &NotAllowedList) {
    if list.items.is_empty() {
        return println!("of what this agent gave nothing is refused by the guardrail");
    }
    println!("The guardrail does not allow any more, and this agent gave:");
    list.items.iter().for_each(|it| println!("  {}", screen::plain(&it.line())));
    let has_accounts = list.items.iter().any(|it| matches!(it.key, ItemKey::User(_)));
    if has_accounts && !guardrail.people.on_leave.contains(&OnLeave::Block) {
        println!("The accounts stay enabled, in no group: people.onLeave has no block.");
    }
}

/// Waits until the switch is off again, running the loop if it is here.
async fn see_through(switches: &Switches, own: Option<(Base, Steward)>) -> Result<(), Failure> {
    let mut own = own;
    let cancel = CancellationToken::new();
    loop {
        let wait = match &mut own {
            Some((_, steward)) => steward.revoke(&cancel).await?.unwrap_or(GLANCE),
            None => GLANCE,
        };
        if !switches.positions().revokes {
            return Ok(());
        }
        tokio::time::sleep(wait).await;
    }
}
