//! Room that is set aside for the day on which the disk is full: a file of some megabytes that holds nothing.
//!
//! It is given up so that the rows can be opened again then, and be read; the disk has room again when it could be set
//! aside anew. It is allocated and never written, which costs no time.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

use crate::limits::SEGMENT_BYTES;

/// What sled has to find before it is asked to open: it overwrites what is left of the last segment, and writes a
/// snapshot of some 20 bytes for each page of up to 17 rows, which are 1.2 MB of a million rows.
const ROOM_BYTES: usize = SEGMENT_BYTES + (2 << 20);

/// The rest is for what others on the disk may take in between.
const RESERVE_BYTES: usize = ROOM_BYTES + (2 << 20);

/// Sets the room aside, unless it is. Afterwards the disk has this much room more than it needs.
pub(crate) fn set_aside(dir: &Path) -> io::Result<()> {
    // What a look that was cut off has left.
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

/// Whether there is room enough for the rows to be opened.
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
        // A file system that cannot allocate: what is written there is room as well.
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
        // Cut off while it was written.
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
