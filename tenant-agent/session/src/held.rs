//! The state that the agent holds: verified on arrival, stored on disk, and verified again when read back.

use std::sync::Arc;

use entente_model::desired::{Digest, Header, Item, Lease, Version};
use entente_model::{Guid, Timestamp};
use entente_seal::{Buckets, DecodeError, Held, PublicKey, Seal, SealError, Signed, Statement, Verifier};

/// A state as it is on disk: everything that is needed to verify it again.
#[derive(Debug, Clone)]
pub struct Kept {
    pub seal: Seal,
    pub items: Buckets,
    /// When it was accepted, by the host's clock. The keys must have been valid then.
    pub accepted: Timestamp,
    /// The newest lease and when it came, if there is one.
    pub lease: Option<(Seal, Timestamp)>,
}

/// What the tenant should hold, verified and decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// As moved by leases.
    pub version: Version,
    /// The digest of the items.
    pub digest: Digest,
    pub items: Arc<[Item]>,
}

/// A verified state.
#[derive(Debug, Clone)]
pub(crate) struct Believed {
    pub kept: Kept,
    pub root: Digest,
    pub lease: Option<Lease>,
    pub desired: Arc<Desired>,
}

/// Why a state is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unbelievable {
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error("item {key} cannot be read: {source}")]
    Item { key: String, source: DecodeError },
}

impl Believed {
    /// Verifies a state that has arrived, against the one that is held.
    pub fn received(
        verifier: &Verifier,
        tenant: Guid,
        seal: Seal,
        items: Buckets,
        held: Option<Held>,
        now: Timestamp,
    ) -> Result<Self, Unbelievable> {
        let verified = verifier.verify_state(&seal, tenant, &items, held, now)?;
        let desired = Arc::new(open(&verified.header, &items)?);
        let kept = Kept { seal, items, accepted: now, lease: None };
        Ok(Self { kept, root: verified.root, lease: None, desired })
    }

    /// Verifies a state from disk, as of when it was accepted: it stays ours even if its history has ended since. A
    /// lease that does not verify is dropped; without one the state is only not fresh.
    pub fn read_back(
        verifier: &Verifier,
        statements: &[Signed],
        root: PublicKey,
        tenant: Guid,
        kept: Kept,
    ) -> Result<Self, Unbelievable> {
        let Kept { seal, items, accepted, lease } = kept;
        let mut believed = match Self::received(verifier, tenant, seal.clone(), items.clone(), None, accepted) {
            Err(Unbelievable::Seal(SealError::EpochOver { offered, .. })) => {
                let then = as_of(root, statements, offered);
                Self::received(&then, tenant, seal, items, None, accepted)?
            }
            judged => judged?,
        };
        if let Some((seal, at)) = lease {
            believed.renew(verifier, tenant, seal, at).ok();
        }
        Ok(believed)
    }

    pub fn held(&self) -> Held {
        Held { version: self.desired.version, digest: self.desired.digest }
    }

    /// Takes a lease. Returns whether it changes anything.
    pub fn renew(&mut self, verifier: &Verifier, tenant: Guid, seal: Seal, now: Timestamp) -> Result<bool, SealError> {
        let lease = verifier.verify_lease(&seal, tenant, self.held(), now)?;
        let known = self.lease.map(|lease| (lease.version, lease.fresh_until));
        if known.is_some_and(|known| known >= (lease.version, lease.fresh_until)) {
            return Ok(false);
        }
        if self.desired.version != lease.version {
            self.desired = Arc::new(Desired { version: lease.version, ..(*self.desired).clone() });
        }
        self.kept.lease = Some((seal, now));
        self.lease = Some(lease);
        Ok(true)
    }

    /// Drops the lease if its signing key was revoked since. Returns whether it did.
    pub fn doubt(&mut self, verifier: &Verifier, tenant: Guid) -> bool {
        let Some((seal, at)) = &self.kept.lease else { return false };
        if verifier.verify_lease(seal, tenant, self.held(), *at).is_ok() {
            return false;
        }
        self.kept.lease = None;
        self.lease = None;
        true
    }
}

fn open(header: &Header, items: &Buckets) -> Result<Desired, Unbelievable> {
    let open = |item: &entente_seal::SealedItem| {
        item.open().map_err(|source| Unbelievable::Item { key: item.key().into(), source })
    };
    let items = items.sorted().iter().map(open).collect::<Result<_, _>>()?;
    Ok(Desired { version: header.version, digest: header.digest, items })
}

/// Judges as in that history, without the statements that ended it.
pub(crate) fn as_of(root: PublicKey, statements: &[Signed], epoch: u64) -> Verifier {
    let mut verifier = Verifier::new(root);
    let later = |signed: &Signed| matches!(Statement::decode(&signed.statement), Ok(Statement::Epoch { epoch: it, .. }) if it > epoch);
    // What does not verify has been reported already.
    statements.iter().filter(|signed| !later(signed)).for_each(|signed| drop(verifier.accept(signed)));
    verifier
}
