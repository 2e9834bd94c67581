//! What the service provider sees of a customer in the worst cases: a phase for each, and whose move it is.

use anyhow::{Context, Result, ensure};
use entente_simulator::control::types::FaultAction;
use entente_tests::{Fleet, args};
use serde_json::{Value, json};

use crate::kit::{self, SOON, Story, contoso};

/// First users, section 2, row 1.
pub async fn users_d01_the_worst_cases_have_phases_of_their_own(story: Story) -> Result<()> {
    let mut fleet = story.converged([contoso()], &["maya"]).await?;
    fleet.agent_command("contoso", &args!["pause"]).await?.ok()?;
    let paused = fleet.wait_phase("contoso", "PAUSED", SOON).await?;
    says(&paused, "CUSTOMER", &["leavers neither", "entente-agent resume"])?;
    ensure!(paused["phaseTime"].is_string(), "since when: {paused}");
    fleet.agent_command("contoso", &args!["resume", "--yes"]).await?.ok()?;
    fleet.wait_converged(SOON).await?;

    let path = fleet.customer_dir("contoso").join("guardrail.yaml");
    let whole = std::fs::read_to_string(&path)?;
    std::fs::remove_file(&path)?;
    let fault = fleet.wait_phase("contoso", "GUARDRAIL_FAULT", SOON).await?;
    says(&fault, "CUSTOMER", &["there is no file", "restore the file"])?;
    std::fs::write(&path, reviewed_in_2020(&whole)?)?;
    let past = fleet.wait_phase("contoso", "REVIEW_PAST", SOON).await?;
    says(&past, "CUSTOMER", &["2021-01-01T00:00:00Z", "reviewBy"])?;
    std::fs::write(&path, &whole)?;
    fleet.wait_converged(SOON).await?;

    cannot_sign_in(&mut fleet).await?;

    fleet.agent_command("contoso", &args!["revoke-all", "--yes"]).await?.ok()?;
    let done = fleet.wait_phase("contoso", "REVOKE_ALL_DONE", SOON).await?;
    says(&done, "CUSTOMER", &["took back everything"])?;
    let agents = fleet.cli_json(&args!["agents", "list", "--tenant", "contoso"]).await?;
    let name = agents[0]["name"].as_str().context("an agent")?.to_owned();
    fleet.cli(&args!["agents", "revoke", &name]).await?.ok()?;
    let revoked = fleet.wait_phase("contoso", "AGENT_REVOKED", SOON).await?;
    says(&revoked, "PROVIDER", &[&name, "entente tokens create contoso"])
}

/// The application is disabled in Entra, then Microsoft does not answer at all. Both show with the next token.
async fn cannot_sign_in(fleet: &mut Fleet) -> Result<()> {
    let disabled = "AADSTS7000112: Application is disabled.";
    let body = json!({"error": "unauthorized_client", "error_description": disabled, "error_codes": [7000112]});
    let refusal = FaultAction::Answer { status: 400, body, headers: Default::default() };
    for (action, phase, party, words, logged) in [
        (refusal, "CANNOT_SIGN_IN", "CUSTOMER", "AADSTS7000112", "AADSTS7000112"),
        (FaultAction::DropBefore, "CLOUD_UNREACHABLE", "MICROSOFT", "does not answer", "Microsoft cannot be reached"),
    ] {
        fleet.agent("contoso")?.stop().await?;
        let customer = fleet.customer("contoso")?;
        fleet.cloud.add_fault(&kit::fault(customer, "POST", "/oauth2/v2.0/token$", action, 1_000_000)).await?;
        fleet.start_agent("contoso").await?;
        let status = fleet.wait_phase("contoso", phase, SOON).await?;
        says(&status, party, &[words])?;
        let log = std::fs::read_to_string(fleet.log_path("contoso"))?;
        ensure!(log.contains(logged), "the agent's log says {logged}");
        fleet.cloud.clear_faults().await?;
        fleet.wait_converged(SOON).await?;
    }
    Ok(())
}

fn says(status: &Value, party: &str, words: &[&str]) -> Result<()> {
    let explanation = status["explanation"].as_str().unwrap_or_default();
    ensure!(words.iter().all(|word| explanation.contains(word)), "{words:?}: {status}");
    ensure!(status["party"] == party, "{party}: {status}");
    Ok(())
}

fn reviewed_in_2020(guardrail: &str) -> Result<String> {
    let line = guardrail.lines().find(|line| line.starts_with("reviewBy")).context("a day of review")?;
    Ok(guardrail.replace(line, "reviewBy: 2020-12-31"))
}
