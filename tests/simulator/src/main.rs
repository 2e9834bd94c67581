//! The `entente-simulator` binary: flags in, one line with the address out, serve until interrupted.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use entente_simulator::{Config, Simulator, control::seed::TenantSeed, tls};

/// A stand-in for Entra ID, Microsoft Graph and Azure Resource Manager.
#[derive(Debug, Parser)]
#[command(version)]
struct Flags {
    /// Address to serve login, Graph, ARM and the control API on; port 0 picks one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Directory for ca.pem, address and control-token.
    #[arg(long)]
    data: PathBuf,
    /// Server certificate chain, PEM; without it one is made.
    #[arg(long, requires = "key")]
    cert: Option<PathBuf>,
    /// Key of --cert, PEM.
    #[arg(long, requires = "cert")]
    key: Option<PathBuf>,
    /// Append every request as a line of JSON.
    #[arg(long)]
    call_log: Option<PathBuf>,
    /// JSON file with one tenant or an array of tenants to begin with.
    #[arg(long)]
    tenants: Option<PathBuf>,
    /// Decides ids, jitter and the dice of faults.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tls::install_provider();
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let flags = Flags::parse();
    let identity = match (&flags.cert, &flags.key) {
        (Some(cert), Some(key)) => Some(tls::Identity {
            certificate_pem: std::fs::read_to_string(cert)?,
            key_pem: std::fs::read_to_string(key)?,
        }),
        _ => None,
    };
    let tenants = flags.tenants.as_deref().map(read_tenants).transpose()?.unwrap_or_default();
    let config = Config {
        listen: flags.listen,
        data: Some(flags.data),
        identity,
        call_log: flags.call_log,
        seed: flags.seed,
        control_token: None,
    };
    let running = Simulator::start(config).await?;
    let control = running.control()?;
    for tenant in &tenants {
        control.seed(tenant).await?;
    }
    println!("listening on {}", running.url());
    tokio::signal::ctrl_c().await?;
    running.stop().await;
    Ok(())
}

fn read_tenants(path: &std::path::Path) -> Result<Vec<TenantSeed>, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string(path)?;
    let value: serde_json::Value = serde_json::from_str(&text)?;
    let list = if value.is_array() { value } else { serde_json::Value::Array(vec![value]) };
    Ok(serde_json::from_value(list)?)
}
