//! The files of a store: what is locked, created and synced, and in which order.
//!
//! sled's flush calls `sync_file_range`, which neither empties the drive's cache nor writes metadata. So this file has
//! its own descriptor of sled's data and calls `fdatasync` on it after each flush. It syncs directories after something
//! in them was created or renamed. The directory has `STORE` (lock, format and id; written last), `sled` and `reserve`.
//! Of entries, this file knows only the row that says whose data these are.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use entente_store::{Cause, OpenError, Revision};
use rustix::fs::{Advice, fadvise};
use rustix::io::Errno;
use uuid::Uuid;

use crate::limits::SEGMENT_BYTES;
use crate::reserve;

/// The version of the format on disk. Raise it if an older program could misread the data.
const FORMAT: u32 = 1;

/// Format (4 bytes), id (16), newest revision (8), checksum (4): written with every group.
const META: &[u8] = b"m";
const META_BYTES: usize = 32;

/// Longest wait for an earlier instance in this process to release its file. Measured: under a millisecond.
const MAX_RELEASE: Duration = Duration::from_secs(5);

/// The files of an open store, without its rows. The rows are dropped before the lock is released, and may be reopened
/// meanwhile.
#[derive(Debug)]
pub(crate) struct Disk {
    dir: PathBuf,
    /// Our own descriptor of sled's data file, to sync it. It stays open as long as the store, even while rows are
    /// reopened: the kernel reports a failed write only to descriptors that were open at that time.
    data: File,
    id: Uuid,
    cache_bytes: u64,
    _lock: File,
}

/// Why a commit did not become durable. Any part of it may be on disk.
#[derive(Debug)]
pub(crate) enum NotDurable {
    /// The disk has no room; the write or the sync reported it. The kernel may have dropped what the sync found no room
    /// for, so the rows are reopened from disk once there is room.
    Full(Cause),
    /// Any other error. The store cannot continue on a disk that cannot write.
    Failed(Cause),
}

impl NotDurable {
    pub(crate) fn cause(self) -> Cause {
        match self {
            Self::Full(cause) | Self::Failed(cause) => cause,
        }
    }
}

impl Disk {
    /// Opens or creates the store in `dir`. Returns its rows and its revision.
    pub(crate) fn open(dir: &Path, new_id: Uuid, cache_bytes: u64) -> Result<(Self, sled::Db, Revision), OpenError> {
        create_dir_durably(dir).map_err(|e| storage(dir, e))?;
        let mut lock = lock(dir)?;
        let marked = read_mark(dir, &mut lock)?;
        let (rows, meta) = match open_checked(dir, marked, cache_bytes) {
            // The reserved room is for this: a program that starts on a full disk can read its data.
            Err(OpenError::Full { .. }) => {
                reserve::give_up(dir);
                open_checked(dir, marked, cache_bytes)?
            }
            opened => opened?,
        };
        let data = File::open(data_path(dir)).map_err(|e| storage(dir, e))?;
        let meta = meta.unwrap_or((new_id, Revision(0)));
        let disk = Self { dir: dir.to_owned(), data, id: meta.0, cache_bytes, _lock: lock };
        if marked.is_none() {
            disk.commit(&rows, sled::Batch::default(), meta.1).map_err(|e| storage_cause(dir, e.cause()))?;
        }
        disk.sync_names().map_err(|e| storage(dir, e))?;
        if let Err(error) = reserve::set_aside(dir) {
            tracing::warn!(%error, dir = %dir.display(), "the disk is nearly full: make room");
        }
        if marked.is_none() {
            disk.write_mark().map_err(|e| storage(dir, e))?;
        }
        Ok((disk, rows, meta.1))
    }

