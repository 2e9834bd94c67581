//! How a stream is refused, and why a tenant is parked.

use std::time::Duration;

use entente_model::GoAwayReason;
use entente_model::desired::Digest;

/// How long an agent stays away that will be refused again until a person acts.
pub(crate) const LONG_RETRY: Duration = Duration::from_secs(300);

/// Why nothing is sent to a tenant until a person acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Parked {
    /// The agent comes from a history that this store does not have.
    History(String),
    /// Two agents answered under one identity.
    Clone(String),
    /// The agent refused this content for good.
    Refused { digest: Digest, text: String },
}

impl Parked {
    pub(crate) fn reason(&self) -> &str {
        match self {
            Self::History(text) | Self::Clone(text) | Self::Refused { text, .. } => text,
        }
    }
}

/// A stream that was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    pub reason: GoAwayReason,
    pub retry_after: Duration,
}
