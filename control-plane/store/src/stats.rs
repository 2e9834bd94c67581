//! Counters of the store, as plain numbers for metrics. It knows no metrics library.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// A snapshot of the store's counters, all since it was opened.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Stats {
    /// Commits that changed something and were acknowledged.
    pub commits: u64,
    /// Commits refused because an expectation did not hold.
    pub conflicts: u64,
    /// Groups made durable: one sync each.
    pub groups: u64,
    /// Groups by size: bucket `i` counts those of up to `2^i` commits that are larger than bucket `i - 1`.
    pub group_sizes: [u64; Stats::BUCKETS],
    /// Bytes of keys and values in acknowledged commits.
    pub bytes: u64,
    /// Time spent in `fdatasync`, in microseconds.
    pub sync_micros: u64,
    /// Whether a write failed, so no more commits are accepted.
    pub failed: bool,
    /// Whether the disk was full at the last write: no commits are accepted until it has room.
    pub full: bool,
    /// How long the current sync has been running, in microseconds. 0 if none runs.
    pub syncing_micros: u64,
}

impl Stats {
    /// Group sizes go up to 512, the tenth power of two.
    pub const BUCKETS: usize = 10;
}

/// The counters behind [`Stats`].
#[derive(Debug, Default)]
pub struct Counters {
    commits: AtomicU64,
    conflicts: AtomicU64,
    groups: AtomicU64,
    group_sizes: [AtomicU64; Stats::BUCKETS],
    bytes: AtomicU64,
    sync_micros: AtomicU64,
}

impl Counters {
    pub fn group(&self, commits: usize, bytes: usize, sync: Duration) {
        let bucket = commits.next_power_of_two().ilog2() as usize;
        self.group_sizes[bucket.min(Stats::BUCKETS - 1)].fetch_add(1, Relaxed);
        self.groups.fetch_add(1, Relaxed);
        self.commits.fetch_add(commits as u64, Relaxed);
        self.bytes.fetch_add(bytes as u64, Relaxed);
        self.sync_micros.fetch_add(micros(sync), Relaxed);
    }

    pub fn conflict(&self) {
        self.conflicts.fetch_add(1, Relaxed);
    }

    pub fn snapshot(&self) -> Stats {
        Stats {
            commits: self.commits.load(Relaxed),
            conflicts: self.conflicts.load(Relaxed),
            groups: self.groups.load(Relaxed),
            group_sizes: std::array::from_fn(|i| self.group_sizes[i].load(Relaxed)),
            bytes: self.bytes.load(Relaxed),
            sync_micros: self.sync_micros.load(Relaxed),
            ..Stats::default()
        }
    }
}

/// Whole microseconds, which fit 64 bits for the next half million years.
pub fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
