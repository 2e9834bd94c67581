//! What readers and the writer share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use entente_store::{Cause, CommitError, Counters, History, ReadError, Revision};

use crate::disk::Disk;
use crate::rows::{Layered, Overlay};

/// The state of an open store.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Declared before the disk, because rows are dropped before the lock on their directory is released.
    pub(crate) visible: RwLock<Visible>,
    pub(crate) disk: Disk,
    pub(crate) history: Arc<History>,
    pub(crate) counters: Counters,
    /// Why no more commits are accepted.
    pub(crate) failed: OnceLock<Cause>,
    pub(crate) full: AtomicBool,
    pub(crate) opened: Instant,
    /// When the current sync began, in microseconds after `opened`. 0 if none runs.
    pub(crate) sync_began_micros: AtomicU64,
}

/// What readers see: the rows on disk, except those that a group is about to change.
#[derive(Debug)]
pub(crate) struct Visible {
    /// `None` while they cannot be reopened after the disk was full.
    pub(crate) rows: Option<sled::Db>,
    pub(crate) revision: Revision,
    /// The entries from before the group that is being made durable. Empty if there is none.
    pub(crate) before: Overlay,
}

impl Shared {
    pub(crate) fn visible(&self) -> RwLockReadGuard<'_, Visible> {
        self.visible.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the durable state. The writer needs the lock only when a group begins and ends.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Layered<'_>) -> T) -> Result<T, ReadError> {
        let visible = self.visible();
        let rows = visible.rows.as_ref().ok_or_else(|| ReadError::Storage { source: Arc::new(Closed) })?;
        Ok(read(&Layered { rows, over: &visible.before, revision: visible.revision }))
    }

    /// The current rows, for the writer. Readers hold them no longer than the lock.
    pub(crate) fn rows(&self) -> Option<sled::Db> {
        self.visible().rows.clone()
    }

    /// Shows the state at `revision`, except what `before` hides.
    pub(crate) fn show(&self, revision: Revision, before: Overlay) {
        let mut shown = self.visible.write().unwrap_or_else(PoisonError::into_inner);
        shown.revision = revision;
        let hidden = std::mem::replace(&mut shown.before, before);
        drop(shown);
        // Free it outside the lock, so that readers do not wait.
        drop(hidden);
    }

    pub(crate) fn syncing_for(&self) -> Duration {
        match self.sync_began_micros.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            began => self.opened.elapsed().saturating_sub(Duration::from_micros(began)),
        }
    }

    /// The response to a request if the writer ended before responding.
    pub(crate) fn lost_answer(&self) -> CommitError {
        match self.failed.get() {
            Some(cause) => CommitError::Unknown { source: cause.clone() },
            None => CommitError::Closed,
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the disk was full, and the rows cannot be reopened yet: make room")]
struct Closed;
