//! Who changed what: one record for each change, in the same transaction, each holding the hash of the one before.
//!
//! Signed roots carry the newest hash, so that a cut tail shows. Knows nothing about what a change does.

use entente_model::Timestamp;
use entente_model::desired::Digest;
use entente_model::intent::ResourceName;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::app::App;
use crate::caller::{ApiRole, Caller};
use crate::error::AppError;
use crate::page::{Page, PageRequest};
use crate::rows::{self, as_hex};

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

impl AuditRecord {
    pub(crate) fn after(previous: Digest, revision: u64, time: Timestamp, entry: Entry) -> Self {
        let Entry { actor, method, request_id, resources, summary } = entry;
        let method = method.to_owned();
        let digest = Digest::default();
        let mut record = Self { revision, time, actor, method, request_id, resources, summary, digest, previous };
        record.digest = record.hash();
        record
    }

    /// What `digest` must be.
    pub fn hash(&self) -> Digest {
        let content =
            (&self.revision, &self.time, &self.actor, &self.method, &self.request_id, &self.resources, &self.summary);
        let mut bytes = self.previous.0.to_vec();
        serde_json::to_writer(&mut bytes, &content).expect("a record has no failing serializer");
        rows::sha256(&bytes)
    }
}

/// Rows that are looked at for one page when only one resource is asked for: bounds the time of a call. The page is
/// then short, and its token goes on.
const MAX_SCANNED: usize = 10_000;

impl App {
    /// Records, the newest first; of one resource, or of all.
    pub async fn audit(
        &self,
        caller: &Caller,
        page: &PageRequest,
        resource: Option<&ResourceName>,
    ) -> Result<Page<AuditRecord>, AppError> {
        caller.needs(ApiRole::Viewer)?;
        let wanted = resource.map(ToString::to_string);
        let mut after = page.after::<u64>()?;
        let (mut items, mut scanned) = (Vec::new(), 0);
        loop {
            let start = after.map(rows::audit);
            let batch = self.inner.store.scan(rows::AUDIT, start.as_deref(), page.limit()).await?;
            for (key, entry) in &batch.entries {
                if items.len() == page.limit() || scanned == MAX_SCANNED {
                    return Ok(Page { items, next: after.map(|at| at.to_string()).unwrap_or_default() });
                }
                let record: AuditRecord = rows::decode(key, &entry.value).map_err(AppError::internal)?;
                (after, scanned) = (Some(record.revision), scanned + 1);
                if wanted.as_ref().is_none_or(|name| record.resources.contains(name)) {
                    items.push(record);
                }
            }
            if batch.next.is_none() {
                // What was deleted is in its records; a name that is in none and that nothing has is misspelt.
                if let Some(name) = resource.filter(|_| items.is_empty() && page.token.is_empty()) {
                    self.get(caller, name)?;
                }
                return Ok(Page { items, next: String::new() });
            }
        }
    }
}
