//! Makes a new embedded store from an export. It is built beside its place, and moved there once all of it is verified.
//!
//! This file does not decide whether a restored history may continue in the same epoch: agents notice if it lacks what
//! they have seen.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use entente_store::archive::{Decoder, Piece, Record};
use entente_store::{Entry, Key, RestoreError, Revision};
use uuid::Uuid;

use crate::disk::{Disk, NotDurable, create_dir_durably, parent};
use crate::limits::MAX_GROUP_BYTES;
use crate::sizes::Sizes;
use crate::{row, rows};

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The id of the exported store, unchanged.
    pub id: Uuid,
    pub revision: Revision,
    /// The number of records. Entries that changed during the export have several.
    pub records: u64,
}

/// Restores an export into `dir`, which must be empty or absent. Ids and revisions are those of the export. Blocks.
///
/// # Errors
/// The place is not empty, or the export is incomplete, altered or of an unknown format. Then nothing is restored.
pub fn restore(dir: &Path, input: impl Read) -> Result<Restored, RestoreError> {
    check_empty(dir)?;
    let (decoder, id) = Decoder::new(BufReader::new(input))?;
    let stage = stage_beside(dir);
    remove(&stage)?;
    let restored = fill(&stage, decoder, id).and_then(|restored| {
        move_into_place(&stage, dir)?;
        Ok(restored)
    });
    if restored.is_err() {
        remove(&stage)?;
    }
    restored
}

fn check_empty(dir: &Path) -> Result<(), RestoreError> {
    match fs::read_dir(dir).map(|mut entries| entries.next()) {
        Ok(None) => Ok(()),
        Ok(Some(_)) => Err(RestoreError::NotEmpty { dir: dir.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(storage(error)),
    }
}

fn fill<R: Read>(stage: &Path, from: Decoder<R>, id: Uuid) -> Result<Restored, RestoreError> {
    // Drop the rows first.
    let (disk, db, _) = Disk::open(stage, id, Sizes::FLEET.cache_bytes)?;
    let (revision, records) = fill_rows(&disk, &db, from)?;
    disk.commit(&db, sled::Batch::default(), revision).map_err(not_durable)?;
    Ok(Restored { id, revision, records })
}

fn fill_rows<R: Read>(disk: &Disk, db: &sled::Db, mut from: Decoder<R>) -> Result<(Revision, u64), RestoreError> {
    let (mut records, mut bytes, mut newest) = (Vec::new(), 0, Revision(0));
    loop {
        match from.read()? {
            Piece::Record((key, entry)) => {
                newest = newest.max(entry.as_ref().map_or(newest, |entry| entry.revision));
                bytes += key.len() + entry.as_ref().map_or(0, |entry| entry.value.len());
                records.push((key, entry));
            }
            Piece::End { revision, .. } if revision < newest => {
                return Err(RestoreError::Altered { what: "an entry is newer than the export" });
            }
            Piece::End { revision, records: count } => {
                write(disk, db, records)?;
                return Ok((revision, count));
            }
        }
        if bytes >= MAX_GROUP_BYTES {
            write(disk, db, std::mem::take(&mut records))?;
            bytes = 0;
        }
    }
}

/// Writes records, the last one of each key, at revision 0. The revision is set once everything is written.
fn write(disk: &Disk, db: &sled::Db, records: Vec<Record>) -> Result<(), RestoreError> {
    let last: std::collections::BTreeMap<Key, Option<Entry>> = records.into_iter().collect();
    let mut batch = sled::Batch::default();
    for (key, entry) in &last {
        let old = rows::get(db, key).map_err(storage)?;
        row::write(&mut batch, key, entry.as_ref(), old.map(|old| old.value.len()));
    }
    disk.commit(db, batch, Revision(0)).map_err(not_durable)?;
    Ok(())
}

fn stage_beside(dir: &Path) -> PathBuf {
    let mut name = dir.file_name().unwrap_or_default().to_owned();
    name.push(".restoring");
    parent(dir).join(name)
}

fn move_into_place(stage: &Path, dir: &Path) -> Result<(), RestoreError> {
    create_dir_durably(&parent(dir)).map_err(storage)?;
    fs::rename(stage, dir).map_err(storage)?;
    File::open(parent(dir)).and_then(|parent| parent.sync_all()).map_err(storage)
}

fn remove(stage: &Path) -> Result<(), RestoreError> {
    match fs::remove_dir_all(stage) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(storage(error)),
        _ => Ok(()),
    }
}

fn not_durable(error: NotDurable) -> RestoreError {
    RestoreError::Storage { source: error.cause() }
}

fn storage(error: impl std::error::Error + Send + Sync + 'static) -> RestoreError {
    RestoreError::Storage { source: Arc::new(error) }
}
