//! What a full disk left unfinished.

use std::sync::Arc;
use std::time::Instant;

use entente_store::{Cause, Event, Revision};

/// A disk that is full, and what it left unfinished.
#[derive(Debug)]
pub(crate) struct Full {
    pub(crate) cause: Cause,
    /// The group that found no room, until it is known whether it exists.
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

/// A group that may exist or not.
#[derive(Debug)]
pub(crate) struct Unsettled {
    pub(crate) revision: Revision,
    pub(crate) events: Vec<Arc<Event>>,
    pub(crate) bytes: usize,
}
