//! What time it is, as the agent can know it: the one place where it asks.
//!
//! The host's clock may be set, forwards and backwards, and decides nothing once Microsoft or the control plane has told
//! theirs: from then on the newest time that was told, carried on by the monotonic clock. Before that the host's clock
//! counts, but never for less than what the agent knew when it last ran.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use entente_model::Timestamp;
use entente_planner::moment::Moment;
use entente_session::Now;

/// The machine that the agent runs on: its clocks, and dice.
pub trait Host: Debug + Send + Sync {
    fn wall(&self) -> Timestamp;
    /// Since the agent started; only ever grows.
    fn uptime(&self) -> Duration;
    fn dice(&self) -> u32;
}

/// The real one.
#[derive(Debug)]
struct Machine {
    started: Instant,
}

impl Host for Machine {
    fn wall(&self) -> Timestamp {
        wall()
    }

    fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    fn dice(&self) -> u32 {
        rand::random()
    }
}

/// The agent's clock. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Clock {
    host: Arc<dyn Host>,
    started: Instant,
    run: u64,
    told: Arc<Mutex<Told>>,
}

/// The newest time that was told, and at which uptime; and a floor from before this run.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    newest: Option<(Timestamp, Duration)>,
    floor: Timestamp,
}

impl Clock {
    pub fn start() -> Self {
        let started = Instant::now();
        Self::of(Arc::new(Machine { started }), started)
    }

    fn of(host: Arc<dyn Host>, started: Instant) -> Self {
        let run = u64::from(host.dice()) << 32 | u64::from(host.dice());
        Self { host, started, run, told: Arc::default() }
    }

    pub fn now(&self) -> Now {
        Now { wall: self.host.wall(), uptime: self.host.uptime(), dice: self.host.dice() }
    }

    /// An instant of uptime, as the runtime's timers take it.
    pub fn instant(&self, uptime: Duration) -> tokio::time::Instant {
        tokio::time::Instant::from_std(self.started + uptime)
    }

    /// What was known when the agent last ran: time does not go back behind it.
    pub fn set_floor(&self, floor: Timestamp) {
        let mut told = self.lock();
        told.floor = told.floor.max(floor);
    }

    /// A service told the time, so long ago. The newest counts: answers overtake each other.
    pub fn tell(&self, at: Timestamp, ago: Duration) {
        let uptime = self.host.uptime().saturating_sub(ago);
        let mut told = self.lock();
        if told.at(self.host.uptime()).is_none_or(|known| at.plus(ago) > known) {
            told.newest = Some((at, uptime));
        }
    }

    pub fn moment(&self) -> Moment {
        let uptime = self.host.uptime();
        let told = *self.lock();
        let at = told.at(uptime).unwrap_or_else(|| self.host.wall()).max(told.floor);
        Moment { at, run: self.run, uptime_ms: u64::try_from(uptime.as_millis()).unwrap_or(u64::MAX) }
    }

    pub fn time(&self) -> Timestamp {
        self.moment().at
    }

    /// 0 to 1, evenly spread.
    pub fn fraction(&self) -> f64 {
        f64::from(self.host.dice()) / f64::from(u32::MAX)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    fn at(&self, uptime: Duration) -> Option<Timestamp> {
        self.newest.map(|(at, then)| at.plus(uptime.saturating_sub(then)))
    }
}

pub fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default)]
    struct Hands(Mutex<(i64, u64)>);

    impl Hands {
        fn set(&self, wall: i64, uptime: u64) {
            *self.0.lock().unwrap() = (wall, uptime);
        }
    }

    impl Host for Hands {
        fn wall(&self) -> Timestamp {
            Timestamp::from_unix(self.0.lock().unwrap().0)
        }

        fn uptime(&self) -> Duration {
            Duration::from_secs(self.0.lock().unwrap().1)
        }

        fn dice(&self) -> u32 {
            7
        }
    }

    fn clock() -> (Arc<Hands>, Clock) {
        let hands = Arc::new(Hands::default());
        hands.set(1_000, 0);
        (hands.clone(), Clock::of(hands, Instant::now()))
    }

    #[test]
    fn a_host_clock_that_is_set_moves_nothing_once_the_time_was_told() {
        let (hands, clock) = clock();
        assert_eq!(clock.time().as_unix(), 1_000);
        clock.tell(Timestamp::from_unix(5_000), Duration::ZERO);
        for wall in [0, 1_000, 9_000_000] {
            hands.set(wall, 60);
            assert_eq!(clock.time().as_unix(), 5_060);
            assert_eq!(clock.moment().uptime_ms, 60_000);
        }
    }

    #[test]
    fn an_older_answer_does_not_turn_time_back() {
        let (hands, clock) = clock();
        clock.tell(Timestamp::from_unix(5_000), Duration::ZERO);
        hands.set(1_000, 60);
        clock.tell(Timestamp::from_unix(5_010), Duration::from_secs(20));
        assert_eq!(clock.time().as_unix(), 5_060);
        clock.tell(Timestamp::from_unix(5_070), Duration::ZERO);
        assert_eq!(clock.time().as_unix(), 5_070);
    }

    #[test]
    fn time_does_not_go_back_behind_what_was_known_before_a_restart() {
        let (_, clock) = clock();
        clock.set_floor(Timestamp::from_unix(7_000));
        assert_eq!(clock.time().as_unix(), 7_000);
        clock.tell(Timestamp::from_unix(5_000), Duration::ZERO);
        assert_eq!(clock.time().as_unix(), 7_000);
    }
}
