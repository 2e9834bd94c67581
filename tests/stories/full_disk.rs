//! An agent whose disk fills up, and has room again: the real process under the shim of the power cuts
//! (`tests/crash/shim.c`), for which the disk is full while a file exists.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use entente_tests::{Fleet, FleetSpec, args, eventually};
use serde_json::Value;

use crate::kit::{self, SOON, Story, contoso};

fn shim(dir: &Path) -> Result<PathBuf> {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/crash/shim.c");
    let shim = dir.join("shim.so");
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let options = ["-shared", "-fPIC", "-O1", "-o"];
    let libraries = ["-ldl", "-lpthread"];
    let compiled = Command::new(compiler).args(options).args([&shim, Path::new(source)]).args(libraries).status();
    ensure!(compiled.context("a C compiler")?.success(), "the shim does not compile");
    Ok(shim)
}

/// Starts contoso's agent on a disk that is full while the file exists whose path is given.
async fn start_on_small_disk(fleet: &mut Fleet) -> Result<PathBuf> {
    let dir = fleet.dir.clone();
    let (full, image) = (dir.join("full"), dir.join("image"));
    std::fs::create_dir(&image)?;
    let environment: [(&str, OsString); 6] = [
        ("LD_PRELOAD", shim(&dir)?.into()),
        ("CRASH_DIR", fleet.customer_dir("contoso").join("state/ledger").into()),
        ("CRASH_IMAGE", image.into()),
        ("CRASH_REPORT", dir.join("report").into()),
        ("CRASH_FULL", full.clone().into()),
        // Or the store would still find some room in its own file.
        ("CRASH_COW", "1".into()),
    ];
    fleet.start_agent_in("contoso", &environment).await?;
    Ok(full)
}

async fn leave(fleet: &Fleet, person: &str) -> Result<()> {
    fleet.cli(&args!["operators", "leave", person, "--no-wait"]).await?.ok().map(drop)
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
    let full = start_on_small_disk(&mut fleet).await?;
    fleet.wait_converged(SOON).await?;

    std::fs::write(&full, "")?;
    leave(&fleet, "sam").await?;
    wait_blocked(&fleet, "sam").await?;
    // And the next one, whose leaving comes while the agent knows of its disk.
    eventually("the SOC is told", SOON, || async {
        let status = fleet.cli_json(&args!["status", "contoso"]).await?;
        ensure!(says_full(&status), "{status}");
        Ok(())
    })
    .await?;
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
