//! One item and its bytes.
//!
//! Items are sent and stored as a key and the exact bytes that were signed. A reader does not carry out what it cannot
//! read in full: such an item decodes to [`ItemBody::Unknown`], with its windows and its want, so a removal never
//! passes for a grant. An unknown cause still means a removal. An item with a text that is not plain decodes to
//! [`ItemBody::Unknown`] too. [`crate::buckets`] has the digests of many items.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use entente_model::desired::{Digest, Item, ItemBody, ItemKey, MAX_KNOWN, Want};
use entente_model::revocation::Cause;
use entente_model::{Guid, Timestamp, Window, Windows, text};
use prost::Message;

use crate::decode::{DecodeError, guid, timestamp};
use crate::{hash, kinds, wire};

/// Most bytes of one item: a person with a thousand separate windows takes some 20 KiB.
pub const MAX_ITEM_BYTES: usize = 32 * 1024;

/// The highest level of [`wire::Item::needs`] that this version understands. Raise it with a field that changes the
/// meaning of a known kind. Items that do not use the field keep the lower level, as all do now.
const LEVEL: u32 = 1;

/// The item's bytes, without its key. The same item always has the same bytes.
pub fn encode_item(item: &Item) -> Vec<u8> {
    let absent = match &item.want {
        Want::Present => None,
        Want::Absent { cause, actor, since, known, addresses } => Some(wire::Absent {
            cause: cause.word().into(),
            actor: actor.clone(),
            since: since.as_unix(),
            known: known.iter().map(|id| id.as_bytes().to_vec()).collect(),
            addresses: addresses.iter().cloned().collect(),
        }),
    };
    let windows = item.windows.as_slice().iter().map(|window| wire::Window {
        start: window.start.map(Timestamp::as_unix),
        end: window.end.map(Timestamp::as_unix),
    });
    wire::Item { absent, windows: windows.collect(), needs: 0, body: kinds::encode(&item.body) }.encode_to_vec()
}

/// Decodes an item. An unknown kind or level, or an unknown word of a closed list, makes the body
/// [`ItemBody::Unknown`]; any other fault is an error.
pub fn decode_item(key: &str, bytes: &[u8]) -> Result<Item, DecodeError> {
    check_size(key, bytes)?;
    let parsed = parse_key(key)?;
    let item = wire::Item::decode(bytes).map_err(|error| DecodeError::Bytes(key.into(), error))?;
    let windows = decode_windows(key, &item.windows)?;
    let want = decode_want(key, item.absent)?;
    let is_readable = item.needs <= LEVEL && !matches!(parsed, ItemKey::Other(_));
    let body = match item.body.filter(|_| is_readable) {
        Some(body) => kinds::decode(key, body)?,
        None => None,
    };
    if body.as_ref().is_some_and(|body| !body.is_of(&parsed)) {
        return Err(DecodeError::field(key, "body"));
    }
    // A text that breaks a line or looks like another one is never shown or written to a tenant, no matter who signed
    // it.
    let body = body.filter(is_plain).unwrap_or(ItemBody::Unknown);
    Ok(Item { key: parsed, want, windows, body })
}

fn is_plain(body: &ItemBody) -> bool {
    kinds::texts(body).into_iter().all(|it| text::plain(it).is_ok())
}

fn check_size(key: &str, bytes: &[u8]) -> Result<(), DecodeError> {
    if bytes.len() <= MAX_ITEM_BYTES {
        return Ok(());
    }
    // Cut the key before the error repeats it.
    let what = key.chars().take(64).collect();
    Err(DecodeError::TooLarge { what, len: bytes.len(), max: MAX_ITEM_BYTES })
}

fn parse_key(key: &str) -> Result<ItemKey, DecodeError> {
    let parsed: ItemKey = key.parse()?;
    // Two spellings of one key would be two leaves for one thing.
    if parsed.to_string() == key { Ok(parsed) } else { Err(DecodeError::KeySpelling(key.into())) }
}

