//! The customer's own switches: files in the state directory, so that they hold at once, survive a restart, and need
//! neither the agent nor anyone else to be running.

use std::path::{Path, PathBuf};

use crate::files::{self, FileError};

/// Where the switches lie.
#[derive(Debug, Clone)]
pub struct Switches {
    pause: PathBuf,
    revoke_all: PathBuf,
}

/// How they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Positions {
    /// Only end dates pass.
    pub paused: bool,
    /// Everything that the agent gave goes, and nothing is given again until `resume`.
    pub revoke_all: bool,
}

impl Switches {
    pub fn of(state_dir: &Path) -> Self {
        Self { pause: state_dir.join("paused"), revoke_all: state_dir.join("revoke-all") }
    }

    /// In doubt they are on: the safe direction.
    pub fn positions(&self) -> Positions {
        let on = |path: &Path| path.try_exists().unwrap_or(true);
        Positions { paused: on(&self.pause), revoke_all: on(&self.revoke_all) }
    }

    pub fn pause(&self) -> Result<(), FileError> {
        files::write_private(&self.pause, b"only end dates pass until `entente-agent resume`\n")
    }

    pub fn revoke_all(&self) -> Result<(), FileError> {
        files::write_private(&self.revoke_all, b"everything goes; nothing is given until `entente-agent resume`\n")
    }

    pub fn resume(&self) -> Result<(), FileError> {
        files::remove(&self.pause)?;
        files::remove(&self.revoke_all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_hold_for_whoever_looks_next() {
        let dir = tempfile::tempdir().unwrap();
        let look = || Switches::of(dir.path()).positions();
        assert_eq!(look(), Positions::default());
        Switches::of(dir.path()).pause().unwrap();
        assert!(look().paused && !look().revoke_all);
        Switches::of(dir.path()).revoke_all().unwrap();
        assert!(look().revoke_all);
        Switches::of(dir.path()).resume().unwrap();
        assert_eq!(look(), Positions::default());
    }
}
