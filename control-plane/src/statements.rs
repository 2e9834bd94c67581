//! What the offline root key signs: delegations of online keys, their revocation, and epochs. Each is a small file in
//! the folder `signing.statements`, and a server takes all of them in when it starts.
//!
//! The files hold no secret. They can be made on a machine that is never connected, where the root key lives, and
//! carried over.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use entente_model::Timestamp;
use entente_seal::{PublicKey, RootKey, Signed, Statement, Verifier};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::files;

/// A signed statement in a file, hexadecimal.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    statement: String,
    signature: String,
}

/// Everything in a folder, in order of name, all of it signed by this root key.
#[derive(Debug)]
pub(crate) struct Statements {
    pub(crate) all: Vec<(Signed, Statement)>,
    pub(crate) verifier: Verifier,
}

impl Statements {
    pub(crate) fn load(folder: &Path, root: PublicKey) -> Result<Self, Failure> {
        let entries = fs::read_dir(folder).map_err(Failure::reading(folder))?;
        let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<BTreeSet<_>, _>>();
        let paths = paths.map_err(Failure::reading(folder))?;
        let mut statements = Self { all: Vec::new(), verifier: Verifier::new(root) };
        for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "toml")) {
            let signed = read(path)?;
            let refused = |error| Failure::because(format!("{} is refused", path.display()), error);
            let statement = statements.verifier.accept(&signed).map_err(refused)?;
            statements.all.push((signed, statement));
        }
        Ok(statements)
    }

    /// The newest epoch that is stated; 0 before the first.
    pub(crate) fn epoch(&self) -> u64 {
        let epochs = self.all.iter().map(|(_, statement)| match statement {
            Statement::Epoch { epoch, .. } => *epoch,
            _ => 0,
        });
        epochs.max().unwrap_or(0)
    }

    /// Until when this key may sign, by the delegation that lasts longest.
    pub(crate) fn delegated_until(&self, key: PublicKey) -> Option<Timestamp> {
        let revoked: BTreeSet<u64> = self.all.iter().flat_map(|(_, statement)| revoked(statement)).collect();
        let ends = self.all.iter().filter_map(|(_, statement)| match statement {
            Statement::Delegation { key: other, not_after, serial, .. }
                if *other == key && !revoked.contains(serial) =>
            {
                Some(*not_after)
            }
            _ => None,
        });
        ends.max()
    }
}

fn revoked(statement: &Statement) -> BTreeSet<u64> {
    match statement {
        Statement::Revocation { serials } => serials.clone(),
        _ => BTreeSet::new(),
    }
}

fn read(path: &Path) -> Result<Signed, Failure> {
    let wrong = |text: String| Failure::failed(format!("{} is not a statement: {text}", path.display()));
    let file: File = toml::from_str(&files::read(path)?).map_err(|error| wrong(error.to_string()))?;
    let bytes = |text: &str| hex::decode(text).map_err(|error| wrong(error.to_string()));
    Ok(Signed { statement: bytes(&file.statement)?, signature: bytes(&file.signature)? })
}

/// Lends the root's name to an online key, from now. The serial number is the second at which it was lent.
pub(crate) fn delegation(key: PublicKey, now: Timestamp, lifetime: Duration) -> Statement {
    let serial = u64::try_from(now.as_unix()).expect("timestamps begin in 1970");
    // The machines that check it may be a little behind.
    let not_before = Timestamp::from_unix(now.as_unix() - CLOCK_SKEW_SECONDS);
    Statement::Delegation { key, not_before, not_after: now.plus(lifetime), serial }
}

/// What clocks of machines that keep time differ by, at most.
const CLOCK_SKEW_SECONDS: i64 = 300;

/// In one line, for people; what counts is signed.
pub(crate) fn describe(statement: &Statement) -> String {
    let text = match statement {
        Statement::Delegation { key, not_after, serial, .. } => {
            format!("delegation {serial}: {} may sign until {not_after}", key.id())
        }
        Statement::Revocation { serials } => format!("revocation of the delegations {serials:?}"),
        Statement::Epoch { epoch, reason } => format!("epoch {epoch}: {reason}"),
    };
    text.replace(char::is_control, " ")
}

/// Of a delegation.
pub(crate) fn serial(statement: &Statement) -> Option<u64> {
    match statement {
        Statement::Delegation { serial, .. } => Some(*serial),
        _ => None,
    }
}

/// Signs a statement and writes it into the folder. Returns the file.
pub(crate) fn write(folder: &Path, root: &RootKey, statement: &Statement, now: Timestamp) -> Result<PathBuf, Failure> {
    let kind = match statement {
        Statement::Delegation { .. } => "delegation",
        Statement::Revocation { .. } => "revocation",
        Statement::Epoch { .. } => "epoch",
    };
    let signed = root.state(statement);
    let file = File { statement: hex::encode(&signed.statement), signature: hex::encode(&signed.signature) };
    let file = toml::to_string(&file).expect("two texts are a table");
    let path = folder.join(next_name(folder, now, kind)?);
    files::write_new(&path, &format!("# {}\n{file}", describe(statement)))?;
    Ok(path)
}

/// The time first, then a number within its second, so that the order of names is the order of events.
fn next_name(folder: &Path, now: Timestamp, kind: &str) -> Result<String, Failure> {
    let second = format!("{:012}-", now.as_unix());
    let mut taken = 0;
    for entry in fs::read_dir(folder).map_err(Failure::reading(folder))? {
        let name = entry.map_err(Failure::reading(folder))?.file_name();
        taken += u32::from(name.to_string_lossy().starts_with(&second));
    }
    Ok(format!("{second}{:02}-{kind}.toml", taken + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> RootKey {
        let key = entente_seal::generate_pkcs8(&ring::rand::SystemRandom::new()).unwrap();
        RootKey::from_pkcs8(key.expose()).unwrap()
    }

    #[test]
    fn what_was_written_is_read_back_and_another_roots_word_is_refused_by_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, theirs, now) = (root(), root(), Timestamp::from_unix(1_800_000_000));
        let key = root().public();
        let delegation = delegation(key, now, Duration::from_secs(60));
        write(folder.path(), &ours, &delegation, now).unwrap();
        write(folder.path(), &ours, &Statement::Epoch { epoch: 1, reason: "first\nline".into() }, now).unwrap();
        let read = Statements::load(folder.path(), ours.public()).unwrap();
        assert_eq!((read.all.len(), read.epoch()), (2, 1));
        assert_eq!(read.delegated_until(key), Some(now.plus(Duration::from_secs(60))));
        let later = now.plus(Duration::from_secs(9));
        let serials = BTreeSet::from([1_800_000_000]);
        write(folder.path(), &ours, &Statement::Revocation { serials }, later).unwrap();
        assert_eq!(Statements::load(folder.path(), ours.public()).unwrap().delegated_until(key), None);
        let path = write(folder.path(), &theirs, &Statement::Epoch { epoch: 2, reason: "x".into() }, later).unwrap();
        let refused = Statements::load(folder.path(), ours.public()).unwrap_err();
        assert!(refused.to_string().contains(path.to_str().unwrap()), "{refused}");
    }
}
