//! The host's clocks, and dice. The one place where the agent asks what time it is.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use entente_model::Timestamp;
use entente_session::Now;

/// Since when this agent runs.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Instant,
}

impl Clock {
    pub fn start() -> Self {
        Self { started: Instant::now() }
    }

    pub fn now(&self) -> Now {
        Now { wall: wall(), uptime: self.started.elapsed(), dice: rand::random() }
    }

    /// An instant of uptime, as the runtime's timers take it.
    pub fn instant(&self, uptime: std::time::Duration) -> tokio::time::Instant {
        tokio::time::Instant::from_std(self.started + uptime)
    }
}

pub fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
