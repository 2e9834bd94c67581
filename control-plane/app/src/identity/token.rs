//! What is kept of an enrolment token. Of the secret, only a hash.

use entente_model::desired::Digest;
use entente_model::{AgentName, PrincipalName, TenantName, Timestamp};
use serde::{Deserialize, Serialize};

use crate::rows::as_hex;

/// What is kept of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TokenRow {
    pub(crate) tenant: TenantName,
    /// SHA-256: the secret is random and long, so there is nothing to guess and no need for a slow hash.
    #[serde(with = "as_hex::digest")]
    pub(crate) secret: Digest,
    pub(crate) created: Timestamp,
    pub(crate) expires: Timestamp,
    /// Who made it. A token ends with its maker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<PrincipalName>,
    /// Whether it may displace a live agent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) replaces: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) used: Option<Used>,
}

/// By whom a token was used, and the answer, for an agent that lost it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Used {
    pub(crate) time: Timestamp,
    pub(crate) agent: AgentName,
    /// SHA-256 of the public key.
    #[serde(with = "as_hex::digest")]
    pub(crate) key: Digest,
    pub(crate) certificate_pem: String,
}
