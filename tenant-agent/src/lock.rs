//! A lock that lets one agent at a time use a state directory.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::files::{self, FileError};

/// Half a second in total: far longer than `status` holds the lock.
const ATTEMPTS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(50);

/// The lock is held while this value lives. The system releases it when the process ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why the lock cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("an entente-agent is running already with the state directory {0}")]
    Held(PathBuf),
    #[error(transparent)]
    File(#[from] FileError),
}

impl Lock {
    /// Takes the lock. Retries for a moment, as `status` takes it to see whether an agent runs.
    pub fn take(state_dir: &Path) -> Result<Self, LockError> {
        for _ in 1..ATTEMPTS {
            match Self::try_take(state_dir) {
                Err(LockError::Held(_)) => std::thread::sleep(PAUSE),
                taken => return taken,
            }
        }
        Self::try_take(state_dir)
    }

    /// Takes the lock if it is free.
    pub fn try_take(state_dir: &Path) -> Result<Self, LockError> {
        files::make_private_dir(state_dir)?;
        let path = state_dir.join("lock");
        let file = File::create(&path).map_err(|source| FileError::Write { path: path.clone(), source })?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(std::fs::TryLockError::WouldBlock) => Err(LockError::Held(state_dir.into())),
            Err(std::fs::TryLockError::Error(source)) => Err(FileError::Write { path, source }.into()),
        }
    }
}
