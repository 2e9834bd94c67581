//! Roots: one statement over all tenants that were compiled together, or over all leases that were renewed together.
//!
//! A root of states is stored, and is a leaf of its signer's log: the transparency log. It is signed on a checkpoint of
//! that log ([`crate::note`]). Each root has the head of the audit records at that moment, so a later truncation shows.

use entente_model::desired::{Digest, Version};
use prost::Message;

use crate::decode::{DecodeError, digest};
use crate::keys::KeyId;
use crate::{hash, wire};

/// What is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Root {
    pub kind: RootKind,
    /// The version of every header or lease below.
    pub version: Version,
    /// The version of the compiler that made the states. In a root of leases, of the states that they renew.
    pub compiler: u32,
    pub signer: KeyId,
    /// The newest root of states before this one, by [`root_digest`], whichever key signed it. Zero for the first. So
    /// the log of a new key continues from that of the previous key.
    pub previous: Digest,
    /// The hash at the top of the [`crate::Tree`].
    pub tree: Digest,
    /// The number of leaves.
    pub size: u32,
    /// The head of the audit records. The control plane defines what it covers.
    pub audit_head: Digest,
}

/// The kind of the leaves below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RootKind {
    States,
    Leases,
}

/// The name of a root: its leaf in the log, the next one's `previous`, and what an agent reports as held.
pub fn root_digest(root: &[u8]) -> Digest {
    hash::of_leaf(root)
}

impl Root {
    /// Canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        wire::Root {
            kind: match self.kind {
                RootKind::States => 1,
                RootKind::Leases => 2,
            },
            epoch: self.version.epoch,
            revision: self.version.revision,
            compiler: self.compiler,
            signer: self.signer.0.0.to_vec(),
            previous: self.previous.0.to_vec(),
            tree: self.tree.0.to_vec(),
            size: self.size,
            audit_head: self.audit_head.0.to_vec(),
        }
        .encode_to_vec()
    }

    /// Decodes a root. [`crate::Verifier::verify_note`] checks its signature.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let root = wire::Root::decode(bytes).map_err(|error| DecodeError::Bytes("root".into(), error))?;
        Ok(Self {
            kind: match root.kind {
                1 => RootKind::States,
                2 => RootKind::Leases,
                _ => return Err(DecodeError::field("root", "kind")),
            },
            version: Version { epoch: root.epoch, revision: root.revision },
            compiler: root.compiler,
            signer: KeyId(digest("root", "signer", &root.signer)?),
            previous: digest("root", "previous", &root.previous)?,
            tree: digest("root", "tree", &root.tree)?,
            size: root.size,
            audit_head: digest("root", "audit_head", &root.audit_head)?,
        })
    }
}
