//! The last good desired state on disk: its items as they came, its seal, and the newest lease.
//!
//! Each item's key is its sealed hash, and one row names the hashes of the present state. New items are written first,
//! then that row, and only then the old items are deleted. A crash leaves either the old state or the new one.

use std::collections::{BTreeMap, BTreeSet};

use entente_model::Timestamp;
use entente_model::desired::Digest;
use entente_seal::{Buckets, Held, SealedItem, Signed};
use entente_session::Kept;
use entente_store::{Commit, Store};
use prost::Message;
use tracing::warn;

use super::records::{CurrentRecord, FORMAT, ItemRecord, LeaseRecord, StatementRecord, damaged, read};
use super::{Batched, Memory, MemoryError};
use crate::guardrail_file::sha256_hex;

const ITEM: &str = "state/item/";
const CURRENT: &str = "state/current";
const LEASE: &str = "state/lease";
const STATEMENT: &str = "state/statement/";

/// What the disk holds, unverified.
#[derive(Debug, Default)]
pub struct OnDisk {
    pub statements: Vec<Signed>,
    pub kept: Option<Kept>,
    /// The version and digest of a state in a form that is no longer read.
    pub former: Option<Held>,
}

impl Memory {
    /// Reads the state as it is. The session detects alterations.
    pub async fn state(&self) -> Result<OnDisk, MemoryError> {
        let statements = self.statements().await?;
        let Some(current) = self.record(CURRENT, |it: &CurrentRecord| it.format).await? else {
            return Ok(OnDisk { statements, kept: None, former: None });
        };
        if current.format < FORMAT {
            warn!("the state on disk is from an older agent; the agent asks for it again");
            let former = current.former.and_then(|seal| seal.held()).ok_or_else(|| damaged(CURRENT))?;
            return Ok(OnDisk { statements, kept: None, former: Some(former) });
        }
        let named: BTreeSet<_> = current.leaves.chunks(32).map(|leaf| format!("{ITEM}{}", hex::encode(leaf))).collect();
        let mut items = Vec::with_capacity(named.len());
        for (key, entry) in self.rows(ITEM).await? {
            if named.contains(&*key) {
                let record = read(&key, entry.value, |it: &ItemRecord| it.format)?;
                items.push(record.item().map_err(|_| damaged(&key))?);
            }
        }
        let seal = current.seal.and_then(|seal| seal.seal()).ok_or_else(|| damaged(CURRENT))?;
        let lease = self.record(LEASE, |it: &LeaseRecord| it.format).await?;
        let lease = lease.and_then(|row| Some((row.seal?.seal()?, Timestamp::from_unix(row.at))));
        let accepted = Timestamp::from_unix(current.accepted);
        Ok(OnDisk {
            statements,
            former: None,
            kept: Some(Kept { seal, items: Buckets::from_items(items), accepted, lease }),
        })
    }

    /// Writes a state, whole or not at all.
    pub async fn keep_state(&self, kept: &Kept) -> Result<(), MemoryError> {
        let wanted: BTreeMap<Digest, &SealedItem> = kept.items.iter().map(|item| (item.leaf(), item)).collect();
        let there: BTreeSet<String> = self.rows(ITEM).await?.into_iter().map(|(key, _)| key.to_string()).collect();
        let row_key = |leaf: &Digest| format!("{ITEM}{leaf}");
        let mut items = Batched::of(self);
        for (leaf, item) in wanted.iter().filter(|(leaf, _)| !there.contains(&row_key(leaf))) {
            items.write(row_key(leaf), Some(ItemRecord::from(*item).encode_to_vec())).await?;
        }
        items.finish().await?;
        let leaves: Vec<u8> = wanted.keys().flat_map(|leaf| leaf.0).collect();
        let current = CurrentRecord {
            format: FORMAT,
            seal: Some((&kept.seal).into()),
            former: None,
            accepted: kept.accepted.as_unix(),
            leaves: leaves.into(),
        };
        let commit = with_lease(Commit::new().put(CURRENT, current.encode_to_vec()), kept);
        self.commit(commit).await?;
        let named: BTreeSet<String> = wanted.keys().map(row_key).collect();
        let mut rest = Batched::of(self);
        for key in there.difference(&named) {
            rest.write(key.clone(), None).await?;
        }
        rest.finish().await
    }

    pub async fn keep_lease(&self, kept: &Kept) -> Result<(), MemoryError> {
        self.commit(with_lease(Commit::new(), kept)).await
    }

