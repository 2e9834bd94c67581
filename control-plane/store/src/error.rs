//! What can go wrong, with one enum for each operation. Errors have keys but no values, which may be secret.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;
use uuid::Uuid;

use crate::limits::{MAX_COMMIT_BYTES, MAX_COMMIT_KEYS, MAX_KEY_BYTES, MAX_VALUE_BYTES, STALLED_AFTER};
use crate::{Key, Revision};

/// An error of the storage below. Shared, because every caller that waited for the same write gets it.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// Why an entry could not be read.
#[derive(Debug, Clone, Error)]
pub enum ReadError {
    #[error("entry {key:?} is not what was written (its checksum differs): restore from a backup")]
    Corrupt { key: Key },
    #[error("cannot read from the store")]
    Storage { source: Cause },
}

/// Why a commit was not made. Only after [`CommitError::Unknown`] and [`CommitError::FullUnknown`] it may exist
/// nevertheless.
#[derive(Debug, Clone, Error)]
pub enum CommitError {
    #[error("key {key:?} {}, which the commit did not expect: read it again", at(.found))]
    Conflict { key: Key, found: Option<Revision> },
    #[error("a key of {bytes} bytes; a key has 1 to {MAX_KEY_BYTES} (MAX_KEY_BYTES)")]
    KeyLength { bytes: usize },
    #[error("key {key:?} has a value of {bytes} bytes, over {MAX_VALUE_BYTES} (MAX_VALUE_BYTES)")]
    ValueTooLarge { key: Key, bytes: usize },
    #[error("a commit naming {keys} keys, over {MAX_COMMIT_KEYS} (MAX_COMMIT_KEYS): split it")]
    TooManyKeys { keys: usize },
    #[error("a commit of {bytes} bytes, over {MAX_COMMIT_BYTES} (MAX_COMMIT_BYTES): split it")]
    TooManyBytes { bytes: usize },
    #[error("the decision was to commit nothing")]
    Declined,
    #[error("the decision panicked; nothing was committed")]
    Panicked,
    #[error("cannot read what the commit depends on")]
    Read(#[from] ReadError),
    #[error("the disk has not answered for {} s: nothing is committed until it answers", STALLED_AFTER.as_secs())]
    Stalled,
    #[error("the disk is full, and nothing was written: make room and repeat it; the store then continues by itself")]
    Full { source: Cause },
    #[error("the store accepts no more commits, because an earlier one failed: repair the disk and restart")]
    Failed { source: Cause },
    #[error("the store is closed")]
    Closed,
    #[error("the commit could not be made durable; a restart shows whether it exists")]
    Unknown { source: Cause },
    #[error("the disk is full: make room; the store then continues by itself, and shows whether the commit exists")]
    FullUnknown { source: Cause },
}

impl CommitError {
    /// Whether it is certain that nothing was written. If not, look up the result before repeating the commit.
    #[must_use]
    pub fn nothing_applied(&self) -> bool {
        !matches!(self, Self::Unknown { .. } | Self::FullUnknown { .. })
    }
}

fn at(found: &Option<Revision>) -> String {
    match found {
        Some(revision) => format!("is at revision {revision}"),
        None => "is absent".to_owned(),
    }
}

/// Why [`commit_with`](crate::StoreExt::commit_with) committed nothing.
#[derive(Debug, Error)]
pub enum CommitWithError<E> {
    /// The caller's own refusal.
    #[error("the decision refused to commit")]
    Refused(#[source] E),
    #[error(transparent)]
    Commit(CommitError),
}

/// Why a watch ended.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WatchError {
    #[error("revisions after {after} are no longer remembered (the oldest is {oldest}): list again")]
    Compacted { after: Revision, oldest: Revision },
    #[error("revision {after} is ahead of the store, which stands at {newest}: this is another history")]
    Ahead { after: Revision, newest: Revision },
    #[error("the store is closed, or accepts no more commits")]
    Closed,
}

/// Why a store could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    #[error("store {} is open in another process: stop that one first", dir.display())]
    InUse { dir: PathBuf },
    #[error(
        "store {} has format {found}, this program knows {known}: run the program that wrote it, \
         export there and restore here",
        dir.display()
    )]
    Format { dir: PathBuf, found: String, known: u32 },
    #[error("store {} is damaged ({what}): restore from a backup", dir.display())]
    Damaged { dir: PathBuf, what: String },
    #[error("store {} holds the data of store {found}, not of {expected}: its files were mixed up", dir.display())]
    OtherStore { dir: PathBuf, found: Uuid, expected: Uuid },
    #[error("cannot open store {}, because its disk is full: make room", dir.display())]
    Full { dir: PathBuf, source: Cause },
    #[error("cannot open store {}", dir.display())]
    Storage { dir: PathBuf, source: Cause },
}

/// Why an export stopped. The part that was written has no trailer, and a restore refuses it.
#[derive(Debug, Error)]
pub enum ExportError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("the store changed faster than the export could be written: export again")]
    Overtaken(#[source] WatchError),
    #[error("more than {bytes} bytes changed during the export: export again, to something faster")]
    TooManyChanges { bytes: usize },
    #[error("cannot write the export")]
    Io(#[from] io::Error),
}

/// Why a restore was refused. Nothing was restored.
#[derive(Debug, Error)]
pub enum RestoreError {
    #[error("{} is not empty: restore only into a new place", dir.display())]
    NotEmpty { dir: PathBuf },
    #[error("not an export of an Entente store")]
    NotAnExport,
    #[error("the export has format {found}, this program knows {known}: restore with a newer program")]
    Format { found: u32, known: u32 },
    #[error("the export is incomplete: use another")]
    Cut,
    #[error("the export is altered or damaged ({what}): use another")]
    Altered { what: &'static str },
    #[error("cannot read the export")]
    Read(#[source] io::Error),
    #[error("cannot write the restored store")]
    Open(#[from] OpenError),
    #[error("cannot write the restored store")]
    Storage { source: Cause },
}
