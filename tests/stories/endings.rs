//! The screens warn before something ends. What replaces it needs no restart.

use anyhow::{Context, Result, ensure};
use entente_tests::process::{run, run_in};
use entente_tests::role::Role;
use entente_tests::{args, eventually};
use time::{Duration, OffsetDateTime};

use crate::kit::{self, SOON, Story, contoso};
use crate::shim;

pub async fn a_credential_that_ends_soon_is_told_on_both_sides(story: Story) -> Result<()> {
    let mut fleet = story.converged([contoso()], &["maya"]).await?;
    ensure!(ends(&table(&fleet).await?).is_empty(), "{}", table(&fleet).await?);
    let day = (OffsetDateTime::now_utc() + Duration::days(5)).date();
    let config = fleet.customer_dir("contoso").join("agent.toml");
    fleet.agent("contoso")?.stop().await?;
    // The last table is about the credential.
    let text = std::fs::read_to_string(&config)? + &format!("expires = \"{day}T12:00:00Z\"\n");
    std::fs::write(&config, text)?;
    fleet.start_agent("contoso").await?;
    eventually("the end is told to the provider", SOON, || async {
        let shown = table(&fleet).await?;
        let line = ends(&shown).into_iter().find(|line| line.contains("CLOUD_CREDENTIAL")).context("not told")?;
        ensure!(line.starts_with("tenants/contoso") && line.contains(&day.to_string()), "{line}");
        Ok(())
    })
    .await?;
    let endings = fleet.cli_json(&args!["endings"]).await?;
    ensure!(endings[0]["kind"] == "CLOUD_CREDENTIAL" && endings[0]["ended"] == false, "{endings}");
    let own = fleet.agent_command("contoso", &args!["status"]).await?.ok()?;
    ensure!(own.contains(&format!("ENDS       credential until {day}")), "{own}");
    Ok(())
}

pub async fn a_new_delegation_is_taken_up_by_a_running_server(story: Story) -> Result<()> {
    let mut fleet = story.converged([contoso()], &["maya"]).await?;
    let dir = fleet.control_plane_dir();
    let args =
        args!["delegate", "--config", dir.join("config.toml"), "--root-key", dir.join("root.key"), "--days", "90"];
    run(Role::ControlPlane, &args).await?.ok()?;
    fleet.control_plane()?.hang_up().await?;
    let until = (OffsetDateTime::now_utc() + Duration::days(90)).date().to_string();
    let log = fleet.log_path("control-plane");
    eventually("the new delegation is in force", SOON, || async {
        let text = std::fs::read_to_string(&log)?;
        let told = text.lines().any(|line| line.contains("may sign until then") && line.contains(&until));
        ensure!(told, "{text}");
        Ok(())
    })
    .await?;
    // Agents reconnect and accept what is signed.
    fleet.apply(&kit::squad_of(&["maya", "sam"])).await?;
    fleet.wait_converged(SOON).await?;
    kit::ensure_l1(&fleet, "contoso", "sam").await
}

pub async fn a_delegation_that_ends_is_told_before_and_a_leave_after_it_is_refused(story: Story) -> Result<()> {
    let mut fleet = story.converged([contoso()], &["maya", "sam"]).await?;
    // The agent's own certificate ends with it, but this story is about what the server signs.
    fleet.agent("contoso")?.stop().await?;
    fleet.control_plane()?.stop().await?;
    let clock = shim::Clock::new(&fleet.dir)?;
    fleet.start_control_plane_in(&clock.environment).await?;
    ensure!(ends(&table(&fleet).await?).is_empty(), "{}", table(&fleet).await?);
    clock.put_ahead(29)?;
    let shown = table(&fleet).await?;
    let line = ends(&shown).into_iter().find(|line| line.contains("DELEGATION")).context("not told")?;
    let day = (OffsetDateTime::now_utc() + Duration::days(30)).date().to_string();
    ensure!(line.contains(&day), "{shown}");

    clock.put_ahead(31)?;
    let leave = args!["operators", "leave", "maya", "--yes", "--no-wait"];
    let refused = fleet.cli(&leave).await?;
    ensure!(refused.code != 0 && refused.stderr.contains("entente-control-plane delegate"), "{refused:?}");
    let endings = fleet.cli_json(&args!["endings"]).await?;
    let all = endings.as_array().context("a list")?;
    ensure!(all.iter().any(|it| it["kind"] == "DELEGATION" && it["ended"] == true), "{endings}");

    let dir = fleet.control_plane_dir();
    let args =
        args!["delegate", "--config", dir.join("config.toml"), "--root-key", dir.join("root.key"), "--days", "90"];
    run_in(Role::ControlPlane, &args, &clock.environment).await?.ok()?;
    fleet.control_plane()?.hang_up().await?;
    eventually("the leave is signed", SOON, || async { fleet.cli(&leave).await?.ok().map(drop) }).await
}

/// The rows of what ends, below the table of tenants.
fn ends(shown: &str) -> Vec<&str> {
    shown.lines().skip_while(|line| !line.starts_with("NAME ")).skip(1).collect()
}

async fn table(fleet: &entente_tests::Fleet) -> Result<String> {
    fleet.cli(&args!["status"]).await?.ok()
}
