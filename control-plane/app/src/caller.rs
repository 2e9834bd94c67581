//! Who asks.

use crate::api_role::ApiRole;
use crate::error::AppError;
use entente_model::{OperatorName, PrincipalName};

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
