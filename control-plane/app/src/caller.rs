//! Who asks, and how it is to be carried out.

use entente_model::{OperatorName, PrincipalName};
use uuid::Uuid;

use crate::api_role::ApiRole;
use crate::error::{AppError, Result};

/// A principal whose certificate has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub principal: PrincipalName,
    pub role: ApiRole,
    /// The person the principal is tied to.
    pub operator: Option<OperatorName>,
}

impl Caller {
    /// Whether the caller has that role, or a greater one.
    pub fn needs(&self, role: ApiRole) -> Result<()> {
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
