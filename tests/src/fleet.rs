//! The fleet: its folder, its simulated cloud, its processes.
//!
//! ```text
//! DIR/control-plane/   what `entente-control-plane init` made, and the store
//! DIR/CUSTOMER/        agent.toml, guardrail.yaml, client-secret, cloud-ca.pem, state/
//! DIR/logs/            one file for each process, and every call to the cloud (calls.jsonl)
//! ```

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use entente_planner::guardrail::Guardrail;
use entente_planner::permission;
use entente_simulator::control::Client;
use entente_simulator::control::types::Tamper;
use entente_simulator::{Config, Running, Simulator};
use serde_json::Value;

use crate::args;
use crate::customer::Customer;
use crate::process::{self, Output, Process};
use crate::provider;
use crate::role::Role;
use crate::wait::eventually;

/// How long a process may take to become ready, on a machine that other programs keep busy.
const READY_WITHIN: Duration = Duration::from_secs(300);

/// The parts of a fleet.
#[derive(Debug, Clone)]
pub struct FleetSpec {
    pub customers: Vec<Customer>,
    /// The folder of the fleet. By default, a temporary folder that is removed at the end.
    pub dir: Option<PathBuf>,
    /// How long the agents wait for replication between the two reads of a removal, in seconds.
    pub lag_seconds: u32,
    /// The log of calls to the cloud. By default, in the fleet's folder.
    pub call_log: Option<PathBuf>,
    /// Changes to `[timing]` of the control plane's configuration.
    pub timing: Vec<(&'static str, u32)>,
    /// Whether to apply the customers' manifests at once. If not, the caller applies them.
    pub introduce: bool,
}

impl FleetSpec {
    pub fn of(customers: Vec<Customer>) -> Self {
        let timing = vec![("report_milliseconds", 100)];
        Self { customers, dir: None, lag_seconds: 1, call_log: None, timing, introduce: true }
    }
}

/// A running fleet. All its processes end when it is dropped.
#[derive(Debug)]
pub struct Fleet {
    pub dir: PathBuf,
    pub cloud: Client,
    pub customers: BTreeMap<String, Customer>,
    pub lag_seconds: u32,
    control_plane: Option<Process>,
    agents: BTreeMap<String, Process>,
    simulator: Running,
    // Dropped last, because the processes write into it.
    _temporary: Option<tempfile::TempDir>,
}

impl Fleet {
    /// Starts the cloud and the control plane, applies the customers' manifests, and enrols and starts every agent.
    pub async fn start(spec: FleetSpec) -> Result<Self> {
        let mut fleet = Self::start_without_agents(spec).await?;
        let names: Vec<String> = fleet.customers.keys().cloned().collect();
        for name in names {
            fleet.enroll(&name).await?;
            fleet.start_agent(&name).await?;
        }
        Ok(fleet)
    }

    /// The same, without agents.
    pub async fn start_without_agents(spec: FleetSpec) -> Result<Self> {
        // Every program that links this crate uses ring for TLS, also where a library would ask for a default.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let temporary = spec.dir.is_none().then(tempfile::tempdir).transpose()?;
        let dir = spec.dir.clone().or_else(|| temporary.as_ref().map(|it| it.path().to_owned()));
        let dir = dir.context("a fleet has a folder")?;
        std::fs::create_dir_all(dir.join("logs"))?;
        let call_log = spec.call_log.clone().unwrap_or_else(|| dir.join("logs").join("calls.jsonl"));
        let simulator = Simulator::start(Config { call_log: Some(call_log), ..Config::default() }).await?;
        let mut fleet = Self {
            cloud: simulator.control()?,
            dir,
            customers: spec.customers.into_iter().map(|it| (it.name.clone(), it)).collect(),
            lag_seconds: spec.lag_seconds,
            control_plane: None,
            agents: BTreeMap::new(),
            simulator,
            _temporary: temporary,
        };
        fleet.init_control_plane(&spec.timing).await?;
        fleet.start_control_plane().await?;
        if spec.introduce {
            fleet.introduce_customers().await?;
        }
        Ok(fleet)
    }

