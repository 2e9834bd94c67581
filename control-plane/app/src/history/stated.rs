//! What the root key has stated, as it is in force.

use std::sync::Arc;

use entente_model::Timestamp;
use entente_seal::Signed;

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
