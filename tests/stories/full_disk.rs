//! An agent whose disk fills up and has room again: the real process under the shim that also cuts the power
//! (`tests/crash/shim.c`). While a certain file exists, the disk is full.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use entente_tests::{Fleet, FleetSpec, args, eventually};
use serde_json::Value;

use crate::kit::{self, SOON, Story, contoso};
use crate::shim;

/// Starts contoso's agent on a disk that is full while the file at this path exists.
async fn start_on_small_disk(fleet: &mut Fleet, watched: &str, also: shim::Environment) -> Result<PathBuf> {
    let full = fleet.dir.join("full");
    let mut environment = shim::small_disk(&fleet.dir, &fleet.customer_dir("contoso").join(watched), &full)?;
    environment.extend(also);
    fleet.start_agent_in("contoso", &environment).await?;
    Ok(full)
}

async fn leave(fleet: &Fleet, person: &str) -> Result<()> {
    fleet.cli(&args!["operators", "leave", person, "--yes", "--no-wait"]).await?.ok().map(drop)
}

/// The SOC sees that the agent's disk is full.
async fn wait_told(fleet: &Fleet) -> Result<()> {
    eventually("the SOC is told", SOON, || async {
        let status = fleet.cli_json(&args!["status", "contoso"]).await?;
        ensure!(says_full(&status), "{status}");
        Ok(())
    })
    .await
}

async fn wait_blocked(fleet: &Fleet, person: &str) -> Result<()> {
    eventually(&format!("{person} blocked"), SOON, || async {
        let account = kit::account(fleet, "contoso", person).await?.context("an account")?;
        ensure!(!account.enabled && account.azure_roles.is_empty(), "{account:?}");
        Ok(())
    })
    .await
}

fn says_full(status: &Value) -> bool {
    status["findings"].as_array().is_some_and(|all| all.iter().any(|it| it["reason"] == "AGENT_DISK_FULL"))
}

pub async fn leavers_are_blocked_while_the_agents_disk_is_full_and_nobody_comes(story: Story) -> Result<()> {
    let mut spec: FleetSpec = story.spec([contoso()]);
    spec.timing.push(("retry_backoff_milliseconds", 500));
    let mut fleet = Fleet::start(spec).await?;
    fleet.apply(&kit::triage(&["maya", "sam", "rosa"])).await?;
    fleet.wait_converged(SOON).await?;
    fleet.agent("contoso")?.stop().await?;
    let full = start_on_small_disk(&mut fleet, "state/ledger", Vec::new()).await?;
    fleet.wait_converged(SOON).await?;

    std::fs::write(&full, "")?;
    leave(&fleet, "sam").await?;
    wait_blocked(&fleet, "sam").await?;
    // The next leaver comes while the agent knows that its disk is full.
    wait_told(&fleet).await?;
    fleet.apply(&kit::squad_of(&["maya", "sam", "rosa", "li"])).await.ok();
    fleet.apply(&kit::squad_of(&["maya", "rosa", "li"])).await?;
    leave(&fleet, "rosa").await?;
    wait_blocked(&fleet, "rosa").await?;
    ensure!(kit::account(&fleet, "contoso", "li").await?.is_none(), "nobody comes who could not be remembered");
    kit::ensure_l1(&fleet, "contoso", "maya").await?;
    let output = fleet.cli(&args!["removals", "sam"]).await?;
    ensure!(output.code == 3, "nothing is proven without a ledger: {output:?}");

    std::fs::remove_file(&full)?;
    for person in ["sam", "rosa"] {
        eventually(&format!("{person}'s receipt"), SOON, || async {
            fleet.cli(&args!["removals", person]).await?.ok().map(drop)
        })
        .await?;
        kit::ensure_gone(&fleet, "contoso", person).await?;
    }
    fleet.wait_converged(SOON).await?;
    kit::ensure_l1(&fleet, "contoso", "li").await?;
    kit::ensure_l1(&fleet, "contoso", "maya").await?;
    let status = fleet.cli_json(&args!["status", "contoso"]).await?;
    ensure!(!says_full(&status), "{status}");
    kit::ensure_clean(&fleet).await
}