    async fn init_control_plane(&self, timing: &[(&str, u32)]) -> Result<()> {
        let dir = self.control_plane_dir();
        let ports = free_ports::<3>()?;
        let args = args!["init", "--dir", &dir, "--host", "127.0.0.1"];
        process::run(Role::ControlPlane, &args).await?.ok()?;
        let path = dir.join("config.toml");
        let mut config: toml::Table = std::fs::read_to_string(&path)?.parse()?;
        let [api, agents, metrics] = ports.map(|port| format!("127.0.0.1:{port}"));
        set(&mut config, "agents", "address", agents.clone())?;
        for (name, address) in [("api", api.clone()), ("agents", agents), ("metrics", metrics)] {
            set(&mut config, "listen", name, address)?;
        }
        for (name, value) in timing {
            set(&mut config, "timing", name, i64::from(*value))?;
        }
        std::fs::write(&path, config.to_string())?;
        let contexts = dir.join("cli.toml");
        let text = std::fs::read_to_string(&contexts)?;
        ensure!(text.contains("127.0.0.1:7443"), "init writes a context for its own port: {text}");
        Ok(std::fs::write(&contexts, text.replace("127.0.0.1:7443", &api))?)
    }

    /// Applies the manifests of the home tenant and of every customer.
    async fn introduce_customers(&self) -> Result<()> {
        let mut manifests = vec![provider::home()];
        manifests.extend(self.customers.values().map(Customer::manifest));
        self.apply(&manifests).await.map(drop)
    }

    /// Seeds the customer's tenant, writes its agent's files, and enrols the agent with a fresh token.
    pub async fn enroll(&self, name: &str) -> Result<()> {
        let customer = self.customer(name)?;
        let dir = self.customer_dir(name);
        std::fs::create_dir_all(&dir)?;
        let token = dir.join("token.toml");
        let made = self.cli(&args!["tokens", "create", name, "--out", &token]).await?;
        made.ok().with_context(|| format!("no token for {name}"))?;
        let parsed: toml::Table = std::fs::read_to_string(&token)?.parse()?;
        let state_key = parsed.get("root_key").and_then(toml::Value::as_str).context("a token names the root key")?;
        let guardrail = customer.guardrail(state_key);
        let loaded = Guardrail::load(&guardrail, customer.entra_tenant().parse()?);
        let loaded = loaded.map_err(|fault| anyhow::anyhow!("{name}'s guardrail: {fault}\n{guardrail}"))?;
        self.cloud.seed(&customer.seed(&graph_permissions(&loaded))?).await?;
        std::fs::write(dir.join("guardrail.yaml"), guardrail)?;
        write_private(&dir.join("client-secret"), &customer.client_secret())?;
        std::fs::write(dir.join("cloud-ca.pem"), &self.simulator.ca_pem)?;
        std::fs::write(dir.join("agent.toml"), customer.agent_config(&self.simulator.url(), self.lag_seconds))?;
        let output = self.agent_command(name, &args!["enroll", "--token", &token]).await?;
        output.ok().with_context(|| format!("{name}'s agent did not enrol")).map(drop)
    }

    /// Takes a Graph permission from an enrolled agent's application. Issued tokens keep theirs.
    pub async fn withdraw(&self, name: &str, permission: &str) -> Result<()> {
        let customer = self.customer(name)?;
        let text = std::fs::read_to_string(self.customer_dir(name).join("guardrail.yaml"))?;
        let loaded = Guardrail::load(&text, customer.entra_tenant().parse()?);
        let loaded = loaded.map_err(|fault| anyhow::anyhow!("{name}'s guardrail: {fault}"))?;
        let (gone, left): (Vec<&str>, Vec<&str>) =
            graph_permissions(&loaded).into_iter().partition(|it| *it == permission);
        ensure!(!gone.is_empty(), "{name}'s agent has no permission {permission}");
        let permissions = left.into_iter().map(str::to_owned).collect();
        let tamper = Tamper::SetAppPermissions { app: customer.client_id(), permissions };
        Ok(self.cloud.tamper(&customer.entra_tenant(), &tamper).await.map(drop)?)
    }

