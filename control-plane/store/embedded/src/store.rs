//! The store as its users hold it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, RwLock};
use std::thread::JoinHandle;
use std::time::Instant;

use entente_store::{
    BoxFuture, Commit, CommitError, Counters, Decide, Entry, History, OpenError, Page, ReadError, Revision,
    STALLED_AFTER, Stats, Store, View, Watch, WatchError, micros,
};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::disk::Disk;
use crate::limits::MAX_QUEUE;
use crate::request::{Request, Work};
use crate::rows::Overlay;
use crate::shared::{Shared, Visible};
use crate::sizes::Sizes;
use crate::watchdog::Watchdog;
use crate::writer::Writer;

/// A store in its own directory. Dropping it waits for the current commits and releases the directory.
#[derive(Debug)]
pub struct SledStore {
    shared: Arc<Shared>,
    /// `None` only while it is being dropped.
    queue: Option<mpsc::Sender<Request>>,
    writer: Option<JoinHandle<()>>,
    watchdog: Watchdog,
}

impl SledStore {
    /// Opens the store in `dir` with these memory sizes, or creates it there with `new_id` as its id. Blocks.
    ///
    /// # Errors
    /// The store is open elsewhere, has an unknown format or is damaged, or the disk refuses.
    pub fn open(dir: &Path, new_id: Uuid, sizes: Sizes) -> Result<Self, OpenError> {
        let (disk, rows, revision) = Disk::open(dir, new_id, sizes.cache_bytes)?;
        let shared = Arc::new(Shared {
            visible: RwLock::new(Visible { rows: Some(rows), revision, before: Overlay::new() }),
            disk,
            history: History::new(revision, sizes.history_events, sizes.history_bytes),
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
        // A point read takes microseconds, less than a switch to another thread and back.
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
