//! Leaving: everywhere, with proof, and only for the person who left.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use entente_simulator::control::types::{CallEntry, FaultAction, Tamper, UserRights};
use entente_tests::{Customer, Fleet, args, eventually, provider};
use serde_json::Value;

use crate::kit::{self, SOON, Story, contoso, fabrikam};

/// Each tenant's receipt has two empty reads, at least the lag apart.
fn ensure_receipts(answer: &Value, tenants: usize, lag_seconds: u32) -> Result<()> {
    ensure!(answer["complete"] == true, "{answer}");
    let receipts = answer["removals"].as_array().context("a list")?;
    ensure!(receipts.len() == tenants, "{} receipts for {tenants} tenants", receipts.len());
    for receipt in receipts {
        let at = |field: &str| -> Result<entente_model::Timestamp> {
            let text = receipt["proof"][field].as_str().with_context(|| format!("{field} in {receipt}"))?;
            Ok(text.parse()?)
        };
        let apart = at("secondEmptyReadTime")?.since(at("firstEmptyReadTime")?);
        ensure!(apart >= Duration::from_secs(lag_seconds.into()), "{apart:?} apart: {receipt}");
        at("effectiveByTime")?;
    }
    Ok(())
}

async fn leave(fleet: &Fleet, person: &str) -> Result<Value> {
    fleet.cli_json(&args!["operators", "leave", person, "--yes", "--timeout", "120"]).await
}

pub async fn a_leaver_is_gone_from_every_tenant_with_two_empty_reads(story: Story) -> Result<()> {
    let fleet = story.converged([contoso(), fabrikam()], &["maya", "sam"]).await?;
    let answer = leave(&fleet, "sam").await?;
    ensure_receipts(&answer, 2, fleet.lag_seconds)?;
    for customer in ["contoso", "fabrikam"] {
        kit::ensure_gone(&fleet, customer, "sam").await?;
        let truth = fleet.cloud.truth(&fleet.customer(customer)?.entra_tenant()).await?;
        let mail = provider::mail("sam");
        let sam = truth.users.iter().find(|user| user.invited_mail.as_deref() == Some(&mail));
        ensure!(sam.is_some_and(|sam| sam.sessions_revoked_at.is_some()), "sessions are ended: {sam:?}");
    }
    // Running it again has the same result: the same receipts, and no write.
    let before = kit::now(&fleet).await?;
    let again = leave(&fleet, "sam").await?;
    ensure!(again["removals"] == answer["removals"], "{again}\n{answer}");
    for customer in fleet.customers.values() {
        let writes = kit::calls(&fleet, customer, before).await?.into_iter().filter(kit::is_write).count();
        ensure!(writes == 0, "{writes} writes at {}", customer.name);
    }
    kit::ensure_clean(&fleet).await
}

pub async fn a_leaver_keeps_nobody_else_out(story: Story) -> Result<()> {
    let fleet = story.converged([contoso()], &["maya", "sam"]).await?;
    leave(&fleet, "sam").await?;
    kit::ensure_gone(&fleet, "contoso", "sam").await?;
    kit::ensure_l1(&fleet, "contoso", "maya").await?;
    fleet.wait_converged(SOON).await
}

pub async fn a_leaver_with_an_admin_role_is_still_shut_out(story: Story) -> Result<()> {
    let fleet = story.converged([contoso()], &["maya", "sam"]).await?;
    let customer = fleet.customer("contoso")?;
    // Somebody gave sam an Entra role: blocking the account is now a sensitive action that the agent may not do.
    let user = kit::account(&fleet, "contoso", "sam").await?.context("an account")?.user;
    let roles = vec!["Security Reader".to_owned()];
    fleet.cloud.tamper(&customer.entra_tenant(), &Tamper::SetUserEntraRoles { user: user.clone(), roles }).await?;
    let output = fleet.cli(&args!["operators", "leave", "sam", "--yes", "--timeout", "5"]).await?;
    ensure!(output.code == 3, "not complete while something is left: {output:?}");
    eventually("what we gave is gone", SOON, || async {
        let sam: UserRights = kit::account(&fleet, "contoso", "sam").await?.context("an account")?;
        ensure!(sam.azure_roles.is_empty() && sam.defender_roles.is_empty(), "{sam:?}");
        Ok(())
    })
    .await?;
    let none = Tamper::SetUserEntraRoles { user, roles: Vec::new() };
    fleet.cloud.tamper(&customer.entra_tenant(), &none).await?;
    ensure_receipts(&leave(&fleet, "sam").await?, 1, fleet.lag_seconds)?;
    kit::ensure_gone(&fleet, "contoso", "sam").await
}

