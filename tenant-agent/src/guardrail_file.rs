//! The customer's guardrail file. The agent reads it before each plan and each step, and parses it when its bytes have
//! changed.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use entente_model::Guid;
pub(crate) use entente_model::text::chain;
use entente_model::violation::{Fault, Violation};
use entente_planner::guardrail::{Guardrail, MAX_BYTES, Unreadable};
use entente_seal::KeyId;

use crate::files;

/// The file as it was read once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardrailFile {
    /// SHA-256 of its bytes in hex; empty if the file cannot be read.
    pub digest: String,
    pub content: Result<Guardrail, Unreadable>,
}

impl GuardrailFile {
    /// Reads it for the agent of one tenant that trusts one root key.
    pub fn read(path: &Path, tenant: Guid, root: KeyId) -> Self {
        Arc::unwrap_or_clone(GuardrailReader::new(path.into(), tenant, root).read())
    }

    /// Why the file cannot be used, without saying that it cannot.
    pub fn fault(&self) -> Option<String> {
        self.content.as_ref().err().map(Unreadable::words)
    }
}

/// Reads one agent's file repeatedly, and parses it when its bytes have changed. It compares bytes and not the file's
/// times, as a file may be replaced twice within one tick of the file system's clock.
#[derive(Debug)]
pub struct GuardrailReader {
    path: PathBuf,
    tenant: Guid,
    root: KeyId,
    parsed: Mutex<Option<Arc<GuardrailFile>>>,
}

impl GuardrailReader {
    pub fn new(path: PathBuf, tenant: Guid, root: KeyId) -> Self {
        Self { path, tenant, root, parsed: Mutex::default() }
    }

    /// The file as it is now.
    pub fn read(&self) -> Arc<GuardrailFile> {
        let refused = |digest, unreadable| Arc::new(GuardrailFile { digest, content: Err(unreadable) });
        let (digest, text) = match read_text(&self.path) {
            Ok(read) => read,
            Err(unreadable) => return refused(String::new(), unreadable),
        };
        let faults = open_to_others(&self.path, Others::Everybody);
        if !faults.is_empty() {
            return refused(digest, Unreadable { faults });
        }
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        match &*parsed {
            Some(file) if file.digest == digest => file.clone(),
            _ => {
                let content = Guardrail::load(&text, self.tenant).and_then(|content| check_key(content, self.root));
                parsed.insert(Arc::new(GuardrailFile { digest, content })).clone()
            }
        }
    }
}

/// Who may not write the file besides its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// The group and everybody else: for the person who is about to sign the file.
    Group,
    /// Everybody else: for an agent, as a mounted volume may be writable by its group.
    Everybody,
}

/// Returns a fault for each way in which others could write the file or replace it: its content may not be the
/// customer's then.
pub fn open_to_others(path: &Path, others: Others) -> Vec<Violation> {
    let bits = match others {
        Others::Group => 0o022,
        Others::Everybody => 0o002,
    };
    let mut faults = Vec::new();
    // Follows links. A missing file is reported elsewhere.
    let Ok(target) = path.canonicalize() else { return faults };
    let mode = |path: &Path| path.metadata().map(|it| it.permissions().mode()).unwrap_or_default();
    if mode(&target) & bits != 0 {
        let text = format!("others may write {}; run chmod go-w on it", target.display());
        faults.push(Violation::new("guardrail", Fault::Conflict, text));
    }
    let folders: BTreeSet<PathBuf> = [path.parent(), target.parent()]
        .into_iter()
        .flatten()
        .filter_map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder }.canonicalize().ok())
        .collect();
    for folder in folders {
        // With the sticky bit, others may write in the folder but not replace the file.
        if mode(&folder) & 0o1002 == 0o002 {
            let text =
                format!("everybody may write in {}, and put another file there; run chmod o-w on it", folder.display());
            faults.push(Violation::new("guardrail", Fault::Conflict, text));
        }
    }
    faults
}

/// The file that a link leads to, if `path` is a link.
pub fn link(path: &Path) -> Option<PathBuf> {
    let is_link = path.symlink_metadata().is_ok_and(|it| it.file_type().is_symlink());
    is_link.then(|| path.canonicalize().ok()).flatten()
}

/// The digest and the text of the file.
pub fn read_text(path: &Path) -> Result<(String, String), Unreadable> {
    let missing = |why: String| Unreadable::missing(format!("{why}; restore the file that the customer signed"));
    let text = files::read_text(path, MAX_BYTES).map_err(|error| missing(chain(&error)))?;
    let text = text.ok_or_else(|| missing(format!("there is no file {}", path.display())))?;
    Ok((sha256_hex(text.as_bytes()), text))
}

/// Refuses a file that names another key than the enrolled one, as it is for another provider.
fn check_key(guardrail: Guardrail, root: KeyId) -> Result<Guardrail, Unreadable> {
    if guardrail.provider.state_key.parse::<KeyId>().is_ok_and(|key| key == root) {
        return Ok(guardrail);
    }
    let text = format!("is not the key that this agent enrolled with, {root}: enrol again, or restore the file");
    Err(Unreadable { faults: vec![Violation::new("provider.stateKey", Fault::Conflict, text)] })
}

pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(ring::digest::digest(&ring::digest::SHA256, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> KeyId {
        crate::testing::root().id()
    }

    #[test]
    fn a_file_is_parsed_when_its_bytes_change_and_whenever_they_do() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("guardrail.yaml");
        let tick = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
        let write = |from: &str, to: &str| {
            std::fs::write(&path, crate::testing::guardrail("manage").replace(from, to)).unwrap();
            std::fs::File::options().write(true).open(&path).unwrap().set_modified(tick).unwrap();
        };
        write("", "");
        let reader = GuardrailReader::new(path.clone(), crate::testing::TENANT.parse().unwrap(), root());
        let first = reader.read();
        assert!(Arc::ptr_eq(&first, &reader.read()), "the same bytes are parsed once");
        // The same size, the same file, the same time.
        write("groups: 12", "groups: 13");
        assert_eq!(reader.read().content.as_ref().unwrap().limits.groups, 13);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o646)).unwrap();
        assert!(reader.read().fault().unwrap().contains("others may write"), "the bytes alone are not enough");
        std::fs::remove_file(&path).unwrap();
        assert!(
            reader.read().fault().is_some() && reader.read().digest.is_empty(),
            "what was parsed does not outlive it"
        );
    }

    #[test]
    fn attacks_p12_an_agent_takes_no_file_that_everybody_may_write() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("guardrail.yaml");
        std::fs::write(&path, crate::testing::guardrail("manage")).unwrap();
        let tenant = crate::testing::TENANT.parse().unwrap();
        let read = |mode| {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            GuardrailFile::read(&path, tenant, root())
        };
        assert_eq!(read(0o644).fault(), None);
        assert_eq!(read(0o664).fault(), None, "a volume's group does not stop an agent");
        let fault = read(0o646).fault().unwrap();
        assert!(fault.contains("others may write"), "{fault}");
    }
}
