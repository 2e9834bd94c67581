//! What readers and the writer share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use entente_store::{Cause, CommitError, Counters, History, ReadError, Revision};

use crate::disk::Disk;
use crate::rows::{Layered, Overlay};

/// The state of one open store.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Before the disk: rows are dropped before the lock on their directory is released.
    pub(crate) visible: RwLock<Visible>,
    pub(crate) disk: Disk,
    pub(crate) history: Arc<History>,
    pub(crate) counters: Counters,
    /// Why no more commits are taken.
    pub(crate) failed: OnceLock<Cause>,
    pub(crate) full: AtomicBool,
    pub(crate) opened: Instant,
    /// When the sync that runs now began, in microseconds after `opened`; 0 if none runs.
    pub(crate) sync_began_micros: AtomicU64,
}

/// What readers see: the rows on disk, but for those that a group is about to change.
#[derive(Debug)]
pub(crate) struct Visible {
    /// None while they could not be opened again after the disk was full.
    pub(crate) rows: Option<sled::Db>,
    pub(crate) revision: Revision,
    /// What stood before the group that is being made durable; empty when none is.
    pub(crate) before: Overlay,
}

impl Shared {
    pub(crate) fn visible(&self) -> RwLockReadGuard<'_, Visible> {
        self.visible.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the durable state. The writer waits for the lock only when a group begins and ends.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Layered<'_>) -> T) -> Result<T, ReadError> {
        let visible = self.visible();
        let rows = visible.rows.as_ref().ok_or_else(|| ReadError::Storage { source: Arc::new(Closed) })?;
        Ok(read(&Layered { rows, over: &visible.before, revision: visible.revision }))
    }

    /// The rows as they stand, for who writes. Readers hold them for no longer than they hold the lock.
    pub(crate) fn rows(&self) -> Option<sled::Db> {
        self.visible().rows.clone()
    }

    /// Shows what stands at `revision`, but for what `before` hides.
    pub(crate) fn show(&self, revision: Revision, before: Overlay) {
        let mut shown = self.visible.write().unwrap_or_else(PoisonError::into_inner);
        shown.revision = revision;
        let hidden = std::mem::replace(&mut shown.before, before);
        drop(shown);
        // Freed only here, so that readers need not wait for it.
        drop(hidden);
    }

    pub(crate) fn syncing_for(&self) -> Duration {
        match self.sync_began_micros.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            began => self.opened.elapsed().saturating_sub(Duration::from_micros(began)),
        }
    }

    /// The answer to a request whose writer ended before it answered.
    pub(crate) fn lost_answer(&self) -> CommitError {
        match self.failed.get() {
            Some(cause) => CommitError::Unknown { source: cause.clone() },
            None => CommitError::Closed,
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the disk was full, and the rows could not be opened again yet: make room")]
struct Closed;
