//! SHA-256. The first byte tells leaves from inner nodes (as in RFC 6962, section 2.1).

use entente_model::desired::Digest;
use ring::digest::{Context, SHA256};

/// First byte of a leaf.
const LEAF: u8 = 0x00;
/// First byte of an inner node.
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

/// The hash of an item: its key with the key's length, so that no part of it can pass for content, and its bytes.
pub(crate) fn of_item(key: &str, bytes: &[u8]) -> Digest {
    let length = u32::try_from(key.len()).expect("keys are bounded").to_be_bytes();
    sha256(&[&[LEAF], &length, key.as_bytes(), bytes])
}

/// The hash of a header or a lease.
pub(crate) fn of_leaf(bytes: &[u8]) -> Digest {
    sha256(&[&[LEAF], bytes])
}

/// The hash over other hashes.
pub(crate) fn of_inner<'a>(hashes: impl IntoIterator<Item = &'a Digest>) -> Digest {
    let mut context = Context::new(&SHA256);
    context.update(&[INNER]);
    hashes.into_iter().for_each(|hash| context.update(&hash.0));
    Digest(context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes"))
}
