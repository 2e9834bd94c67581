//! SHA-256, with what is hashed told apart by its first byte (RFC 6962, section 2.1, for the same reason).

use entente_model::desired::Digest;
use ring::digest::{Context, SHA256};

/// First byte of what hangs at the end of a tree.
const LEAF: u8 = 0x00;
/// First byte of what joins other hashes.
const INNER: u8 = 0x01;

fn sha256(parts: &[&[u8]]) -> Digest {
    let mut context = Context::new(&SHA256);
    parts.iter().for_each(|part| context.update(part));
    let hash = context.finish();
    Digest(hash.as_ref().try_into().expect("SHA-256 has 32 bytes"))
}

/// The hash of some bytes, as a name for them.
pub(crate) fn of_bytes(bytes: &[u8]) -> Digest {
    sha256(&[bytes])
}

/// An item: its key, with the key's length so that none of it can pass for content, and its bytes.
pub(crate) fn of_item(key: &str, bytes: &[u8]) -> Digest {
    let length = u32::try_from(key.len()).expect("keys are bounded").to_be_bytes();
    sha256(&[&[LEAF], &length, key.as_bytes(), bytes])
}

/// A header or a lease.
pub(crate) fn of_leaf(bytes: &[u8]) -> Digest {
    sha256(&[&[LEAF], bytes])
}

/// Hashes, joined.
pub(crate) fn of_inner<'a>(hashes: impl IntoIterator<Item = &'a Digest>) -> Digest {
    let mut context = Context::new(&SHA256);
    context.update(&[INNER]);
    hashes.into_iter().for_each(|hash| context.update(&hash.0));
    Digest(context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes"))
}
