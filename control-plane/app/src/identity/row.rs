//! The rows of principals, agents and enrolment tokens, and which certificates an agent may show.

use entente_model::desired::Digest;
use entente_model::{AgentName, OperatorName, PrincipalName, TenantName, Timestamp};
use serde::{Deserialize, Serialize};

use crate::api_role::ApiRole;
use crate::pki::{Peer, Serial};
use crate::rows::as_hex;

/// What is kept of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentRow {
    pub enrolled: Timestamp,
    pub serial: Serial,
    /// Of the certificate before: an agent that stops before it has written the new one comes back with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Serial>,
    /// When the certificate before was last exchanged for this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewed: Option<Timestamp>,
    pub expires: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Timestamp>,
    /// It has enrolled, and has not been heard of yet. Rows from before this was kept count as heard of.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub awaited: bool,
    /// Who made the token that it enrolled with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admitted_by: Option<PrincipalName>,
    /// The live agent whose place it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub displaced: Option<AgentName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vouched: Option<Vouch>,
    /// An admin has seen that it took another's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Vouch>,
}

impl AgentRow {
    /// Of an agent that has just enrolled.
    pub(crate) fn new(serial: Serial, enrolled: Timestamp, expires: Timestamp) -> Self {
        Self {
            enrolled,
            serial,
            previous: None,
            renewed: None,
            expires,
            revoked: None,
            awaited: true,
            admitted_by: None,
            displaced: None,
            vouched: None,
            acknowledged: None,
        }
    }

    /// Whether it may speak for its tenant, and has: to put another in its place is to revoke it.
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && !self.awaited && now < self.expires
    }

    /// Whether it took the place of a live one, and no admin has said a word about it.
    pub(crate) fn is_alarm(&self) -> bool {
        self.displaced.is_some() && self.vouched.is_none() && self.acknowledged.is_none()
    }

    /// Whether a certificate is one of those that this row knows, or is younger than all of them and from before
    /// `begun`, when a person began the present epoch. Only this authority makes such a one, for an agent that showed one
    /// before it: a restored backup has forgotten it. Until the person has spoken, it is not known here.
    pub(crate) fn accepts(&self, leaf: Leaf, begun: Timestamp) -> bool {
        let is_named = self.serial == leaf.serial || self.previous == Some(leaf.serial);
        self.revoked.is_none() && (is_named || (self.is_forgotten(leaf) && leaf.not_before < begun))
    }

    /// Whether it was made after all that this row knows of. What is older was replaced, and has ended by that.
    pub(crate) fn is_forgotten(&self, leaf: Leaf) -> bool {
        self.revoked.is_none() && leaf.not_before > self.renewed.unwrap_or(self.enrolled)
    }
}

/// Of a certificate, what says whether it is accepted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leaf {
    pub(crate) serial: Serial,
    pub(crate) not_before: Timestamp,
}

impl From<&Peer> for Leaf {
    fn from(peer: &Peer) -> Self {
        Self { serial: peer.serial, not_before: peer.not_before }
    }
}

/// Who said something of an agent, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Vouch {
    pub by: PrincipalName,
    pub at: Timestamp,
}

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

/// Which agent used a token, and the answer, for an agent that lost it.
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
