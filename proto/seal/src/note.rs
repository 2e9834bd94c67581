//! Checkpoints: the signed form of a root. A signed note (<https://c2sp.org/signed-note>) whose text is a checkpoint of
//! the signer's log (<https://c2sp.org/tlog-checkpoint>), with the root on its own line:
//!
//! ```text
//! entente/{key id, 64 hexadecimal digits}/{epoch}
//! {leaves of the log, in decimal}
//! {hash over them, in base64}
//! entente-state {root, in base64}
//!
//! — entente/{key id}/{epoch} {4 bytes that name the key, then its signature, in base64}
//! ```
//!
//! For leases the word is `entente-lease`. One signature serves the agent, which reads the root and needs no log, and
//! the auditor, who reads the log and needs no root. Other lines and signatures are allowed and ignored.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use entente_model::desired::Digest;

use crate::decode::DecodeError;
use crate::hash;
use crate::keys::{KeyId, OnlineKey, PublicKey};
use crate::log::Log;
use crate::root::{Root, RootKind, root_digest};

/// Most bytes of a note. Ours have some 700, and witnesses may add signatures.
const MAX_NOTE_BYTES: usize = 4_096;

/// The start of a signature line.
const DASH: &str = "— ";

/// The type number of an Ed25519 key in the format of signed notes.
const ED25519: u8 = 1;

/// A decoded checkpoint. [`crate::Verifier::verify_note`] checks its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Names the log: its signer and the epoch.
    pub origin: String,
    /// The number of leaves of the log.
    pub size: u64,
    /// The hash over them.
    pub hash: Digest,
    /// The kind that the root's line names.
    pub kind: RootKind,
    /// The root's canonical bytes.
    pub root: Vec<u8>,
    /// The signed text.
    text: String,
    /// Signatures in the origin's name, each after the four bytes that name its key.
    signatures: Vec<Vec<u8>>,
}

/// The log of an online key in one epoch. A new epoch begins a new log: after a restored backup, the old log can no
/// longer continue from what it has published.
pub fn log_origin(signer: KeyId, epoch: u64) -> String {
    format!("entente/{}/{epoch}", signer.0)
}

/// The form in which verifiers of signed notes take a key: its name, the four bytes that name it in signatures, and the
/// key.
pub fn verifier_key(origin: &str, key: &PublicKey) -> String {
    let [a, b, c, d] = key_hash(origin, key);
    format!("{origin}+{a:02x}{b:02x}{c:02x}{d:02x}+{}", BASE64_STANDARD.encode(typed(key)))
}

/// Reads the form of [`verifier_key`]: the name and the key.
pub fn read_verifier_key(text: &str) -> Option<(&str, PublicKey)> {
    // Base64 contains this character too.
    let [origin, _, key] = text.splitn(3, '+').collect::<Vec<_>>()[..] else { return None };
    let key = decoded(key).and_then(|typed| PublicKey::from_bytes(typed.get(1..)?).ok())?;
    (verifier_key(origin, &key) == text).then_some((origin, key))
}

fn typed(key: &PublicKey) -> Vec<u8> {
    [&[ED25519], &key.as_bytes()[..]].concat()
}

fn key_hash(name: &str, key: &PublicKey) -> [u8; 4] {
    let Digest([a, b, c, d, ..]) = hash::of_bytes(&[name.as_bytes(), b"\n", &typed(key)].concat());
    [a, b, c, d]
}

fn word(kind: RootKind) -> &'static str {
    match kind {
        RootKind::States => "entente-state",
        RootKind::Leases => "entente-lease",
    }
}

fn signed(root: &Root, bytes: &[u8], key: &OnlineKey, log: &Log) -> String {
    let (origin, hash) = (root.log_origin(), BASE64_STANDARD.encode(log.hash().0));
    let line = format!("{} {}", word(root.kind), BASE64_STANDARD.encode(bytes));
    let text = format!("{origin}\n{}\n{hash}\n{line}\n", log.size());
    let signature = [&key_hash(&origin, &key.public())[..], &key.sign(b"", text.as_bytes())].concat();
    format!("{text}\n{DASH}{origin} {}\n", BASE64_STANDARD.encode(signature))
}

