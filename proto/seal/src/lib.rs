//! The form in which a desired state is sent and stored, so that its reader can check that it is the provider's,
//! complete and current.
//!
//! Read in this order: [`item`] gives one item its bytes, [`buckets`] gives all items of a tenant one digest,
//! [`header`] binds that digest to a tenant and a version, [`tree`] combines many headers into one hash, [`root`] makes
//! a statement about them, [`log`] has all roots of a signer, [`note`] is what is signed, [`keys`] sign it, and
//! [`verify`] checks all of it for the reader. No IO, no clock, and no randomness of its own: both sides use this same
//! code.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod audit;
mod buckets;
mod decode;
mod hash;
mod header;
mod item;
mod keys;
mod kinds;
mod log;
mod note;
mod removal;
mod root;
mod statement;
mod tree;
mod verify;
mod wire;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod vectors;

pub use audit::{AuditChange, AuditContent, AuditField};
pub use buckets::{Buckets, Delta};
pub use decode::DecodeError;
pub use header::{decode_header, decode_lease, encode_header, encode_lease};
pub use item::{MAX_ITEM_BYTES, SealedItem, decode_item, encode_item};
pub use keys::{KeyError, KeyId, OnlineKey, PublicKey, RootKey, Secret, generate_pkcs8};
pub use log::{Log, consistency_proof, inclusion_proof};
pub use note::{Checkpoint, log_origin, read_verifier_key, verifier_key};
pub use removal::{removal_signature_holds, removal_statement};
pub use root::{Root, RootKind, root_digest};
pub use statement::{Signed, Statement};
pub use tree::{Path, Tree};
pub use verify::{Held, MAX_LEASE, Seal, SealError, Verified, Verifier};