    /// Starts a customer's agent, and waits until it runs.
    pub async fn start_agent(&mut self, name: &str) -> Result<()> {
        self.start_agent_in(name, &[]).await
    }

    /// The same, with additional environment variables.
    pub async fn start_agent_in(&mut self, name: &str, environment: &[(&str, OsString)]) -> Result<()> {
        let dir = self.customer_dir(name);
        let ready = dir.join("ready.json");
        let _ = std::fs::remove_file(&ready);
        let args = args!["--config", dir.join("agent.toml"), "run", "--ready-file", &ready];
        let process = Process::start_in(Role::Agent, name, &args, &self.log_path(name), environment)?;
        self.agents.insert(name.to_owned(), process);
        let process = self.agents.get_mut(name).context("inserted just now")?;
        wait_ready(process, &ready).await.map(drop)
    }

    /// Starts the control plane, and waits until it answers.
    pub async fn start_control_plane(&mut self) -> Result<()> {
        self.start_control_plane_in(&[]).await
    }

    /// The same, with additional environment variables.
    pub async fn start_control_plane_in(&mut self, environment: &[(&str, OsString)]) -> Result<()> {
        let dir = self.control_plane_dir();
        let ready = dir.join("ready.json");
        let _ = std::fs::remove_file(&ready);
        let args = args!["run", "--config", dir.join("config.toml"), "--ready-file", &ready];
        let log = self.log_path("control-plane");
        let process = Process::start_in(Role::ControlPlane, "control-plane", &args, &log, environment)?;
        wait_ready(self.control_plane.insert(process), &ready).await.map(drop)
    }

    /// The control plane's process.
    pub fn control_plane(&mut self) -> Result<&mut Process> {
        self.control_plane.as_mut().context("the control plane was not started")
    }

    /// The process of a customer's agent.
    pub fn agent(&mut self, name: &str) -> Result<&mut Process> {
        self.agents.get_mut(name).with_context(|| format!("{name}'s agent was not started"))
    }

    /// Runs `entente` as the first administrator.
    pub async fn cli(&self, args: &[OsString]) -> Result<Output> {
        let mut all = args!["--config", self.control_plane_dir().join("cli.toml")];
        all.extend_from_slice(args);
        process::run(Role::Cli, &all).await
    }

    /// Runs `entente ... --output json`, which must succeed.
    pub async fn cli_json(&self, args: &[OsString]) -> Result<Value> {
        let mut all = args.to_vec();
        all.extend(args!["--output", "json"]);
        self.cli(&all).await?.json()
    }

    /// Runs a command of a customer's agent, beside the running one.
    pub async fn agent_command(&self, name: &str, args: &[OsString]) -> Result<Output> {
        self.agent_command_in(name, args, &[]).await
    }

    /// The same, with additional environment variables.
    pub async fn agent_command_in(
        &self,
        name: &str,
        args: &[OsString],
        environment: &[(&str, OsString)],
    ) -> Result<Output> {
        let mut all = args!["--config", self.customer_dir(name).join("agent.toml")];
        all.extend_from_slice(args);
        process::run_in(Role::Agent, &all, environment).await
    }

    /// Applies manifests through the command line. Returns its JSON output.
    pub async fn apply(&self, manifests: &[Value]) -> Result<Value> {
        let file = tempfile::Builder::new().suffix(".yaml").tempfile_in(&self.dir)?;
        std::fs::write(file.path(), provider::yaml(manifests))?;
        self.cli_json(&args!["apply", "--yes", "-f", file.path()]).await
    }

    /// Waits until a tenant is in this phase at the newest revision.
    pub async fn wait_phase(&self, name: &str, phase: &str, limit: Duration) -> Result<Value> {
        eventually(&format!("{name} {phase}"), limit, || async {
            let status = self.cli_json(&args!["status", name]).await?;
            let now = status["phase"].as_str().unwrap_or_default().to_owned();
            ensure!(now == phase, "{now}: {status}");
            Ok(status)
        })
        .await
    }