    /// Reopens the rows, which must have no other user, and makes durable what they show. Returns their revision.
    pub(crate) fn reopen(&self) -> Result<(sled::Db, Revision), OpenError> {
        let (rows, meta) = open_checked(&self.dir, Some(self.id), self.cache_bytes)?;
        let (_, revision) = meta.ok_or_else(|| damaged(&self.dir, "its data is missing"))?;
        self.sync_names().map_err(|e| storage(&self.dir, e))?;
        Ok((rows, revision))
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn id(&self) -> Uuid {
        self.id
    }

    /// Applies `batch` and the new revision, and makes them durable. Returns how long the sync took.
    pub(crate) fn commit(
        &self,
        rows: &sled::Db,
        mut batch: sled::Batch,
        revision: Revision,
    ) -> Result<Duration, NotDurable> {
        batch.insert(META, encode_meta(self.id, revision));
        rows.apply_batch(batch).and_then(|()| rows.flush()).map_err(unwritten)?;
        let began = Instant::now();
        self.sync()?;
        Ok(began.elapsed())
    }

    /// Syncs everything that was written, by any writer.
    pub(crate) fn sync(&self) -> Result<(), NotDurable> {
        self.data.sync_data().map_err(|error| not_durable(error.kind(), cause(error)))
    }

    /// sled creates and renames files while it opens, and syncs no directory.
    fn sync_names(&self) -> io::Result<()> {
        let path = rows_path(&self.dir);
        File::open(path.join("conf"))?.sync_all()?;
        self.data.sync_all()?;
        File::open(path)?.sync_all()
    }

    /// The last step of creation. From here on, missing data means loss, not a new store.
    fn write_mark(&self) -> io::Result<()> {
        let mut lock = &self._lock;
        lock.set_len(0)?;
        lock.rewind()?;
        lock.write_all(format!("entente-store {FORMAT} {}\n", self.id).as_bytes())?;
        lock.sync_all()?;
        File::open(&self.dir)?.sync_all()
    }
}

fn rows_path(dir: &Path) -> PathBuf {
    dir.join("sled")
}

fn data_path(dir: &Path) -> PathBuf {
    rows_path(dir).join("db")
}

/// The rows, and the content of the first one. `None` if there is none yet.
fn open_checked(
    dir: &Path,
    marked: Option<Uuid>,
    cache_bytes: u64,
) -> Result<(sled::Db, Option<(Uuid, Revision)>), OpenError> {
    remove_unfinished_snapshots(&rows_path(dir)).map_err(|e| storage(dir, e))?;
    wait_for_release(&data_path(dir)).map_err(|e| storage(dir, e))?;
    forget_cached(&data_path(dir)).map_err(|e| storage(dir, e))?;
    let rows = open_rows(&rows_path(dir), cache_bytes).map_err(|e| storage(dir, e))?;
    let meta = check(dir, marked, read_meta(dir, &rows)?, &rows)?;
    Ok((rows, meta))
}

/// sled keeps only the kind of a system error.
fn unwritten(error: sled::Error) -> NotDurable {
    let kind = if let sled::Error::Io(io) = &error { io.kind() } else { io::ErrorKind::Other };
    not_durable(kind, cause(error))
}

fn not_durable(kind: io::ErrorKind, cause: Cause) -> NotDurable {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => NotDurable::Full(cause),
        _ => NotDurable::Failed(cause),
    }
}

/// Empties the kernel's cache of the data, so reads return what is on disk. After a failed sync, the kernel treats
/// dropped pages as written, and shows them until it needs the memory, even to a restarted program.
fn forget_cached(data: &Path) -> io::Result<()> {
    let file = match File::open(data) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    match fadvise(&file, 0, None, Advice::DontNeed) {
        // The file system has no cache to empty.
        Err(Errno::NOSYS | Errno::OPNOTSUPP | Errno::INVAL) => Ok(()),
        emptied => Ok(emptied?),
    }
}

fn lock(dir: &Path) -> Result<File, OpenError> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(dir.join("STORE"))
        .map_err(|e| storage(dir, e))?;
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if begun.elapsed() < LOCK_PATIENCE => std::thread::sleep(LOCK_GLANCE),
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse { dir: dir.to_owned() }),
            Err(TryLockError::Error(error)) => return Err(storage(dir, error)),
        }
    }
}

/// A lock outlives its holder for a moment: a child that is being started holds it too, until it runs its program.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

const LOCK_GLANCE: Duration = Duration::from_millis(20);

/// The id in `STORE`. `None` if the store was never completely created.
fn read_mark(dir: &Path, lock: &mut File) -> Result<Option<Uuid>, OpenError> {
    let mut text = String::new();
    lock.take(256).read_to_string(&mut text).map_err(|e| storage(dir, e))?;
    // Creation writes this line at once and syncs it. A partial line means that creation did not finish.
    let Some(line) = text.strip_suffix('\n') else { return Ok(None) };
    let mut words = line.split(' ').skip(1);
    let (format, id) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if format != FORMAT.to_string() {
        let found = format.to_owned();
        return Err(OpenError::Format { dir: dir.to_owned(), found, known: FORMAT });
    }
    Uuid::parse_str(id).map(Some).map_err(|_| damaged(dir, "its STORE file is not readable"))
}

