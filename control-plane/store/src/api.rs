//! The store as callers see it: a trait that an embedded and a distributed store can both keep.
//!
//! It promises what both can give: atomic commits with expected revisions, a revision on every entry, reads of what
//! is durable, and a feed with a bounded memory. It knows nothing of sled, of files, or of what values mean.
//! Keys and revisions are in `key.rs`, commits are built in `commit.rs`, what can go wrong is in `error.rs`.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use uuid::Uuid;

use crate::{Commit, CommitError, CommitWithError, Key, ReadError, Revision, Stats, Watch, WatchError};

/// A future behind a pointer, so that callers can hold any store as `Arc<dyn Store>`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What runs inside the writer: given the state and the revision to come, a commit, or none to decline.
/// Callers use [`StoreExt::commit_with`], which carries a result out of it.
pub type Decide = Box<dyn FnMut(&dyn View, Revision) -> Option<Commit> + Send>;

/// What stands under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub value: Bytes,
    /// The revision of the commit that last wrote it.
    pub revision: Revision,
}

/// Part of a listing, in key order; consistent in itself. Pages of one listing may stand at different revisions:
/// who needs the state at one point watches from the first page's revision, and applies what it brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub entries: Vec<(Key, Entry)>,
    /// The revision at which this page was read.
    pub revision: Revision,
    /// Where the next page starts (its `start_after`); none when this is the last one.
    pub next: Option<Key>,
}

/// The state at one point, read synchronously: what a decision is made from.
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

    /// The newest revision that this state contains.
    fn revision(&self) -> Revision;
}

/// A store of entries. Reads, and what is watched, show durable commits only.
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// The store's own id, given when it was created and kept for good, over export and restore too.
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

    /// Makes the commit durable, whole or not at all, and returns its revision: the current one if it changed
    /// nothing. A caller that goes away does not call it back.
    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Revision, CommitError>>;

    /// [`Store::commit`] of what `decide` returns; [`CommitError::Declined`] if that is nothing.
    fn decide(&self, decide: Decide) -> BoxFuture<'_, Result<Revision, CommitError>>;

    /// The commits after the revision `after`, one by one.
    ///
    /// # Errors
    /// [`WatchError::Compacted`] when the store no longer remembers them all: list again, and watch from the
    /// listing's revision.
    fn watch(&self, after: Revision) -> Result<Watch, WatchError>;

    /// What the store has done so far, for metrics.
    fn stats(&self) -> Stats;
}

/// What every store can do, built from what it must.
pub trait StoreExt: Store {
    /// Commits what `decide` makes of the current state and of the revision that the commit will get; so a caller
    /// can sign a content that names its own revision. Returns that revision and what `decide` returned beside it.
    /// An empty commit writes nothing and returns the current revision.
    ///
    /// `decide` runs in the store's writer while everyone else's commits wait: it must compute, and nothing else.
    /// It may run more than once, when a distributed store was overtaken; its last run counts.
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
}

impl<S: Store + ?Sized> StoreExt for S {}
