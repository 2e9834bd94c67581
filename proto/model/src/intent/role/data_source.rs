//! What Defender permissions reach.

use serde::{Deserialize, Serialize};

/// A Defender data source (Graph beta: `appScopeIds`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DataSource {
    All,
    Mde,
    Mdo,
    Mdi,
    Mdc,
}

impl DataSource {
    pub const EVERY: [Self; 5] = [Self::All, Self::Mde, Self::Mdo, Self::Mdi, Self::Mdc];

    pub fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Mde => "mde",
            Self::Mdo => "mdo",
            Self::Mdi => "mdi",
            Self::Mdc => "mdc",
        }
    }
}