pub async fn an_agent_that_starts_on_a_full_disk_blocks_who_left_meanwhile(story: Story) -> Result<()> {
    let mut fleet = story.converged([contoso()], &["maya", "sam", "rosa"]).await?;
    fleet.agent("contoso")?.stop().await?;
    leave(&fleet, "sam").await?;
    // Every file of the agent. If other programs use up the room that its store has reserved, it says what that means.
    let full = fleet.dir.join("full");
    std::fs::write(&full, "")?;
    let taken = vec![("CRASH_TAKEN", "1".into())];
    let refused = start_on_small_disk(&mut fleet, "state", taken).await.err().context("nothing can be opened")?;
    let text = format!("{refused:#}");
    ensure!(text.contains("NO leaver is blocked, until there is room"), "{text}");
    ensure!(fleet.agent("contoso")?.stop().await?.code() == Some(1), "{text}");
    std::fs::remove_file(&full)?;
    fleet.start_agent("contoso").await?;
    wait_blocked(&fleet, "sam").await?;
    fleet.agent("contoso")?.stop().await?;

    std::fs::write(&full, "")?;
    start_on_small_disk(&mut fleet, "state", Vec::new()).await?;
    leave(&fleet, "rosa").await?;
    wait_blocked(&fleet, "rosa").await?;
    kit::ensure_l1(&fleet, "contoso", "maya").await?;
    ensure!(fleet.agent("contoso")?.ended()?.is_none(), "{}", fleet.agent("contoso")?.log());

    std::fs::remove_file(&full)?;
    for person in ["sam", "rosa"] {
        eventually(&format!("{person}'s receipt"), SOON, || async {
            fleet.cli(&args!["removals", person]).await?.ok().map(drop)
        })
        .await?;
    }
    fleet.wait_converged(SOON).await?;
    kit::ensure_clean(&fleet).await
}

pub async fn everything_can_be_taken_back_on_a_full_disk(story: Story) -> Result<()> {
    let mut fleet = story.converged([contoso()], &["maya", "sam"]).await?;
    fleet.agent("contoso")?.stop().await?;
    let (dir, full) = (fleet.customer_dir("contoso"), fleet.dir.join("full"));
    std::fs::write(&full, "")?;
    let environment = shim::small_disk(&fleet.dir, &dir.join("state"), &full)?;
    let output = fleet.agent_command_in("contoso", &args!["revoke-all", "--yes"], &environment).await?;
    let text = output.ok()?;
    ensure!(text.contains("complete: no access is left of what this agent gave"), "{text}");
    for person in ["maya", "sam"] {
        kit::ensure_gone(&fleet, "contoso", person).await?;
    }
    // The ledger wrote them in its reserved room: nothing comes back with the next start.
    ensure!(dir.join("state/revoke-all").exists() && dir.join("state/revoke-all.json").exists(), "{text}");
    kit::ensure_clean(&fleet).await
}

pub async fn an_agent_that_runs_on_a_full_disk_takes_everything_back_when_told(story: Story) -> Result<()> {
    let mut fleet = story.converged([contoso()], &["maya"]).await?;
    fleet.agent("contoso")?.stop().await?;
    let names = || vec![("CRASH_TAKEN", "1".into()), ("CRASH_INODES", "1".into())];
    let full = start_on_small_disk(&mut fleet, "state", names()).await?;
    fleet.wait_converged(SOON).await?;
    std::fs::write(&full, "")?;
    let state = fleet.customer_dir("contoso").join("state");
    let environment = [shim::small_disk(&fleet.dir, &state, &full)?, names()].concat();
    let command = args!["revoke-all", "--yes", "--timeout", "5"];
    let output = fleet.agent_command_in("contoso", &command, &environment).await?;
    ensure!(output.code == 3 && output.stdout.contains("there is no receipt"), "{output:?}");
    eventually("maya gone", SOON, || kit::ensure_gone(&fleet, "contoso", "maya")).await?;
    std::fs::remove_file(&full)?;
    fleet.agent_command("contoso", &args!["revoke-all", "--yes"]).await?.ok()?;
    kit::ensure_clean(&fleet).await
}