impl Root {
    /// Signs the root on a checkpoint of the signer's log in this epoch: a signed note. A root of states first becomes
    /// a leaf of the log; a root of leases shows the log as it is. The root must name this key as its signer, or every
    /// reader refuses it.
    pub fn sign(&self, key: &OnlineKey, log: &mut Log) -> Bytes {
        debug_assert_eq!(self.signer, key.id(), "a root names the key that signs it");
        let bytes = self.encode();
        match self.kind {
            RootKind::States => log.append(root_digest(&bytes)),
            RootKind::Leases => {}
        }
        signed(self, &bytes, key, log).into()
    }

    /// The log that the root belongs to, or shows.
    pub fn log_origin(&self) -> String {
        log_origin(self.signer, self.version.epoch)
    }
}

impl Checkpoint {
    /// Decodes a note in its canonical spelling.
    pub fn read(note: &[u8]) -> Result<Self, DecodeError> {
        let wrong = |field| move || DecodeError::field("note", field);
        if note.len() > MAX_NOTE_BYTES {
            return Err(DecodeError::TooLarge { what: "note".into(), len: note.len(), max: MAX_NOTE_BYTES });
        }
        let note = std::str::from_utf8(note).ok().filter(|note| !note.contains(|c| c < ' ' && c != '\n'));
        let note = note.ok_or_else(wrong("text"))?;
        let (text, signatures) = note.rsplit_once("\n\n").ok_or_else(wrong("signature"))?;
        let mut lines = text.split('\n');
        let origin = lines.next().filter(|line| !line.is_empty()).ok_or_else(wrong("origin"))?;
        let size = lines.next().and_then(decimal).ok_or_else(wrong("size"))?;
        let hash = lines.next().and_then(decoded).and_then(|it| it.try_into().ok()).ok_or_else(wrong("hash"))?;
        let mut roots = Vec::new();
        for line in lines {
            if line.is_empty() {
                return Err(wrong("line")());
            }
            for kind in [RootKind::States, RootKind::Leases] {
                let root = line.strip_prefix(word(kind)).and_then(|rest| rest.strip_prefix(' '));
                roots.extend(root.map(|root| (kind, root)));
            }
        }
        let &[(kind, root)] = &roots[..] else { return Err(wrong("root")()) };
        let root = decoded(root).ok_or_else(wrong("root"))?;
        let mut ours = Vec::new();
        for line in signatures.strip_suffix('\n').ok_or_else(wrong("signature"))?.split('\n') {
            let (name, signature) = signature(line).ok_or_else(wrong("signature"))?;
            ours.extend((name == origin).then_some(signature));
        }
        let (origin, text) = (origin.to_owned(), format!("{text}\n"));
        Ok(Self { origin, size, hash: Digest(hash), kind, root, text, signatures: ours })
    }

    /// The signature in this key's name. `None` if there are two.
    pub(crate) fn signature(&self, key: &PublicKey) -> Option<&[u8]> {
        let hash = key_hash(&self.origin, key);
        let mut signatures = self.signatures.iter().filter_map(|it| it.strip_prefix(&hash[..]));
        let signature = signatures.next()?;
        signatures.next().is_none().then_some(signature)
    }

    /// Whether the only signature of this key is valid.
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        self.signature(key).is_some_and(|signature| key.verifies(b"", self.text.as_bytes(), signature))
    }
}

/// A number without a sign or leading zeros.
fn decimal(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

/// Padded base64, without unused bits that are set.
fn decoded(text: &str) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(text).ok()
}

/// The name of a signature line, and its bytes.
fn signature(line: &str) -> Option<(&str, Vec<u8>)> {
    let (name, signature) = line.strip_prefix(DASH)?.split_once(' ')?;
    let is_name = !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '+');
    decoded(signature).filter(|bytes| is_name && bytes.len() > 4).map(|bytes| (name, bytes))
}

#[cfg(test)]
pub(crate) mod tests;