/// sled would read a snapshot that was unfinished when it stopped, and refuse it.
fn remove_unfinished_snapshots(path: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "generating") {
            fs::remove_file(file)?;
        }
    }
    Ok(())
}

/// sled's threads hold its file for a moment after the store is dropped. No other process does, because we have the
/// lock.
fn wait_for_release(data: &Path) -> io::Result<()> {
    let file = match File::open(data) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if began.elapsed() < MAX_RELEASE => {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(TryLockError::Error(error)) => return Err(error),
            // Closing the file releases the lock. If it is still held, sled reports that.
            Ok(()) | Err(TryLockError::WouldBlock) => return Ok(()),
        }
    }
}

fn open_rows(path: &Path, cache_bytes: u64) -> Result<sled::Db, sled::Error> {
    sled::Config::new()
        .path(path)
        .segment_size(SEGMENT_BYTES)
        .cache_capacity(cache_bytes)
        // We decide when data is durable: nothing may depend on when a background thread wakes.
        .flush_every_ms(None)
        .open()
}

fn read_meta(dir: &Path, rows: &sled::Tree) -> Result<Option<(Uuid, Revision)>, OpenError> {
    let Some(row) = rows.get(META).map_err(|e| storage(dir, e))? else { return Ok(None) };
    let (format, rest) = row.split_first_chunk::<4>().ok_or_else(|| damaged(dir, "its first row is cut"))?;
    let format = u32::from_be_bytes(*format);
    if format != FORMAT {
        let found = format.to_string();
        return Err(OpenError::Format { dir: dir.to_owned(), found, known: FORMAT });
    }
    let (id, revision) = rest.split_first_chunk::<16>().unwrap_or((&[0; 16], &[]));
    let revision = revision.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    let (id, revision) = (Uuid::from_bytes(*id), Revision(revision));
    if row.as_ref() != encode_meta(id, revision) {
        return Err(damaged(dir, "the checksum of its first row differs"));
    }
    Ok(Some((id, revision)))
}

fn encode_meta(id: Uuid, revision: Revision) -> Vec<u8> {
    let mut row = Vec::with_capacity(META_BYTES);
    row.extend(FORMAT.to_be_bytes());
    row.extend(id.as_bytes());
    row.extend(revision.0.to_be_bytes());
    row.extend(crc32fast::hash(&row).to_be_bytes());
    row
}

/// Whether mark and data belong together. `None`: the store is new.
fn check(
    dir: &Path,
    marked: Option<Uuid>,
    meta: Option<(Uuid, Revision)>,
    rows: &sled::Tree,
) -> Result<Option<(Uuid, Revision)>, OpenError> {
    match (marked, meta) {
        (Some(expected), Some((found, _))) if found != expected => {
            Err(OpenError::OtherStore { dir: dir.to_owned(), found, expected })
        }
        (Some(_), None) => Err(damaged(dir, "its data is missing")),
        // An interrupted creation leaves at most its first row.
        (None, meta) if rows.len() > usize::from(meta.is_some()) => Err(damaged(dir, "its STORE file is missing")),
        (_, meta) => Ok(meta),
    }
}

/// Creates `dir` and its missing parents, and syncs each into its parent.
pub(crate) fn create_dir_durably(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = parent(dir);
    create_dir_durably(&parent)?;
    match fs::create_dir(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    File::open(parent)?.sync_all()
}

/// The directory that contains `dir`.
pub(crate) fn parent(dir: &Path) -> PathBuf {
    match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn cause(error: impl std::error::Error + Send + Sync + 'static) -> Cause {
    Arc::new(error)
}

fn storage(dir: &Path, error: impl std::error::Error + Send + Sync + 'static) -> OpenError {
    storage_cause(dir, cause(error))
}

fn storage_cause(dir: &Path, source: Cause) -> OpenError {
    let of_sled = source.downcast_ref::<sled::Error>().and_then(|error| match error {
        sled::Error::Io(io) => Some(io.kind()),
        _ => None,
    });
    match of_sled.or_else(|| source.downcast_ref::<io::Error>().map(io::Error::kind)) {
        Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
            OpenError::Full { dir: dir.to_owned(), source }
        }
        _ => OpenError::Storage { dir: dir.to_owned(), source },
    }
}

fn damaged(dir: &Path, what: &str) -> OpenError {
    OpenError::Damaged { dir: dir.to_owned(), what: what.to_owned() }
}
