//! Barriers: hold a request before or after it is handled, until the test says go on.
//!
//! With a barrier a test can kill a process in exactly the window between a write and its answer, without sleeping.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;

use super::{Matcher, Subject};
use crate::control::types::{Barrier, BarrierState, Release, When};
use crate::lock::locked;

#[derive(Debug, Default)]
pub struct Barriers {
    standing: AtomicUsize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    next_id: u64,
    barriers: Vec<Standing>,
}

#[derive(Debug)]
struct Standing {
    matcher: Matcher,
    barrier: Barrier,
    id: u64,
    /// Bumped at every arrival and departure; what `wait` listens to.
    counts: watch::Sender<Counts>,
    /// Up to which arrival requests may go on, and how.
    released: watch::Sender<(u64, Release)>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    arrived: u64,
    held: u64,
}

impl Barriers {
    pub fn add(&self, barrier: Barrier) -> Result<BarrierState, regex::Error> {
        let matcher = Matcher::new(&barrier.on)?;
        let mut inner = locked(&self.inner);
        inner.next_id += 1;
        let standing = Standing {
            matcher,
            barrier,
            id: inner.next_id,
            counts: watch::Sender::new(Counts::default()),
            released: watch::Sender::new((0, Release::Proceed)),
        };
        let state = standing.state();
        inner.barriers.push(standing);
        self.standing.store(inner.barriers.len(), Ordering::Release);
        Ok(state)
    }

    pub fn list(&self) -> Vec<BarrierState> {
        locked(&self.inner).barriers.iter().map(Standing::state).collect()
    }

    /// Lets the requests that are held now go their way; the barrier stands and holds the next ones.
    pub fn release(&self, id: u64, how: Release) -> Option<BarrierState> {
        let inner = locked(&self.inner);
        let standing = inner.barriers.iter().find(|one| one.id == id)?;
        standing.released.send_replace((standing.counts.borrow().arrived, how));
        Some(standing.state())
    }

    /// Removes a barrier; what it holds goes its way.
    pub fn remove(&self, id: u64, how: Release) -> bool {
        let mut inner = locked(&self.inner);
        let Some(at) = inner.barriers.iter().position(|one| one.id == id) else { return false };
        let standing = inner.barriers.remove(at);
        standing.released.send_replace((u64::MAX, how));
        self.standing.store(inner.barriers.len(), Ordering::Release);
        true
    }

    /// Waits until `arrivals` requests in all have come to the barrier. `None`: there is no such barrier (any more).
    pub async fn wait(&self, id: u64, arrivals: u64) -> Option<BarrierState> {
        let mut counts = {
            let inner = locked(&self.inner);
            inner.barriers.iter().find(|one| one.id == id)?.counts.subscribe()
        };
        counts.wait_for(|counts| counts.arrived >= arrivals).await.ok()?;
        self.state(id)
    }

    pub fn state(&self, id: u64) -> Option<BarrierState> {
        locked(&self.inner).barriers.iter().find(|one| one.id == id).map(Standing::state)
    }

    /// Holds a request at the first barrier that matches, if any, and says how it went on.
    pub async fn hold(&self, when: When, subject: Subject<'_>) -> Release {
        if self.standing.load(Ordering::Acquire) == 0 {
            return Release::Proceed;
        }
        let (number, counts, mut released) = {
            let inner = locked(&self.inner);
            let found = inner.barriers.iter().find(|one| one.barrier.when == when && one.matcher.matches(subject));
            let Some(standing) = found else { return Release::Proceed };
            // Subscribed under the lock: a release between arrival and waiting is not missed.
            let released = standing.released.subscribe();
            let mut number = 0;
            standing.counts.send_modify(|counts| {
                counts.arrived += 1;
                counts.held += 1;
                number = counts.arrived;
            });
            (number, standing.counts.clone(), released)
        };
        let result = released.wait_for(|(up_to, _)| number <= *up_to).await.map(|value| value.1);
        counts.send_modify(|counts| counts.held -= 1);
        result.unwrap_or(Release::Proceed)
    }
}

impl Standing {
    fn state(&self) -> BarrierState {
        let counts = *self.counts.borrow();
        BarrierState { id: self.id, barrier: self.barrier.clone(), arrived: counts.arrived, held: counts.held }
    }
}
