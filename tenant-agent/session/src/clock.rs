//! Time as the session's caller tells it, and the control plane's clock as far as it is known.
//!
//! A lease is judged by the control plane's own clock, continued by a monotonic one: changing the host's clock neither
//! lengthens nor shortens a lease. Windows of access are judged elsewhere.

use std::time::Duration;

use entente_model::Timestamp;

/// If the clocks differ by more, one is wrong enough to tell a person: half of what Microsoft's sign-in tolerates.
const SKEW_TO_TELL: Duration = Duration::from_secs(150);

/// The time, and a random number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The host's clock. People and programs can set it.
    pub wall: Timestamp,
    /// Time since the agent started. It only grows.
    pub uptime: Duration,
    /// Evenly distributed. All jitter comes from it.
    pub dice: u32,
}

/// The control plane's clock: the time that it reported, and when.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ServerClock(Option<(Timestamp, Duration)>);

impl ServerClock {
    /// Sets it from a `Welcome`. Returns the difference to the host's clock, if it is large.
    pub fn set(&mut self, server: Timestamp, now: Now) -> Option<Duration> {
        self.0 = Some((server, now.uptime));
        let skew = server.since(now.wall).max(now.wall.since(server));
        (skew > SKEW_TO_TELL).then_some(skew)
    }

    /// The uptime at which the control plane's clock shows `at`. Before the first `Welcome` of this run, the host's
    /// clock has to do.
    pub fn uptime_of(&self, at: Timestamp, now: Now) -> Duration {
        let (server, uptime) = self.0.unwrap_or((now.wall, now.uptime));
        if at >= server { uptime + at.since(server) } else { uptime.saturating_sub(server.since(at)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(wall: i64, uptime: u64) -> Now {
        Now { wall: Timestamp::from_unix(wall), uptime: Duration::from_secs(uptime), dice: 0 }
    }

    #[test]
    fn a_host_clock_that_is_set_moves_no_lease() {
        let mut clock = ServerClock::default();
        assert_eq!(clock.set(Timestamp::from_unix(1_000), at(1_000, 10)), None);
        for wall in [0, 1_000, 9_000_000] {
            assert_eq!(clock.uptime_of(Timestamp::from_unix(4_600), at(wall, 20)), Duration::from_secs(3_610));
        }
    }

    #[test]
    fn clocks_that_differ_widely_are_told() {
        let mut clock = ServerClock::default();
        assert_eq!(clock.set(Timestamp::from_unix(1_000), at(1_100, 0)), None);
        assert_eq!(clock.set(Timestamp::from_unix(1_000), at(8_200, 0)), Some(Duration::from_secs(7_200)));
        assert_eq!(clock.set(Timestamp::from_unix(8_200), at(1_000, 0)), Some(Duration::from_secs(7_200)));
    }
}
