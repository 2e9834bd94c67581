//! The last good state on disk: its items as they came, the seal that makes them the provider's, the newest lease.
//!
//! Items lie under the hashes that are sealed, and one row names those that belong to the state: items first, that row
//! next, and only then what nobody names any more goes. A crash between leaves the state before or the state after.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use entente_model::Timestamp;
use entente_model::desired::Digest;
use entente_proto::agent::v1 as wire;
use entente_seal::{Buckets, SealedItem, Signed};
use entente_session::Kept;
use entente_store::{Commit, Store};
use prost::Message;

use super::{Batched, Memory, MemoryError};
use crate::guardrail_file::sha256_hex;
use entente_convert::seal;

const ITEM: &str = "state/item/";
const CURRENT: &str = "state/current";
const LEASE: &str = "state/lease";
const STATEMENT: &str = "state/statement/";

/// Raised when a row's form changes; an older one is then read as far as it goes.
const FORMAT: u32 = 1;

#[derive(Message)]
struct CurrentRow {
    #[prost(uint32, tag = "1")]
    format: u32,
    #[prost(message, optional, tag = "2")]
    seal: Option<wire::Seal>,
    #[prost(int64, tag = "3")]
    accepted: i64,
    /// Hashes of the items, 32 bytes each.
    #[prost(bytes = "bytes", tag = "4")]
    leaves: Bytes,
}

#[derive(Message)]
struct LeaseRow {
    #[prost(message, optional, tag = "1")]
    seal: Option<wire::Seal>,
    #[prost(int64, tag = "2")]
    at: i64,
}

/// What the disk holds, unverified.
#[derive(Debug, Default)]
pub struct OnDisk {
    pub statements: Vec<Signed>,
    pub kept: Option<Kept>,
}

impl Memory {
    /// Reads the state. What has been altered is read as it is: the session verifies it.
    pub async fn state(&self) -> Result<OnDisk, MemoryError> {
        let statements = self.statements().await?;
        let Some(current) = self.decode::<CurrentRow>(CURRENT).await? else {
            return Ok(OnDisk { statements, kept: None });
        };
        let named: BTreeSet<_> = current.leaves.chunks(32).map(|leaf| format!("{ITEM}{}", hex::encode(leaf))).collect();
        let mut items = Vec::with_capacity(named.len());
        for (key, entry) in self.rows(ITEM).await? {
            if named.contains(&*key) {
                let row = wire::Item::decode(entry.value).map_err(|_| damaged(&key))?;
                items.push(SealedItem::received(&row.key, row.content).map_err(|_| damaged(&key))?);
            }
        }
        let seal = current.seal.and_then(|seal| seal::seal_from_proto(seal).ok()).ok_or_else(|| damaged(CURRENT))?;
        let lease = self
            .decode::<LeaseRow>(LEASE)
            .await?
            .and_then(|row| Some((seal::seal_from_proto(row.seal?).ok()?, Timestamp::from_unix(row.at))));
        let accepted = Timestamp::from_unix(current.accepted);
        Ok(OnDisk { statements, kept: Some(Kept { seal, items: Buckets::from_items(items), accepted, lease }) })
    }

    /// Puts a state on disk, whole or not at all.
    pub async fn keep_state(&self, kept: &Kept) -> Result<(), MemoryError> {
        let wanted: BTreeMap<Digest, &SealedItem> = kept.items.iter().map(|item| (item.leaf(), item)).collect();
        let there: BTreeSet<String> = self.rows(ITEM).await?.into_iter().map(|(key, _)| key.to_string()).collect();
        let row_key = |leaf: &Digest| format!("{ITEM}{leaf}");
        let mut items = Batched::of(self);
        for (leaf, item) in wanted.iter().filter(|(leaf, _)| !there.contains(&row_key(leaf))) {
            let row = wire::Item { key: item.key().into(), content: item.bytes().clone() };
            items.put(row_key(leaf), row.encode_to_vec()).await?;
        }
        items.finish().await?;
        let leaves: Vec<u8> = wanted.keys().flat_map(|leaf| leaf.0).collect();
        let current = CurrentRow {
            format: FORMAT,
            seal: Some(seal::seal_to_proto(&kept.seal)),
            accepted: kept.accepted.as_unix(),
            leaves: leaves.into(),
        };
        let commit = with_lease(Commit::new().put(CURRENT, current.encode_to_vec()), kept);
        self.commit(commit).await?;
        let named: BTreeSet<String> = wanted.keys().map(row_key).collect();
        let mut rest = Batched::of(self);
        for key in there.difference(&named) {
            rest.delete(key.clone()).await?;
        }
        rest.finish().await
    }

    pub async fn keep_lease(&self, kept: &Kept) -> Result<(), MemoryError> {
        self.commit(with_lease(Commit::new(), kept)).await
    }

    /// Statements only ever add up, so each has a row of its own.
    pub async fn keep_statements(&self, statements: &[Signed]) -> Result<(), MemoryError> {
        let mut rows = Batched::of(self);
        for signed in statements {
            let key = format!("{STATEMENT}{}", sha256_hex(&signed.statement));
            rows.put(key, seal::signed_to_proto(signed).encode_to_vec()).await?;
        }
        rows.finish().await
    }

    async fn statements(&self) -> Result<Vec<Signed>, MemoryError> {
        let decode = |(key, entry): (entente_store::Key, entente_store::Entry)| {
            let row = wire::SignedStatement::decode(entry.value).map_err(|_| damaged(&key))?;
            Ok(seal::signed_from_proto(row))
        };
        self.rows(STATEMENT).await?.into_iter().map(decode).collect()
    }

    async fn decode<T: Message + Default>(&self, key: &str) -> Result<Option<T>, MemoryError> {
        let Some(entry) = self.store.get(key).await? else { return Ok(None) };
        T::decode(entry.value).map(Some).map_err(|_| damaged(key))
    }
}

fn with_lease(commit: Commit, kept: &Kept) -> Commit {
    match &kept.lease {
        None => commit.delete(LEASE),
        Some((seal, at)) => {
            let row = LeaseRow { seal: Some(seal::seal_to_proto(seal)), at: at.as_unix() };
            commit.put(LEASE, row.encode_to_vec())
        }
    }
}

fn damaged(key: &str) -> MemoryError {
    MemoryError::Row { key: key.into(), source: None }
}
