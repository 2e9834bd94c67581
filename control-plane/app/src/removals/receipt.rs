//! Stored receipts. They are never deleted.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use entente_model::report::RemovalProof;
use entente_model::revocation::Cause;
use entente_model::{AgentName, OperatorName, TenantName, Timestamp};
use serde::{Deserialize, Serialize};

use crate::history::Snapshot;
use crate::sync::lock;

/// The proof of one removal in one tenant. Of a person who comes back there are several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    pub tenant: TenantName,
    pub operator: OperatorName,
    /// Id of the removal.
    pub revocation: String,
    /// Of the commit that wrote it; 0 in those of older versions.
    #[serde(default)]
    pub number: u64,
    /// `person`, or the key of a membership.
    pub subject: String,
    pub cause: Cause,
    pub actor: String,
    pub requested: Timestamp,
    pub detail: String,
    pub proof: RemovalProof,
    pub recorded: Timestamp,
    /// None in those of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<SignedStatement>,
}

/// What the agent signed, and which agent it was. The authority's certificate is all that is needed to check it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignedStatement {
    /// The text that is signed.
    pub statement: String,
    /// ECDSA P-256 with SHA-256, ASN.1 in base64.
    pub signature: String,
    /// The agent's certificate, DER in base64.
    pub certificate: String,
    pub agent: AgentName,
    pub enrolled: Timestamp,
    /// The agent whose place it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub displaced: Option<String>,
    /// The administrator who vouched for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vouched: Option<String>,
}

/// The newest receipts of removals that have not ended.
#[derive(Debug, Default)]
pub(crate) struct Receipts(Mutex<HashMap<String, BTreeMap<TenantName, Receipt>>>);

impl Receipts {
    /// Keeps what belongs to an open removal.
    pub(crate) fn of(receipts: impl Iterator<Item = Receipt>, snapshot: &Snapshot) -> Self {
        let this = Self::default();
        let open = &snapshot.fleet.intent().revocations;
        receipts.filter(|it| open.contains_key(&it.revocation)).for_each(|it| this.add(it));
        this
    }

    pub(super) fn add(&self, receipt: Receipt) {
        let mut open = lock(&self.0);
        let of_removal = open.entry(receipt.revocation.clone()).or_default();
        if of_removal.get(&receipt.tenant).is_none_or(|newest| newest.number <= receipt.number) {
            of_removal.insert(receipt.tenant.clone(), receipt);
        }
    }

    pub(super) fn get(&self, revocation: &str, tenant: &TenantName) -> Option<Receipt> {
        lock(&self.0).get(revocation)?.get(tenant).cloned()
    }

    pub(super) fn forget(&self, snapshot: &Snapshot) {
        lock(&self.0).retain(|id, _| snapshot.fleet.intent().revocations.contains_key(id));
    }
}
