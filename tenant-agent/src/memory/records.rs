//! The records of the desired state on disk. They are the agent's own, so that a change of the API does not change the
//! disk.
//!
//! Each record states its form. This version refuses a newer form whole: see [`read`]. A tag is never used
//! twice.

use bytes::Bytes;
use entente_model::desired::Digest;
use entente_seal::{DecodeError, Held, Path, Seal, SealedItem, Signed, decode_header};
use prost::Message;

use super::MemoryError;

/// Raise it when an older agent would misread what this one writes. Before form 2 a seal had no note: the agent asks
/// for such a state again and takes none from before it.
pub(super) const FORMAT: u32 = 2;

#[derive(Message)]
pub(super) struct SealRecord {
    #[prost(bytes = "bytes", tag = "1")]
    note: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    leaf: Bytes,
    #[prost(uint32, tag = "3")]
    index: u32,
    #[prost(uint32, tag = "4")]
    size: u32,
    /// The hashes of the path, 32 bytes each.
    #[prost(bytes = "bytes", tag = "5")]
    siblings: Bytes,
}

#[derive(Message)]
pub(super) struct ItemRecord {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(bytes = "bytes", tag = "2")]
    content: Bytes,
    #[prost(uint32, tag = "3")]
    pub format: u32,
}

#[derive(Message)]
pub(super) struct StatementRecord {
    #[prost(bytes = "bytes", tag = "1")]
    statement: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    signature: Bytes,
    #[prost(uint32, tag = "3")]
    pub format: u32,
}

/// A seal from before it had a note. Its leaf names the version.
#[derive(Message)]
pub(super) struct FormerSealRecord {
    #[prost(bytes = "bytes", tag = "3")]
    leaf: Bytes,
}

impl FormerSealRecord {
    pub(super) fn held(&self) -> Option<Held> {
        let header = decode_header(&self.leaf).ok()?;
        Some(Held { version: header.version, digest: header.digest })
    }
}

#[derive(Message)]
pub(super) struct CurrentRecord {
    #[prost(uint32, tag = "1")]
    pub format: u32,
    /// Set in form 1 only.
    #[prost(message, optional, tag = "2")]
    pub former: Option<FormerSealRecord>,
    #[prost(int64, tag = "3")]
    pub accepted: i64,
    /// Hashes of the items, 32 bytes each.
    #[prost(bytes = "bytes", tag = "4")]
    pub leaves: Bytes,
    #[prost(message, optional, tag = "5")]
    pub seal: Option<SealRecord>,
}

/// Tag 1 was a seal without a note.
#[derive(Message)]
pub(super) struct LeaseRecord {
    #[prost(int64, tag = "2")]
    pub at: i64,
    #[prost(uint32, tag = "3")]
    pub format: u32,
    #[prost(message, optional, tag = "4")]
    pub seal: Option<SealRecord>,
}

/// Reads a row by the form that its record states. A row of a newer agent is an error that names it.
pub(super) fn read<T: Message + Default>(key: &str, bytes: Bytes, format: fn(&T) -> u32) -> Result<T, MemoryError> {
    let record = T::decode(bytes).map_err(|_| damaged(key))?;
    match format(&record) {
        format if format > FORMAT => {
            Err(MemoryError::Newer { what: format!("{key} has form {format}, and this one knows up to {FORMAT}") })
        }
        _ => Ok(record),
    }
}

pub(super) fn damaged(key: &str) -> MemoryError {
    MemoryError::Row { key: key.into(), source: None }
}

impl From<&Seal> for SealRecord {
    fn from(seal: &Seal) -> Self {
        let Seal { note, leaf, path: Path { index, size, siblings } } = seal.clone();
        Self { note, leaf, index, size, siblings: siblings.iter().flat_map(|hash| hash.0).collect() }
    }
}

impl SealRecord {
    /// `None` if the path is not a whole number of hashes.
    pub(super) fn seal(self) -> Option<Seal> {
        let Self { note, leaf, index, size, siblings } = self;
        let siblings = siblings.chunks(32).map(|hash| hash.try_into().ok().map(Digest)).collect::<Option<_>>()?;
        Some(Seal { note, leaf, path: Path { index, size, siblings } })
    }
}

impl From<&SealedItem> for ItemRecord {
    fn from(item: &SealedItem) -> Self {
        Self { key: item.key().into(), content: item.bytes().clone(), format: FORMAT }
    }
}

impl ItemRecord {
    pub(super) fn item(self) -> Result<SealedItem, DecodeError> {
        SealedItem::received(&self.key, self.content)
    }
}

impl From<&Signed> for StatementRecord {
    fn from(signed: &Signed) -> Self {
        let Signed { statement, signature } = signed.clone();
        Self { statement: statement.into(), signature: signature.into(), format: FORMAT }
    }
}

impl From<StatementRecord> for Signed {
    fn from(record: StatementRecord) -> Self {
        Self { statement: record.statement.to_vec(), signature: record.signature.to_vec() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_the_bytes_that_disks_hold() {
        let path = Path { index: 1, size: 2, siblings: vec![Digest([9; 32])] };
        let seal = Seal { note: Bytes::from_static(b"note"), leaf: Bytes::from_static(b"leaf"), path };
        let item = SealedItem::received("group/l1/standard", Bytes::from_static(b"x")).unwrap();
        let signed = Signed { statement: b"statement".to_vec(), signature: b"signature".to_vec() };
        let records = [
            CurrentRecord {
                format: 2,
                former: None,
                accepted: 10,
                leaves: vec![7; 32].into(),
                seal: Some((&seal).into()),
            }
            .encode_to_vec(),
            LeaseRecord { at: 20, format: 2, seal: Some((&seal).into()) }.encode_to_vec(),
            ItemRecord::from(&item).encode_to_vec(),
            StatementRecord::from(&signed).encode_to_vec(),
        ];
        expect_test::expect![[r#"
            0802180a222007070707070707070707070707070707070707070707070707070707070707072a320a046e6f746512046c656166180120022a200909090909090909090909090909090909090909090909090909090909090909
            1014180222320a046e6f746512046c656166180120022a200909090909090909090909090909090909090909090909090909090909090909
            0a1167726f75702f6c312f7374616e646172641201781802
            0a0973746174656d656e7412097369676e61747572651802"#]].assert_eq(&records.map(hex::encode).join("\n"));
        assert_eq!(SealRecord::from(&seal).seal(), Some(seal.clone()));
        let cut = SealRecord { siblings: vec![9; 33].into(), ..(&seal).into() };
        assert_eq!(cut.seal(), None);
    }
}
