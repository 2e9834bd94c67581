//! Keys, and revisions of the store.

use std::fmt;
use std::sync::Arc;

/// A key: not empty, at most [`MAX_KEY_BYTES`](crate::MAX_KEY_BYTES), ordered by its bytes. Prefixes form groups.
pub type Key = Arc<str>;

/// A point in the history of a store: 0 if empty, increased by one with each commit that changes something.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

impl Revision {
    /// The revision that the next commit will get.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.checked_add(1).expect("2^64 commits take 600,000 years at a million a second"))
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