pub async fn a_tenant_that_is_away_is_named_until_it_confirms(story: Story) -> Result<()> {
    let mut fleet = story.converged([contoso(), fabrikam()], &["maya", "sam"]).await?;
    fleet.agent("fabrikam")?.kill().await?;
    let output = fleet.cli(&args!["operators", "leave", "sam", "--yes", "--timeout", "20", "--output", "json"]).await?;
    ensure!(output.code == 3, "partial never reports success: {output:?}");
    let answer: Value = serde_json::from_str(&output.stdout)?;
    let receipts = answer["removals"].as_array().context("a list")?;
    let open: Vec<_> = receipts.iter().filter(|it| it["complete"] == false).map(|it| &it["tenant"]).collect();
    ensure!(open == ["tenants/fabrikam"], "{answer}");
    fleet.start_agent("fabrikam").await?;
    eventually("both confirmed", SOON, || async {
        ensure_receipts(&fleet.cli_json(&args!["removals", "sam"]).await?, 2, fleet.lag_seconds)
    })
    .await?;
    kit::ensure_gone(&fleet, "fabrikam", "sam").await
}

pub async fn who_left_comes_back_only_by_rejoining(story: Story) -> Result<()> {
    let fleet = story.converged([contoso()], &["maya", "sam"]).await?;
    leave(&fleet, "sam").await?;
    if fleet.apply(&kit::triage(&["maya", "sam"])).await.is_ok() {
        bail!("a manifest that says ACTIVE brought a leaver back");
    }
    fleet.cli(&args!["operators", "rejoin", "sam"]).await?.ok()?;
    fleet.wait_converged(SOON).await?;
    kit::ensure_l1(&fleet, "contoso", "sam").await?;
    let made = kit::invitations(&fleet, fleet.customer("contoso")?).await?;
    ensure!(made == 2, "the same account, unblocked: {made} invitations");
    kit::ensure_clean(&fleet).await
}

pub async fn who_leaves_again_is_proven_gone_again(story: Story) -> Result<()> {
    let mut fleet = story.converged([contoso(), fabrikam()], &["maya", "sam"]).await?;
    fleet.agent("fabrikam")?.kill().await?;
    let output = fleet.cli(&args!["operators", "leave", "sam", "--yes", "--timeout", "30"]).await?;
    ensure!(output.code == 3, "fabrikam cannot confirm: {output:?}");
    kit::ensure_gone(&fleet, "contoso", "sam").await?;

    // Back and gone again while neither agent is connected: contoso's first proof is of the first leave.
    fleet.agent("contoso")?.kill().await?;
    fleet.cli(&args!["operators", "rejoin", "sam"]).await?.ok()?;
    fleet.cli(&args!["operators", "leave", "sam", "--yes", "--no-wait"]).await?.ok()?;
    let output = fleet.cli(&args!["removals", "sam", "--output", "json"]).await?;
    ensure!(output.code == 3, "two are open: {output:?}");
    let answer: Value = serde_json::from_str(&output.stdout)?;
    let open = answer["removals"].as_array().context("a list")?.iter().filter(|it| it["complete"] == false);
    let open: Vec<_> = open.map(|it| &it["tenant"]).collect();
    ensure!(open == ["tenants/contoso", "tenants/fabrikam"], "{answer}");

    fleet.start_agent("contoso").await?;
    fleet.start_agent("fabrikam").await?;
    eventually("both leaves are proven", SOON, || async {
        ensure_receipts(&fleet.cli_json(&args!["removals", "sam"]).await?, 3, fleet.lag_seconds)
    })
    .await?;
    for customer in ["contoso", "fabrikam"] {
        kit::ensure_gone(&fleet, customer, "sam").await?;
    }
    kit::ensure_clean(&fleet).await
}

