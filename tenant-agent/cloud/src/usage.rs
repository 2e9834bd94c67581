//! How many requests went to the services since start, for the agent's status and for tests.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::call::Call;

/// Requests sent so far. Requests inside a batch count separately, as they do for the services' limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    pub reads: u64,
    pub writes: u64,
    /// Answers that said "too many requests".
    pub throttled: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    reads: AtomicU64,
    writes: AtomicU64,
    throttled: AtomicU64,
}

impl Counters {
    pub(crate) fn sent(&self, call: &Call) {
        let counter = if call.is_read() { &self.reads } else { &self.writes };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn throttled(&self) {
        self.throttled.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Usage {
        Usage {
            reads: self.reads.load(Ordering::Relaxed),
            writes: self.writes.load(Ordering::Relaxed),
            throttled: self.throttled.load(Ordering::Relaxed),
        }
    }
}
