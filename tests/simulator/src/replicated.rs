//! A value that some readers see late.
//!
//! Directories are eventually consistent: a created object answers 404 for a while, a changed one shows its old
//! self, and a filtered list lags behind a read by id. The stand-in keeps the value before and after the last write,
//! and for each kind of reader the time from which the new one shows. Writes are judged by the truth.

use std::hash::{DefaultHasher, Hash, Hasher};

/// Who is reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// A read by id, or the plain member list of one group.
    Id = 0,
    /// A collection, a filter, or anything with `ConsistencyLevel: eventual`.
    Index = 1,
    /// Azure Resource Manager resolving a principal.
    Arm = 2,
}

/// The times, in simulator seconds, from which a write shows in each [`View`].
pub type Arrival = [f64; 3];

/// What is there already when the tenant is seeded.
pub const AT_ONCE: Arrival = [0.0; 3];

#[derive(Debug, Clone)]
pub struct Replicated<T> {
    before: Option<T>,
    truth: Option<T>,
    arrival: Arrival,
}

impl<T: Clone> Replicated<T> {
    pub fn created(value: T, arrival: Arrival) -> Self {
        Self { before: None, truth: Some(value), arrival }
    }

    /// What is really there.
    pub fn truth(&self) -> Option<&T> {
        self.truth.as_ref()
    }

    /// What such a reader sees at `now`.
    pub fn seen(&self, view: View, now: f64) -> Option<&T> {
        if now >= self.arrival[view as usize] { self.truth.as_ref() } else { self.before.as_ref() }
    }

    /// Replaces the value (`None` removes it); readers go on seeing what a read by id shows now.
    pub fn write(&mut self, value: Option<T>, now: f64, arrival: Arrival) {
        self.before = self.seen(View::Id, now).cloned();
        self.truth = value;
        self.arrival = arrival;
    }

    /// No reader sees it any more, now or later.
    pub fn forgotten(&self, now: f64) -> bool {
        self.truth.is_none() && self.arrival.iter().all(|at| now >= *at)
    }
}

/// How late writes arrive in one tenant.
#[derive(Debug, Clone, Copy)]
pub struct Lag {
    pub seconds: f64,
    pub index_factor: f64,
    pub arm_factor: f64,
    pub seed: u64,
}

impl Lag {
    /// When a write to `key` at `now` shows. Jitter of 0.5 to 1.5 comes from the seed and the key, so a run repeats.
    pub fn arrival(&self, key: &str, now: f64) -> Arrival {
        let after = |view: View, factor: f64| now + self.seconds * factor * jitter(self.seed, key, view as u8);
        [after(View::Id, 1.0), after(View::Index, self.index_factor), after(View::Arm, self.arm_factor)]
    }
}

fn jitter(seed: u64, key: &str, view: u8) -> f64 {
    let mut hasher = DefaultHasher::new();
    (seed, key, view).hash(&mut hasher);
    0.5 + (hasher.finish() % 1000) as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_shows_late_and_latest_in_the_index() {
        let lag = Lag { seconds: 10.0, index_factor: 4.0, arm_factor: 2.0, seed: 7 };
        let mut value = Replicated::created("old", AT_ONCE);
        value.write(Some("new"), 100.0, lag.arrival("x", 100.0));
        assert_eq!(value.truth(), Some(&"new"));
        assert_eq!(value.seen(View::Id, 100.0), Some(&"old"));
        assert_eq!(value.seen(View::Id, 116.0), Some(&"new"));
        assert_eq!(value.seen(View::Index, 116.0), Some(&"old"));
        assert_eq!(value.seen(View::Index, 161.0), Some(&"new"));
    }
}
