//! The agent's state on disk: the ledger, the last good desired state, and the last reports.
//!
//! It is stored as rows of `entente-store`, whose commit returns once they are on disk. The planner owns the ledger's
//! rules (`record.rs` there), the session those of the desired state. Keys are hashed where an item's key could be too
//! long.

mod ledger;
mod owed;
mod records;
mod reports;
mod state;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use entente_store::{Commit, CommitError, Entry, Key, OpenError, ReadError, Store};
use entente_store_embedded::{Sizes, SledStore};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use reports::Notes;

/// Most writes in one commit: a quarter of what the store takes, to stay far from its size bound too.
const COMMIT_KEYS: usize = 2_000;

/// Most bytes of values in one commit.
const COMMIT_BYTES: usize = 4 << 20;

/// Rows read at a time.
const PAGE: usize = 500;

/// The agent's store.
#[derive(Debug, Clone)]
pub struct Memory {
    store: Arc<SledStore>,
    /// Updates that could not be written yet; see `owed.rs`.
    owed: Arc<Mutex<Rows>>,
}

/// Rows by key: each with its value, or without one where it is to be deleted.
type Rows = BTreeMap<String, Option<Vec<u8>>>;

/// Which ledger this is and its revision, to be kept outside the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    ledger: String,
    revision: u64,
}

impl Mark {
    /// Describes for a person what the ledger has lost since this mark.
    pub fn forgotten(&self, now: &Self) -> Option<String> {
        let what = match self.ledger == now.ledger {
            true if now.revision >= self.revision => return None,
            true => format!("the ledger went back from revision {} to {}", self.revision, now.revision),
            false => "the ledger was started over".into(),
        };
        Some(format!(
            "{what}: objects that it no longer knows are proposed for adoption, and neither changed nor removed"
        ))
    }
}

/// Why the agent cannot use its memory. It does nothing then: it could not remove again what it does not remember
/// making.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    #[error(
        "the ledger in {0} is missing, or belongs to another agent. The agent can no longer tell what it made in this tenant from what was there before. Restore the directory from a backup, or start over with `entente-agent run --new-ledger`: then nothing that is there is changed, and what looks like ours is only proposed for adoption"
    )]
    Lost(PathBuf),
    #[error(
        "the ledger in {path} cannot be opened: restore the directory from a backup, or check whether another entente-agent is running"
    )]
    Open { path: PathBuf, source: OpenError },
    #[error(
        "the agent's disk is full, so that its ledger cannot be opened: nothing is done in the tenant, and NO leaver is blocked, until there is room and the agent is started again"
    )]
    NoRoom(#[source] OpenError),
    #[error("the ledger cannot be read: restore the state directory from a backup")]
    Read(#[from] ReadError),
    #[error(
        "the ledger was written by a newer entente-agent ({what}): start that one again. This one does not know what the newer one made in the tenant, and would never remove it"
    )]
    Newer { what: String },
    #[error(
        "row {key} of the ledger cannot be read: if a newer entente-agent wrote it, start that one again; if not, restore the state directory from a backup"
    )]
    Row { key: String, source: Option<serde_json::Error> },
    #[error("the ledger cannot be written: the agent changes nothing that it could not remember")]
    Commit(#[source] CommitError),
    #[error("the agent's disk is full: the agent gives nothing that it could not remember")]
    Full(#[source] CommitError),
    #[error(transparent)]
    File(#[from] crate::files::FileError),
}

/// `None` where the disk is full, which the caller does not count as a failure.
pub fn unless_full<T>(done: Result<T, MemoryError>) -> Result<Option<T>, MemoryError> {
    match done {
        Err(MemoryError::Full(_)) => Ok(None),
        done => done.map(Some),
    }
}

impl Memory {
    /// Opens the store of a state directory, or creates it, and returns its id.
    pub fn create(state_dir: &Path) -> Result<Uuid, MemoryError> {
        Ok(open(state_dir)?.id())
    }

    /// Opens the agent's store, which must have this id.
    pub fn open(state_dir: &Path, id: Uuid) -> Result<Self, MemoryError> {
        let path = directory(state_dir);
        if !path.is_dir() {
            return Err(MemoryError::Lost(path));
        }
        let store = open(state_dir)?;
        if store.id() != id {
            return Err(MemoryError::Lost(path));
        }
        Ok(Self { store: Arc::new(store), owed: Arc::default() })
    }

    /// Renames the store so that it can still be examined, and creates an empty one.
    pub fn start_over(state_dir: &Path) -> Result<Uuid, MemoryError> {
        let path = directory(state_dir);
        if path.exists() {
            let aside = state_dir.join(format!("ledger-{}", Uuid::new_v4()));
            std::fs::rename(&path, aside).map_err(|_| MemoryError::Lost(path))?;
        }
        Self::create(state_dir)
    }

    /// The ledger's present mark. The revision of one ledger never decreases.
    pub fn mark(&self) -> Mark {
        Mark { ledger: self.store.id().to_string(), revision: self.store.revision().0 }
    }

    /// Every row whose key begins with `prefix`.
    async fn rows(&self, prefix: &str) -> Result<Vec<(Key, Entry)>, MemoryError> {
        let mut rows = Vec::new();
        let mut after: Option<Key> = None;
        loop {
            let page = self.store.scan(prefix, after.as_deref(), PAGE).await?;
            rows.extend(page.entries);
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(rows),
            }
        }
    }

    /// The same, as JSON.
    async fn parsed<T: DeserializeOwned>(&self, prefix: &str) -> Result<Vec<T>, MemoryError> {
        self.rows(prefix).await?.iter().map(|(key, row)| from_json(key, row)).collect()
    }

    #[cfg(test)]
    pub fn store(&self) -> &SledStore {
        &self.store
    }

    /// Commits rows. Our commits state how rows should be and expect nothing of them, so repeating one that may have
    /// happened is safe.
    async fn commit(&self, commit: Commit) -> Result<(), MemoryError> {
        if commit.is_empty() {
            return Ok(());
        }
        match self.store.commit(commit).await {
            Ok(_) => Ok(()),
            Err(error @ (CommitError::Full { .. } | CommitError::FullUnknown { .. })) => Err(MemoryError::Full(error)),
            Err(error) => Err(MemoryError::Commit(error)),
        }
    }
}

/// Writes rows in as many commits as they need. For rows that need not change together.
struct Batched<'a> {
    memory: &'a Memory,
    commit: Commit,
    keys: usize,
    bytes: usize,
}

