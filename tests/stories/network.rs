//! A customer's network whose only way out is a proxy, and one whose proxy inspects TLS.

use anyhow::{Context, Result, ensure};
use entente_simulator::connect_proxy::ConnectProxy;
use entente_tests::{args, eventually};

use crate::kit::{self, SOON, Story, contoso};

pub async fn an_agent_whose_only_way_out_is_a_proxy_does_everything_through_it(story: Story) -> Result<()> {
    let proxy = ConnectProxy::start().await?;
    let mut customer = contoso();
    customer.cloud_extra = format!("proxy = \"{}\"\n", proxy.url());
    let fleet = story.converged([customer], &["maya"]).await?;
    kit::ensure_l1(&fleet, "contoso", "maya").await?;
    let cloud = fleet.cloud_url().trim_start_matches("https://").to_owned();
    let provider = fleet.agent_address()?;
    ensure!(proxy.has_seen(&cloud), "Microsoft at {cloud}: {:?}", proxy.asked());
    let calls = proxy.asked().iter().filter(|asked| asked.target == provider).count();
    ensure!(calls >= 2, "enrolment and the stream at {provider}: {:?}", proxy.asked());
    // Without the proxy, no call gets through.
    drop(proxy);
    fleet.wait_phase("contoso", "OFFLINE", SOON).await.map(drop)
}

pub async fn tls_inspection_of_what_is_pinned_is_named_and_an_exempt_host_enrols(story: Story) -> Result<()> {
    let proxy = ConnectProxy::inspecting().await?;
    let mut fleet = story.start([]).await?;
    let mut customer = contoso();
    customer.cloud_extra = format!("proxy = \"{}\"\n", proxy.url());
    fleet.customers.insert("contoso".into(), customer.clone());
    fleet.apply(&[entente_tests::provider::home(), customer.manifest()]).await?;
    let refused = fleet.enroll("contoso").await.err().context("an enrolment that is looked into")?;
    let (text, provider) = (format!("{refused:#}"), fleet.agent_address()?);
    ensure!(text.contains("TLS inspection") && text.contains(&provider), "{text}");
    // The same through HTTPS_PROXY, with the host exempt, as a customer's network team would configure it.
    let config = fleet.customer_dir("contoso").join("agent.toml");
    let exempt = std::fs::read_to_string(&config)?.replace("proxy = ", "no_proxy = \"127.0.0.0/8\"\nproxy = ");
    std::fs::write(&config, exempt)?;
    let before = proxy.asked().len();
    let token = fleet.customer_dir("contoso").join("token.toml");
    fleet.agent_command("contoso", &args!["enroll", "--token", token]).await?.ok()?;
    fleet.start_agent("contoso").await?;
    eventually("the agent is connected", SOON, || async {
        let status = fleet.cli_json(&args!["status", "contoso"]).await?;
        ensure!(status["connected"] == true, "{status}");
        Ok(())
    })
    .await?;
    ensure!(proxy.asked().len() == before, "{:?}", proxy.asked());
    Ok(())
}
