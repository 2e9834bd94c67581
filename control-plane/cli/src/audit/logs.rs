//! Computes the transparency logs anew from every signed root, and holds them against each checkpoint.
//!
//! Each root names the one before it, is a leaf of its signer's log, and is signed on a checkpoint of that log. So a root that was
//! altered, taken out, put in or moved shows. A checkpoint that was kept shows whether the server tells others of other roots.

use std::collections::{BTreeMap, HashSet};

use entente_model::desired::Digest;
use entente_proto::access::v1 as wire;
use entente_seal::{Checkpoint, DecodeError, Log, PublicKey, Root, RootKind, read_verifier_key, root_digest};

use crate::client::{Client, within};
use crate::failure::Failure;

/// Every signed root, as the API gives them.
#[derive(Debug, Default)]
pub(super) struct Roots {
    /// The newest first.
    notes: Vec<String>,
    verifier_keys: HashSet<String>,
}

/// What was found whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verified {
    pub(super) roots: usize,
    /// How many keys and epochs they are of.
    pub(super) logs: usize,
    /// The newest, as it was signed.
    pub(super) checkpoint: Option<String>,
}

impl Verified {
    /// Without a checkpoint from before, logs that were signed anew are as whole as these.
    pub(super) fn text(&self, is_kept: bool) -> String {
        let Self { roots, logs, checkpoint } = self;
        let Some(checkpoint) = checkpoint else { return "no root was signed\n".into() };
        let what = if is_kept {
            "they go on from the checkpoint that was kept"
        } else {
            "that others are shown the same shows only by a checkpoint: keep this one, and hold the logs against it later \
             with --checkpoint FILE"
        };
        let logs = if *logs == 1 { "one log".into() } else { format!("{logs} logs") };
        format!("{roots} signed roots in {logs}: each is where its checkpoint says; {what}\n\n{checkpoint}")
    }
}

impl Roots {
    pub(super) async fn all(client: &mut Client) -> Result<Self, Failure> {
        let mut all = Self::default();
        let mut page_token = String::new();
        loop {
            let request = wire::ListRootsRequest { page_size: 1_000, page_token };
            let page = client.access.list_roots(within(request)).await?.into_inner();
            all.notes.extend(page.notes);
            all.verifier_keys.extend(page.verifier_keys);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(all);
            }
        }
    }

    /// Whether they are all there, where they were signed, over audit records that are there; and go on from a checkpoint that
    /// was kept, if there is one.
    pub(super) fn verify(&self, records: &HashSet<String>, kept: Option<&str>) -> Result<Verified, String> {
        let keys: BTreeMap<&str, PublicKey> =
            self.verifier_keys.iter().filter_map(|text| read_verifier_key(text)).collect();
        let (mut logs, mut previous) = (BTreeMap::<String, Log>::new(), Digest::default());
        let mut kept = kept.map(|note| read(note, &keys)).transpose()?.map(|(checkpoint, _)| checkpoint);
        for note in self.notes.iter().rev() {
            let (checkpoint, root) = read(note, &keys)?;
            let Checkpoint { origin, size, hash, .. } = &checkpoint;
            let place = format!("root {size} of log {origin}");
            if root.kind != RootKind::States {
                return Err(format!("{place} is of leases, which are in no log"));
            }
            if root.previous != previous {
                return Err(format!("{place} follows on a root that is not there"));
            }
            let log = logs.entry(origin.clone()).or_default();
            previous = root_digest(&checkpoint.root);
            log.append(previous);
            if (*size, *hash) != (log.size(), log.hash()) {
                return Err(format!("{place} was signed over other roots than those that are there"));
            }
            let head = root.audit_head;
            if head != Digest::default() && !records.contains(&head.to_string()) {
                return Err(format!("{place} was signed over audit record {head}, which is not there"));
            }
            kept.take_if(|kept| (&kept.origin, kept.size, kept.hash) == (origin, *size, *hash));
        }
        match kept {
            Some(Checkpoint { origin, size, .. }) => {
                Err(format!("log {origin} does not go on from the checkpoint of size {size}: it was forked, or cut"))
            }
            None => Ok(Verified { roots: self.notes.len(), logs: logs.len(), checkpoint: self.notes.first().cloned() }),
        }
    }
}

/// A checkpoint that the key in its name has signed, and the root on it.
fn read(note: &str, keys: &BTreeMap<&str, PublicKey>) -> Result<(Checkpoint, Root), String> {
    let unread = |error: DecodeError| format!("a checkpoint does not read: {error}");
    let checkpoint = Checkpoint::read(note.as_bytes()).map_err(unread)?;
    let root = Root::decode(&checkpoint.root).map_err(unread)?;
    let Checkpoint { origin, size, .. } = &checkpoint;
    let key = keys.get(&**origin).ok_or_else(|| format!("log {origin} is not there"))?;
    let is_of_log = *origin == root.log_origin() && key.id() == root.signer && checkpoint.kind == root.kind;
    if is_of_log && checkpoint.is_signed_by(key) {
        return Ok((checkpoint, root));
    }
    Err(format!("the checkpoint of size {size} of log {origin} is not signed by the key in its name"))
}

#[cfg(test)]
mod tests;
