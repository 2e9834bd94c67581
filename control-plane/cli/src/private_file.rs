//! A new file with a secret in it, claimed before the secret is asked for.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Empty until it is filled; gone if it never is.
#[derive(Debug)]
pub(crate) struct PrivateFile {
    path: PathBuf,
    file: File,
    is_full: bool,
}

impl PrivateFile {
    /// Other users cannot read it. One that is there is not written over.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = file.map_err(|error| cannot_write(path, &error))?;
        Ok(Self { path: path.to_owned(), file, is_full: false })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Everything is on the disk when this returns.
    pub(crate) fn fill(mut self, content: &[u8]) -> Result<(), Failure> {
        let written = self.file.write_all(content).and_then(|()| self.file.sync_all());
        self.is_full = written.is_ok();
        written.map_err(|error| cannot_write(&self.path, &error))
    }
}

impl Drop for PrivateFile {
    fn drop(&mut self) {
        if !self.is_full {
            // The file is empty, so nothing is lost.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Failed(format!("cannot write {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_private_and_stays_only_if_it_is_filled() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        drop(PrivateFile::create(&path).unwrap());
        assert!(!path.exists());
        PrivateFile::create(&path).unwrap().fill(b"secret").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"secret");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(PrivateFile::create(&path).unwrap_err().to_string().contains("exists"));
        assert!(path.exists(), "what was there before stays");
    }
}