fn decode_want(key: &str, absent: Option<wire::Absent>) -> Result<Want, DecodeError> {
    let Some(absent) = absent else { return Ok(Want::Present) };
    let since = timestamp(key, "absent.since", absent.since)?;
    let known: BTreeSet<Guid> =
        absent.known.iter().map(|id| guid(key, "absent.known", id)).collect::<Result<_, DecodeError>>()?;
    let addresses: BTreeSet<String> = absent.addresses.into_iter().collect();
    if known.len() > MAX_KNOWN || addresses.len() > MAX_KNOWN {
        return Err(DecodeError::field(key, "absent.known"));
    }
    let cause = Cause::ALL.into_iter().find(|cause| cause.word() == absent.cause).unwrap_or(Cause::Unknown);
    // It appears in logs and receipts. The removal itself depends on no text.
    let actor = if text::plain(&absent.actor).is_ok() { absent.actor } else { String::new() };
    let addresses = addresses.into_iter().filter(|it| text::plain(it).is_ok()).collect();
    Ok(Want::Absent { cause, actor, since, known, addresses })
}

fn decode_windows(key: &str, windows: &[wire::Window]) -> Result<Windows, DecodeError> {
    let bound = |bound: Option<i64>| bound.map(|seconds| timestamp(key, "windows", seconds)).transpose();
    let window = |window: &wire::Window| Ok(Window { start: bound(window.start)?, end: bound(window.end)? });
    let plain: Vec<Window> = windows.iter().map(window).collect::<Result<_, DecodeError>>()?;
    let merged = Windows::from(plain.clone());
    if merged.as_slice() == plain { Ok(merged) } else { Err(DecodeError::field(key, "windows")) }
}

/// An item as it is sent and stored: encoded and hashed once, then shared by all users.
#[derive(Clone)]
pub struct SealedItem(Arc<Sealed>);

struct Sealed {
    key: Box<str>,
    bytes: Bytes,
    leaf: Digest,
    /// The first byte of the key's hash.
    bucket: u8,
}

impl SealedItem {
    /// Encodes and hashes.
    pub fn seal(item: &Item) -> Self {
        Self::of(item.key.to_string(), encode_item(item).into())
    }

    /// Takes an item from the network or the disk. Checks its bounds and the key's spelling; [`Self::open`] decodes the
    /// rest.
    pub fn received(key: &str, bytes: Bytes) -> Result<Self, DecodeError> {
        check_size(key, &bytes)?;
        parse_key(key)?;
        Ok(Self::of(key.into(), bytes))
    }

    fn of(key: String, bytes: Bytes) -> Self {
        let (leaf, bucket) = (hash::of_item(&key, &bytes), bucket_of(&key));
        Self(Arc::new(Sealed { key: key.into(), bytes, leaf, bucket }))
    }

    pub fn key(&self) -> &str {
        &self.0.key
    }

    pub fn bytes(&self) -> &Bytes {
        &self.0.bytes
    }

    pub fn leaf(&self) -> Digest {
        self.0.leaf
    }

    pub(crate) fn leaf_ref(&self) -> &Digest {
        &self.0.leaf
    }

    pub(crate) fn bucket(&self) -> u8 {
        self.0.bucket
    }

    /// Decodes the item.
    pub fn open(&self) -> Result<Item, DecodeError> {
        decode_item(self.key(), self.bytes())
    }
}

/// The bucket of a key, one of 256.
pub(crate) fn bucket_of(key: &str) -> u8 {
    hash::of_bytes(key.as_bytes()).0[0]
}

impl PartialEq for SealedItem {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.leaf == other.0.leaf
    }
}

impl Eq for SealedItem {}

impl std::fmt::Debug for SealedItem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} bytes)", self.key(), self.bytes().len())
    }
}

#[cfg(test)]
mod tests;
