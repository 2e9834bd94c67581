//! Who changed what: one record for each change, in the same transaction, each holding the hash of the one before.
//!
//! Signed roots carry the newest hash, so that a cut tail shows. Knows nothing about what a change does.

mod kept;

use entente_model::desired::Digest;
use entente_model::{AgentName, Timestamp};
use entente_seal::{AuditChange, AuditContent, AuditField};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::changed::ChangeKind;
use crate::caller::{Caller, Options};
use crate::rows::as_hex;

pub use kept::AuditedChange;
pub(crate) use kept::kept;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditRecord {
    /// The store revision of the change.
    pub revision: u64,
    pub time: Timestamp,
    /// A principal's or an agent's name.
    pub actor: String,
    /// The method that was called.
    pub method: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<Uuid>,
    /// Names of what changed.
    pub resources: Vec<String>,
    /// A sentence for people.
    pub summary: String,
    /// Of what was changed of intent, each resource with what it was and is, as far as there is room. Records of before this was
    /// kept have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<AuditedChange>,
    /// Resources for which there was no room.
    #[serde(default, skip_serializing_if = "kept::is_none")]
    pub more_changes: u32,
    /// SHA-256 of the digest before and of this record.
    #[serde(with = "as_hex::digest")]
    pub digest: Digest,
    /// All zero for the first record.
    #[serde(with = "as_hex::digest")]
    pub previous: Digest,
}

/// What a change says of itself.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) actor: String,
    pub(crate) method: &'static str,
    pub(crate) request_id: Option<Uuid>,
    pub(crate) resources: Vec<String>,
    pub(crate) summary: String,
}

impl Entry {
    /// Of what a caller asks for one resource.
    pub(crate) fn by(caller: &Caller, options: &Options, name: &impl std::fmt::Display, verb: &str) -> Self {
        let (name, actor) = (name.to_string(), caller.principal.to_string());
        let summary = format!("{name} {verb}");
        Self { actor, method: options.method, request_id: options.request_id, resources: vec![name], summary }
    }

    /// Of what an agent does for itself.
    pub(crate) fn by_agent(name: &AgentName, method: &'static str, summary: &str) -> Self {
        let (actor, resources) = (name.to_string(), vec![name.to_string()]);
        Self { actor, method, request_id: None, resources, summary: summary.to_owned() }
    }
}

/// What it keeps of the resources, and of how many there is none.
pub(crate) type Kept = (Vec<AuditedChange>, u32);

impl AuditRecord {
    pub(crate) fn after(previous: Digest, revision: u64, time: Timestamp, entry: Entry, kept: Kept) -> Self {
        let Entry { actor, method, request_id, resources, summary } = entry;
        let (changes, more_changes) = kept;
        let method = method.to_owned();
        let digest = Digest::default();
        let mut record = Self {
            revision,
            time,
            actor,
            method,
            request_id,
            resources,
            summary,
            changes,
            more_changes,
            digest,
            previous,
        };
        record.digest = record.hash();
        record
    }

    /// What `digest` must be.
    pub fn hash(&self) -> Digest {
        let request_id = self.request_id.map(|id| id.to_string());
        let changes: Vec<_> = self.changes.iter().map(hashed).collect();
        let content = AuditContent {
            revision: self.revision,
            time: self.time,
            actor: &self.actor,
            method: &self.method,
            request_id: request_id.as_deref(),
            resources: &self.resources,
            summary: &self.summary,
            changes: &changes,
            more_changes: self.more_changes,
        };
        content.digest(self.previous)
    }
}

fn hashed(it: &AuditedChange) -> AuditChange<'_> {
    let kind = match it.kind {
        ChangeKind::Created => "CREATED",
        ChangeKind::Updated => "UPDATED",
        ChangeKind::Unchanged => "UNCHANGED",
        ChangeKind::Deleted => "DELETED",
    };
    let fields = it.fields.iter().map(|it| AuditField(&it.path, &it.before, &it.after)).collect();
    AuditChange(&it.name, kind, fields, it.more)
}
