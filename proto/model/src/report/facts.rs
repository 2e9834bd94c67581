//! Facts that an agent reports about itself. The control plane judges what follows from them (its `reports::phase`). A
//! fact that an agent does not send is unknown, and does not count as healthy.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;
use crate::word::{Open, Words};

/// The progress of the customer's `revoke-all`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RevokeAll {
    pub state: Open<RevokeAllState>,
    /// When it entered this state.
    pub since: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RevokeAllState {
    /// The agent is removing access, or has not proven that it is gone.
    Running,
    /// Two looks found nothing that still gives access.
    Done,
}

/// The result of the agent's sign-in to Microsoft and of its reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Microsoft {
    pub state: Open<MicrosoftState>,
    /// When it entered this state, as far as the agent knew then.
    pub since: Timestamp,
    /// What Microsoft answered, its error number first. Empty while all is well.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MicrosoftState {
    /// The agent has a token, and the last look was answered.
    SignedIn,
    /// Microsoft refuses the credential or the tokens from it. A person must act.
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