    /// Writes statements. They only accumulate, so each has its own row.
    pub async fn keep_statements(&self, statements: &[Signed]) -> Result<(), MemoryError> {
        let mut rows = Batched::of(self);
        for signed in statements {
            let key = format!("{STATEMENT}{}", sha256_hex(&signed.statement));
            rows.write(key, Some(StatementRecord::from(signed).encode_to_vec())).await?;
        }
        rows.finish().await
    }

    async fn statements(&self) -> Result<Vec<Signed>, MemoryError> {
        let rows = self.rows(STATEMENT).await?.into_iter();
        rows.map(|(key, entry)| Ok(read(&key, entry.value, |it: &StatementRecord| it.format)?.into())).collect()
    }

    async fn record<T: Message + Default>(&self, key: &str, format: fn(&T) -> u32) -> Result<Option<T>, MemoryError> {
        let Some(entry) = self.store.get(key).await? else { return Ok(None) };
        read(key, entry.value, format).map(Some)
    }
}

fn with_lease(commit: Commit, kept: &Kept) -> Commit {
    match &kept.lease {
        None => commit.delete(LEASE),
        Some((seal, at)) => {
            let row = LeaseRecord { seal: Some(seal.into()), at: at.as_unix(), format: FORMAT };
            commit.put(LEASE, row.encode_to_vec())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::analysts;
    use crate::testing::provider::{buckets, seal_lease, seal_state, statements};

    fn kept() -> Kept {
        let items = buckets(&analysts(&[0, 1]));
        let lease = Some((seal_lease(7, &items), Timestamp::from_unix(20)));
        Kept { seal: seal_state(7, &items), accepted: Timestamp::from_unix(10), lease, items }
    }

    async fn written() -> (tempfile::TempDir, Memory) {
        let dir = tempfile::tempdir().unwrap();
        let memory = Memory::open(dir.path(), Memory::create(dir.path()).unwrap()).unwrap();
        memory.keep_statements(&statements()).await.unwrap();
        memory.keep_state(&kept()).await.unwrap();
        (dir, memory)
    }

    #[tokio::test]
    async fn a_record_of_a_newer_form_is_refused_by_name() {
        let (_dir, memory) = written().await;
        let mut of_each = vec![CURRENT.to_owned(), LEASE.to_owned()];
        for prefix in [ITEM, STATEMENT] {
            of_each.push(memory.rows(prefix).await.unwrap()[0].0.to_string());
        }
        for key in of_each {
            let whole = memory.store.get(&key).await.unwrap().unwrap().value;
            // The last field of a message counts where one stands twice.
            let tag = if key == CURRENT { 1 << 3 } else { 3 << 3 };
            let newer = [&whole[..], &[tag, FORMAT as u8 + 1]].concat();
            memory.commit(Commit::new().put(key.clone(), newer)).await.unwrap();
            let error = memory.state().await.unwrap_err();
            assert!(matches!(&error, MemoryError::Newer { what } if what.contains(&key)), "{key}: {error}");
            memory.commit(Commit::new().put(key, whole)).await.unwrap();
        }
        assert!(memory.state().await.unwrap().kept.is_some());
    }

    #[tokio::test]
    async fn a_state_of_an_older_form_is_asked_for_again_and_the_statements_stay() {
        let (_dir, memory) = written().await;
        // As it was written before seals had notes: form 1, a seal with root and signature under tag 2.
        let leaf = kept().seal.leaf;
        let header = entente_seal::decode_header(&leaf).unwrap();
        let seal = [&[0x0a, 0, 0x12, 0, 0x1a, leaf.len() as u8][..], &leaf].concat();
        let older = |seal: &[u8]| [&[1 << 3, 1, (2 << 3) | 2, seal.len() as u8][..], seal, &[3 << 3, 10]].concat();
        memory.commit(Commit::new().put(CURRENT, older(&seal))).await.unwrap();
        let read = memory.state().await.unwrap();
        assert!(read.kept.is_none());
        assert_eq!(read.former, Some(Held { version: header.version, digest: header.digest }));
        assert_eq!(read.statements.len(), statements().len());
        // Without the version that was held, nobody could tell what is before it.
        memory.commit(Commit::new().put(CURRENT, older(&[]))).await.unwrap();
        assert!(matches!(memory.state().await.unwrap_err(), MemoryError::Row { .. }));
        memory.keep_state(&kept()).await.unwrap();
        assert!(memory.state().await.unwrap().kept.is_some());
    }
}
