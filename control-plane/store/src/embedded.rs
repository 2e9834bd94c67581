//! The embedded store: sled in a directory, for one process on one machine.
//!
//! All commits pass through one thread (`writer.rs`), which makes them durable in groups (`group.rs`, `disk.rs`):
//! one sled batch, one flush, one `fdatasync`, and only then the answers. Readers never wait for that: while a group
//! is on its way, they see what stood before it (`rows.rs`). How an entry becomes rows is in `row.rs`.
//!
//! A full disk is waited for (`refill.rs`); anything else that fails ends the writing.
//!
//! It has no transactions over several requests, and knows nothing of what the entries mean.

mod disk;
mod group;
mod refill;
mod reserve;
mod row;
mod rows;
mod watchdog;
mod writer;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::history::History;
use crate::limits::{MAX_QUEUE, STALLED_AFTER};
use crate::stats::{Counters, micros};
use crate::{
    BoxFuture, Cause, Commit, CommitError, Decide, Entry, OpenError, Page, ReadError, Revision, Stats, Store, View,
    Watch, WatchError,
};

pub(crate) use disk::{Disk, NotDurable, create_dir_durably, parent};
pub(crate) use row::write as write_rows;
pub(crate) use rows::get as read_rows;
use rows::{Layered, Overlay};
use watchdog::Watchdog;
use writer::{Request, Work, Writer};

/// A store in a directory of its own. Dropping it waits for the commits under way, and frees the directory.
#[derive(Debug)]
pub struct SledStore {
    shared: Arc<Shared>,
    /// None only while it is dropped.
    queue: Option<mpsc::Sender<Request>>,
    writer: Option<JoinHandle<()>>,
    watchdog: Watchdog,
}

/// What readers and the writer share.
#[derive(Debug)]
struct Shared {
    /// Before the disk: rows are dropped before the lock on their directory is released.
    visible: RwLock<Visible>,
    disk: Disk,
    history: Arc<History>,
    counters: Counters,
    /// Why no more commits are taken.
    failed: OnceLock<Cause>,
    full: AtomicBool,
    opened: Instant,
    /// When the sync that runs now began, in microseconds after `opened`; 0 if none runs.
    sync_began_micros: AtomicU64,
}

/// What readers see: the rows on disk, but for those that a group is about to change.
#[derive(Debug)]
struct Visible {
    /// None while they could not be opened again after the disk was full.
    rows: Option<sled::Db>,
    revision: Revision,
    /// What stood before the group that is being made durable; empty when none is.
    before: Overlay,
}

impl SledStore {
    /// Opens the store in `dir`, or creates it there with `new_id` as its id. Blocks.
    ///
    /// # Errors
    /// The store is open elsewhere, has a format that this program does not know, is damaged, or the disk refuses.
    pub fn open(dir: &Path, new_id: Uuid) -> Result<Self, OpenError> {
        let (disk, rows, revision) = Disk::open(dir, new_id)?;
        let shared = Arc::new(Shared {
            visible: RwLock::new(Visible { rows: Some(rows), revision, before: Overlay::new() }),
            disk,
            history: History::new(revision),
            counters: Counters::default(),
            failed: OnceLock::new(),
            full: AtomicBool::new(false),
            opened: Instant::now(),
            sync_began_micros: AtomicU64::new(0),
        });
        let (queue, requests) = mpsc::channel(MAX_QUEUE);
        let writer = Writer::new(shared.clone(), requests, revision);
        let writer = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(|source| OpenError::Storage { dir: dir.to_owned(), source: Arc::new(source) })?;
        let watchdog = Watchdog::start(shared.clone())
            .map_err(|source| OpenError::Storage { dir: dir.to_owned(), source: Arc::new(source) })?;
        Ok(Self { shared, queue: Some(queue), writer: Some(writer), watchdog })
    }

