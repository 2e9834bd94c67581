//! A commit: its expectations, and what it writes if they hold. It checks its bounds, and knows nothing about storage.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::limits::{MAX_COMMIT_BYTES, MAX_COMMIT_KEYS, MAX_KEY_BYTES, MAX_VALUE_BYTES};
use crate::{CommitError, Key, Revision};

/// What a commit expects of a key. If it does not hold, the commit is refused as a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// The key has no entry.
    Absent,
    /// The key has an entry.
    Present,
    /// The key was last written by this revision.
    At(Revision),
}

impl Expect {
    /// Whether it holds for a key last written at `found`.
    #[must_use]
    pub fn holds(self, found: Option<Revision>) -> bool {
        match self {
            Self::Absent => found.is_none(),
            Self::Present => found.is_some(),
            Self::At(revision) => found == Some(revision),
        }
    }
}

/// Changes that are made together, if all expectations hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Commit {
    pub expects: Vec<(Key, Expect)>,
    /// The new value, or `None` to delete. If a key has several writes, the last one counts.
    pub writes: BTreeMap<Key, Option<Bytes>>,
}

impl Commit {
    /// A commit that expects and changes nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Refuses the commit unless `expect` holds for `key`.
    #[must_use]
    pub fn expect(mut self, key: impl Into<Key>, expect: Expect) -> Self {
        self.expects.push((key.into(), expect));
        self
    }

    /// Writes `value` under `key`, whether or not it has an entry.
    #[must_use]
    pub fn put(self, key: impl Into<Key>, value: impl Into<Bytes>) -> Self {
        self.set(key, Some(value.into()))
    }

    /// Removes `key`. Removing a key without an entry changes nothing.
    #[must_use]
    pub fn delete(self, key: impl Into<Key>) -> Self {
        self.set(key, None)
    }

    /// Writes a value under `key`, or removes `key` if there is none.
    #[must_use]
    pub fn set(mut self, key: impl Into<Key>, value: Option<Bytes>) -> Self {
        self.writes.insert(key.into(), value);
        self
    }

    /// Whether it writes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// The bytes that it writes, keys and values together.
    pub fn bytes(&self) -> usize {
        self.writes.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Bytes::len)).sum()
    }

    /// Refuses what no store could write in one transaction.
    pub fn check_bounds(&self) -> Result<(), CommitError> {
        let keys = self.expects.len() + self.writes.len();
        if keys > MAX_COMMIT_KEYS {
            return Err(CommitError::TooManyKeys { keys });
        }
        let bytes = self.bytes();
        if bytes > MAX_COMMIT_BYTES {
            return Err(CommitError::TooManyBytes { bytes });
        }
        self.expects.iter().map(|(key, _)| key).chain(self.writes.keys()).try_for_each(check_key)?;
        self.writes.iter().try_for_each(|(key, value)| check_value(key, value.as_ref()))
    }
}

fn check_key(key: &Key) -> Result<(), CommitError> {
    if key.is_empty() || key.len() > MAX_KEY_BYTES {
        return Err(CommitError::KeyLength { bytes: key.len() });
    }
    Ok(())
}

fn check_value(key: &Key, value: Option<&Bytes>) -> Result<(), CommitError> {
    match value {
        Some(value) if value.len() > MAX_VALUE_BYTES => {
            Err(CommitError::ValueTooLarge { key: key.clone(), bytes: value.len() })
        }
        _ => Ok(()),
    }
}
