//! One gate per service. A 429 closes it, for reads and writes, until the time that the service named, even over
//! several looks. Calls that come meanwhile are not sent.
//!
//! A request during the wait prolongs it (Graph: throttling) and uses quota that a removal needs. When the gate opens,
//! removals of access go first. It knows nothing about calls; `client.rs` and `tokens.rs` ask it.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::call::{Service, backoff};
use crate::transport::Reply;

/// The longest time that a service can close its gate: a removal must not wait a day because a proxy says so. Graph and
/// ARM name seconds to a few minutes.
const LONGEST: Duration = Duration::from_secs(5 * 60);

/// The gates of one agent. Graph beta shares address, token and quota with Graph, so it shares its gate.
#[derive(Debug)]
pub(crate) struct Gates {
    login: Gate,
    graph: Gate,
    arm: Gate,
}

impl Gates {
    pub(crate) fn new(first_wait: Duration) -> Gates {
        Gates { login: Gate::new(first_wait), graph: Gate::new(first_wait), arm: Gate::new(first_wait) }
    }

    pub(crate) fn of(&self, service: Service) -> &Gate {
        match service {
            Service::Login => &self.login,
            Service::Graph => &self.graph,
            Service::Arm => &self.arm,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Gate {
    /// The first wait if the service names none. It doubles with each closing.
    first_wait: Duration,
    state: Mutex<State>,
    /// Wakes all waiters, to look again.
    changed: Notify,
}

#[derive(Debug)]
struct State {
    opens: Instant,
    /// How often it was closed without a named time, since the last good answer.
    closings: u32,
    /// Removals that wait for it to open.
    removals: usize,
}

/// The state of the gate for a caller.
enum Sight {
    Open,
    ClosedUntil(Instant),
    /// Open, but a waiting removal goes first.
    RemovalsFirst,
}

impl Gate {
    fn new(first_wait: Duration) -> Gate {
        let state = Mutex::new(State { opens: Instant::now(), closings: 0, removals: 0 });
        Gate { first_wait, state, changed: Notify::new() }
    }

    /// Waits until a request may go. If that takes longer than `patience`, returns at once how long.
    pub(crate) async fn pass(&self, removal: bool, patience: Duration) -> Result<(), Duration> {
        let give_up = Instant::now() + patience;
        let mut place = None;
        loop {
            // Register before looking, so that no change is missed.
            let changed = self.changed.notified();
            let until = match self.look(removal) {
                Sight::Open => return Ok(()),
                Sight::ClosedUntil(opens) if opens > give_up => return Err(opens - Instant::now()),
                Sight::ClosedUntil(opens) => opens,
                Sight::RemovalsFirst if Instant::now() >= give_up => return Err(self.first_wait),
                Sight::RemovalsFirst => give_up,
            };
            if removal && place.is_none() {
                place = Some(Place::take(self));
            }
            tokio::select! {
                () = changed => {}
                () = sleep_until(until) => {}
            }
        }
    }

    /// Learns from an answer. If the answer closes the gate, returns for how long. `jitter` is in 0..1.
    pub(crate) fn learn(&self, reply: &Reply, jitter: f64) -> Option<Duration> {
        // A 503 without a time is an outage. `call.rs` waits it out or reports it.
        let says_wait = reply.status == 429 || (reply.status == 503 && reply.retry_after.is_some());
        let now = Instant::now();
        let mut state = self.lock();
        if !says_wait {
            // An answer after the closing to a request from before it proves nothing.
            if state.opens <= now {
                state.closings = 0;
            }
            return None;
        }
        // Concurrent requests close it once.
        if state.opens <= now && reply.retry_after.is_none() {
            state.closings = state.closings.saturating_add(1);
        }
        let wait = reply.retry_after.unwrap_or_else(|| backoff(self.first_wait, state.closings, jitter));
        // Never earlier than an earlier answer said.
        state.opens = state.opens.max(now + wait.min(LONGEST));
        let left = state.opens.saturating_duration_since(now);
        drop(state);
        self.changed.notify_waiters();
        Some(left)
    }

    fn look(&self, removal: bool) -> Sight {
        let state = self.lock();
        match state.opens > Instant::now() {
            true => Sight::ClosedUntil(state.opens),
            false if !removal && state.removals > 0 => Sight::RemovalsFirst,
            false => Sight::Open,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds a gate")
    }
}

/// A removal's place at a closed gate. It is released when the removal passes or gives up.
struct Place<'a>(&'a Gate);

impl Place<'_> {
    fn take(gate: &Gate) -> Place<'_> {
        gate.lock().removals += 1;
        Place(gate)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.lock().removals -= 1;
        self.0.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn gate() -> Arc<Gate> {
        Arc::new(Gate::new(Duration::from_millis(500)))
    }

    fn answer(status: u16, retry_after: Option<Duration>) -> Reply {
        Reply { retry_after, ..Reply::bare(status) }
    }

    async fn sent(gate: &Gate) -> bool {
        gate.pass(false, PATIENCE).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_sent_before_the_time_is_up_and_the_rest_of_it_is_told_at_once() {
        for status in [429, 503] {
            let gate = gate();
            assert_eq!(gate.learn(&answer(status, Some(secs(120))), 0.0), Some(secs(120)));
            for (after, left) in [(0, 120), (60, 60), (50, 10)] {
                tokio::time::advance(secs(after)).await;
                let asked = Instant::now();
                assert_eq!(gate.pass(false, PATIENCE).await, Err(secs(left)));
                assert_eq!(gate.pass(true, PATIENCE).await, Err(secs(left)), "a removal waits as well");
                assert_eq!(asked, Instant::now(), "without waiting");
            }
            tokio::time::advance(secs(6)).await;
            assert!(sent(&gate).await, "four seconds are waited out");
            assert!(gate.look(false).is_open());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_shorter_word_does_not_open_what_a_longer_one_closed() {
        let gate = gate();
        gate.learn(&answer(429, Some(secs(60))), 0.0);
        assert_eq!(gate.learn(&answer(429, Some(secs(1))), 0.0), Some(secs(60)));
        assert_eq!(gate.learn(&answer(200, None), 0.0), None);
        assert_eq!(gate.pass(false, PATIENCE).await, Err(secs(60)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_day_is_not_waited_out() {
        let gate = gate();
        assert_eq!(gate.learn(&answer(429, Some(secs(86_400))), 0.0), Some(LONGEST));
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_time_the_wait_doubles_from_call_to_call_until_an_answer_is_well() {
        let gate = gate();
        let mut waits = Vec::new();
        for _ in 0..12 {
            // Two requests under way together are one closing.
            let wait = gate.learn(&answer(429, None), 1.0).unwrap();
            gate.learn(&answer(429, None), 1.0);
            waits.push(wait.as_millis());
            tokio::time::advance(wait).await;
        }
        assert_eq!(waits[..4], [500, 1_000, 2_000, 4_000]);
        assert_eq!(waits[11], LONGEST.as_millis());
        gate.learn(&answer(404, None), 0.0);
        assert_eq!(gate.learn(&answer(429, None), 0.0), Some(Duration::from_millis(250)));
        assert_eq!(gate.learn(&answer(503, None), 0.0), None, "an outage is no throttling");
    }

    #[tokio::test(start_paused = true)]
    async fn when_it_opens_removals_go_first() {
        let gate = gate();
        gate.learn(&answer(429, Some(secs(3))), 0.0);
        let order = Arc::new(Mutex::new(Vec::new()));
        let walk = |removal: bool| {
            let (gate, order) = (gate.clone(), order.clone());
            tokio::spawn(async move {
                gate.pass(removal, PATIENCE).await.unwrap();
                order.lock().unwrap().push(removal);
            })
        };
        let mut walks = Vec::new();
        for removal in [false, false, true, false, true] {
            walks.push(walk(removal));
            tokio::task::yield_now().await;
        }
        for walk in walks {
            walk.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), [true, true, false, false, false]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_removal_that_is_waited_for_no_more_holds_nobody_up() {
        let gate = gate();
        gate.learn(&answer(429, Some(secs(3))), 0.0);
        let waiting = tokio::spawn({
            let gate = gate.clone();
            async move { gate.pass(true, PATIENCE).await }
        });
        tokio::task::yield_now().await;
        waiting.abort();
        assert!(waiting.await.unwrap_err().is_cancelled());
        assert!(sent(&gate).await);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_a_little_is_told_when_it_becomes_long() {
        let gate = gate();
        gate.learn(&answer(429, Some(secs(3))), 0.0);
        let waiting = tokio::spawn({
            let gate = gate.clone();
            async move { gate.pass(false, PATIENCE).await }
        });
        tokio::task::yield_now().await;
        gate.learn(&answer(429, Some(secs(60))), 0.0);
        assert_eq!(waiting.await.unwrap(), Err(secs(60)));
    }

    impl Sight {
        fn is_open(&self) -> bool {
            matches!(self, Sight::Open)
        }
    }
}
