//! Tenants as they change: on a terminal the table in its place, elsewhere a line for each change.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};

use entente_proto::fleet::v1 as wire;
use serde_json::json;
use tokio::time::{Instant, timeout_at};
use wire::{TenantPhase, TenantStatus};

use super::pace::Pace;
use super::{fleet, labels, select};
use crate::args::{Format, Status};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{self, or_dash, plain};
use crate::pages::{every_page, label_pairs};
use crate::who;

/// Clears the screen, and begins at its top (ECMA-48: ED, CUP).
const TOP: &[u8] = b"\x1b[2J\x1b[H";

/// What was asked for, and what is known of it.
struct Seen {
    ask: Status,
    /// Which rows are shown; empty for all.
    phases: Vec<i32>,
    format: Format,
    all: BTreeMap<String, TenantStatus>,
    /// Everything that is watched has been told once.
    complete: bool,
    redraws: bool,
    pace: Pace,
    /// The table that stands on the screen.
    shown: String,
}

pub(super) async fn watch(mut client: Client, ask: Status, format: Format) -> Result<(), Failure> {
    if format == Format::Csv {
        return Err(Failure::Usage("`--output csv` is of lists; a watch prints json".into()));
    }
    let phases = select::phases("--phase", &ask.phases)?;
    let tenants = watched(&mut client, &ask.tenants, &ask.labels).await?;
    let mut stream =
        client.fleet.watch_tenant_statuses(wire::WatchTenantStatusesRequest { tenants }).await?.into_inner();
    let redraws = format.is_for_people() && std::io::stdout().is_terminal();
    let (all, complete, pace, shown) = (BTreeMap::new(), false, Pace::default(), String::new());
    let mut seen = Seen { ask, phases, format, all, complete, redraws, pace, shown };
    loop {
        if seen.pace.is_due(Instant::now()) {
            seen.draw()?;
        }
        let message = match seen.pace.due() {
            None => stream.message().await?,
            Some(due) => match timeout_at(due, stream.message()).await {
                Ok(message) => message?,
                Err(_) => continue,
            },
        };
        let Some(message) = message else {
            return Err(Failure::Failed("the control plane ended the watch; ask again".into()));
        };
        seen.take(message)?;
        if seen.complete && seen.ask.until_settled && seen.all.values().all(|it| it.settled) {
            if seen.pace.has_changed() {
                seen.draw()?;
            }
            return seen.end();
        }
    }
}

/// Names, as a watch knows no labels; nothing means all.
pub(crate) async fn watched(
    client: &mut Client,
    tenants: &[String],
    labels: &[String],
) -> Result<Vec<String>, Failure> {
    if labels.is_empty() {
        return Ok(select::names(tenants));
    }
    // Phases change while one watches, so they select rows and not tenants.
    let pairs = label_pairs(labels)?.into_iter().collect();
    let tenants = select::names(tenants);
    let request = wire::ListTenantStatusesRequest { page_size: 1_000, tenants, labels: pairs, ..Default::default() };
    let all: Vec<TenantStatus> = every_page!(client.fleet, list_tenant_statuses, request, tenant_statuses);
    if all.is_empty() {
        labels::judge(client, labels).await?;
        return Err(Failure::Failed(format!("none of these tenants has all of these labels: {}", labels.join(", "))));
    }
    Ok(all.into_iter().map(|it| it.tenant).collect())
}

impl Seen {
    fn take(&mut self, message: wire::WatchTenantStatusesResponse) -> Result<(), Failure> {
        let was_complete = self.complete;
        self.complete |= message.initial_complete;
        if let Some(status) = message.tenant_status {
            if !self.redraws && self.is_told(&status) {
                self.tell(&status)?;
            }
            self.all.insert(status.tenant.clone(), status);
        }
        if self.all.remove(&message.gone_tenant).is_some() && !self.redraws {
            self.tell_gone(&message.gone_tenant)?;
        }
        if self.complete && !was_complete && self.format.is_for_people() && !self.redraws {
            output::stream(&self.table()?)?;
        }
        if self.redraws && self.complete {
            self.pace.change(Instant::now());
        }
        Ok(())
    }

    fn is_chosen(&self, status: &TenantStatus) -> bool {
        self.phases.is_empty() || self.phases.contains(&status.phase)
    }

    /// Who leaves a phase is told once more: a reader would believe it there for ever.
    fn is_told(&self, status: &TenantStatus) -> bool {
        self.is_chosen(status) || self.all.get(&status.tenant).is_some_and(|before| self.is_chosen(before))
    }

    fn tell_gone(&self, tenant: &str) -> Result<(), Failure> {
        match self.format {
            Format::Table | Format::Wide => output::stream(&gone_line(tenant)),
            Format::Name => output::stream(&format!("{}\n", plain(tenant))),
            Format::Json | Format::Yaml => output::json_line(&json!({"tenant": tenant, "gone": true})),
            Format::Csv => Ok(()),
        }
    }

