//! The store as callers see it: a trait that embedded and distributed stores can implement.
//!
//! It promises what both can provide: atomic commits with expected revisions, a revision on every entry, reads of
//! durable data, and a feed with bounded memory. It knows nothing of sled, of files, or of the meaning of values.
//! `key.rs` has keys and revisions, `commit.rs` builds commits, `error.rs` has the errors.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use uuid::Uuid;

use crate::{Commit, CommitError, CommitWithError, Key, ReadError, Revision, Stats, Watch, WatchError};

/// A boxed future, so that callers can hold any store as `Arc<dyn Store>`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Runs inside the writer: given the state and the next revision, it returns a commit, or `None` to decline. Callers
/// use [`StoreExt::commit_with`], which also returns a result.
pub type Decide = Box<dyn FnMut(&dyn View, Revision) -> Option<Commit> + Send>;

/// The entry under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub value: Bytes,
    /// The revision of the commit that last wrote it.
    pub revision: Revision,
}

/// Part of a listing, in key order, consistent in itself. Pages of one listing may have different revisions. A caller
/// that needs the state at one point watches from the first page's revision and applies the changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub entries: Vec<(Key, Entry)>,
    /// The revision at which this page was read.
    pub revision: Revision,
    /// Where the next page starts (its `start_after`). `None` on the last page.
    pub next: Option<Key>,
}

/// The state at one point, read synchronously. Decisions are made from it.
pub trait View {
    /// The entry under `key`.
    ///
    /// # Errors
    /// The entry cannot be read, or is not what was written.
    fn get(&self, key: &str) -> Result<Option<Entry>, ReadError>;

    /// Up to `limit` entries (at most [`MAX_PAGE_ENTRIES`](crate::MAX_PAGE_ENTRIES)) whose key starts with
    /// `prefix`, in key order, after `start_after`.
    ///
    /// # Errors
    /// As for [`View::get`].
    fn scan(&self, prefix: &str, start_after: Option<&str>, limit: usize) -> Result<Page, ReadError>;

    /// The newest revision in this state.
    fn revision(&self) -> Revision;
}

/// A store of entries. Reads and watches show durable commits only.
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// The store's own id. It is set at creation and never changes, not even by export and restore.
    fn id(&self) -> Uuid;

    /// The newest durable revision.
    fn revision(&self) -> Revision;

    /// The entry under `key`.
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, ReadError>>;

    /// A page of the entries whose key starts with `prefix`; see [`View::scan`].
    fn scan<'a>(
        &'a self,
        prefix: &'a str,
        start_after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, ReadError>>;

    /// Makes the commit durable, all of it or nothing, and returns its revision: the current one if it changed nothing.
    /// If the caller goes away, the commit still happens.
    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Revision, CommitError>>;

    /// Like [`Store::commit`], with what `decide` returns. [`CommitError::Declined`] if that is `None`.
    fn decide(&self, decide: Decide) -> BoxFuture<'_, Result<Revision, CommitError>>;

    /// The commits after the revision `after`, one by one.
    ///
    /// # Errors
    /// [`WatchError::Compacted`] if the store no longer has them all: list again, and watch from the listing's
    /// revision.
    fn watch(&self, after: Revision) -> Result<Watch, WatchError>;

    /// Counters since the store was opened, for metrics.
    fn stats(&self) -> Stats;
}

/// What every store can do with the methods of [`Store`].
pub trait StoreExt: Store {
    /// Commits what `decide` makes of the current state and of the commit's own revision, so a caller can sign content
    /// that contains its revision. Returns that revision and the second result of `decide`. An empty commit writes
    /// nothing and returns the current revision.
    ///
    /// `decide` runs in the store's writer while all other commits wait: it must only compute. A distributed store may
    /// run it more than once, if another commit came first; the last run counts.
    fn commit_with<T, E, F>(
        &self,
        mut decide: F,
    ) -> impl Future<Output = Result<(Revision, T), CommitWithError<E>>> + Send
    where
        F: FnMut(&dyn View, Revision) -> Result<(Commit, T), E> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        let outcome = Arc::new(Mutex::new(None));
        let slot = outcome.clone();
        let run = self.decide(Box::new(move |view, revision| {
            let (commit, kept) = match decide(view, revision) {
                Ok((commit, value)) => (Some(commit), Ok(value)),
                Err(refusal) => (None, Err(refusal)),
            };
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
            commit
        }));
        async move {
            let committed = run.await;
            let kept = outcome.lock().unwrap_or_else(PoisonError::into_inner).take();
            match (committed, kept) {
                (Ok(revision), Some(Ok(value))) => Ok((revision, value)),
                (Err(CommitError::Declined), Some(Err(refusal))) => Err(CommitWithError::Refused(refusal)),
                (Err(error), _) => Err(CommitWithError::Commit(error)),
                (Ok(_), _) => unreachable!("a commit stands only where `decide` returned one"),
            }
        }
    }

    /// Shows `each` every entry whose key starts with `prefix`, in key order. Pages may stand at different revisions.
    ///
    /// # Errors
    /// An entry cannot be read, or what `each` returns; the rest is then not read.
    fn scan_all<E, F>(&self, prefix: &str, mut each: F) -> impl Future<Output = Result<(), E>> + Send
    where
        E: From<ReadError> + Send,
        F: FnMut(&str, &Entry) -> Result<(), E> + Send,
    {
        async move {
            let mut after = None;
            loop {
                let page = self.scan(prefix, after.as_deref(), crate::MAX_PAGE_ENTRIES).await?;
                page.entries.iter().try_for_each(|(key, entry)| each(key, entry))?;
                match page.next {
                    Some(next) => after = Some(next),
                    None => return Ok(()),
                }
            }
        }
    }
}

impl<S: Store + ?Sized> StoreExt for S {}
