//! A budget of writes, so that we rarely cause throttling and have to wait.
//!
//! Token buckets, sized below the services' documented limits, with a share that only revocations may use. It knows
//! nothing about calls: `client.rs` draws on it before each write. The bucket gets the time as an argument.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::call::Lane;

/// A bucket's size: at most `burst` + `per_second` x t writes in any t seconds. The last `reserve` is for revocations.
#[derive(Debug, Clone, Copy)]
struct Size {
    burst: f64,
    per_second: f64,
    reserve: f64,
}

/// Graph: throttling limits, identity and access: 3,000 writes in 150 s per app and tenant. 600 + 16 x 150 = 3,000.
const GRAPH: Size = Size { burst: 600.0, per_second: 16.0, reserve: 150.0 };
/// Same source: 150 invitations in 5 s per tenant for all apps together. We take half: 25 + 10 x 5 = 75.
const INVITATION: Size = Size { burst: 25.0, per_second: 10.0, reserve: 0.0 };
/// ARM: request limits: 200 writes at once and 10 a second per subscription and principal; deletions have their own.
/// One bucket for all subscriptions stays below that.
const ARM_WRITE: Size = Size { burst: 150.0, per_second: 8.0, reserve: 0.0 };
const ARM_DELETE: Size = Size { burst: 150.0, per_second: 8.0, reserve: 0.0 };

/// The budgets of one agent.
#[derive(Debug)]
pub(crate) struct Pacer {
    graph: Mutex<Bucket>,
    invitation: Mutex<Bucket>,
    arm_write: Mutex<Bucket>,
    arm_delete: Mutex<Bucket>,
}

impl Pacer {
    pub(crate) fn new() -> Pacer {
        let full = |size| Mutex::new(Bucket::full(size, Instant::now()));
        Pacer {
            graph: full(GRAPH),
            invitation: full(INVITATION),
            arm_write: full(ARM_WRITE),
            arm_delete: full(ARM_DELETE),
        }
    }

    /// Waits until one write may go. An invitation is also a Graph write, and draws on both.
    pub(crate) async fn draw(&self, lane: Lane, revocation: bool) {
        if lane == Lane::Invitation {
            draw_from(&self.graph, revocation).await;
        }
        draw_from(self.bucket(lane), revocation).await;
    }

    /// The service says that we are too fast: only revocations may go immediately.
    pub(crate) fn throttled(&self, lane: Lane) {
        lock(self.bucket(lane)).empty_to_reserve();
    }

    fn bucket(&self, lane: Lane) -> &Mutex<Bucket> {
        match lane {
            Lane::Graph => &self.graph,
            Lane::Invitation => &self.invitation,
            Lane::ArmWrite => &self.arm_write,
            Lane::ArmDelete => &self.arm_delete,
        }
    }
}

async fn draw_from(bucket: &Mutex<Bucket>, revocation: bool) {
    loop {
        let wait = lock(bucket).draw(Instant::now(), revocation);
        match wait {
            None => return,
            Some(wait) => sleep(wait).await,
        }
    }
}

fn lock(bucket: &Mutex<Bucket>) -> std::sync::MutexGuard<'_, Bucket> {
    bucket.lock().expect("nothing panics while it holds a bucket")
}

#[derive(Debug)]
struct Bucket {
    size: Size,
    level: f64,
    at: Instant,
}

impl Bucket {
    fn full(size: Size, now: Instant) -> Bucket {
        Bucket { size, level: size.burst, at: now }
    }

    /// Takes one, or returns how long to wait before asking again.
    fn draw(&mut self, now: Instant, revocation: bool) -> Option<Duration> {
        let elapsed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = self.at.max(now);
        self.level = (self.level + elapsed * self.size.per_second).min(self.size.burst);
        let floor = if revocation { 0.0 } else { self.size.reserve };
        let missing = floor + 1.0 - self.level;
        if missing <= 0.0 {
            self.level -= 1.0;
            return None;
        }
        // One more millisecond, so that rounding never makes a caller ask twice for nothing.
        Some(Duration::from_secs_f64(missing / self.size.per_second) + Duration::from_millis(1))
    }

    fn empty_to_reserve(&mut self) {
        self.level = self.level.min(self.size.reserve);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Size = Size { burst: 10.0, per_second: 2.0, reserve: 4.0 };

    fn drawn(bucket: &mut Bucket, now: Instant, revocation: bool) -> usize {
        std::iter::from_fn(|| bucket.draw(now, revocation).is_none().then_some(())).count()
    }

    #[test]
    fn the_reserve_is_left_for_revocations() {
        let now = Instant::now();
        let mut bucket = Bucket::full(SMALL, now);
        assert_eq!(drawn(&mut bucket, now, false), 6);
        assert_eq!(drawn(&mut bucket, now, true), 4);
        assert!(bucket.draw(now, true).is_some());
    }

    #[test]
    fn the_wait_it_names_is_long_enough() {
        let now = Instant::now();
        let mut bucket = Bucket::full(SMALL, now);
        drawn(&mut bucket, now, true);
        let wait = bucket.draw(now, false).unwrap();
        assert!(bucket.draw(now + wait, false).is_none(), "{wait:?}");
        assert!(wait > Duration::from_millis(2_400), "four of reserve and one of its own at two a second");
    }

    #[test]
    fn no_window_sees_more_writes_than_the_documented_limit() {
        for (size, seconds, limit) in [(GRAPH, 150, 3_000), (INVITATION, 5, 75), (ARM_WRITE, 60, 200 + 600)] {
            let start = Instant::now();
            let mut bucket = Bucket::full(size, start);
            let ticks = (0..=seconds * 10).map(|t| start + Duration::from_millis(t * 100));
            let sent: usize = ticks.map(|now| drawn(&mut bucket, now, true)).sum();
            assert!(sent <= limit + 1, "{size:?}: {sent}");
        }
    }

    #[test]
    fn a_throttled_lane_slows_grants_and_lets_revocations_through() {
        let now = Instant::now();
        let mut bucket = Bucket::full(GRAPH, now);
        bucket.empty_to_reserve();
        assert!(bucket.draw(now, false).is_some());
        assert!(bucket.draw(now, true).is_none());
    }
}
