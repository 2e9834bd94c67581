//! How fast one tenant's agent may report, and how often people may ask it to look.
//!
//! An agent has an allowance of bytes that grows with time, and waits once it is used up: the server then reads nothing more from it,
//! so it slows down by itself.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use entente_model::report::Report;
use entente_model::{TenantName, Timestamp};

use super::room::weight;
use crate::error::{AppError, Result};

/// What may be said at once: everything of the largest tenant, after an agent has taken another's place.
const BURST_BYTES: u64 = 32 << 20;

/// What may be said for ever: a hundred items that change each second with a sentence each, or 5 GiB a day.
const BYTES_PER_SECOND: u64 = 64 << 10;

/// What a report costs beside its items: a commit, and the row of how the agent stands.
const REPORT_BYTES: usize = 4 << 10;

/// What an item costs beside its texts.
const ITEM_BYTES: usize = 256;

#[derive(Debug)]
pub(crate) struct Pace {
    /// What is used and not grown back.
    used: Duration,
    at: Instant,
}

impl Pace {
    pub(crate) fn new(now: Instant) -> Self {
        Self { used: Duration::ZERO, at: now }
    }

    /// Counts what was said, and how long to wait before it is looked at.
    pub(crate) fn count(&mut self, bytes: usize, now: Instant) -> Duration {
        let passed = now.saturating_duration_since(self.at);
        self.used = self.used.saturating_sub(passed) + worth(u64::try_from(bytes).unwrap_or(u64::MAX));
        self.at = now;
        self.used.saturating_sub(worth(BURST_BYTES))
    }
}

/// How long it takes to grow back.
fn worth(bytes: u64) -> Duration {
    Duration::from_millis(bytes.saturating_mul(1_000) / BYTES_PER_SECOND)
}

/// What it costs the server, in bytes.
pub(crate) fn cost(report: &Report) -> usize {
    let items = report.items.iter().map(|item| ITEM_BYTES + weight(item)).sum::<usize>();
    let findings = report.standing.iter().flat_map(|it| &it.findings).map(|it| it.detail.len()).sum::<usize>();
    let mended = report.mended.iter().map(|it| ITEM_BYTES + it.detail.len()).sum::<usize>();
    REPORT_BYTES + items + findings + mended + ITEM_BYTES * report.forgotten.len()
}

/// Looks that people may ask of one tenant's agent within [`PACE`]: more than a person reads.
const MAX_ASKS: usize = 12;

const PACE: Duration = Duration::from_secs(60);

/// When a tenant's agent was last asked to look.
#[derive(Debug, Default)]
pub(crate) struct Asks(VecDeque<Timestamp>);

impl Asks {
    pub(crate) fn count(&mut self, now: Timestamp, tenant: &TenantName) -> Result<()> {
        while self.0.front().is_some_and(|then| now.since(*then) >= PACE || *then > now) {
            self.0.pop_front();
        }
        if self.0.len() >= MAX_ASKS {
            return Err(AppError::TooOften { tenant: tenant.clone(), most: MAX_ASKS });
        }
        self.0.push_back(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attacks_d11_an_agent_that_says_much_for_long_is_slowed_down_and_one_that_says_all_once_is_not() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        let part = 4 << 20;
        let waits: Vec<_> = (0..10).map(|_| pace.count(part, now).as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 0, 0, 0, 64, 128]);
        let later = now + Duration::from_secs(128 + 64);
        assert_eq!(pace.count(part, later), Duration::ZERO, "it grows back");
        assert_eq!(pace.count(part, later).as_secs(), 64);
    }
}
