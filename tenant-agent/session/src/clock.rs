//! Time as the session's caller tells it, and the control plane's clock as far as it is known.
//!
//! A lease is judged by the control plane's own clock, carried on by a monotonic one: setting the host's clock neither
//! stretches nor cuts a lease. Windows of access are not judged here.

use std::time::Duration;

use entente_model::Timestamp;

/// Further apart than this, and one of the two clocks is wrong enough to tell a person: half of what Microsoft's
/// sign-in tolerates.
const SKEW_TO_TELL: Duration = Duration::from_secs(150);

/// What time it is, and a roll of the dice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The host's clock. It may be set, forwards and backwards.
    pub wall: Timestamp,
    /// Since the agent started. Only ever grows.
    pub uptime: Duration,
    /// Evenly spread; all jitter comes from it.
    pub dice: u32,
}

/// The control plane's clock: what it said, and when.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ServerClock(Option<(Timestamp, Duration)>);

impl ServerClock {
    /// Takes what a `Welcome` says. Gives the difference to the host's clock, if it is worth telling.
    pub fn set(&mut self, server: Timestamp, now: Now) -> Option<Duration> {
        self.0 = Some((server, now.uptime));
        let skew = server.since(now.wall).max(now.wall.since(server));
        (skew > SKEW_TO_TELL).then_some(skew)
    }

    /// When, in uptime, the control plane's clock shows `at`. Before the first `Welcome` of this run there is only the
    /// host's clock to go by.
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
