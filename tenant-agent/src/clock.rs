//! The agent's clock: the only place where the agent asks for the time.
//!
//! The host's clock can jump in either direction. So once Microsoft or the control plane has told the time, the agent
//! uses the newest time it was told and advances it by the monotonic clock. Before that it uses the host's clock, but
//! never a time before the one it knew when it last ran.
//!
//! Windows, caps and freezes need a time that does not go back. There is one exception: two answers that agree
//! establish a time (`entente-cloud`), and if that time lies before the known one by more than clocks may differ, the
//! known time was wrong, in this run or on disk. Going back is then the smaller harm, as the control plane refuses
//! proofs that are dated ahead.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use entente_cloud::CLOCKS_APART;
use entente_model::Timestamp;
use entente_planner::moment::Moment;
use entente_session::Now;

/// The machine that the agent runs on: its clocks and random numbers.
pub trait Host: Debug + Send + Sync {
    fn wall(&self) -> Timestamp;
    /// Since the agent started. It only grows.
    fn uptime(&self) -> Duration;
    fn dice(&self) -> u32;
}

/// The real machine.
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

/// The agent's clock. All clones share one state.
#[derive(Debug, Clone)]
pub struct Clock {
    host: Arc<dyn Host>,
    started: Instant,
    run: u64,
    told: Arc<Mutex<Told>>,
}

/// The newest time that a service told with the uptime then, and the earliest time possible, known from the last run.
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

    /// Converts an uptime to an instant for the runtime's timers.
    pub fn instant(&self, uptime: Duration) -> tokio::time::Instant {
        tokio::time::Instant::from_std(self.started + uptime)
    }

    /// Sets the time known at the end of the last run. Time does not go back before it.
    pub fn set_floor(&self, floor: Timestamp) {
        let mut told = self.lock();
        told.floor = told.floor.max(floor);
    }

    /// Takes in a time that a service told `ago`. The newest time wins, as answers may overtake each other, unless a
    /// later one refutes it.
    pub fn tell(&self, at: Timestamp, ago: Duration) {
        let uptime = self.host.uptime().saturating_sub(ago);
        let mut told = self.lock();
        let known = told.at(self.host.uptime());
        let is_refuted = |known: Timestamp| known > at.plus(ago).plus(CLOCKS_APART);
        if known.is_none_or(|known| at.plus(ago) > known || is_refuted(known)) {
            told.newest = Some((at, uptime));
        }
    }

    /// The time that is certain, for the next run: never the host's.
    pub fn known(&self) -> Timestamp {
        let (uptime, told) = (self.host.uptime(), *self.lock());
        told.at(uptime).unwrap_or(told.floor)
    }

    /// Dates an instant of this run by the time as it is known now.
    pub fn again(&self, moment: Moment) -> Moment {
        let now = self.moment();
        let since = Duration::from_millis(now.uptime_ms.saturating_sub(moment.uptime_ms));
        let at = Timestamp::from_unix(now.at.as_unix().saturating_sub_unsigned(since.as_secs()));
        let is_other = at.since(moment.at).max(moment.at.since(at)) > CLOCKS_APART;
        if is_other { Moment { at, ..moment } } else { moment }
    }

    pub fn moment(&self) -> Moment {
        let uptime = self.host.uptime();
        let told = *self.lock();
        let at = told.at(uptime).unwrap_or_else(|| self.host.wall().max(told.floor));
        Moment { at, run: self.run, uptime_ms: u64::try_from(uptime.as_millis()).unwrap_or(u64::MAX) }
    }

    pub fn time(&self) -> Timestamp {
        self.moment().at
    }

    /// A random number from 0 to 1.
    pub fn fraction(&self) -> f64 {
        f64::from(self.host.dice()) / f64::from(u32::MAX)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    fn at(&self, uptime: Duration) -> Option<Timestamp> {
        let told = self.newest.map(|(at, then)| at.plus(uptime.saturating_sub(then)))?;
        // The time known from the last run holds unless a service refutes it.
        Some(if self.floor <= told.plus(CLOCKS_APART) { told.max(self.floor) } else { told })
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
        let (hands, clock) = clock();
        clock.set_floor(Timestamp::from_unix(7_000));
        assert_eq!(clock.time().as_unix(), 7_000);
        clock.tell(Timestamp::from_unix(6_900), Duration::ZERO);
        assert_eq!(clock.time().as_unix(), 7_000);
        hands.set(0, 200);
        assert_eq!(clock.time().as_unix(), 7_100);
    }

    #[test]
    fn a_time_that_the_services_refute_is_given_up_in_this_run_and_on_disk() {
        let far = Timestamp::from_unix(9_000_000);
        let (hands, clock) = clock();
        clock.set_floor(far);
        assert_eq!((clock.time(), clock.known()), (far, far), "nobody has told another one");
        clock.tell(Timestamp::from_unix(7_000), Duration::ZERO);
        assert_eq!((clock.time().as_unix(), clock.known().as_unix()), (7_000, 7_000));
        let before = clock.moment();
        clock.tell(far, Duration::ZERO);
        hands.set(0, 60);
        assert_eq!(clock.time(), far.plus(Duration::from_secs(60)));
        let during = clock.moment();
        clock.tell(Timestamp::from_unix(7_060), Duration::ZERO);
        assert_eq!((clock.time().as_unix(), clock.known().as_unix()), (7_060, 7_060));
        assert_eq!((clock.again(during).at.as_unix(), clock.again(before)), (7_060, before));
    }

    #[test]
    fn the_hosts_word_is_not_kept_for_the_next_run() {
        let (hands, clock) = clock();
        hands.set(9_000_000, 0);
        clock.set_floor(Timestamp::from_unix(7_000));
        assert_eq!((clock.time().as_unix(), clock.known().as_unix()), (9_000_000, 7_000));
    }
}
