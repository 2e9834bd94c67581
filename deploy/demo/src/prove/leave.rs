//! The leave: one command, a control plane that is killed in the middle, and the wait for the results.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use entente_tests::process;
use entente_tests::role::Role;
use entente_tests::{Customer, Fleet, args};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;

use super::cast::{Part, SAM};
use super::{books, sam};
use crate::patience::Patience;
use crate::screen::Screen;

/// How often the removals are queried. Each query is a process and a handshake.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// How often to look for the first block. Blocks of a hundred tenants fall within a second or two.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// One tenant's removal, as `entente removals` prints it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Row {
    pub tenant: String,
    pub state: String,
    pub reason: String,
    pub detail: String,
    pub complete: bool,
    pub connected: bool,
}

impl Row {
    pub fn name(&self) -> &str {
        self.tenant.trim_start_matches("tenants/")
    }

    /// As in [`Part::open`].
    pub fn stands(&self) -> (&str, &str) {
        (&self.state, &self.reason)
    }
}

/// The result of the leave.
#[derive(Debug)]
pub struct Leave {
    pub begun: SystemTime,
    clock: Instant,
    /// The end of the call log at the start.
    pub since: u64,
    /// Tenants in which an account was blocked when the control plane was killed.
    pub blocked_before_kill: usize,
    /// Seconds until each tenant's receipt existed, by the tenant's name.
    pub proven: BTreeMap<String, f64>,
    /// What is not proven, by the tenant's name.
    pub open: BTreeMap<String, Row>,
}

/// Runs the leave, and kills the control plane as soon as the first account is blocked.
pub async fn begin(fleet: &mut Fleet, screen: &mut Screen) -> Result<Leave> {
    let since = books::log_end(fleet).await?;
    let config = fleet.control_plane_dir().join("cli.toml");
    let command = args!["--config", &config, "operators", "leave", SAM, "--yes", "--no-wait", "--output", "json"];
    let (begun, clock) = (SystemTime::now(), Instant::now());
    screen.command("entente operators leave sam");
    let (answer, blocked) = tokio::join!(process::run(Role::Cli, &command), kill_in_the_middle(fleet, since));
    let (answer, blocked_before_kill) = (answer?, blocked?);
    screen.say(&format!(
        "The control plane is killed (SIGKILL) when {blocked_before_kill} of {} tenants have blocked him, and started \
         again.",
        fleet.customers.len()
    ));
    fleet.start_control_plane().await?;
    if answer.code != 0 {
        screen.say("The command lost its response and is repeated. It is still the same leave.");
        process::run(Role::Cli, &command).await?.ok()?;
    }
    Ok(Leave { begun, clock, since, blocked_before_kill, proven: BTreeMap::new(), open: BTreeMap::new() })
}

async fn kill_in_the_middle(fleet: &mut Fleet, since: u64) -> Result<usize> {
    let mut patience = Patience::new();
    loop {
        let (blocks, _) = books::blocks(fleet, since).await?;
        if !blocks.is_empty() {
            fleet.control_plane()?.kill().await?;
            return Ok(blocks.iter().filter_map(|it| it.tenant.as_ref()).collect::<BTreeSet<_>>().len());
        }
        patience.with("no tenant has blocked sam".into())?;
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

impl Leave {
    /// Waits until every tenant is as intended: proven, or open for the reason of its part.
    pub async fn wait(&mut self, fleet: &Fleet, screen: &mut Screen) -> Result<()> {
        let (mut patience, mut asked, mut quarter) = (Patience::new(), BTreeMap::new(), 0);
        loop {
            // Repeat a query that fails: the machine is busy, and a control plane has just started.
            if let Err(error) = self.look(fleet).await {
                patience.with(format!("{error:#}"))?;
            }
            self.ask_customers(fleet, screen, &mut asked).await?;
            self.tell(screen, &mut quarter, fleet.customers.len());
            let missing = self.missing(fleet);
            if missing.is_empty() {
                return Ok(());
            }
            patience.with(missing.join(", ")).context("not every tenant is as intended")?;
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    /// Prints at each quarter how many tenants have confirmed.
    fn tell(&self, screen: &mut Screen, quarter: &mut usize, all: usize) {
        let now = self.proven.len() * 4 / all;
        if now > *quarter {
            let seconds = self.clock.elapsed().as_secs_f64();
            screen.note(&format!("{seconds:.1} s"), &format!("{} of {all} tenants have confirmed", self.proven.len()));
            *quarter = now;
        }
    }

    async fn look(&mut self, fleet: &Fleet) -> Result<()> {
        // The exit code is not 0 while some are open.
        let output = fleet.cli(&args!["removals", SAM, "--output", "json"]).await?;
        let answer: Value = serde_json::from_str(&output.stdout).with_context(|| format!("{output:?}"))?;
        let rows: Vec<Row> = serde_json::from_value(answer["removals"].clone()).context("removals")?;
        let seconds = self.clock.elapsed().as_secs_f64();
        let (complete, open): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.complete);
        self.open = open.into_iter().map(|row| (row.name().to_owned(), row)).collect();
        for row in complete {
            self.proven.entry(row.name().to_owned()).or_insert(seconds);
        }
        // What was proven and is open again is not proven.
        self.proven.retain(|name, _| !self.open.contains_key(name));
        Ok(())
    }

    /// If the removal lists an account that the customer made, the customer blocks it, and the agent looks again.
    async fn ask_customers(
        &self,
        fleet: &Fleet,
        screen: &mut Screen,
        asked: &mut BTreeMap<String, Instant>,
    ) -> Result<()> {
        let lag = Duration::from_secs(fleet.lag_seconds.into());
        for (name, row) in self.open.iter().filter(|(_, row)| row.state == "RESIDUAL") {
            let customer = fleet.customer(name)?;
            if !Part::of(customer).has_second() || asked.get(name).is_some_and(|last| last.elapsed() < lag) {
                continue;
            }
            if asked.insert(name.clone(), Instant::now()).is_none() {
                sam::block_second(fleet, customer).await?;
                // The others are like the first.
                let why =
                    if asked.len() == 1 { format!("RESIDUAL {}: the", row.detail) } else { "The same, and the".into() };
                screen.note(name, &format!("{why} customer blocks it"));
            }
            // Lists lag, and an agent may be restarting: ask it again.
            fleet.cli(&args!["compare", name]).await?;
        }
        Ok(())
    }

    /// Tenants that are not as intended.
    fn missing(&self, fleet: &Fleet) -> Vec<String> {
        let stands = |customer: &&Customer| match Part::of(customer).open() {
            None => self.proven.contains_key(&customer.name),
            Some(open) => self.open.get(&customer.name).is_some_and(|row| row.stands() == open),
        };
        let all = fleet.customers.values().filter(|customer| !stands(customer));
        let said = |customer: &Customer| match self.open.get(&customer.name) {
            Some(row) => format!("{} {} {} {}", customer.name, row.state, row.reason, row.detail),
            None => {
                format!("{} {}", customer.name, if self.proven.contains_key(&customer.name) { "proven" } else { "" })
            }
        };
        all.map(said).collect()
    }
}
