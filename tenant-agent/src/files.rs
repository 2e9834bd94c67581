//! Small files that are written whole or not at all, and secrets that only their owner may read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("cannot read {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write {path}")]
    Write { path: PathBuf, source: io::Error },
    #[error("{path} has more than {limit} bytes")]
    TooLarge { path: PathBuf, limit: usize },
    #[error("{path} is not UTF-8 text: save it as UTF-8")]
    NotText { path: PathBuf },
    #[error("{path} cannot be read: it is damaged, or another version of entente-agent wrote it; {remedy}")]
    NotUnderstood { path: PathBuf, remedy: &'static str, source: serde_json::Error },
    #[error("{path} is damaged and was left as it is: {remedy}")]
    Damaged { path: PathBuf, remedy: &'static str, source: serde_json::Error },
}

impl FileError {
    /// Whether the disk or a quota had no room.
    pub fn is_full(&self) -> bool {
        use io::ErrorKind::{QuotaExceeded, StorageFull};
        matches!(self, Self::Write { source, .. } if matches!(source.kind(), StorageFull | QuotaExceeded))
    }
}

/// Reads a text of at most `limit` bytes; none if there is no such file.
pub fn read_text(path: &Path, limit: usize) -> Result<Option<String>, FileError> {
    let read = |source| FileError::Read { path: path.into(), source };
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(read)?,
    };
    let mut bytes = Vec::new();
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(read)?;
    if bytes.len() > limit {
        return Err(FileError::TooLarge { path: path.into(), limit });
    }
    String::from_utf8(bytes).map(Some).map_err(|_| FileError::NotText { path: path.into() })
}

/// Like [`read_text`], without the byte order mark that Windows programs write (Unicode: byte order mark) and that no
/// PEM reader takes.
pub fn read_unmarked(path: &Path, limit: usize) -> Result<Option<String>, FileError> {
    let text = read_text(path, limit)?;
    Ok(text.map(|text| text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)))
}

/// Makes a directory that only its owner can enter. Its parents get the usual permissions.
pub fn make_private_dir(path: &Path) -> Result<(), FileError> {
    let write = |source| FileError::Write { path: path.into(), source };
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(write)?;
    }
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map_err(write),
    }
}

/// Writes a file that only its owner can read: whole and on disk, or not at all.
pub fn write_private(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let write = |source| FileError::Write { path: path.into(), source };
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new).map_err(write)?;
    file.write_all(content).map_err(write)?;
    file.sync_all().map_err(write)?;
    fs::rename(&new, path).map_err(write)?;
    sync_dir_of(path)
}

/// Writes a file whose existence is the message. Its content explains it; on a full disk the file is made empty, as a
/// name alone takes no room on most file systems.
pub fn put_up(path: &Path, content: &[u8]) -> Result<(), FileError> {
    match write_private(path, content) {
        Err(error) if error.is_full() => {
            File::create(path).map_err(|source| FileError::Write { path: path.into(), source })?;
            sync_dir_of(path)
        }
        written => written,
    }
}

/// Removes a file if it exists.
pub fn remove(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(FileError::Write { path: path.into(), source }),
        Ok(()) => sync_dir_of(path),
    }
}

/// A rename or a removal is on disk once its directory is.
fn sync_dir_of(path: &Path) -> Result<(), FileError> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|source| FileError::Write { path: path.into(), source })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_private_file_is_its_owners_alone_also_when_it_replaces_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        fs::write(&path, "old").unwrap();
        write_private(&path, b"new").unwrap();
        assert_eq!(read_text(&path, 10).unwrap().as_deref(), Some("new"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_file_over_its_bound_is_refused_and_a_missing_one_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("big");
        assert!(read_text(&path, 3).unwrap().is_none());
        fs::write(&path, "1234").unwrap();
        assert!(matches!(read_text(&path, 3), Err(FileError::TooLarge { .. })));
    }
}
