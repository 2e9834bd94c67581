//! How states and leases are signed: many leaves below one root, one signature for all; and what the root key has stated, by which
//! others verify them.
//!
//! States are signed with their commit ([`super::decision`]), leases a little later.

use std::sync::Arc;

use bytes::Bytes;
use entente_compiler::COMPILER_VERSION;
use entente_model::desired::{Digest, Header, Lease, Version};
use entente_model::{Guid, TenantName, Timestamp};
use entente_seal::{
    Buckets, Log, OnlineKey, Root, RootKind, Seal, Signed, Tree, encode_header, encode_lease, root_digest,
};

/// Leaves that were signed together.
#[derive(Debug)]
pub(crate) struct SignedBatch {
    /// The root, signed.
    pub(super) note: Bytes,
    leaves: Vec<Bytes>,
    tree: Tree,
    pub(super) root_digest: Digest,
}

/// What a root says of its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RootContext {
    pub(crate) version: Version,
    pub(crate) previous: Digest,
    pub(crate) audit_head: Digest,
}

impl SignedBatch {
    fn sign(kind: RootKind, leaves: Vec<Bytes>, place: RootContext, key: &OnlineKey, log: &mut Log) -> Self {
        let tree = Tree::of(&leaves);
        let root = Root {
            kind,
            version: place.version,
            compiler: COMPILER_VERSION,
            signer: key.id(),
            previous: place.previous,
            tree: tree.root(),
            size: tree.size(),
            audit_head: place.audit_head,
        };
        let root_digest = root_digest(&root.encode());
        Self { note: root.sign(key, log), leaves, tree, root_digest }
    }

    fn seal(&self, index: u32) -> Seal {
        Seal { note: self.note.clone(), leaf: self.leaves[index as usize].clone(), path: self.tree.path(index) }
    }
}

/// One tenant's desired state, signed.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) version: Version,
    pub(crate) digest: Digest,
    pub(crate) items: Buckets,
    batch: Arc<SignedBatch>,
    index: u32,
}

impl State {
    pub(crate) fn seal(&self) -> Seal {
        self.batch.seal(self.index)
    }

    /// Of the root under which it was signed.
    pub(crate) fn root(&self) -> Digest {
        self.batch.root_digest
    }
}

/// Signs the states of tenants that were compiled together, in their order. Their root becomes a leaf of the log.
pub(crate) fn sign_states<'a>(
    tenants: impl Iterator<Item = (&'a TenantName, Guid, &'a Buckets)>,
    place: RootContext,
    key: &OnlineKey,
    log: &mut Log,
) -> (Arc<SignedBatch>, Vec<(TenantName, Arc<State>)>) {
    let tenants: Vec<_> = tenants.collect();
    let header = |entra_tenant, items: &Buckets| Header {
        entra_tenant,
        version: place.version,
        compiler: COMPILER_VERSION,
        digest: items.digest(),
        count: items.len(),
    };
    let leaves = tenants.iter().map(|(_, id, items)| encode_header(&header(*id, items)).into()).collect();
    let batch = Arc::new(SignedBatch::sign(RootKind::States, leaves, place, key, log));
    let state = |index: usize, items: &Buckets| State {
        version: place.version,
        digest: items.digest(),
        items: items.clone(),
        batch: batch.clone(),
        index: index as u32,
    };
    let states = tenants.iter().enumerate();
    let states = states.map(|(at, (name, _, items))| ((*name).clone(), Arc::new(state(at, items)))).collect();
    (batch, states)
}

/// One tenant's lease, signed.
#[derive(Debug, Clone)]
pub(crate) struct SignedLease {
    pub(crate) lease: Lease,
    batch: Arc<SignedBatch>,
    index: u32,
}

impl SignedLease {
    pub(crate) fn seal(&self) -> Seal {
        self.batch.seal(self.index)
    }
}

/// Signs leases, in their order. The note shows the log as it is.
pub(crate) fn sign_leases(leases: &[Lease], place: RootContext, key: &OnlineKey, mut log: Log) -> Vec<SignedLease> {
    let leaves = leases.iter().map(|lease| encode_lease(lease).into()).collect();
    let batch = Arc::new(SignedBatch::sign(RootKind::Leases, leaves, place, key, &mut log));
    let signed = |(at, lease): (usize, &Lease)| SignedLease { lease: *lease, batch: batch.clone(), index: at as u32 };
    leases.iter().enumerate().map(signed).collect()
}

/// Checked against the root key.
#[derive(Debug)]
pub(crate) struct Stated {
    /// Of the history that is the one now.
    pub(crate) epoch: u64,
    pub(crate) delegated_from: Timestamp,
    /// When the online key's delegation ends.
    pub(crate) delegated_until: Timestamp,
    /// All that agents need to verify a root.
    pub(crate) statements: Arc<[Signed]>,
}
