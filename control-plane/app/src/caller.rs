//! Who asks, what they may do, and how it is to be carried out.

use entente_model::{OperatorName, PrincipalName};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::AppError;

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

/// A principal whose certificate has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub principal: PrincipalName,
    pub role: ApiRole,
    /// The person whom the principal is tied to.
    pub operator: Option<OperatorName>,
}

impl Caller {
    /// Whether the caller has that role, or a greater one.
    pub fn needs(&self, role: ApiRole) -> Result<(), AppError> {
        if self.role >= role { Ok(()) } else { Err(AppError::Denied { needs: role }) }
    }
}

/// How a call is to be carried out.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Chosen by the caller; a repeated one gets the first answer.
    pub request_id: Option<Uuid>,
    /// Check and answer as if, and change nothing.
    pub validate_only: bool,
    /// As in the audit record: `ApplyIntent`.
    pub method: &'static str,
}
