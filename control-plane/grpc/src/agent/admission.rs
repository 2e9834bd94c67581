//! How many streams may begin per second. A fleet that comes back at once is let in at a bounded rate. Each agent
//! that is sent away is told when to try again, each at another moment.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How fast streams are let in.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    pub per_second: u32,
    /// As many at once after a quiet time.
    pub burst: u32,
}

impl Default for Rate {
    /// A stream that begins costs some 0.6 ms of a core, most of it the handshake: this keeps one core busy.
    fn default() -> Self {
        Self { per_second: 1_500, burst: 3_000 }
    }
}

/// The shortest wait: a turned-away agent's next handshake is worth a second.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

/// The longest wait: a fleet that waits longer is offline.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A bucket of tokens, and how many were sent away and have yet to come back.
#[derive(Debug)]
pub(super) struct Admission {
    rate: Rate,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    tokens: f64,
    away: f64,
    at: Instant,
}

impl Admission {
    pub(super) fn new(rate: Rate, now: Instant) -> Self {
        Self { rate, state: Mutex::new(State { tokens: f64::from(rate.burst), away: 0.0, at: now }) }
    }

    /// Lets a stream in, or says how long to stay away. `jitter`, from 0 to 1, spreads those by half of their wait.
    pub(super) fn enter(&self, now: Instant, jitter: f64) -> Result<(), Duration> {
        let per_second = f64::from(self.rate.per_second.max(1));
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let gained = now.saturating_duration_since(state.at).as_secs_f64() * per_second;
        state.at = state.at.max(now);
        state.tokens = (state.tokens + gained).min(f64::from(self.rate.burst.max(1)));
        state.away = (state.away - gained).max(0.0);
        if state.tokens >= 1.0 {
            state.tokens -= 1.0;
            return Ok(());
        }
        state.away += 1.0;
        let wait = SHORTEST_WAIT + Duration::from_secs_f64((state.away / per_second).min(LONGEST_WAIT.as_secs_f64()));
        Err(wait.mul_f64(1.0 + jitter / 2.0).min(LONGEST_WAIT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_let_in_and_the_rest_is_spread_over_the_time_that_it_takes() {
        let start = Instant::now();
        let admission = Admission::new(Rate { per_second: 10, burst: 5 }, start);
        let answers: Vec<_> = (0..55).map(|_| admission.enter(start, 0.0)).collect();
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 5);
        let waits: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
        assert!(waits.is_sorted() && waits[0] < Duration::from_millis(1_200), "{waits:?}");
        assert_eq!(waits[49], Duration::from_secs(6));
        assert!(admission.enter(start + Duration::from_secs(1), 0.0).is_ok());
    }

    #[test]
    fn nobody_is_sent_away_for_longer_than_the_bound() {
        let start = Instant::now();
        let admission = Admission::new(Rate { per_second: 1, burst: 1 }, start);
        let longest = (0..10_000).filter_map(|_| admission.enter(start, 1.0).err()).max();
        assert_eq!(longest, Some(LONGEST_WAIT));
    }
}