    /// Waits until every tenant has converged.
    pub async fn wait_converged(&self, limit: Duration) -> Result<()> {
        eventually("every tenant converged", limit, || async {
            let all = self.cli_json(&args!["status"]).await?;
            for status in all.as_array().context("a list")? {
                ensure!(status["phase"] == "CONVERGED", "{status}");
            }
            Ok(())
        })
        .await
    }

    /// The items of a tenant, by key.
    pub async fn items(&self, name: &str) -> Result<BTreeMap<String, Value>> {
        let all = self.cli_json(&args!["items", name]).await?;
        let keyed = all.as_array().context("a list")?.iter();
        Ok(keyed.map(|item| (item["key"].as_str().unwrap_or_default().to_owned(), item.clone())).collect())
    }

    pub fn customer(&self, name: &str) -> Result<&Customer> {
        self.customers.get(name).with_context(|| format!("no customer is called {name}"))
    }

    pub fn control_plane_dir(&self) -> PathBuf {
        self.dir.join("control-plane")
    }

    pub fn customer_dir(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub fn log_path(&self, name: &str) -> PathBuf {
        self.dir.join("logs").join(format!("{name}.log"))
    }

    /// `HOST:PORT` at which agents reach the control plane.
    pub fn agent_address(&self) -> Result<String> {
        let config: toml::Table = std::fs::read_to_string(self.control_plane_dir().join("config.toml"))?.parse()?;
        let address = config.get("agents").and_then(|agents| agents.get("address")).and_then(toml::Value::as_str);
        address.map(str::to_owned).context("agents.address")
    }

    pub fn cloud_url(&self) -> String {
        self.simulator.url()
    }

    /// Stops every process as an administrator would. Fails if one did not end well.
    pub async fn stop(mut self) -> Result<()> {
        for (name, mut agent) in std::mem::take(&mut self.agents) {
            if agent.ended()?.is_none() {
                let status = agent.stop().await?;
                ensure!(status.success(), "{name}'s agent ended with {status}: {}", tail(&agent.log()));
            }
        }
        if let Some(mut process) = self.control_plane.take()
            && process.ended()?.is_none()
        {
            let status = process.stop().await?;
            ensure!(status.success(), "the control plane ended with {status}: {}", tail(&process.log()));
        }
        Ok(())
    }
}

/// The Graph permissions that the agent's application needs, by the product's own table.
fn graph_permissions(guardrail: &Guardrail) -> Vec<&'static str> {
    let needed = permission::needed(guardrail).into_iter();
    needed.filter(|it| it.system == permission::System::Graph).map(|it| it.name).collect()
}

async fn wait_ready(process: &mut Process, ready: &Path) -> Result<Value> {
    let begun = tokio::time::Instant::now();
    loop {
        // Written to another file and renamed, so it is never incomplete.
        if let Ok(text) = std::fs::read_to_string(ready) {
            return serde_json::from_str(&text).with_context(|| format!("{} holds {text:?}", ready.display()));
        }
        if let Some(status) = process.ended()? {
            bail!("ended with {status} instead of getting ready: {}", tail(&process.log()));
        }
        if begun.elapsed() > READY_WITHIN {
            bail!("not ready within {} s: {}", READY_WITHIN.as_secs(), tail(&process.log()));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The last lines of a log.
fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// Unused ports. A process gets the same one again when it is restarted.
pub fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut listeners = Vec::new();
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        *port = listener.local_addr()?.port();
        // Held until all are chosen, so that no two are the same.
        listeners.push(listener);
    }
    Ok(ports)
}

fn set(config: &mut toml::Table, table: &str, key: &str, value: impl Into<toml::Value>) -> Result<()> {
    let table = config.get_mut(table).and_then(toml::Value::as_table_mut).with_context(|| format!("no [{table}]"))?;
    table.insert(key.into(), value.into());
    Ok(())
}

fn write_private(path: &Path, content: &str) -> Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    Ok(file.write_all(content.as_bytes())?)
}