    async fn submit(&self, work: Work) -> Result<Revision, CommitError> {
        if self.shared.syncing_for() > STALLED_AFTER {
            return Err(CommitError::Stalled);
        }
        let (reply, answer) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(CommitError::Closed)?;
        queue.send(Request { work, reply }).await.map_err(|_| CommitError::Closed)?;
        answer.await.unwrap_or_else(|_| Err(self.shared.lost_answer()))
    }
}

impl Drop for SledStore {
    fn drop(&mut self) {
        self.queue = None;
        let stuck = self.shared.syncing_for() > STALLED_AFTER;
        if let Some(writer) = self.writer.take().filter(|_| !stuck)
            && writer.join().is_err()
        {
            tracing::error!("the store's writer panicked");
        }
        if !stuck {
            self.watchdog.stop();
        }
    }
}

impl Store for SledStore {
    fn id(&self) -> Uuid {
        self.shared.disk.id()
    }

    fn revision(&self) -> Revision {
        self.shared.visible().revision
    }

    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, ReadError>> {
        // A point read takes microseconds, less than the way to another thread and back.
        Box::pin(async move { self.shared.read(|view| view.get(key))? })
    }

    fn scan<'a>(
        &'a self,
        prefix: &'a str,
        start_after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, ReadError>> {
        let shared = self.shared.clone();
        let (prefix, start_after) = (prefix.to_owned(), start_after.map(str::to_owned));
        Box::pin(async move {
            let scan = move || shared.read(|v| v.scan(&prefix, start_after.as_deref(), limit))?;
            let joined = tokio::task::spawn_blocking(scan).await;
            joined.unwrap_or_else(|gone| Err(ReadError::Storage { source: Arc::new(gone) }))
        })
    }

    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Revision, CommitError>> {
        Box::pin(async move {
            commit.check_bounds()?;
            self.submit(Work::Commit(commit)).await
        })
    }

    fn decide(&self, decide: Decide) -> BoxFuture<'_, Result<Revision, CommitError>> {
        Box::pin(self.submit(Work::Decide(decide)))
    }

    fn watch(&self, after: Revision) -> Result<Watch, WatchError> {
        self.shared.history.watch(after)
    }

    fn stats(&self) -> Stats {
        Stats {
            failed: self.shared.failed.get().is_some(),
            full: self.shared.full.load(Ordering::Relaxed),
            syncing_micros: micros(self.shared.syncing_for()),
            ..self.shared.counters.snapshot()
        }
    }
}

impl Shared {
    fn visible(&self) -> RwLockReadGuard<'_, Visible> {
        self.visible.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the durable state. The writer waits for the lock only when a group begins and ends.
    fn read<T>(&self, read: impl FnOnce(&Layered<'_>) -> T) -> Result<T, ReadError> {
        let visible = self.visible();
        let rows = visible.rows.as_ref().ok_or_else(|| ReadError::Storage { source: Arc::new(Closed) })?;
        Ok(read(&Layered { rows, over: &visible.before, revision: visible.revision }))
    }

    /// The rows as they stand, for who writes. Readers hold them for no longer than they hold the lock.
    fn rows(&self) -> Option<sled::Db> {
        self.visible().rows.clone()
    }

    /// Shows what stands at `revision`, but for what `before` hides.
    fn show(&self, revision: Revision, before: Overlay) {
        let mut shown = self.visible.write().unwrap_or_else(PoisonError::into_inner);
        shown.revision = revision;
        let hidden = std::mem::replace(&mut shown.before, before);
        drop(shown);
        // Freed only here, so that readers need not wait for it.
        drop(hidden);
    }

    fn syncing_for(&self) -> Duration {
        match self.sync_began_micros.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            began => self.opened.elapsed().saturating_sub(Duration::from_micros(began)),
        }
    }

    /// The answer to a request whose writer ended before it answered.
    fn lost_answer(&self) -> CommitError {
        match self.failed.get() {
            Some(cause) => CommitError::Unknown { source: cause.clone() },
            None => CommitError::Closed,
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the disk was full, and the rows could not be opened again yet: make room")]
struct Closed;