impl<'a> Batched<'a> {
    fn of(memory: &'a Memory) -> Self {
        Self { memory, commit: Commit::new(), keys: 0, bytes: 0 }
    }

    /// A row with its value, or without one where it is to be deleted.
    async fn write(&mut self, key: String, value: Option<Vec<u8>>) -> Result<(), MemoryError> {
        let bytes = value.as_ref().map_or(0, Vec::len);
        self.keys += 1;
        self.bytes += bytes;
        if self.keys > COMMIT_KEYS || self.bytes > COMMIT_BYTES {
            self.memory.commit(std::mem::take(&mut self.commit)).await?;
            (self.keys, self.bytes) = (1, bytes);
        }
        self.commit = with_row(std::mem::take(&mut self.commit), key, value);
        Ok(())
    }

    async fn finish(self) -> Result<(), MemoryError> {
        self.memory.commit(self.commit).await
    }
}

fn with_row(commit: Commit, key: String, value: Option<Vec<u8>>) -> Commit {
    match value {
        Some(value) => commit.put(key, value),
        None => commit.delete(key),
    }
}

fn directory(state_dir: &Path) -> PathBuf {
    state_dir.join("ledger")
}

fn open(state_dir: &Path) -> Result<SledStore, MemoryError> {
    let path = directory(state_dir);
    SledStore::open(&path, Uuid::new_v4(), Sizes::SMALL).map_err(|source| match source {
        OpenError::Full { .. } => MemoryError::NoRoom(source),
        source => MemoryError::Open { path, source },
    })
}

/// A key of fixed length for one that may be too long.
fn hashed(prefix: &str, key: &str) -> String {
    format!("{prefix}{}", crate::guardrail_file::sha256_hex(key.as_bytes()))
}

fn to_json<T: serde::Serialize>(row: &T) -> Vec<u8> {
    serde_json::to_vec(row).expect("a row of texts, numbers and lists is JSON")
}

fn from_json<T: DeserializeOwned>(key: &Key, entry: &Entry) -> Result<T, MemoryError> {
    serde_json::from_slice(&entry.value)
        .map_err(|source| MemoryError::Row { key: key.to_string(), source: Some(source) })
}
