//! What an agent says of itself, as facts: what follows from them together is the control plane's to say (`status::phase`
//! there). A fact that an agent does not send is not known, and so not healthy.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;
use crate::word::{Open, Words};

/// How far the customer's `revoke-all` is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RevokeAll {
    pub state: Open<RevokeAllState>,
    /// When it came into this state.
    pub since: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RevokeAllState {
    /// Access is being taken away, or is not proven to be gone.
    Running,
    /// Two looks found nothing that still gives access.
    Done,
}

/// What Microsoft says to the agent's sign-in and reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Microsoft {
    pub state: Open<MicrosoftState>,
    /// When it came into this state, by what this agent knew then.
    pub since: Timestamp,
    /// What was said, Microsoft's number first. Empty while it answers.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MicrosoftState {
    /// A token is held, and what was asked in the last look was answered.
    SignedIn,
    /// The credential, or the tokens that it gives, are refused: a person sees to it.
    Refused,
    /// No answer from the login service, Graph or Azure Resource Manager.
    Unreachable,
}

impl RevokeAllState {
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Done => "DONE",
        }
    }
}

impl MicrosoftState {
    pub fn word(self) -> &'static str {
        match self {
            Self::SignedIn => "SIGNED_IN",
            Self::Refused => "REFUSED",
            Self::Unreachable => "UNREACHABLE",
        }
    }
}

impl Words for RevokeAllState {
    const KNOWN: &'static [Self] = &[Self::Running, Self::Done];

    fn word(self) -> &'static str {
        self.word()
    }
}

impl Words for MicrosoftState {
    const KNOWN: &'static [Self] = &[Self::SignedIn, Self::Refused, Self::Unreachable];

    fn word(self) -> &'static str {
        self.word()
    }
}
