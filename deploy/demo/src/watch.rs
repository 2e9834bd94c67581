//! The live table: queries the control plane until all tenants have settled and the cloud confirms what should be true.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use entente_tests::Fleet;
use tokio::time::Instant;

use crate::patience::Patience;
use crate::screen::{Row, Screen};
use crate::view::{self, Status, Tenant};

/// Often enough to look alive. Each query is a process and a handshake.
const ASK_EVERY: Duration = Duration::from_millis(400);

/// How long something took, and the state of the tenants after it.
#[derive(Debug)]
pub struct Settled {
    pub took: Duration,
    pub tenants: Vec<Tenant>,
}

/// Draws the table until every tenant outside `away` has settled and `holds` returns true.
///
/// Both must hold in two looks in a row: the cloud shows a write a moment before the agent reports that it waits to
/// read it back, and looks are further apart than reports.
pub async fn until_settled(
    fleet: &Fleet,
    screen: &mut Screen,
    away: &[&str],
    begun: Instant,
    holds: impl AsyncFn() -> Result<()>,
) -> Result<Settled> {
    let mut times = Times { begun, of: BTreeMap::new() };
    let (mut good_since, mut patience) = (None, Patience::new());
    loop {
        let tenants = look(fleet, away).await?;
        let moving = tenants.iter().filter(|it| !it.is_settled() && !away.contains(&it.status.name()));
        let moving: Vec<&str> = moving.map(|it| it.status.name()).collect();
        tenants.iter().for_each(|it| times.note(it.status.name(), moving.contains(&it.status.name())));
        screen.table(&tenants.iter().map(|it| row(&it.status, times.took(it.status.name()))).collect::<Vec<_>>());
        let last = match moving.as_slice() {
            [] => holds().await.err().map(|error| format!("{error:#}")),
            moving => Some(format!("{} not settled", moving.join(", "))),
        };
        match (last, good_since) {
            (None, Some(took)) => {
                screen.end_table();
                return Ok(Settled { took, tenants });
            }
            (None, None) => good_since = Some(begun.elapsed()),
            (Some(last), _) => {
                patience.with(format!("{last} ({})", standing(&tenants))).inspect_err(|_| screen.end_table())?;
                good_since = None;
            }
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

/// Every tenant's phase and progress, to detect changes.
fn standing(tenants: &[Tenant]) -> String {
    let one =
        |it: &Tenant| format!("{} {} {}/{}", it.status.name(), it.status.phase(), it.status.done(), it.status.all());
    tenants.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The final state of the tenants: once all have settled, or once nothing changes any more. Without patience, the
/// current state.
pub async fn last_look(fleet: &Fleet, screen: &mut Screen, mut patience: Option<Patience>) -> Result<Vec<Tenant>> {
    loop {
        let tenants = look(fleet, &[]).await?;
        let waits = patience.as_mut().is_some_and(|patience| patience.with(standing(&tenants)).is_ok());
        if tenants.iter().all(Tenant::is_settled) || !waits {
            screen.table(&tenants.iter().map(|it| row(&it.status, None)).collect::<Vec<_>>());
            screen.end_table();
            return Ok(tenants);
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

/// How long each tenant with changes took.
struct Times {
    begun: Instant,
    /// `None` while it is in progress.
    of: BTreeMap<String, Option<f64>>,
}

impl Times {
    fn note(&mut self, tenant: &str, is_moving: bool) {
        if is_moving {
            self.of.insert(tenant.to_owned(), None);
        } else if let Some(took) = self.of.get_mut(tenant) {
            took.get_or_insert(self.begun.elapsed().as_secs_f64());
        }
    }

    fn took(&self, tenant: &str) -> Option<f64> {
        self.of.get(tenant).copied().flatten()
    }
}

/// Every tenant. Its items are included if it may have settled without having converged.
async fn look(fleet: &Fleet, away: &[&str]) -> Result<Vec<Tenant>> {
    let mut tenants = Vec::new();
    for status in view::statuses(fleet).await? {
        let is_open = ["waiting", "partial"].contains(&status.phase().as_str()) && !away.contains(&status.name());
        tenants.push(match is_open {
            true => view::with_items(fleet, status).await?,
            false => Tenant { status, items: Vec::new() },
        });
    }
    Ok(tenants)
}

fn row(status: &Status, seconds: Option<f64>) -> Row {
    Row {
        tenant: status.name().to_owned(),
        phase: status.phase(),
        done: format!("{}/{}", status.done(), status.all()),
        seconds,
        why: in_short(&status.explanation),
    }
}

/// What fits a narrow column: counts without their reasons, and without whose move it is.
fn in_short(explanation: &str) -> String {
    let why = explanation.split("; ").next().unwrap_or_default();
    let mut parts = why.split(" (");
    let first = parts.next().unwrap_or_default().to_owned();
    let short = parts.fold(first, |short, part| short + part.split_once(')').map_or("", |(_, rest)| rest));
    summed(&short).unwrap_or(short)
}

/// `2 WAITING, 3 WAITING` without their reasons is `5 WAITING`. `None` if it is not a list of counts.
fn summed(counts: &str) -> Option<String> {
    let mut all: Vec<(u32, &str)> = Vec::new();
    for part in counts.split(", ") {
        let (count, state) = part.split_once(' ')?;
        let count: u32 = count.parse().ok()?;
        match all.iter_mut().find(|it| it.1 == state) {
            Some(same) => same.0 += count,
            None => all.push((count, state)),
        }
    }
    Some(all.iter().map(|(count, state)| format!("{count} {state}")).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_column_has_counts_and_no_reasons() {
        let why = "1 WAITING (DEPENDENCY), 1 NEEDS_APPROVAL (ADOPTION_APPROVAL); customer's move: it says what to do";
        assert_eq!(in_short(why), "1 WAITING, 1 NEEDS_APPROVAL");
        assert_eq!(in_short("2 WAITING (PERSON_TASK), 1 HELD (PAUSED), 3 WAITING (DEPENDENCY)"), "5 WAITING, 1 HELD");
        assert_eq!(
            in_short("no agent has enrolled, and no token is there"),
            "no agent has enrolled, and no token is there"
        );
        assert_eq!(in_short(""), "");
    }
}
