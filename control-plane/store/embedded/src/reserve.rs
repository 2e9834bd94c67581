//! Reserved room for a full disk: a file of some megabytes without content.
//!
//! The store gives it up when the disk is full, to be able to reopen and read the rows. The disk has room again once
//! the file can be reserved again. It is allocated and never written, which takes no time.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

use crate::limits::SEGMENT_BYTES;

/// What sled needs before it is opened: it overwrites the rest of the last segment, and writes a snapshot of some 20
/// bytes for each page of up to 17 rows, 1.2 MB for a million rows.
const ROOM_BYTES: usize = SEGMENT_BYTES + (2 << 20);

/// The rest is for what other programs may use meanwhile.
const RESERVE_BYTES: usize = ROOM_BYTES + (2 << 20);

/// Reserves the room, unless it is reserved. After that, the disk has this much room more than needed.
pub(crate) fn set_aside(dir: &Path) -> io::Result<()> {
    // An interrupted check may have left it.
    remove(&probe(dir));
    match fs::metadata(path(dir)) {
        Ok(found) if found.len() == RESERVE_BYTES as u64 => Ok(()),
        _ => fill(&path(dir), RESERVE_BYTES).inspect_err(|_| give_up(dir)),
    }
}

/// Gives the room up.
pub(crate) fn give_up(dir: &Path) {
    remove(&path(dir));
}

/// Whether there is enough room to open the rows.
pub(crate) fn has_room(dir: &Path) -> bool {
    let filled = fill(&probe(dir), ROOM_BYTES);
    remove(&probe(dir));
    filled.is_ok()
}

fn remove(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, path = %path.display(), "cannot remove what only takes room");
        }
        _ => {}
    }
}

fn probe(dir: &Path) -> PathBuf {
    dir.join("room")
}

fn path(dir: &Path) -> PathBuf {
    dir.join("reserve")
}

fn fill(path: &Path, bytes: usize) -> io::Result<()> {
    let mut file = File::create(path)?;
    match fallocate(&file, FallocateFlags::empty(), 0, bytes as u64) {
        // The file system cannot allocate: what is written reserves the room too.
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
            file.write_all(&vec![0; bytes])?;
            file.sync_all()
        }
        allocated => Ok(allocated?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_set_aside_once_and_comes_back_after_it_was_given_up() {
        let dir = tempfile::tempdir().unwrap();
        let size = || fs::metadata(path(dir.path())).map(|found| found.len()).ok();
        set_aside(dir.path()).unwrap();
        assert_eq!(size(), Some(RESERVE_BYTES as u64));
        give_up(dir.path());
        give_up(dir.path());
        assert_eq!(size(), None);
        // It was interrupted while writing.
        fs::write(path(dir.path()), "part").unwrap();
        set_aside(dir.path()).unwrap();
        assert_eq!(size(), Some(RESERVE_BYTES as u64));
        assert!(has_room(dir.path()) && !dir.path().join("room").exists());
    }

    #[test]
    fn where_nothing_can_be_written_there_is_no_room() {
        let dir = tempfile::tempdir().unwrap();
        let gone = dir.path().join("gone");
        assert!(set_aside(&gone).is_err() && !has_room(&gone));
    }
}
