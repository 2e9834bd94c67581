//! What Sam can do to keep access: his own principal, his own agent, and accounts that the agent did not make.

use anyhow::{Context, Result, ensure};
use entente_simulator::control::types::Tamper;
use entente_tests::process::{self, Output};
use entente_tests::role::Role;
use entente_tests::{Customer, Fleet, args, provider};
use serde_json::json;

use super::books;
use super::cast::{CONTRACTOR, Part, SAM};
use crate::screen::Screen;

/// Makes Sam's principal, which may change intent, and his contexts file.
pub async fn make_principal(fleet: &Fleet) -> Result<()> {
    let dir = fleet.control_plane_dir();
    let tied = args!["principals", "create", SAM, "--role", "editor", "--operator", "operators/sam", "--out", &dir];
    fleet.cli(&tied).await?.ok()?;
    let contexts = std::fs::read_to_string(dir.join("cli.toml"))?;
    let his = contexts.replace("admin.crt", "sam.pem").replace("admin.key", "sam.key");
    ensure!(his != contexts, "init writes a context for its administrator: {contexts}");
    Ok(std::fs::write(dir.join("sam.toml"), his)?)
}

/// Runs `entente` as Sam.
pub async fn cli(fleet: &Fleet, args: &[std::ffi::OsString]) -> Result<Output> {
    let mut all = args!["--config", fleet.control_plane_dir().join("sam.toml")];
    all.extend_from_slice(args);
    process::run(Role::Cli, &all).await
}

/// Sam requests a token to replace the customer's agent with his own. Both ways are refused.
pub async fn forge(fleet: &Fleet, screen: &mut Screen, customer: &Customer) -> Result<()> {
    cli(fleet, &args!["status", &customer.name]).await?.ok().context("sam's principal works")?;
    let ways = [args!["tokens", "create", &customer.name], args!["tokens", "create", &customer.name, "--replace"]];
    for mut way in ways {
        let shown: Vec<_> = way.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let file = fleet.dir.join("forged.toml");
        way.extend(args!["--out", &file]);
        let answer = cli(fleet, &way).await?;
        ensure!(answer.code != 0 && !file.exists(), "sam made a token for an agent of his: {answer:?}");
        screen.command(&format!("entente --config sam.toml {}", shown.join(" ")));
        screen.say(answer.stderr.trim());
    }
    let agents = fleet.cli_json(&args!["agents", "list", "--tenant", &customer.name]).await?;
    let agents = agents.as_array().context("a list")?;
    ensure!(agents.len() == 1, "{} has more agents than its own: {agents:?}", customer.name);
    Ok(())
}

/// The customer makes another account for Sam.
pub async fn add_account(fleet: &Fleet, customer: &Customer) -> Result<()> {
    let mail = provider::mail(SAM);
    let properties = match Part::of(customer) {
        Part::InvitedAgain => json!({"mail": mail}),
        Part::Contractor => json!({"otherMails": [mail]}),
        _ => return Ok(()),
    };
    let tamper = Tamper::SetUserProperties { user: CONTRACTOR.into(), properties };
    fleet.cloud.tamper(&customer.entra_tenant(), &tamper).await?;
    let accounts = books::rights(fleet, customer).await?.accounts.len();
    ensure!(accounts == 2, "sam has {accounts} accounts at {}", customer.name);
    Ok(())
}

/// The customer reads that it must block its account, and does.
pub async fn block_second(fleet: &Fleet, customer: &Customer) -> Result<()> {
    let app = customer.client_id();
    let accounts = books::rights(fleet, customer).await?.accounts;
    let second = accounts.into_iter().find(|it| it.created_by.as_ref() != Some(&app));
    let user = second.with_context(|| format!("sam has no second account at {}", customer.name))?.user;
    fleet.cloud.tamper(&customer.entra_tenant(), &Tamper::SetEnabled { user, enabled: false }).await?;
    Ok(())
}
