//! Bad input of every kind: each gets a clear error and changes nothing.

mod connections;
mod manifests;

use anyhow::{Context, Result, ensure};
use entente_tests::{Fleet, args};

use crate::kit::{self, Story, contoso, fabrikam};

/// What was tried, and whether it was refused with the right text.
pub struct Verdict {
    pub what: String,
    pub fault: Option<String>,
}

impl Verdict {
    /// Right if the command failed and printed `expected`.
    pub fn of(what: &str, code: i32, said: &str, expected: &str) -> Self {
        let fault = if code == 0 {
            Some("it was taken".to_owned())
        } else if !said.contains(expected) {
            Some(format!("it does not say {expected:?} but: {said}"))
        } else if said.contains("panicked") {
            Some(format!("it panicked: {said}"))
        } else {
            None
        };
        Self { what: what.to_owned(), fault }
    }
}

/// Everything that a wrong input could have changed.
async fn everything(fleet: &Fleet) -> Result<String> {
    let audit = fleet.cli_json(&args!["audit", "list"]).await?;
    // Except tokens, because the story itself makes some.
    let records = audit.as_array().context("a list")?.iter().filter(|it| it["method"] != "CreateEnrollmentToken");
    let mut all: String = records.map(ToString::to_string).collect();
    for kind in ["homeTenants", "tenants", "operators", "squads", "socRoles", "assignments"] {
        all += &fleet.cli(&args!["get", kind, "--output", "yaml"]).await?.ok()?;
    }
    Ok(all)
}

pub async fn every_bad_input_is_a_clear_error_and_changes_nothing(story: Story) -> Result<()> {
    let fleet = story.converged([contoso(), fabrikam()], &["maya"]).await?;
    let before = everything(&fleet).await?;
    let mut verdicts = manifests::all(&fleet).await?;
    verdicts.extend(connections::all(&fleet).await?);
    let wrong: Vec<String> =
        verdicts.iter().filter_map(|it| it.fault.as_ref().map(|fault| format!("{}: {fault}", it.what))).collect();
    println!("{} bad inputs, {} not refused as they should be", verdicts.len(), wrong.len());
    ensure!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    ensure!(verdicts.len() >= 40, "only {}", verdicts.len());
    ensure!(everything(&fleet).await? == before, "something changed");
    fleet.wait_converged(kit::SOON).await?;
    fleet.stop().await.context("everybody is still well")
}
