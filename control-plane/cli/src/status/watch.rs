//! Tenants as they change: on a terminal the table in its place, elsewhere a line for each change.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use entente_proto::fleet::v1 as wire;
use wire::{TenantPhase, TenantStatus};

use super::{fleet, labels, select};
use crate::args::{Format, Status};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{self, or_dash, plain};
use crate::pages::{every_page, label_pairs};
use crate::who;

/// Changes that come together are drawn together.
const CALM: Duration = Duration::from_millis(150);

/// Clears the screen, and begins at its top (ECMA-48: ED, CUP).
const TOP: &[u8] = b"\x1b[2J\x1b[H";

/// What was asked for, and what is known of it.
struct Seen {
    ask: Status,
    format: Format,
    all: BTreeMap<String, TenantStatus>,
    /// Everything that is watched has been told once.
    complete: bool,
    redraws: bool,
}

pub(super) async fn watch(mut client: Client, ask: Status, format: Format) -> Result<(), Failure> {
    if format == Format::Csv {
        return Err(Failure::Usage("`--output csv` is of lists; a watch prints json".into()));
    }
    let tenants = watched(&mut client, &ask.tenants, &ask.labels).await?;
    let mut stream =
        client.fleet.watch_tenant_statuses(wire::WatchTenantStatusesRequest { tenants }).await?.into_inner();
    let redraws = format.is_for_people() && std::io::stdout().is_terminal();
    let mut seen = Seen { ask, format, all: BTreeMap::new(), complete: false, redraws };
    let mut is_drawn = true;
    loop {
        let message = match tokio::time::timeout(CALM, stream.message()).await {
            Ok(message) => message?,
            Err(_) => {
                if !is_drawn {
                    seen.draw()?;
                    is_drawn = true;
                }
                continue;
            }
        };
        let Some(message) = message else {
            return Err(Failure::Failed("the control plane ended the watch; ask again".into()));
        };
        is_drawn &= !seen.take(message)?;
        if seen.complete && seen.ask.until_settled && seen.all.values().all(|it| it.settled) {
            if !is_drawn {
                seen.draw()?;
            }
            return settled(&seen.all);
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
        return Err(labels::unknown(client, labels).await);
    }
    Ok(all.into_iter().map(|it| it.tenant).collect())
}

impl Seen {
    /// Whether the table is to be drawn again.
    fn take(&mut self, message: wire::WatchTenantStatusesResponse) -> Result<bool, Failure> {
        let was_complete = self.complete;
        self.complete |= message.initial_complete;
        if let Some(status) = message.tenant_status {
            if !self.redraws {
                self.tell(&status)?;
            }
            self.all.insert(status.tenant.clone(), status);
        }
        if self.complete && !was_complete && self.format.is_for_people() && !self.redraws {
            output::stream(&self.table()?)?;
        }
        Ok(self.redraws && self.complete)
    }

    fn tell(&self, status: &TenantStatus) -> Result<(), Failure> {
        match self.format {
            Format::Table | Format::Wide if self.complete => output::stream(&line(status)),
            Format::Name if self.complete => output::stream(&format!("{}\n", plain(&status.tenant))),
            Format::Json | Format::Yaml => output::json_line(&output::document(status)),
            Format::Table | Format::Wide | Format::Name | Format::Csv => Ok(()),
        }
    }

    fn draw(&self) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        out.write_all(TOP)?;
        out.flush()?;
        drop(out);
        output::stream(&self.table()?)
    }

    fn table(&self) -> Result<String, Failure> {
        let phases = select::phases("--phase", &self.ask.phases)?;
        let mut all: Vec<TenantStatus> =
            self.all.values().filter(|it| phases.is_empty() || phases.contains(&it.phase)).cloned().collect();
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

pub(super) fn line(status: &TenantStatus) -> String {
    let (tenant, phase, done) =
        (status.tenant.trim_start_matches("tenants/"), fleet::phase(status), fleet::done(status));
    let why = or_dash(&status.explanation);
    format!("{}: {phase}, {done} items, {} behind; {}\n", plain(tenant), status.revisions_behind, plain(&why))
}
