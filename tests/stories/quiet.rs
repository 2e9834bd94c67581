//! When there is nothing to do, the agents do nothing.

use std::time::Duration;

use anyhow::{Result, ensure};
use entente_tests::{args, eventually};

use crate::kit::{self, Story, contoso, fabrikam};

pub async fn after_convergence_only_periodic_reads_are_made(story: Story) -> Result<()> {
    let mut customer = contoso();
    customer.agent_extra = "compare_seconds = 2".into();
    let fleet = story.converged([customer], &["maya", "sam"]).await?;
    let customer = fleet.customer("contoso")?;
    let before = kit::now(&fleet).await?;
    // Over several periods, each look reads and none writes.
    let reads = |calls: &[entente_simulator::control::types::CallEntry]| {
        calls.iter().filter(|call| call.method == "GET" && call.path.contains("/members")).count()
    };
    let calls = eventually("three periods", Duration::from_secs(60), || async {
        let calls = kit::calls(&fleet, customer, before).await?;
        ensure!(reads(&calls) >= 3, "{} reads of members", reads(&calls));
        Ok(calls)
    })
    .await?;
    let writes: Vec<_> = calls.iter().filter(|call| kit::is_write(call)).collect();
    ensure!(writes.is_empty(), "{writes:?}");
    Ok(())
}

pub async fn a_second_apply_changes_nothing_and_sends_nothing(story: Story) -> Result<()> {
    let fleet = story.converged([contoso(), fabrikam()], &["maya", "sam"]).await?;
    let status = |name: &'static str| {
        let fleet = &fleet;
        async move { fleet.cli_json(&args!["status", name]).await }
    };
    let before = status("contoso").await?;
    let records = fleet.cli_json(&args!["audit", "list"]).await?;
    let from = kit::now(&fleet).await?;
    let answer = fleet.apply(&kit::triage(&["maya", "sam"])).await?;
    let changes = answer["changes"].as_array().map(Vec::as_slice).unwrap_or_default();
    ensure!(changes.iter().all(|change| change["kind"] == "UNCHANGED"), "{answer}");
    ensure!(answer["impact"]["tenants"] == 0, "{answer}");
    ensure!(fleet.cli_json(&args!["audit", "list"]).await? == records, "nothing is recorded, as nothing changed");
    let after = status("contoso").await?;
    for field in ["desiredRevision", "acceptedRevision", "revisionsBehind"] {
        ensure!(before[field] == after[field], "{field}: {before} {after}");
    }
    for customer in fleet.customers.values() {
        let writes = kit::calls(&fleet, customer, from).await?.into_iter().filter(kit::is_write).count();
        ensure!(writes == 0, "{writes} writes at {}", customer.name);
    }
    Ok(())
}
