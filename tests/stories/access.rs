//! Access begins, moves and returns.

use anyhow::{Context, Result, ensure};
use entente_tests::{args, provider};
use serde_json::json;

use crate::kit::{self, SOON, Story, contoso, fabrikam};

pub async fn one_intent_becomes_verified_access_in_every_tenant(story: Story) -> Result<()> {
    let fleet = story.converged([contoso(), fabrikam()], &["maya", "sam"]).await?;
    for customer in ["contoso", "fabrikam"] {
        for person in ["maya", "sam"] {
            kit::ensure_l1(&fleet, customer, person).await?;
        }
        ensure!(kit::account(&fleet, customer, "jonas").await?.is_none(), "the owner works nowhere");
    }
    let who = fleet.cli_json(&args!["who", "--operator", "maya"]).await?;
    let rows = who.as_array().context("a list")?;
    ensure!(rows.len() == 2 && rows.iter().all(|row| row["state"] == "APPLIED"), "{who}");
    ensure!(
        rows.iter().all(|row| row["rights"] == 3 && row["rightsApplied"] == 3),
        "two Azure roles, one of Defender: {who}"
    );
    fleet.cli(&args!["status", "--watch", "--until-settled"]).await?.ok()?;
    kit::ensure_clean(&fleet).await?;
    fleet.stop().await
}

pub async fn a_joiner_has_access_from_one_change(story: Story) -> Result<()> {
    let fleet = story.converged([contoso(), fabrikam()], &["maya"]).await?;
    let answer = fleet.apply(&kit::squad_of(&["maya", "rosa"])).await?;
    ensure!(answer["impact"]["tenants"] == 2 && answer["impact"]["people"] == 1, "{answer}");
    fleet.wait_converged(SOON).await?;
    kit::ensure_l1(&fleet, "contoso", "rosa").await?;
    kit::ensure_l1(&fleet, "fabrikam", "rosa").await?;
    kit::ensure_clean(&fleet).await
}

pub async fn a_mover_changes_roles_without_a_gap(story: Story) -> Result<()> {
    let fleet = story.converged([contoso()], &["maya", "sam"]).await?;
    let before = kit::now(&fleet).await?;
    let mut change = kit::squad_of(&["sam"]);
    change.push(provider::squad("investigation", "jonas", &["maya"]));
    change.push(provider::assignment("investigation", "investigation", "l2-analyst", "nordic", "jonas"));
    fleet.apply(&change).await?;
    fleet.wait_converged(SOON).await?;
    let maya = kit::account(&fleet, "contoso", "maya").await?.context("maya has an account")?;
    ensure!(maya.enabled && maya.azure_roles.len() == 1 && maya.defender_roles.len() == 1, "{maya:?}");
    kit::ensure_l1(&fleet, "contoso", "sam").await?;
    // Only the net difference is applied, and maya's account was never blocked on the way.
    let calls = kit::calls(&fleet, fleet.customer("contoso")?, before).await?;
    let blocked = calls.iter().filter(|call| call.method == "PATCH" && call.path.contains("/users/")).count();
    ensure!(blocked == 0, "the mover was blocked on the way");
    ensure!(kit::invitations(&fleet, fleet.customer("contoso")?).await? == 2, "nobody is invited again");
    kit::ensure_clean(&fleet).await
}

pub async fn an_agent_that_was_away_converges_with_no_new_call(story: Story) -> Result<()> {
    let mut fleet = story.converged([contoso(), fabrikam()], &["maya"]).await?;
    fleet.agent("fabrikam")?.kill().await?;
    fleet.apply(&kit::squad_of(&["maya", "rosa"])).await?;
    fleet.wait_phase("contoso", "CONVERGED", SOON).await?;
    fleet.wait_phase("fabrikam", "OFFLINE", SOON).await?;
    fleet.start_agent("fabrikam").await?;
    fleet.wait_converged(SOON).await?;
    kit::ensure_l1(&fleet, "fabrikam", "rosa").await?;
    kit::ensure_clean(&fleet).await
}

pub async fn a_person_in_two_assignments_loses_nothing_when_one_ends(story: Story) -> Result<()> {
    let fleet = story.start([contoso()]).await?;
    let mut intent = kit::triage(&["maya"]);
    intent.push(provider::squad("nights", "jonas", &["maya"]));
    intent.push(provider::assignment("nights", "nights", "l1-analyst", "nordic", "jonas"));
    fleet.apply(&intent).await?;
    fleet.wait_converged(SOON).await?;
    fleet.cli(&args!["delete", "assignments/nights"]).await?.ok()?;
    fleet.wait_converged(SOON).await?;
    kit::ensure_l1(&fleet, "contoso", "maya").await?;
    // Remove the other one too: now the membership is named for removal, and the account is blocked.
    fleet.cli(&args!["delete", "assignments/triage"]).await?.ok()?;
    entente_tests::eventually("maya has nothing", SOON, || kit::ensure_gone(&fleet, "contoso", "maya")).await?;
    kit::ensure_clean(&fleet).await
}

pub async fn an_exemption_takes_a_right_away_and_gives_it_back_when_it_goes(story: Story) -> Result<()> {
    let fleet = story.converged([contoso(), fabrikam()], &["maya"]).await?;
    let mut tenant = fleet.customer("contoso")?.manifest();
    tenant["exemptions"] = json!([{
        "role": "socRoles/l1-analyst", "drop": ["Microsoft Sentinel Responder"], "reason": "not here", "until": "2999-12-31"
    }]);
    fleet.apply(&[tenant]).await?;
    let has = async |count: usize| {
        let maya = kit::account(&fleet, "contoso", "maya").await?.context("maya has an account")?;
        ensure!(maya.azure_roles.len() == count, "{:?}", maya.azure_roles);
        Ok(())
    };
    entente_tests::eventually("the exempted right is gone", SOON, || has(1)).await?;
    kit::ensure_l1(&fleet, "fabrikam", "maya").await?;
    let waits = kit::in_state("WAITING", "NOT_YET_STARTED");
    kit::wait_item(&fleet, "contoso", "azureRole/l1-analyst", waits).await?;
    fleet.apply(&[fleet.customer("contoso")?.manifest()]).await?;
    entente_tests::eventually("the right is back", SOON, || has(2)).await?;
    fleet.wait_converged(SOON).await?;
    kit::ensure_clean(&fleet).await
}
