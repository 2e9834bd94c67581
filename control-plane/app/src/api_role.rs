//! What a principal may do.

use serde::{Deserialize, Serialize};

/// What a principal may do. A greater one may do all that a lesser one may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ApiRole {
    /// Read everything.
    Viewer,
    /// Change intent, make enrolment tokens.
    // Rows from before it had this name.
    #[serde(alias = "operator")]
    Editor,
    /// Principals and agents.
    Admin,
}

impl ApiRole {
    pub fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Admin => "admin",
        }
    }
}
