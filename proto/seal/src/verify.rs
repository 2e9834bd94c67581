//! The reader's side: checks that a state is the provider's, for this tenant, complete, and not older than the held
//! one.
//!
//! It knows only the pinned root key and that key's statements; the held state and the time are arguments. Every
//! refusal is a [`SealError`]. After a refusal, the reader keeps what it holds and reports it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use entente_model::desired::{Digest, Header, Lease, Version};
use entente_model::{Guid, Timestamp};

use crate::buckets::Buckets;
use crate::decode::DecodeError;
use crate::header::{decode_header, decode_lease};
use crate::keys::{KeyId, PublicKey, STATEMENT_CONTEXT};
use crate::note::Checkpoint;
use crate::root::{Root, RootKind, root_digest};
use crate::statement::{Signed, Statement};
use crate::tree::Path;

/// Most delegations, revoked serials and epochs that are stored: one a day for ten years. An honest root key has no
/// more.
const MAX_STATEMENTS: usize = 4_000;

/// Longest time that an agent continues to grant without hearing from the provider, whatever a lease says: a day, after
/// which a person has to look.
pub const MAX_LEASE: Duration = Duration::from_secs(86_400);

/// Most bytes of a leaf. Ours are below 300.
const MAX_LEAF_BYTES: usize = 1_024;

/// What proves that a state or a lease is the provider's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// The signed root: a [`Checkpoint`].
    pub note: Bytes,
    /// The header's or the lease's canonical bytes.
    pub leaf: Bytes,
    /// From the leaf to the root.
    pub path: Path,
}

/// What the reader accepted last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// As moved by leases.
    pub version: Version,
    /// The digest of its items.
    pub digest: Digest,
}

/// A header that the provider signed for this tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    pub header: Header,
    /// The root's name, for `Hello`.
    pub root: Digest,
}

/// Why a state, a lease or a statement is refused.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("there is no note or no leaf")]
    Missing,
    #[error("there is no signature, or more than one")]
    Stripped,
    #[error("the signature is not valid")]
    BadSignature,
    #[error("no delegation from the pinned root key names {0}")]
    UnknownSigner(KeyId),
    #[error("the delegation of {0} has not started")]
    KeyNotYetValid(KeyId),
    #[error("the delegation of {0} has expired")]
    KeyExpired(KeyId),
    #[error("the delegation of {0} is revoked")]
    KeyRevoked(KeyId),
    #[error("the note is of log {note}, but its root is of {root}")]
    WrongLog { note: String, root: String },
    #[error("the root is for {0:?}, but something else came")]
    WrongKind(RootKind),
    #[error("the path does not lead from the leaf to the signed root")]
    WrongPath,
    #[error("it is for tenant {0}")]
    WrongTenant(Guid),
    #[error("the leaf is of version {leaf}, but its root is of {root}")]
    WrongVersion { leaf: Version, root: Version },
    #[error("the items have digest {items}, but the header has {header}")]
    DigestMismatch { items: Digest, header: Digest },
    #[error("there are {items} items, but the header has {header}")]
    CountMismatch { items: u32, header: u32 },
    #[error("version {offered} is older than the held version {held}")]
    OlderVersion { offered: Version, held: Version },
    #[error("version {0} is already held with other content")]
    OtherContent(Version),
    #[error("the root key has stated no epoch {0}")]
    UnknownEpoch(u64),
    #[error("epoch {offered} is over: the root key has stated epoch {current}")]
    EpochOver { offered: u64, current: u64 },
    #[error("the lease is for a state that is not held")]
    OtherState,
    #[error("more than {MAX_STATEMENTS} statements of a kind")]
    TooMany,
    #[error(transparent)]
    Malformed(#[from] DecodeError),
}

/// Judges seals by one pinned root key.
#[derive(Debug, Clone)]
pub struct Verifier {
    root: PublicKey,
    delegations: BTreeMap<(KeyId, u64), Delegation>,
    revoked: BTreeSet<u64>,
    epochs: BTreeSet<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Delegation {
    key: PublicKey,
    not_before: Timestamp,
    not_after: Timestamp,
}

impl Verifier {
    /// Trusts this pinned root key and its statements.
    pub fn new(root: PublicKey) -> Self {
        Self { root, delegations: BTreeMap::new(), revoked: BTreeSet::new(), epochs: BTreeSet::new() }
    }

    /// Takes a statement of the root key. Taking one twice, or in another order, changes nothing; statements are never
    /// removed.
    pub fn accept(&mut self, signed: &Signed) -> Result<Statement, SealError> {
        if signed.statement.is_empty() {
            return Err(SealError::Missing);
        }
        if signed.signature.is_empty() {
            return Err(SealError::Stripped);
        }
        let statement = Statement::decode(&signed.statement)?;
        if !self.root.verifies(STATEMENT_CONTEXT, &signed.statement, &signed.signature) {
            return Err(SealError::BadSignature);
        }
        match &statement {
            Statement::Delegation { key, not_before, not_after, serial } => {
                let delegation = Delegation { key: *key, not_before: *not_before, not_after: *not_after };
                self.delegations.insert((key.id(), *serial), delegation);
            }
            Statement::Revocation { serials } => self.revoked.extend(serials),
            Statement::Epoch { epoch, .. } => drop(self.epochs.insert(*epoch)),
        }
        let most = self.delegations.len().max(self.revoked.len()).max(self.epochs.len());
        if most > MAX_STATEMENTS { Err(SealError::TooMany) } else { Ok(statement) }
    }

