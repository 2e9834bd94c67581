//! Each invitation is made once, whatever happens to the response.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use entente_simulator::control::types::{FaultAction, Identity, Release, When};
use entente_tests::{Fleet, args, provider};
use serde_json::json;

use crate::kit::{self, SOON, Story, contoso};

/// One person is wanted in one tenant. The story applies the intent when it is ready.
async fn start(story: &Story, customer: entente_tests::Customer) -> Result<Fleet> {
    story.start([customer]).await
}

/// People redeem here when the story says so. The agent looks every 2 s.
fn unredeemed() -> entente_tests::Customer {
    let mut customer = contoso();
    customer.settings = json!({"auto_redeem_seconds": -1});
    customer.agent_extra = "compare_seconds = 2".into();
    customer
}

async fn ensure_one_invitation(fleet: &Fleet) -> Result<()> {
    fleet.wait_converged(SOON).await?;
    kit::ensure_l1(fleet, "contoso", "maya").await?;
    let made = kit::invitations(fleet, fleet.customer("contoso")?).await?;
    ensure!(made == 1, "{made} invitations");
    kit::ensure_clean(fleet).await
}

pub async fn a_lost_answer_makes_no_second_invitation(story: Story) -> Result<()> {
    let fleet = start(&story, contoso()).await?;
    let customer = fleet.customer("contoso")?;
    let lost = kit::fault(customer, "POST", "^/v1.0/invitations$", FaultAction::DropAfter, 1);
    fleet.cloud.add_fault(&lost).await?;
    fleet.apply(&kit::triage(&["maya"])).await?;
    ensure_one_invitation(&fleet).await?;
    let struck = fleet.cloud.faults().await?.iter().map(|fault| fault.struck).sum::<u64>();
    ensure!(struck == 1, "the answer was lost {struck} times");
    Ok(())
}

pub async fn a_kill_between_request_and_answer_makes_no_second_invitation(story: Story) -> Result<()> {
    let mut fleet = start(&story, contoso()).await?;
    let customer = fleet.customer("contoso")?.clone();
    for when in [When::After, When::Before] {
        // Held after the cloud handled it, then before: each time the agent dies in that window.
        let barrier = fleet.cloud.add_barrier(kit::inviting(&customer), when).await?;
        let people: &[&str] = if when == When::After { &["maya"] } else { &["maya", "li"] };
        fleet.apply(&kit::triage(people)).await?;
        fleet.cloud.wait_barrier(barrier.id, 1, SOON).await?;
        fleet.agent("contoso")?.kill().await?;
        fleet.cloud.remove_barrier(barrier.id, Release::Proceed).await?;
        fleet.start_agent("contoso").await?;
        fleet.wait_converged(SOON).await?;
    }
    kit::ensure_l1(&fleet, "contoso", "maya").await?;
    kit::ensure_l1(&fleet, "contoso", "li").await?;
    kit::ensure_clean(&fleet).await?;
    let made = kit::invitations(&fleet, &customer).await?;
    ensure!(made == 2, "{made} invitations for two people");
    Ok(())
}

pub async fn a_lag_longer_than_a_restart_makes_no_second_invitation(story: Story) -> Result<()> {
    let mut customer = contoso();
    // What was made becomes visible after 6 s. The agent is told that the lag may be 8 s.
    customer.settings = json!({"auto_redeem_seconds": 0, "lag_seconds": 6, "index_lag_factor": 1});
    let mut spec = story.spec([customer.clone()]);
    spec.lag_seconds = 8;
    let mut fleet = Fleet::start(spec).await?;
    let lost = kit::fault(&customer, "POST", "^/v1.0/invitations$", FaultAction::DropAfter, 1);
    fleet.cloud.add_fault(&lost).await?;
    let barrier = fleet.cloud.add_barrier(kit::inviting(&customer), When::After).await?;
    fleet.apply(&kit::triage(&["maya"])).await?;
    fleet.cloud.wait_barrier(barrier.id, 1, SOON).await?;
    fleet.agent("contoso")?.kill().await?;
    fleet.cloud.remove_barrier(barrier.id, Release::Proceed).await?;
    fleet.start_agent("contoso").await?;
    ensure_one_invitation(&fleet).await
}

pub async fn a_phantom_invitation_is_made_again_only_after_the_lag(story: Story) -> Result<()> {
    let mut spec = story.spec([contoso()]);
    spec.lag_seconds = 3;
    let fleet = Fleet::start(spec).await?;
    let customer = fleet.customer("contoso")?;
    let phantom = kit::fault(customer, "POST", "^/v1.0/invitations$", FaultAction::Phantom, 1);
    fleet.cloud.add_fault(&phantom).await?;
    fleet.apply(&kit::triage(&["maya"])).await?;
    fleet.wait_converged(SOON).await?;
    kit::ensure_l1(&fleet, "contoso", "maya").await?;
    let calls = kit::calls(&fleet, customer, 0).await?;
    let asked: Vec<_> = calls.iter().filter(|call| call.path.ends_with("/v1.0/invitations")).collect();
    ensure!(asked.len() == 2, "{} invitations were asked for", asked.len());
    let looked = calls.iter().filter(|call| call.seq > asked[0].seq && call.seq < asked[1].seq && call.method == "GET");
    ensure!(looked.count() >= 2, "it was looked for before it was asked for again");
    kit::ensure_clean(&fleet).await
}

pub async fn access_waits_for_redemption_and_shows_the_link(story: Story) -> Result<()> {
    let customer = unredeemed();
    let fleet = start(&story, customer.clone()).await?;
    fleet.apply(&kit::triage(&["maya"])).await?;
    let item = kit::wait_item(&fleet, "contoso", "user/", kit::in_state("WAITING", "REDEMPTION")).await?;
    let links = fleet.cli_json(&args!["redeem", "maya"]).await?;
    let link = links[0]["redeemUrl"].as_str().context("a link")?;
    ensure!(link.starts_with("https://"), "{link}");
    for list in [item.to_string(), fleet.cli_json(&args!["who"]).await?.to_string()] {
        ensure!(!list.contains(link), "the link is shown to its person alone: {list}");
    }
    kit::wait_item(&fleet, "contoso", "member/", |item| item["state"] == "WAITING").await?;
    let maya = kit::account(&fleet, "contoso", "maya").await?.context("an account")?;
    ensure!(maya.azure_roles.is_empty() && maya.defender_roles.is_empty(), "nothing before redemption: {maya:?}");
    let log = std::fs::read_to_string(fleet.log_path("contoso"))?;
    ensure!(!log.contains(link), "the link is personal and is not logged");
    fleet.cloud.redeem(&customer.entra_tenant(), &provider::mail("maya"), Identity::Entra).await?;
    ensure_one_invitation(&fleet).await
}

pub async fn an_identity_that_is_not_from_entra_is_blocked(story: Story) -> Result<()> {
    let customer = unredeemed();
    let fleet = start(&story, customer.clone()).await?;
    fleet.apply(&kit::triage(&["maya"])).await?;
    kit::wait_item(&fleet, "contoso", "user/", kit::in_state("WAITING", "REDEMPTION")).await?;
    fleet.cloud.redeem(&customer.entra_tenant(), &provider::mail("maya"), Identity::Otp).await?;
    kit::wait_item(&fleet, "contoso", "user/", |item| item["reason"] == "IDENTITY_PROOF").await?;
    entente_tests::eventually("maya is blocked", Duration::from_secs(60), || {
        kit::ensure_gone(&fleet, "contoso", "maya")
    })
    .await?;
    kit::ensure_clean(&fleet).await
}
