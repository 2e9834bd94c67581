//! Trust: what is signed, kept, restored and revoked.

use anyhow::{Context, Result, ensure};
use entente_tests::process::run;
use entente_tests::role::Role;
use entente_tests::{args, eventually};

use crate::kit::{self, SOON, Story, contoso, fabrikam};

pub async fn a_restarted_control_plane_goes_on_where_it_was(story: Story) -> Result<()> {
    let mut fleet = story.converged([contoso()], &["maya", "sam"]).await?;
    let before = fleet.items("contoso").await?;
    let from = kit::now(&fleet).await?;
    fleet.control_plane()?.kill().await?;
    fleet.start_control_plane().await?;
    fleet.wait_converged(SOON).await?;
    let after = fleet.items("contoso").await?;
    ensure!(before.keys().eq(after.keys()), "the items are known as they were");
    let writes = kit::calls(&fleet, fleet.customer("contoso")?, from).await?.into_iter().filter(kit::is_write).count();
    ensure!(writes == 0, "{writes} writes after a restart");
    fleet.apply(&kit::squad_of(&["maya", "sam", "li"])).await?;
    fleet.wait_converged(SOON).await?;
    kit::ensure_l1(&fleet, "contoso", "li").await
}

pub async fn a_restored_backup_parks_until_a_new_epoch(story: Story) -> Result<()> {
    let mut fleet = story.converged([contoso()], &["maya", "li"]).await?;
    let dir = fleet.control_plane_dir();
    let config = dir.join("config.toml");
    let backup = fleet.dir.join("backup.bin");
    fleet.control_plane()?.stop().await?;
    run(Role::ControlPlane, &args!["backup", "--config", &config, &backup]).await?.ok()?;
    fleet.start_control_plane().await?;
    // The history continues after the backup: sam joins.
    fleet.apply(&kit::squad_of(&["maya", "li", "sam"])).await?;
    fleet.wait_converged(SOON).await?;
    fleet.control_plane()?.stop().await?;
    let store = dir.join("data");
    std::fs::rename(&store, dir.join("data.lost")).with_context(|| format!("{}", store.display()))?;
    run(Role::ControlPlane, &args!["restore", "--config", &config, &backup]).await?.ok()?;
    fleet.start_control_plane().await?;
    let status = fleet.wait_phase("contoso", "PARKED", SOON).await?;
    ensure!(!status["parkedReason"].as_str().unwrap_or_default().is_empty(), "{status}");
    kit::ensure_l1(&fleet, "contoso", "sam").await.context("a forgotten grant is not torn down")?;
    // A leaver loses access although the tenant is parked, also over a restart of the agent. No other change is made.
    let answer = fleet.cli_json(&args!["operators", "leave", "li", "--yes", "--timeout", "60"]).await?;
    ensure!(answer["complete"] == true, "{answer}");
    kit::ensure_gone(&fleet, "contoso", "li").await?;
    fleet.agent("contoso")?.kill().await?;
    fleet.start_agent("contoso").await?;
    fleet.wait_phase("contoso", "PARKED", SOON).await?;
    kit::ensure_gone(&fleet, "contoso", "li").await?;
    kit::ensure_l1(&fleet, "contoso", "maya").await?;
    kit::ensure_l1(&fleet, "contoso", "sam").await?;
    fleet.control_plane()?.stop().await?;
    let root_key = dir.join("root.key");
    let args = args!["new-epoch", "--config", &config, "--root-key", root_key, "--reason", "restored from a backup"];
    run(Role::ControlPlane, &args).await?.ok()?;
    fleet.start_control_plane().await?;
    // In the new epoch sam is an implied removal, which a person has to confirm: held, not done.
    fleet.wait_phase("contoso", "PARTIAL", SOON).await?;
    kit::ensure_l1(&fleet, "contoso", "sam").await?;
    kit::ensure_l1(&fleet, "contoso", "maya").await
}

pub async fn a_state_that_was_altered_on_disk_is_refused(story: Story) -> Result<()> {
    let mut fleet = story.converged([contoso()], &["maya"]).await?;
    fleet.agent("contoso")?.stop().await?;
    let state = fleet.customer_dir("contoso").join("state");
    let mail = b"maya@nordwall.example";
    ensure!(alter(&state, mail)? > 0, "the state on disk names her");
    let from = kit::now(&fleet).await?;
    // The effect depends on where the letters lie: the agent refuses to start, requests the state again, or finds that
    // it has lost its ledger and only proposes. In each case it must not act on what it holds.
    if fleet.start_agent("contoso").await.is_ok() {
        eventually("it has looked at everything", SOON, || async {
            let status = fleet.cli_json(&args!["status", "contoso"]).await?;
            let phase = status["phase"].as_str().unwrap_or_default();
            let settled = ["CONVERGED", "WAITING", "PARTIAL"].iter().any(|word| phase.ends_with(word));
            ensure!(settled && status["connected"] == true, "{status}");
            Ok(())
        })
        .await?;
    }
    let writes = kit::calls(&fleet, fleet.customer("contoso")?, from).await?.into_iter().filter(kit::is_write).count();
    ensure!(writes == 0, "{writes} writes from an altered state");
    kit::ensure_clean(&fleet).await
}

/// Changes one letter of every occurrence of `needle` in the files below `folder`.
fn alter(folder: &std::path::Path, needle: &[u8]) -> Result<usize> {
    let mut changed = 0;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            changed += alter(&path, needle)?;
            continue;
        }
        if !path.is_file() {
            continue; // the socket of an agent that ran
        }
        let mut bytes = std::fs::read(&path)?;
        let places: Vec<usize> =
            bytes.windows(needle.len()).enumerate().filter(|(_, it)| *it == needle).map(|(at, _)| at).collect();
        for at in &places {
            bytes[*at] = b'k';
        }
        if !places.is_empty() {
            std::fs::write(&path, &bytes)?;
        }
        changed += places.len();
    }
    Ok(changed)
}

pub async fn a_revoked_agent_is_cut_off(story: Story) -> Result<()> {
    let fleet = story.converged([contoso(), fabrikam()], &["maya"]).await?;
    let agents = fleet.cli_json(&args!["agents", "list", "--tenant", "contoso"]).await?;
    let name = agents[0]["name"].as_str().context("an agent")?.to_owned();
    fleet.cli(&args!["agents", "revoke", &name]).await?.ok()?;
    eventually("its stream is cut", SOON, || async {
        let status = fleet.cli_json(&args!["status", "contoso"]).await?;
        ensure!(status["connected"] == false, "{status}");
        Ok(())
    })
    .await?;
    fleet.apply(&kit::squad_of(&["maya", "li"])).await?;
    fleet.wait_phase("fabrikam", "CONVERGED", SOON).await?;
    ensure!(kit::account(&fleet, "contoso", "li").await?.is_none(), "a revoked agent learns nothing new");
    Ok(())
}
