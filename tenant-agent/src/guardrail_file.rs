//! The customer's guardrail as it lies on disk: read anew before each plan, never cached.

use std::path::Path;

use entente_model::Guid;
use entente_model::violation::{Fault, Violation};
use entente_planner::guardrail::{Guardrail, MAX_BYTES, Unreadable};
use entente_seal::KeyId;

use crate::files;

/// One reading of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardrailFile {
    /// SHA-256 of its bytes, in hex; empty if it cannot be read.
    pub digest: String,
    pub content: Result<Guardrail, Unreadable>,
}

impl GuardrailFile {
    /// Reads it for the agent of one tenant that trusts one root key.
    pub fn read(path: &Path, tenant: Guid, root: KeyId) -> Self {
        let (digest, text) = match read_text(path) {
            Ok(read) => read,
            Err(unreadable) => return Self { digest: String::new(), content: Err(unreadable) },
        };
        let content = Guardrail::load(&text, tenant).and_then(|guardrail| check_key(guardrail, root));
        Self { digest, content }
    }

    pub fn fault(&self) -> Option<String> {
        self.content.as_ref().err().map(ToString::to_string)
    }
}

/// Digest and text of the file.
pub fn read_text(path: &Path) -> Result<(String, String), Unreadable> {
    let missing = |why: String| Unreadable::missing(format!("{why}; restore the file that the customer signed"));
    let text = files::read_text(path, MAX_BYTES).map_err(|error| missing(chain(&error)))?;
    let text = text.ok_or_else(|| missing(format!("there is no file {}", path.display())))?;
    Ok((sha256_hex(text.as_bytes()), text))
}

/// A state that another key signed would be another provider's.
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

/// An error with its causes, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Transparent errors say what their cause says.
        let next = error.to_string();
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}
