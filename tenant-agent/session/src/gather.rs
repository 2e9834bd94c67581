//! Collects the parts of a snapshot, within bounds, until the last one is there.

use entente_model::desired::MAX_ITEMS;
use entente_seal::{Buckets, Seal, SealedItem};

/// Most bytes of one state's items: 1.3 KiB for each of the maximum number of items, four times what they need.
pub const MAX_STATE_BYTES: usize = 32 << 20;

/// Most signed statements that are accepted and stored. Keys change a few times a year.
pub const MAX_STATEMENTS: usize = 1_000;

/// What has arrived of one snapshot.
#[derive(Debug)]
pub(crate) struct Gathering {
    pub nonce: String,
    items: Vec<SealedItem>,
    bytes: usize,
}

/// Why a part is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GatherError {
    #[error("the state has more than {MAX_ITEMS} items")]
    TooMany,
    #[error("the state's items have more than {MAX_STATE_BYTES} bytes")]
    TooLarge,
    #[error("the parts are not in order: {key} does not come after {after}")]
    Order { key: String, after: String },
}

impl Gathering {
    pub fn new(nonce: String) -> Self {
        Self { nonce, items: Vec::new(), bytes: 0 }
    }

    /// Adds one part.
    pub fn add(&mut self, part: Vec<SealedItem>) -> Result<(), GatherError> {
        for item in part {
            self.bytes += item.key().len() + item.bytes().len();
            if self.items.len() == MAX_ITEMS {
                return Err(GatherError::TooMany);
            }
            if self.bytes > MAX_STATE_BYTES {
                return Err(GatherError::TooLarge);
            }
            if let Some(last) = self.items.last()
                && last.key() >= item.key()
            {
                return Err(GatherError::Order { key: item.key().into(), after: last.key().into() });
            }
            self.items.push(item);
        }
        Ok(())
    }

    /// The complete state.
    pub fn finish(self, seal: Option<Seal>) -> Complete {
        Complete { nonce: self.nonce, items: Buckets::from_items(self.items), seal }
    }
}

/// A state that has arrived and is not verified yet.
#[derive(Debug)]
pub(crate) struct Complete {
    pub nonce: String,
    pub items: Buckets,
    pub seal: Option<Seal>,
}
