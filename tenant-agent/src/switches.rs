//! The customer's switches: files in the state directory, so that they take effect at once, survive a restart, and need
//! no process to run.

use std::path::{Path, PathBuf};

use std::collections::BTreeSet;

use entente_model::desired::ItemKey;
use entente_model::{Guid, Timestamp};
use tracing::error;

use crate::files::{self, FileError};

/// Most people allowed again at a time: the agent takes note of them at its next look.
const MAX_ALLOWED: usize = 1_000;

/// Room for the keys of everything that a person can confirm at once (`status_file::MAX_NOT_ALLOWED`).
const MAX_KEYS_BYTES: usize = 16 << 20;

/// The files of the switches.
#[derive(Debug, Clone)]
pub struct Switches {
    pause: PathBuf,
    revoke_all: PathBuf,
    revoke: PathBuf,
    allow_again: PathBuf,
}

/// Which switches are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Positions {
    /// Only end dates take effect.
    pub paused: bool,
    /// The agent removes everything that it gave, and gives nothing until `resume`.
    pub revoke_all: bool,
    /// The agent takes away what the guardrail no longer allows.
    pub revokes: bool,
    /// A person may be invited again, and the loop has not taken note yet.
    pub allows_again: bool,
}

impl Switches {
    pub fn of(state_dir: &Path) -> Self {
        Self {
            pause: state_dir.join("paused"),
            revoke_all: state_dir.join("revoke-all"),
            revoke: state_dir.join("revoke-not-allowed"),
            allow_again: state_dir.join("allow-again"),
        }
    }

    /// Reads the switches. A switch that cannot be read counts as on, which is the safe direction.
    pub fn positions(&self) -> Positions {
        let on = |path: &Path| path.try_exists().unwrap_or(true);
        let allows_again = !self.allowed_again().is_empty();
        // For this switch, off is the safe direction: only what a person confirmed is taken away.
        let revokes = self.revoke.try_exists().unwrap_or(false);
        Positions { paused: on(&self.pause), revoke_all: on(&self.revoke_all), revokes, allows_again }
    }

    /// Like [`Switches::positions`], but an error where a switch cannot be read.
    pub fn told(&self) -> std::io::Result<Positions> {
        let (paused, revoke_all) = (self.pause.try_exists()?, self.revoke_all.try_exists()?);
        Ok(Positions { paused, revoke_all, revokes: self.revoke.try_exists()?, ..self.positions() })
    }

    /// When the customer paused, by the host's clock. For people only.
    pub fn paused_since(&self) -> Option<Timestamp> {
        let written = self.pause.metadata().ok()?.modified().ok()?;
        let since = written.duration_since(std::time::UNIX_EPOCH).ok()?;
        Some(Timestamp::from_unix(i64::try_from(since.as_secs()).ok()?))
    }

    pub fn pause(&self) -> Result<(), FileError> {
        files::put_up(&self.pause, b"only end dates pass until `entente-agent resume`\n")
    }

    pub fn revoke_all(&self) -> Result<(), FileError> {
        files::put_up(&self.revoke_all, b"everything goes; nothing is given until `entente-agent resume`\n")
    }

    /// Asks the agent to take these away. A person has seen and confirmed them.
    pub fn revoke(&self, keys: &BTreeSet<ItemKey>) -> Result<(), FileError> {
        files::write_private(&self.revoke, &serde_json::to_vec(keys).expect("keys are texts"))
    }

    /// The items that a person confirmed, if the switch is on.
    pub fn to_revoke(&self) -> Option<BTreeSet<ItemKey>> {
        let told =
            |error: &dyn std::fmt::Display| error!(%error, "the items that were confirmed for revoke cannot be read");
        let text = files::read_text(&self.revoke, MAX_KEYS_BYTES).inspect_err(|error| told(error)).ok()??;
        serde_json::from_str(&text).inspect_err(|error| told(error)).ok()
    }

    /// Turns the switch off once the items are taken away, or cannot be.
    pub fn revoked(&self) -> Result<(), FileError> {
        files::remove(&self.revoke)
    }

    /// Allows one new invitation of a person whose account the customer deleted.
    pub fn allow_again(&self, person: Guid) -> Result<(), FileError> {
        files::make_private_dir(&self.allow_again)?;
        files::write_private(&self.allow_again.join(person.to_string()), b"may be invited again, for one time\n")
    }

    /// The people who may be invited again and of whom the loop has not taken note. Nobody if that cannot be read,
    /// which is the safe direction.
    pub fn allowed_again(&self) -> Vec<Guid> {
        let Ok(files) = std::fs::read_dir(&self.allow_again) else { return Vec::new() };
        let names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
        names.filter_map(|name| name.parse().ok()).take(MAX_ALLOWED).collect()
    }

    /// Notes that the loop has taken note.
    pub fn noted(&self, person: Guid) -> Result<(), FileError> {
        files::remove(&self.allow_again.join(person.to_string()))
    }

    pub fn resume(&self) -> Result<(), FileError> {
        files::remove(&self.pause)?;
        files::remove(&self.revoke)?;
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
        let keys: BTreeSet<ItemKey> = ["group/l1/standard".parse().unwrap()].into();
        Switches::of(dir.path()).revoke(&keys).unwrap();
        assert!(look().revokes && Switches::of(dir.path()).to_revoke() == Some(keys));
        std::fs::write(dir.path().join("revoke-not-allowed"), "[").unwrap();
        assert_eq!(Switches::of(dir.path()).to_revoke(), None, "nothing that nobody has confirmed");
        Switches::of(dir.path()).revoked().unwrap();
        assert_eq!(look(), Positions::default());
        let person: Guid = "0b0de000-0000-4000-8000-000000000003".parse().unwrap();
        Switches::of(dir.path()).allow_again(person).unwrap();
        assert!(look().allows_again && Switches::of(dir.path()).allowed_again() == [person]);
        Switches::of(dir.path()).noted(person).unwrap();
        assert_eq!(look(), Positions::default());
    }
}
