//! The state of one thing of several that an item needs. The item's report shows the most urgent one.

use entente_model::report::{ItemState, Reason};

use crate::ledger::Failure;
use crate::write::Action;

/// The state of one thing that an item needs.
pub(crate) struct Progress {
    pub state: ItemState,
    pub reason: Option<Reason>,
    pub detail: String,
    /// What a person would do, who is the one to do it.
    pub script: Option<Action>,
    /// It is in the plan.
    pub goes: bool,
}

impl Progress {
    pub fn new(state: ItemState, reason: Option<Reason>, detail: String) -> Self {
        Self { state, reason, detail, script: None, goes: false }
    }

    pub fn of_failure(failure: &Failure) -> Self {
        let passes = [Reason::Propagation, Reason::Throttled, Reason::UnknownOutcome].contains(&failure.reason);
        let state = if passes { ItemState::Waiting } else { ItemState::Failed };
        Self::new(state, Some(failure.reason), failure.detail.clone())
    }

    /// Of several, the one with the smallest is said: what is being done, then what a person has to see, then waiting.
    pub fn urgency(&self) -> u8 {
        match self.state {
            ItemState::Pending => 0,
            ItemState::Failed => 1,
            ItemState::Refused | ItemState::Held | ItemState::NeedsApproval => 2,
            ItemState::Residual => 3,
            ItemState::Waiting
            | ItemState::Applied
            | ItemState::Partial
            | ItemState::Drifted
            | ItemState::BlockedByCustomer
            | ItemState::Removed
            | ItemState::Unproven
            | ItemState::Unsupported
            | ItemState::Later(_) => 4,
        }
    }
}
