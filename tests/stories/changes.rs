//! Changes as a SOC's pipeline makes them: from files, with `--prune`, and with a wait for the end.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use entente_tests::{Fleet, args, provider};
use serde_json::{Value, json};

use crate::kit::{self, SOON, Story, contoso, fabrikam};

/// A folder with the intent, like a repository.
fn written(fleet: &Fleet, manifests: &[Value]) -> Result<PathBuf> {
    let folder = fleet.dir.join("intent");
    std::fs::create_dir_all(&folder)?;
    write(&folder, manifests)?;
    Ok(folder)
}

fn write(folder: &Path, manifests: &[Value]) -> Result<()> {
    Ok(std::fs::write(folder.join("all.yaml"), provider::yaml(manifests))?)
}

fn labelled(mut manifest: Value) -> Value {
    manifest["labels"] = json!({"part": "triage"});
    manifest
}

fn with_state(manifest: &Value, name: &str, state: &str) -> Value {
    let mut manifest = manifest.clone();
    if manifest["name"] == name {
        manifest["state"] = json!(state);
    }
    manifest
}

pub async fn apply_waits_and_prunes_what_is_gone_from_the_files(story: Story) -> Result<()> {
    let fleet = story.start([contoso(), fabrikam()]).await?;
    let mut intent = kit::triage(&["maya"]);
    intent.push(labelled(provider::squad("nights", "jonas", &["sam"])));
    intent.push(labelled(provider::assignment("nights", "nights", "l1-analyst", "nordic", "jonas")));
    intent.push(labelled(provider::squad("kept", "jonas", &[])));
    let folder = written(&fleet, &intent)?;
    let apply = |more: &[&str]| {
        let mut all = args!["apply", "-f", folder.as_os_str()];
        all.extend(more.iter().map(Into::into));
        all
    };
    let applied = fleet.cli(&apply(&["--wait", "--timeout", "120"])).await?.ok()?;
    ensure!(applied.contains("(2 of 2 tenants)"), "{applied}");
    for customer in ["contoso", "fabrikam"] {
        kit::ensure_l1(&fleet, customer, "sam").await.context("there when apply --wait has ended")?;
    }
    // A resource is gone from the files: nothing changes until `--prune` names the set.
    let rest: Vec<Value> = intent
        .iter()
        .filter(|it| !it["name"].as_str().is_some_and(|name| name.ends_with("/nights")))
        .cloned()
        .collect();
    write(&folder, &rest)?;
    let dry = fleet.cli(&apply(&["--dry-run"])).await?;
    ensure!(
        dry.stdout.contains("nothing changes") && dry.stderr.contains("squads/nights"),
        "{}{}",
        dry.stdout,
        dry.stderr
    );
    let dry = fleet.cli(&apply(&["--dry-run", "--prune", "-l", "part=triage"])).await?.ok()?;
    ensure!(
        dry.contains("- squads/nights\n") && dry.contains("- assignments/nights\n") && dry.contains("sam"),
        "{dry}"
    );
    ensure!(!dry.contains("squads/triage") && !dry.contains("operators/"), "{dry}");
    fleet.cli(&apply(&["--prune", "-l", "part=triage", "--wait", "--timeout", "120"])).await?.ok()?;
    for customer in ["contoso", "fabrikam"] {
        kit::ensure_gone(&fleet, customer, "sam").await?;
        kit::ensure_l1(&fleet, customer, "maya").await?;
    }
    // Files that hold nothing of the set would empty it.
    write(&folder, &[provider::squad("triage", "jonas", &["maya"])])?;
    let refused = fleet.cli(&apply(&["--prune", "-l", "part=triage"])).await?;
    ensure!(refused.code == 2 && refused.stderr.contains("squads/kept; say --yes"), "{}", refused.stderr);
    std::fs::write(folder.join("broken.yaml"), "kind: [")?;
    let refused = fleet.cli(&apply(&["--prune", "-l", "part=triage", "--yes"])).await?;
    ensure!(refused.code == 1 && refused.stderr.contains("broken.yaml"), "{}", refused.stderr);
    fleet.cli(&args!["get", "squads/kept"]).await?.ok()?;
    kit::ensure_clean(&fleet).await
}

pub async fn who_leaves_by_a_file_is_gone_with_receipts(story: Story) -> Result<()> {
    let fleet = story.converged([contoso(), fabrikam()], &["maya", "sam"]).await?;
    let intent = kit::triage(&["maya", "sam"]);
    let folder = written(&fleet, &intent)?;
    let left: Vec<Value> = intent.iter().map(|it| with_state(it, "operators/sam", "LEFT")).collect();
    write(&folder, &left)?;
    let apply = args!["apply", "-f", folder.as_os_str()];
    let asked = fleet.cli(&apply).await?;
    ensure!(
        asked.code == 2 && asked.stderr.contains("operators/sam, sam, loses access everywhere"),
        "{}",
        asked.stderr
    );
    let mut waited = apply.clone();
    waited.extend(args!["--yes", "--wait", "--timeout", "120"]);
    let said = fleet.cli(&waited).await?.ok()?;
    ensure!(said.contains("operators/sam leaves; receipts: entente removals sam"), "{said}");
    ensure!(said.matches("PROVEN").count() >= 2, "{said}");
    for customer in ["contoso", "fabrikam"] {
        kit::ensure_gone(&fleet, customer, "sam").await?;
    }
    fleet.cli(&args!["wait", "contoso", "--for", "converged", "--timeout", "60"]).await?.ok()?;
    let late = fleet.cli(&args!["wait", "-l", "region=nordic", "--for", "PAUSED", "--timeout", "1"]).await?;
    ensure!(late.code == 3 && late.stderr.contains("not PAUSED after 1 s: contoso CONVERGED"), "{}", late.stderr);
    // The file still says ACTIVE, as in the repository of a colleague who was not told.
    write(&folder, &intent)?;
    let refused = fleet.cli(&apply).await?;
    let line = refused.stderr.lines().find(|line| line.contains("operators/sam: state: has left; write state: LEFT"));
    let line = line.with_context(|| refused.stderr.clone())?;
    ensure!(line.contains("all.yaml: line ") && line.contains("`entente operators rejoin sam`"), "{line}");
    fleet.wait_converged(SOON).await
}