    /// Whether a note is the provider's at `now`. Returns the root in it and that root's name. The log in it is not
    /// checked: an agent has no other checkpoint to compare it with.
    pub fn verify_note(&self, note: &[u8], now: Timestamp) -> Result<(Root, Digest), SealError> {
        if note.is_empty() {
            return Err(SealError::Missing);
        }
        let checkpoint = Checkpoint::read(note)?;
        let decoded = Root::decode(&checkpoint.root)?;
        if decoded.kind != checkpoint.kind {
            return Err(SealError::WrongKind(decoded.kind));
        }
        let key = self.delegated(decoded.signer, now)?.key;
        let origin = decoded.log_origin();
        if checkpoint.origin != origin {
            return Err(SealError::WrongLog { note: checkpoint.origin, root: origin });
        }
        if checkpoint.signature(&key).is_none() {
            return Err(SealError::Stripped);
        }
        if !checkpoint.is_signed_by(&key) {
            return Err(SealError::BadSignature);
        }
        let offered = decoded.version.epoch;
        match self.epochs.last() {
            Some(&current) if offered < current => Err(SealError::EpochOver { offered, current }),
            _ if !self.epochs.contains(&offered) => Err(SealError::UnknownEpoch(offered)),
            _ => Ok((decoded, root_digest(&checkpoint.root))),
        }
    }

    /// The signer's delegation that is valid now.
    fn delegated(&self, signer: KeyId, now: Timestamp) -> Result<Delegation, SealError> {
        let (mut refusal, mut longest) = (SealError::UnknownSigner(signer), None::<Delegation>);
        for ((_, serial), delegation) in self.delegations.range((signer, 0)..=(signer, u64::MAX)) {
            refusal = if self.revoked.contains(serial) {
                SealError::KeyRevoked(signer)
            } else if now < delegation.not_before {
                SealError::KeyNotYetValid(signer)
            } else if now >= delegation.not_after {
                SealError::KeyExpired(signer)
            } else {
                longest = longest.filter(|it| it.not_after >= delegation.not_after).or(Some(*delegation));
                continue;
            };
        }
        longest.ok_or(refusal)
    }

    /// The root above a leaf, and its name, if the leaf is below it and the root is of this kind.
    fn verify_leaf(&self, seal: &Seal, kind: RootKind, now: Timestamp) -> Result<(Root, Digest), SealError> {
        let (root, name) = self.verify_note(&seal.note, now)?;
        if root.kind != kind {
            return Err(SealError::WrongKind(root.kind));
        }
        if seal.leaf.is_empty() {
            return Err(SealError::Missing);
        }
        if seal.leaf.len() > MAX_LEAF_BYTES {
            let (what, len) = ("leaf".into(), seal.leaf.len());
            return Err(DecodeError::TooLarge { what, len, max: MAX_LEAF_BYTES }.into());
        }
        if seal.path.size != root.size || seal.path.root_of(&seal.leaf) != Some(root.tree) {
            return Err(SealError::WrongPath);
        }
        Ok((root, name))
    }

    /// Whether a header is the provider's for this tenant, and not older than the held state. Its items may still be
    /// arriving.
    pub fn verify_header(
        &self,
        seal: &Seal,
        tenant: Guid,
        held: Option<Held>,
        now: Timestamp,
    ) -> Result<Verified, SealError> {
        let (root, name) = self.verify_leaf(seal, RootKind::States, now)?;
        let header = decode_header(&seal.leaf)?;
        check_binding(header.entra_tenant, header.version, tenant, &root)?;
        if let Some(held) = held {
            let offered = header.version;
            if offered < held.version {
                return Err(SealError::OlderVersion { offered, held: held.version });
            }
            if offered == held.version && header.digest != held.digest {
                return Err(SealError::OtherContent(offered));
            }
        }
        Ok(Verified { header, root: name })
    }

    /// Whether the provider signed these items for this tenant: [`Self::verify_header`], and the items.
    pub fn verify_state(
        &self,
        seal: &Seal,
        tenant: Guid,
        items: &Buckets,
        held: Option<Held>,
        now: Timestamp,
    ) -> Result<Verified, SealError> {
        let verified = self.verify_header(seal, tenant, held, now)?;
        let header = verified.header;
        if items.len() != header.count {
            return Err(SealError::CountMismatch { items: items.len(), header: header.count });
        }
        if items.digest() != header.digest {
            return Err(SealError::DigestMismatch { items: items.digest(), header: header.digest });
        }
        Ok(verified)
    }

    /// Whether the provider confirms the held state, and until when: at most [`MAX_LEASE`] from its arrival at `now`,
    /// and no longer than its signer may sign. A thief of the online key gets no more.
    pub fn verify_lease(&self, seal: &Seal, tenant: Guid, held: Held, now: Timestamp) -> Result<Lease, SealError> {
        let (root, _) = self.verify_leaf(seal, RootKind::Leases, now)?;
        let ends = self.delegated(root.signer, now)?.not_after.min(now.plus(MAX_LEASE));
        let lease = decode_lease(&seal.leaf)?;
        let lease = Lease { fresh_until: lease.fresh_until.min(ends), ..lease };
        check_binding(lease.entra_tenant, lease.version, tenant, &root)?;
        if lease.version < held.version {
            return Err(SealError::OlderVersion { offered: lease.version, held: held.version });
        }
        // A lease moves the revision within one history only: a new epoch begins with a state.
        if lease.digest != held.digest || lease.version.epoch != held.version.epoch {
            return Err(SealError::OtherState);
        }
        Ok(lease)
    }
}

fn check_binding(is_for: Guid, version: Version, tenant: Guid, root: &Root) -> Result<(), SealError> {
    if is_for != tenant {
        return Err(SealError::WrongTenant(is_for));
    }
    if version != root.version {
        return Err(SealError::WrongVersion { leaf: version, root: root.version });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
