//! What is kept of a principal.

use entente_model::{OperatorName, Timestamp};
use serde::{Deserialize, Serialize};

use crate::caller::ApiRole;
use crate::pki::Serial;

/// What is kept of a principal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PrincipalRow {
    pub(crate) role: ApiRole,
    pub(crate) created: Timestamp,
    /// Of the one certificate that counts.
    pub(crate) serial: Serial,
    pub(crate) expires: Timestamp,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) operator: Option<OperatorName>,
}
