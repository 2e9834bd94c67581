//! Reports: only changes, collected for a moment, in numbered batches, one in flight until it is acknowledged.
//!
//! A report is the difference between what the agent last saw and what the control plane has acknowledged. What was in
//! flight when a stream broke is still a difference. This file does not know what a state means.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use entente_model::Timestamp;
use entente_model::desired::ItemKey;
use entente_model::report::bounds::MAX_MENDED;
use entente_model::report::{ItemReport, Mended, Report, Standing};

/// An unacknowledged report is sent again after this: far longer than a commit takes, shorter than people would wait.
const ACK_PATIENCE: Duration = Duration::from_secs(30);

/// How often to report if only verified times changed. Each report costs the control plane a commit.
const VERIFIED_EVERY: Duration = Duration::from_secs(60);

/// Everything that the agent last saw.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    pub items: BTreeMap<ItemKey, ItemReport>,
    pub standing: Standing,
    /// Drift that was mended, oldest first: all that the control plane has not acknowledged.
    pub mended: Vec<Mended>,
}

#[derive(Debug)]
pub(crate) struct Outbox {
    current: Option<Arc<Status>>,
    /// What the control plane has acknowledged.
    items: BTreeMap<ItemKey, ItemReport>,
    standing: Option<Standing>,
    /// Mended drift up to this number is acknowledged.
    told: u64,
    /// Items of reports that were sent and not acknowledged. The control plane may have them, or what was before.
    doubtful: BTreeSet<ItemKey>,
    /// The next report begins a complete set.
    full: bool,
    in_flight: Option<InFlight>,
    number: u64,
    /// When collecting ends. `None` while there is nothing to report.
    due: Option<Duration>,
}

#[derive(Debug)]
struct InFlight {
    report: Report,
    full: bool,
    sent: Duration,
}

impl Default for Outbox {
    fn default() -> Self {
        Self {
            current: None,
            items: BTreeMap::new(),
            standing: None,
            told: 0,
            doubtful: BTreeSet::new(),
            full: true,
            in_flight: None,
            number: 0,
            due: None,
        }
    }
}

impl Outbox {
    /// Takes what the agent saw.
    pub fn observe(&mut self, status: Arc<Status>, now: Duration, gather: Duration) {
        self.current = Some(status);
        self.due.get_or_insert(now + gather);
    }

    /// A new stream: numbers start again, and what was in flight may not have arrived.
    pub fn restart(&mut self, resend: bool, now: Duration) {
        self.number = 0;
        self.give_up();
        self.full |= resend;
        if self.current.is_some() {
            self.due = Some(now);
        }
    }

    /// The report that is due, if any.
    pub fn next(&mut self, now: Duration, batch: usize) -> Option<(Report, bool)> {
        if self.in_flight.as_ref().is_some_and(|report| now < report.sent + ACK_PATIENCE) || now < self.due? {
            return None;
        }
        self.give_up();
        let Some(mut report) = self.difference(batch) else {
            self.due = None;
            return None;
        };
        self.number += 1;
        report.number = self.number;
        self.in_flight = Some(InFlight { report: report.clone(), full: self.full, sent: now });
        Some((report, self.full))
    }

    /// The control plane has the report with that number.
    pub fn acknowledged(&mut self, number: u64) {
        if let Some(InFlight { report, full, .. }) = self.in_flight.take_if(|it| it.report.number == number) {
            if full {
                self.items.clear();
                self.doubtful.clear();
                self.full = false;
            }
            for item in report.items {
                self.doubtful.remove(&item.key);
                self.items.insert(item.key.clone(), item);
            }
            for key in &report.forgotten {
                self.doubtful.remove(key);
                self.items.remove(key);
            }
            self.standing = report.standing.map(|it| *it).or(self.standing.take());
            self.told = report.mended.iter().map(|it| it.number).fold(self.told, u64::max);
        }
    }

    /// What was in flight may have arrived or not.
    fn give_up(&mut self) {
        if let Some(InFlight { report, .. }) = self.in_flight.take() {
            self.doubtful.extend(report.items.into_iter().map(|item| item.key));
            self.doubtful.extend(report.forgotten);
            if report.standing.is_some() {
                self.standing = None;
            }
        }
    }

    /// The number up to which mended drift is acknowledged.
    pub fn told(&self) -> u64 {
        self.told
    }

    /// When [`Outbox::next`] may return something.
    pub fn wake(&self) -> Option<Duration> {
        let due = self.due?;
        Some(self.in_flight.as_ref().map_or(due, |report| due.max(report.sent + ACK_PATIENCE)))
    }

    /// What the control plane does not have yet. `None` if it has everything.
    fn difference(&self, batch: usize) -> Option<Report> {
        let status = self.current.as_deref()?;
        let certain = |key: &&ItemKey| !self.full && !self.doubtful.contains(key);
        let known = |key| Some(key).filter(certain).and_then(|key| self.items.get(key));
        let changed = status.items.values().filter(|item| known(&item.key).is_none_or(|known| differ(known, item)));
        let items: Vec<_> = changed.take(batch).cloned().collect();
        let had: BTreeSet<_> =
            if self.full { BTreeSet::new() } else { self.items.keys().chain(&self.doubtful).collect() };
        let gone = had.into_iter().filter(|key| !status.items.contains_key(key));
        let forgotten: Vec<_> = gone.take(batch - items.len()).cloned().collect();
        // The standing names the version with which the tenant was compared, so it goes last, after the items that it
        // refers to.
        let last = items.len() + forgotten.len() < batch;
        let standing = (last && self.standing.as_ref().is_none_or(|known| worth_telling(known, &status.standing)))
            .then(|| Box::new(status.standing.clone()));
        // In the first report, so that it comes before the states that follow from it.
        let mended: Vec<_> =
            status.mended.iter().filter(|it| it.number > self.told).take(MAX_MENDED).cloned().collect();
        let nothing = items.is_empty() && forgotten.is_empty() && standing.is_none() && mended.is_empty();
        (!nothing || self.full).then_some(Report { number: 0, items, forgotten, standing, mended })
    }
}

/// The revision alone does not count: the standing reports it once for all items.
fn differ(known: &ItemReport, seen: &ItemReport) -> bool {
    *known != ItemReport { revision: known.revision, since: known.since, ..seen.clone() }
}

fn worth_telling(known: &Standing, seen: &Standing) -> bool {
    let timeless = |standing: &Standing| {
        let mut standing = standing.clone();
        standing.planes.iter_mut().for_each(|plane| plane.verified = plane.verified.map(|_| Timestamp::MIN));
        standing
    };
    let latest = |standing: &Standing| standing.planes.iter().filter_map(|plane| plane.verified).max();
    let moved = match (latest(known), latest(seen)) {
        (Some(known), Some(seen)) => seen.since(known) >= VERIFIED_EVERY,
        _ => false,
    };
    moved || timeless(known) != timeless(seen)
}

#[cfg(test)]
mod tests;
