//! The first hour as the README describes it: every line of "Run it" on both sides, in order, up to the first verified
//! access. A short table replaces what a test cannot do. A line that is neither run nor in the table fails the story.

mod lines;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use entente_simulator::control::Client;
use entente_simulator::control::types::Identity;
use entente_simulator::{Config, Running, Simulator};
use entente_tests::role::Role;
use entente_tests::{Customer, eventually, process, provider};
use serde_json::Value;
use time::{Duration, OffsetDateTime};
use tokio::process::Child;

use self::lines::{Line, Side, block};
use crate::kit::{SOON, Story, contoso};

/// A reader who follows the README, on a machine with a simulated cloud.
struct Newcomer {
    dir: PathBuf,
    environment: BTreeMap<String, String>,
    /// The processes that run behind the other lines.
    behind: Vec<Child>,
    cloud: Client,
    simulator: Running,
    customer: Customer,
    instead: Vec<Instead>,
    _temporary: tempfile::TempDir,
}

/// Replacements for words of the README, and why each is needed.
struct Instead {
    words: &'static str,
    to: String,
    why: &'static str,
    used: Cell<bool>,
}

pub async fn the_readmes_own_lines_lead_to_the_first_verified_access(_: Story) -> Result<()> {
    let mut newcomer = Newcomer::new().await?;
    let begun = Instant::now();
    let lines = lines::of_readme()?;
    ensure!(lines.len() > 15, "the README has {} lines to run", lines.len());
    for (number, line) in lines.iter().enumerate() {
        let at = Instant::now();
        newcomer.follow(line).await.with_context(|| format!("README, {}: {}", line.side.word(), line.text))?;
        println!("{:2}  {:6.1} s  {:8} $ {}", number + 1, at.elapsed().as_secs_f64(), line.side.word(), line.text);
    }
    println!("{} steps, {:.1} s", lines.len(), begun.elapsed().as_secs_f64());
    for instead in &newcomer.instead {
        ensure!(instead.used.get(), "the README says {:?} no more ({})", instead.words, instead.why);
    }
    newcomer.ensure_rights().await
}

