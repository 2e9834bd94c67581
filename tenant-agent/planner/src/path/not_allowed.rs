//! What we gave and the file, as it is now, does not allow any more: for the customer, who may take it away by a command.
//!
//! A narrower file stops grants; what is there stays until it is no longer wanted, or until a person on the customer's
//! host says so. By the same questions as a grant (`gate.rs`), so that nothing that is taken comes back. What cannot be
//! judged for good is not here: who is no longer desired goes by itself. What was not read is UNREAD, and not refused.

use entente_model::PlaneMode;
use entente_model::desired::ItemKey;
use entente_model::report::Reason;

use crate::builder::{PlanBuilder, Purpose};
use crate::guardrail::Guardrail;
use crate::input::Input;
use crate::planes::rules;

/// One thing that we gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAllowed {
    pub key: ItemKey,
    /// [`Reason::Unread`] where that could not be told by this look.
    pub reason: Reason,
    /// What it is, for a person.
    pub what: String,
    /// Taken away already, as far as our own calls were answered.
    pub is_taken: bool,
}

impl NotAllowed {
    /// For certain, and still to be taken.
    pub fn is_open(&self) -> bool {
        self.reason != Reason::Unread && !self.is_taken
    }
}

/// Everything in the ledger that gives access, is ours, and is not allowed. Without a readable file nothing.
pub fn not_allowed(input: &Input<'_>) -> Vec<NotAllowed> {
    let Ok(guardrail) = input.guardrail else { return Vec::new() };
    let builder = PlanBuilder::new(input, Purpose::Converge);
    let ours = input.ledger.items().filter(|(_, entry)| entry.thing.is_some() && entry.is_owned());
    let refused = ours.filter_map(|(key, entry)| {
        let plane = key.plane()?;
        let reason = by_plane(guardrail, key).or_else(|| (rules(plane).refusal)(&builder, key, entry))?;
        let is_taken = entry.removed.is_some() || entry.block.is_some();
        Some(NotAllowed { key: key.clone(), reason, what: (rules(plane).describe)(&builder, key, entry), is_taken })
    });
    refused.collect()
}

/// A plane that the file has closed. The group alone gives nothing.
fn by_plane(guardrail: &Guardrail, key: &ItemKey) -> Option<Reason> {
    let plane = key.plane().filter(|_| !matches!(key, ItemKey::Group(_)))?;
    (guardrail.mode(plane) == PlaneMode::None).then_some(Reason::GuardrailPlane)
}
