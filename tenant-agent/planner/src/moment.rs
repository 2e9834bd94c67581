//! A point of time, as an agent can know it.
//!
//! `at` is for people and for comparing with Microsoft's own times. How far two points lie apart is told by the
//! monotonic clock of one run alone: a wall clock jumps, and so may the times in answers. Between two runs nothing is
//! known of the distance, so what is waited for begins anew.

use std::time::Duration;

use entente_model::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Moment {
    pub at: Timestamp,
    /// Which run of the agent: drawn at its start.
    pub run: u64,
    /// Milliseconds since that start.
    pub uptime_ms: u64,
}

impl Moment {
    /// Whether more than `lag` lies between this and a later point of the same run.
    pub fn has_passed(self, lag: Duration, later: Self) -> bool {
        self.run == later.run && u128::from(later.uptime_ms.saturating_sub(self.uptime_ms)) > lag.as_millis()
    }
}

/// Whether a look that began then is a second one: further after the first than what may be invisible lasts.
pub fn is_second_look(first: Moment, begun: Moment, lag: Duration) -> bool {
    first.has_passed(lag, begun) && begun.at > first.at
}

/// When more than a lag will have passed.
pub fn passes_at(since: Timestamp, lag: Duration) -> Timestamp {
    // A fraction of a second is rounded up, as timestamps are whole.
    since.plus(Duration::from_secs(lag.as_secs() + 1 + u64::from(lag.subsec_nanos() > 0)))
}

/// Since when something is so: what was noted in this run, or now.
pub fn since(noted: Option<Moment>, now: Moment) -> Moment {
    noted.filter(|noted| noted.run == now.run).unwrap_or(now)
}