impl Newcomer {
    async fn new() -> Result<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let temporary = tempfile::tempdir()?;
        let dir = temporary.path().to_owned();
        for side in [Side::Provider, Side::Customer] {
            std::fs::create_dir(dir.join(side.word()))?;
        }
        let simulator = Simulator::start(Config::default()).await?;
        // People redeem when they open their link.
        let customer = Customer { settings: serde_json::json!({}), ..contoso() };
        let [api, agents, metrics] = entente_tests::free_ports::<3>()?.map(|port| format!("127.0.0.1:{port}"));
        let row = |words, to, why| Instead { words, to, why, used: Cell::new(false) };
        let instead = vec![
            row(
                "--host control.nordwall.example --listen 0.0.0.0",
                format!("--host 127.0.0.1 --api {api} --agents {agents} --metrics {metrics}"),
                "this machine has another name, and other stories have the ports",
            ),
            row(
                "certificate_file = \"agent.pem\"\nkey_file = \"agent.key\"",
                "secret_file = \"client-secret\"\nexpires = \"2099-01-01T00:00:00Z\"".into(),
                "the simulated application has a secret",
            ),
            row(
                "reviewBy: 2027-03-31",
                format!("reviewBy: {}", (OffsetDateTime::now_utc() + Duration::days(180)).date()),
                "the day that the README names comes",
            ),
        ];
        let cloud = simulator.control()?;
        let environment = BTreeMap::new();
        Ok(Self { dir, environment, behind: Vec::new(), cloud, simulator, customer, instead, _temporary: temporary })
    }

    fn folder(&self, side: Side) -> PathBuf {
        self.dir.join(side.word())
    }

    /// The README's words, with the replacements.
    fn adapted(&self, text: &str) -> String {
        self.instead.iter().fold(text.to_owned(), |text, instead| {
            instead.used.set(instead.used.get() || text.contains(instead.words));
            text.replace(instead.words, &instead.to)
        })
    }

    async fn follow(&mut self, line: &Line) -> Result<()> {
        let text = self.adapted(&line.text);
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            // This program plays all three: check only that the crate exists.
            ["cargo", "install", ..] => installable(&words),
            ["export", set] => self.export(line.side, set),
            ["cp", "-r", from, to] => copy(&lines::repository().join(from), &self.folder(line.side).join(to)),
            [program, args @ ..] => {
                let role = [Role::ControlPlane, Role::Agent, Role::Cli].into_iter().find(|it| it.program() == *program);
                let role = role.with_context(|| format!("nothing here plays {program}"))?;
                match args {
                    [args @ .., "&"] => self.start(line.side, role, args).await,
                    args => self.run(line.side, role, args).await,
                }
            }
            [] => bail!("an empty line"),
        }
    }

    fn export(&mut self, side: Side, set: &str) -> Result<()> {
        let (name, value) = set.split_once('=').context("NAME=VALUE")?;
        let here = self.folder(side).display().to_string();
        self.environment.insert(name.to_owned(), value.replace("$PWD", &here));
        Ok(())
    }

    fn command(&self, side: Side, role: Role, args: &[&str]) -> Result<tokio::process::Command> {
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        let mut command = process::command(role, &args)?;
        command.current_dir(self.folder(side)).envs(&self.environment).stdin(Stdio::null()).kill_on_drop(true);
        Ok(command)
    }

    async fn output(&self, side: Side, role: Role, args: &[&str]) -> Result<String> {
        let output = self.command(side, role, args)?.output().await?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}: {error}{said}", output.status);
        Ok(said)
    }

    async fn run(&mut self, side: Side, role: Role, args: &[&str]) -> Result<()> {
        let own: Vec<&str> =
            args.iter().copied().skip_while(|it| it.starts_with("--config") || it.ends_with(".toml")).collect();
        if (role, own.as_slice()) == (Role::Agent, ["doctor"].as_slice()) {
            return self.examine(side, args).await;
        }
        let said = self.output(side, role, args).await?;
        match (role, own.as_slice()) {
            (Role::ControlPlane, ["init", ..]) => self.pin(&said),
            (Role::Cli, ["tokens", "create", .., token]) => self.hand_over(token),
            (Role::Agent, ["init", ..]) => self.fill_in(),
            (Role::Agent, ["permissions"]) => self.grant(&said).await,
            (Role::Cli, ["redeem", person, ..]) => self.open_link(person, &said).await,
            (Role::Cli, ["who", ..]) => eventually("access is verified", SOON, || self.ensure_verified()).await,
            _ => Ok(()),
        }
    }

    /// Before the agent runs, exactly one thing is unknown.
    async fn examine(&self, side: Side, args: &[&str]) -> Result<()> {
        let output = self.command(side, Role::Agent, args)?.output().await?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let unknown: Vec<_> = said.lines().filter(|line| line.starts_with("UNKNOWN")).collect();
        let is_as_told = matches!(unknown.as_slice(), [line] if line.contains(" connection "));
        ensure!(output.status.code() == Some(3) && said.contains(" 0 FAULT") && is_as_told, "{said}");
        Ok(())
    }

    /// Starts it and waits until it answers, because the next line needs it.
    async fn start(&mut self, side: Side, role: Role, args: &[&str]) -> Result<()> {
        let log = std::fs::File::create(self.dir.join(format!("{}.log", role.program())))?;
        let child = self.command(side, role, args)?.stdout(log.try_clone()?).stderr(log).spawn()?;
        self.behind.push(child);
        let (asker, asked): (_, &[&str]) = match role {
            Role::ControlPlane => (Role::Cli, &["--config", "entente/cli.toml", "principals", "whoami"]),
            _ => (role, &["--config", "agent.toml", "status", "--output", "json"]),
        };
        eventually(role.program(), SOON, || async {
            let said = self.output(side, asker, asked).await?;
            ensure!(role == Role::ControlPlane || said.contains("\"running\": true"), "{said}");
            Ok(())
        })
        .await
    }

    /// The customer learns the root key by another way than the token: here from the output of `init`.
    fn pin(&mut self, said: &str) -> Result<()> {
        let key =
            said.lines().find_map(|line| line.trim().strip_prefix("ed25519:")).context("init prints the root key")?;
        let to = format!("ed25519:{key}");
        let why = "the README shows no key";
        self.instead.push(Instead { words: "ed25519:...", to, why, used: Cell::new(false) });
        Ok(())
    }

    fn hand_over(&self, token: &str) -> Result<()> {
        let from = self.folder(Side::Provider).join(token);
        std::fs::copy(from, self.folder(Side::Customer).join(token)).map(drop).context("the token's file")
    }

    /// What the customer fills in: the README's two files, with the simulator's hosts.
    fn fill_in(&self) -> Result<()> {
        let dir = self.folder(Side::Customer);
        for name in ["agent.toml", "guardrail.yaml"] {
            ensure!(dir.join(name).exists(), "init writes {name}");
        }
        let guardrail = self.adapted(&block("yaml", "guardrail: 1")?);
        std::fs::write(dir.join("guardrail.yaml"), guardrail)?;
        let url = self.simulator.url();
        let hosts =
            format!("\n[cloud]\nlogin = \"{url}\"\ngraph = \"{url}\"\narm = \"{url}\"\nextra_ca = \"cloud-ca.pem\"\n");
        let config = self.adapted(&block("toml", "entra_tenant")?) + &hosts;
        std::fs::write(dir.join("agent.toml"), config)?;
        std::fs::write(dir.join("cloud-ca.pem"), &self.simulator.ca_pem)?;
        Ok(std::fs::write(dir.join("client-secret"), self.customer.client_secret())?)
    }

    /// Grants what was printed and nothing else: the Graph permissions, and the Azure role with its condition.
    async fn grant(&self, said: &str) -> Result<()> {
        let graph = said.lines().filter(|line| line.contains("Microsoft Graph, application"));
        let permissions: Vec<&str> = graph.filter_map(|line| line.split_whitespace().next()).collect();
        let (_, script) = said.split_once("<<'END'\n").context("the script of the Azure role")?;
        let (condition, create) = script.split_once("\nEND\n").context("its condition")?;
        ensure!(create.contains(&self.customer.scope()), "the role is given at the guardrail's scope: {create}");
        let mut seed = self.customer.seed(&permissions)?;
        for role in &mut seed.apps.first_mut().context("the agent's application")?.azure_roles {
            role.condition = Some(condition.to_owned());
        }
        self.cloud.seed(&seed).await.map(drop).map_err(Into::into)
    }

    /// The person opens the link, signed in at home.
    async fn open_link(&self, person: &str, said: &str) -> Result<()> {
        ensure!(said.lines().any(|line| line.starts_with("https://")), "no link: {said}");
        self.cloud.redeem(&self.customer.entra_tenant(), &provider::mail(person), Identity::Entra).await?;
        Ok(())
    }

    /// By the control plane: every right was read back in the tenant.
    async fn ensure_verified(&self) -> Result<()> {
        let asked = ["who", "--operator", "maya", "--tenant", "contoso", "--output", "json"];
        let rows: Value = serde_json::from_str(&self.output(Side::Provider, Role::Cli, &asked).await?)?;
        let is_verified = |row: &Value| row["state"] == "APPLIED" && row["rights"] == row["rightsApplied"];
        ensure!(rows.as_array().is_some_and(|rows| !rows.is_empty() && rows.iter().all(is_verified)), "{rows}");
        Ok(())
    }

    /// By the simulated tenant itself.
    async fn ensure_rights(&self) -> Result<()> {
        let rights = self.cloud.rights(&self.customer.entra_tenant(), &provider::mail("maya")).await?;
        let [maya] = rights.users.as_slice() else { bail!("{} accounts", rights.users.len()) };
        ensure!(maya.enabled && maya.azure_roles.len() == 2 && maya.defender_roles.len() == 1, "{maya:?}");
        Ok(())
    }
}

/// Each `--path` is a crate of a program.
fn installable(words: &[&str]) -> Result<()> {
    let paths: Vec<_> = words.windows(2).filter(|pair| pair[0] == "--path").map(|pair| pair[1]).collect();
    ensure!(!paths.is_empty(), "what is installed?");
    for path in paths {
        let root = lines::repository().join(path);
        ensure!(root.join("Cargo.toml").exists() && root.join("src/main.rs").exists(), "{path} is no program");
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir(to)?;
    for entry in std::fs::read_dir(from).with_context(|| format!("{}", from.display()))? {
        let entry = entry?;
        std::fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}
