//! What a full disk left.

use std::sync::Arc;
use std::time::Instant;

use entente_store::{Cause, Event, Revision};

/// A disk that is full, and what it left undone.
#[derive(Debug)]
pub(crate) struct Full {
    pub(crate) cause: Cause,
    /// The group that found no room, while nobody knows whether it stands.
    pub(crate) unsettled: Option<Unsettled>,
    pub(crate) tried: Option<Instant>,
}

impl Full {
    pub(crate) fn cause(&self) -> Cause {
        self.cause.clone()
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.unsettled.is_none()
    }
}

/// A group that may stand or not.
#[derive(Debug)]
pub(crate) struct Unsettled {
    pub(crate) revision: Revision,
    pub(crate) events: Vec<Arc<Event>>,
    pub(crate) bytes: usize,
}
