//! Converts seals, signed statements and sealed items in both directions. Their bytes stay as they are.

use entente_model::desired::Digest;
use entente_proto::agent::v1 as wire;
use entente_seal::{DecodeError, Path, Seal, SealedItem, Signed};

/// A seal whose shape is wrong.
#[derive(Debug, thiserror::Error)]
#[error("the seal's {0} is malformed")]
pub struct SealForm(&'static str);

/// Most siblings of a path: a tree of four thousand million leaves.
const MAX_PATH: usize = 32;

pub fn seal_to_proto(seal: &Seal) -> wire::Seal {
    wire::Seal {
        note: seal.note.clone(),
        leaf: seal.leaf.clone(),
        index: seal.path.index,
        size: seal.path.size,
        path: seal.path.siblings.iter().map(|sibling| sibling.0.to_vec().into()).collect(),
    }
}

pub fn seal_from_proto(seal: wire::Seal) -> Result<Seal, SealForm> {
    if seal.path.len() > MAX_PATH {
        return Err(SealForm("path"));
    }
    let siblings = seal.path.iter().map(|it| digest(it)).collect::<Option<_>>().ok_or(SealForm("path"))?;
    let path = Path { index: seal.index, size: seal.size, siblings };
    Ok(Seal { note: seal.note, leaf: seal.leaf, path })
}

pub fn signed_to_proto(signed: &Signed) -> wire::SignedStatement {
    wire::SignedStatement { statement: signed.statement.clone().into(), signature: signed.signature.clone().into() }
}

pub fn signed_from_proto(signed: wire::SignedStatement) -> Signed {
    Signed { statement: signed.statement.to_vec(), signature: signed.signature.to_vec() }
}

pub fn item_to_proto(item: &SealedItem) -> wire::Item {
    wire::Item { key: item.key().to_owned(), content: item.bytes().clone() }
}

pub fn items_from_proto(items: &[wire::Item]) -> Result<Vec<SealedItem>, DecodeError> {
    items.iter().map(|item| SealedItem::received(&item.key, item.content.clone())).collect()
}

/// A digest of exactly 32 bytes.
pub fn digest(bytes: &[u8]) -> Option<Digest> {
    bytes.try_into().ok().map(Digest)
}
