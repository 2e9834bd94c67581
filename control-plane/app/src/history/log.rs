//! The transparency log of our online key in this epoch: how it stands, beside HEAD, and every root that is a leaf of it.
//!
//! Both are written in the commit of the root. A key that comes back goes on with its log. A reader of all roots can compute
//! the log anew and prove anything of it. Knows nothing of when roots are signed.

use bytes::Bytes;
use entente_model::desired::Digest;
use entente_seal::{Checkpoint, KeyId, Log, PublicKey, log_origin};
use entente_store::Store;
use serde::{Deserialize, Serialize};

use super::sign::SignedBatch;
use crate::rows::{self, RowError, as_hex};

/// Why a log cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error(transparent)]
    Row(#[from] RowError),
    #[error("how log {0} stands does not agree with its newest root: restore the store from an export")]
    Disagrees(String),
}

/// How a log stands.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LogRow {
    size: u64,
    /// [`Log::edge`], 32 bytes each.
    #[serde(with = "as_hex")]
    edge: Vec<u8>,
    /// Its newest leaf.
    #[serde(with = "as_hex::digest")]
    root: Digest,
}

/// A root of states that was signed, under its digest.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RootRow {
    /// Empty in rows from before there was a log.
    #[serde(default)]
    pub(crate) note: String,
}

/// The rows by which a root and the log that it went into are kept.
pub(super) fn rows_of(batch: &SignedBatch, log: &Log, signer: KeyId, epoch: u64) -> [(String, Bytes); 2] {
    let root = batch.root_digest;
    let note = String::from_utf8(batch.note.to_vec()).expect("a note is text");
    let edge = log.edge().iter().flat_map(|hash| hash.0).collect();
    let stands = LogRow { size: log.size(), edge, root };
    [(rows::root(root), rows::encode(&RootRow { note })), (rows::log(signer, epoch), rows::encode(&stands))]
}

/// How the log of this key stood when the store was closed, if that agrees with the newest roots: of the log, and of all.
pub(crate) async fn load(store: &dyn Store, key: PublicKey, epoch: u64, newest: Digest) -> Result<Log, LogError> {
    let row_key = rows::log(key.id(), epoch);
    let origin = log_origin(key.id(), epoch);
    if newest != Digest::default() && rows::get::<RootRow>(store, &rows::root(newest)).await?.is_none() {
        return Err(LogError::Disagrees(origin));
    }
    let newest_is_ours = checkpoint(store, newest).await?.is_some_and(|it| it.origin == origin);
    let Some(row) = rows::get::<LogRow>(store, &row_key).await? else {
        return if newest_is_ours { Err(LogError::Disagrees(origin)) } else { Ok(Log::default()) };
    };
    let signed = checkpoint(store, row.root).await?;
    let edge = row.edge.chunks(32).map(|hash| hash.try_into().ok().map(Digest)).collect::<Option<_>>();
    let log = edge.and_then(|edge| Log::kept(row.size, edge)).filter(|log| {
        let agrees = |it: &Checkpoint| (&it.origin, it.size, it.hash) == (&origin, log.size(), log.hash());
        signed.is_some_and(|it| agrees(&it) && it.is_signed_by(&key)) && (row.root == newest || !newest_is_ours)
    });
    log.ok_or(LogError::Disagrees(origin))
}

/// What was signed with a root; nothing of one from before there was a log.
async fn checkpoint(store: &dyn Store, root: Digest) -> Result<Option<Checkpoint>, LogError> {
    let key = rows::root(root);
    let row = rows::get::<RootRow>(store, &key).await?.filter(|row| !row.note.is_empty());
    let Some(row) = row else { return Ok(None) };
    Checkpoint::read(row.note.as_bytes()).map(Some).map_err(|_| LogError::Disagrees(key))
}
