//! Commits that become durable together. Each sees those before it in the group; a refused one leaves no trace.
//!
//! It has what the group changes and what was there before, and knows nothing of disks and waiting callers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use entente_store::{Change, Commit, CommitError, Decide, Entry, Event, Key, ReadError, Revision};

use crate::limits::{MAX_GROUP_BYTES, MAX_GROUP_COMMITS};
use crate::request::Work;
use crate::row;
use crate::rows::{self, Layered, Overlay};

#[derive(Debug)]
pub(crate) struct Group<'a> {
    rows: &'a sled::Tree,
    /// The newest revision, including the group's commits so far.
    pub(crate) revision: Revision,
    /// The previous entry of each key that the group read. Readers see it until the group is durable.
    pub(crate) before: Overlay,
    /// The entries after the group's commits.
    after: Overlay,
    pub(crate) events: Vec<Arc<Event>>,
    pub(crate) bytes: usize,
}

impl<'a> Group<'a> {
    pub(crate) fn new(rows: &'a sled::Tree, revision: Revision) -> Self {
        let (before, after) = (Overlay::new(), Overlay::new());
        Self { rows, revision, before, after, events: Vec::new(), bytes: 0 }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.events.len() >= MAX_GROUP_COMMITS || self.bytes >= MAX_GROUP_BYTES
    }

    /// Adds a commit. Returns its revision, or why it was refused.
    pub(crate) fn add(&mut self, work: Work) -> Result<Revision, CommitError> {
        let commit = match work {
            Work::Commit(commit) => commit,
            Work::Decide(decide) => self.decide(decide)?,
        };
        for (key, expect) in &commit.expects {
            let found = self.current(key)?.map(|entry| entry.revision);
            if !expect.holds(found) {
                return Err(CommitError::Conflict { key: key.clone(), found });
            }
        }
        let bytes = commit.bytes();
        let changes = self.changes(commit)?;
        if !changes.is_empty() {
            self.bytes += bytes;
            self.apply(changes);
        }
        Ok(self.revision)
    }

    fn decide(&self, mut decide: Decide) -> Result<Commit, CommitError> {
        let view = Layered { rows: self.rows, over: &self.after, revision: self.revision };
        let next = self.revision.next();
        // A decision only reads the group, so the group is intact even after a panic.
        let decided = catch_unwind(AssertUnwindSafe(|| decide(&view, next)));
        let commit = decided.map_err(|_| CommitError::Panicked)?.ok_or(CommitError::Declined)?;
        commit.check_bounds()?;
        Ok(commit)
    }

    /// The writes that change something. It does all the reading, so nothing can fail half-way.
    fn changes(&mut self, commit: Commit) -> Result<Vec<Change>, ReadError> {
        let mut changes = Vec::with_capacity(commit.writes.len());
        for (key, value) in commit.writes {
            let stands = self.current(&key)?.is_some();
            if stands || value.is_some() {
                changes.push(Change { key, value });
            }
        }
        Ok(changes)
    }

    fn apply(&mut self, changes: Vec<Change>) {
        self.revision = self.revision.next();
        for Change { key, value } in &changes {
            let entry = value.clone().map(|value| Entry { value, revision: self.revision });
            self.after.insert(key.clone(), entry);
        }
        self.events.push(Arc::new(Event { revision: self.revision, changes }));
    }

    fn current(&mut self, key: &Key) -> Result<Option<&Entry>, ReadError> {
        if !self.after.contains_key(key) && !self.before.contains_key(key) {
            self.before.insert(key.clone(), rows::get(self.rows, key)?);
        }
        let layers = self.after.get(key).or_else(|| self.before.get(key));
        Ok(layers.and_then(Option::as_ref))
    }

    /// The rows to write: each key once, with its last value in the group.
    pub(crate) fn batch(&self) -> sled::Batch {
        let mut batch = sled::Batch::default();
        for (key, entry) in &self.after {
            let old = self.before.get(key).and_then(Option::as_ref);
            row::write(&mut batch, key, entry.as_ref(), old.map(|old| old.value.len()));
        }
        batch
    }
}