    /// What was watched has nothing left to do, if it is there at all.
    fn end(&self) -> Result<(), Failure> {
        if self.all.is_empty() && !self.ask.tenants.is_empty() {
            return Err(Failure::Failed("what was watched is deleted, and nothing is known of it any more".into()));
        }
        settled(&self.all)
    }

    fn tell(&self, status: &TenantStatus) -> Result<(), Failure> {
        match self.format {
            Format::Table | Format::Wide if self.complete => output::stream(&line(status)),
            Format::Name if self.complete => output::stream(&format!("{}\n", plain(&status.tenant))),
            Format::Json | Format::Yaml => output::json_line(&output::document(status)),
            Format::Table | Format::Wide | Format::Name | Format::Csv => Ok(()),
        }
    }

    fn draw(&mut self) -> Result<(), Failure> {
        self.pace.draw(Instant::now());
        let table = self.table()?;
        if table == self.shown {
            return Ok(());
        }
        let mut out = std::io::stdout().lock();
        out.write_all(TOP)?;
        out.flush()?;
        drop(out);
        output::stream(&table)?;
        self.shown = table;
        Ok(())
    }

    fn table(&self) -> Result<String, Failure> {
        let mut all: Vec<TenantStatus> = self.all.values().filter(|it| self.is_chosen(it)).cloned().collect();
        fleet::sort(&mut all, self.ask.sort_by);
        Ok(fleet::many(&all, self.format == Format::Wide, output::now()))
    }
}

/// No agent has work left. That is good if everything is done or waits for a person; else it ends with exit code 3.
pub(crate) fn settled(seen: &BTreeMap<String, TenantStatus>) -> Result<(), Failure> {
    let is_short = |it: &&TenantStatus| !matches!(it.phase(), TenantPhase::Converged | TenantPhase::Waiting);
    let short: Vec<&str> = seen.values().filter(is_short).map(|it| who::short(&it.tenant)).collect();
    if short.is_empty() {
        return Ok(());
    }
    let text =
        format!("settled, but not as it should be in {} of {} tenants: {}", short.len(), seen.len(), short.join(", "));
    Err(Failure::Incomplete(text))
}

fn gone_line(tenant: &str) -> String {
    format!("{}: deleted; its agent is not told anything any more\n", plain(who::short(tenant)))
}

pub(super) fn line(status: &TenantStatus) -> String {
    let (tenant, phase, done) =
        (status.tenant.trim_start_matches("tenants/"), fleet::phase(status), fleet::done(status));
    let why = or_dash(&status.explanation);
    format!("{}: {phase}, {done} items, {} behind; {}\n", plain(tenant), status.revisions_behind, plain(&why))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Args, Command};

    #[test]
    fn a_tenant_that_is_deleted_leaves_the_table() {
        let Command::Status(ask) = Args::parse_from(["entente", "status", "contoso", "--watch"]).command else {
            panic!()
        };
        let (all, pace, shown) = (BTreeMap::new(), Pace::default(), String::new());
        let phases = Vec::new();
        let mut seen = Seen { ask, phases, format: Format::Table, all, complete: false, redraws: true, pace, shown };
        let phase = TenantPhase::Converged.into();
        let status = TenantStatus { tenant: "tenants/contoso".into(), phase, settled: true, ..Default::default() };
        let told = wire::WatchTenantStatusesResponse { tenant_status: Some(status), ..Default::default() };
        let complete = wire::WatchTenantStatusesResponse { initial_complete: true, ..Default::default() };
        [told, complete].into_iter().for_each(|message| seen.take(message).unwrap());
        assert!(seen.table().unwrap().contains("1 tenant: 1 CONVERGED") && seen.end().is_ok());
        seen.pace.draw(Instant::now());
        let gone = wire::WatchTenantStatusesResponse { gone_tenant: "tenants/contoso".into(), ..Default::default() };
        seen.take(gone).unwrap();
        let table = seen.table().unwrap();
        assert!(!table.contains("CONVERGED") && seen.pace.has_changed(), "{table}");
        assert!(seen.end().unwrap_err().to_string().starts_with("what was watched is deleted"));
        // Of chosen phases: who comes into one is told, and who leaves it.
        let [paused, well] = [TenantPhase::Paused, TenantPhase::Converged].map(i32::from);
        let status = |phase| TenantStatus { tenant: "tenants/adatum".into(), phase, ..Default::default() };
        seen.phases = vec![paused];
        assert!(!seen.is_told(&status(well)) && seen.is_told(&status(paused)));
        seen.all.insert("tenants/adatum".into(), status(paused));
        assert!(seen.is_told(&status(well)), "it is paused no more");
    }
}
