//! The simulator's one clock: monotonic seconds for lags and budgets, wall time for dates.
//!
//! Tests may move it forward ([`Clock::advance`]) to expire tokens or let replication catch up without waiting.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

#[derive(Debug)]
pub struct Clock {
    started: Instant,
    wall_at_start: OffsetDateTime,
    advanced_millis: AtomicU64,
}

/// One reading of the clock.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// Seconds since the simulator started.
    pub seconds: f64,
    pub wall: OffsetDateTime,
}

impl Clock {
    pub fn start() -> Self {
        Self { started: Instant::now(), wall_at_start: OffsetDateTime::now_utc(), advanced_millis: AtomicU64::new(0) }
    }

    pub fn now(&self) -> Now {
        let advanced = self.advanced_millis.load(Ordering::Relaxed) as f64 / 1000.0;
        let seconds = self.started.elapsed().as_secs_f64() + advanced;
        Now { seconds, wall: self.wall_at_start + time::Duration::seconds_f64(seconds) }
    }

    /// Moves the clock forward; it never goes back.
    pub fn advance(&self, seconds: f64) {
        self.advanced_millis.fetch_add((seconds.clamp(0.0, 1e9) * 1000.0) as u64, Ordering::Relaxed);
    }
}

impl Now {
    /// So many seconds after.
    pub fn later(self, seconds: f64) -> Self {
        Self { seconds: self.seconds + seconds, wall: self.wall + time::Duration::seconds_f64(seconds) }
    }

    /// The date as Graph prints it: `2026-11-20T10:00:00Z`.
    pub fn date(&self) -> String {
        let whole = self.wall.replace_nanosecond(0).unwrap_or(self.wall);
        whole.format(&Rfc3339).unwrap_or_default()
    }

    /// The date as HTTP has it (RFC 9110, 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
    pub fn http_date(&self) -> String {
        let form =
            format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
        self.wall.format(form).unwrap_or_default()
    }

    /// The date with fractions, for the call log.
    pub fn precise_date(&self) -> String {
        self.wall.format(&Rfc3339).unwrap_or_default()
    }
}