pub async fn a_leaver_is_blocked_before_any_slow_answer(story: Story) -> Result<()> {
    let fleet = story.converged([contoso()], &["maya", "sam"]).await?;
    let customer = fleet.customer("contoso")?;
    // Azure answers one byte a second, and so do lists of Graph. A block needs neither.
    for path in ["roleAssignments", "^/v1.0/groups/.*/members", "memberOf"] {
        let slow = kit::fault(customer, "GET", path, FaultAction::Drip { seconds: 60 }, 1_000);
        fleet.cloud.add_fault(&slow).await?;
    }
    let before = kit::now(&fleet).await?;
    fleet.cli(&args!["operators", "leave", "sam", "--yes", "--no-wait"]).await?.ok()?;
    let blocked =
        |call: &CallEntry| call.method == "PATCH" && call.path.starts_with("/v1.0/users/") && call.status == 204;
    eventually("the block is written", SOON, || async {
        let calls = kit::calls(&fleet, customer, before).await?;
        ensure!(calls.iter().any(blocked), "no block yet");
        Ok(())
    })
    .await?;
    let calls = kit::calls(&fleet, customer, before).await?;
    let block = calls.iter().position(blocked).context("a block")?;
    let slow = calls.iter().position(|call| call.path.contains("roleAssignments") || call.path.contains("memberOf"));
    ensure!(slow.is_none_or(|slow| block < slow), "the block came after a slow answer: {calls:?}");
    let sam = kit::account(&fleet, "contoso", "sam").await?;
    ensure!(sam.is_some_and(|sam| !sam.enabled), "blocked by the cloud's own books");
    Ok(())
}

pub async fn a_read_that_is_refused_leaves_a_leaver_unproven(story: Story) -> Result<()> {
    let mut customer = contoso();
    customer.switches.insert("member_of_permission".into(), "directory_read".into());
    let fleet = story.converged([customer], &["maya", "sam"]).await?;
    let output = fleet.cli(&args!["operators", "leave", "sam", "--yes", "--timeout", "30", "--output", "json"]).await?;
    ensure!(output.code == 3, "what was refused proves nothing: {output:?}");
    let answer: Value = serde_json::from_str(&output.stdout)?;
    let removal = &answer["removals"][0];
    ensure!(removal["state"] == "UNPROVEN" && removal["reason"] == "PERMISSION_MISSING", "{answer}");
    let sam = kit::account(&fleet, "contoso", "sam").await?;
    ensure!(sam.is_some_and(|sam| !sam.enabled), "blocked all the same");
    Ok(())
}

pub async fn a_leaver_in_a_hundred_tenants_is_confirmed_although_half_the_fleet_is_killed(story: Story) -> Result<()> {
    const TENANTS: u32 = 100;
    const OPERATORS: u32 = 40;
    let names: Vec<String> = (1..=TENANTS).map(|number| format!("customer-{number}")).collect();
    let customers = (1..=TENANTS).zip(&names).map(|(number, name)| Customer::new(name, number));
    let mut fleet = story.start(customers).await?;
    let people: Vec<String> = (1..=OPERATORS).map(|number| format!("op-{number}")).collect();
    let members: Vec<&str> = people.iter().map(String::as_str).collect();
    let mut intent: Vec<Value> = (1..).zip(&people).map(|(number, id)| provider::operator(id, number)).collect();
    intent.extend([
        provider::l1_analyst(),
        provider::squad("triage", "op-1", &members),
        provider::assignment("triage", "triage", "l1-analyst", "nordic", "op-1"),
    ]);
    fleet.apply(&intent).await?;
    fleet.wait_converged(Duration::from_secs(480)).await?;

    fleet.cli(&args!["operators", "leave", "op-7", "--yes", "--no-wait"]).await?.ok()?;
    fleet.control_plane()?.kill().await?;
    let third: Vec<&String> = names.iter().step_by(3).collect();
    for name in &third {
        fleet.agent(name)?.kill().await?;
    }
    fleet.start_control_plane().await?;
    for name in third {
        fleet.start_agent(name).await?;
    }
    let restarted = Instant::now();
    let answer = fleet.cli_json(&args!["operators", "leave", "op-7", "--yes", "--timeout", "300"]).await?;
    println!("confirmed in {TENANTS} tenants {} s after the restart", restarted.elapsed().as_secs());
    ensure_receipts(&answer, usize::try_from(TENANTS)?, fleet.lag_seconds)?;
    for name in &names {
        kit::ensure_gone(&fleet, name, "op-7").await?;
    }
    kit::ensure_l1(&fleet, &names[42], "op-8").await?;
    kit::ensure_clean(&fleet).await
}
