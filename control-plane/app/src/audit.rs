//! Who changed what: one record for each change, in the same transaction, each holding the hash of the one before.
//!
//! Signed roots carry the newest hash, so that a cut tail shows. Knows nothing about what a change does.

mod kept;

use entente_model::Timestamp;
use entente_model::desired::Digest;
use entente_model::intent::ResourceName;
use entente_seal::{AuditChange, AuditContent, AuditField};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::app::App;
use crate::caller::{ApiRole, Caller};
use crate::change::ChangeKind;
use crate::error::AppError;
use crate::page::{Page, PageRequest};
use crate::rows::{self, as_hex};

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

/// Rows that are looked at for one page when only one resource is asked for: bounds the time of a call. The page is
/// then short, and its token goes on.
const MAX_SCANNED: usize = 10_000;

/// Bytes of rows after which a page ends, as its answer is bounded: half of what a message takes.
const MAX_PAGE_BYTES: usize = 2 << 20;

/// Where a page goes on, and whether one before it had something: `417`, or `417-` while nothing was found.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    after: Option<u64>,
    found: bool,
}

impl Place {
    fn of(page: &PageRequest) -> Result<Self, AppError> {
        let nothing = page.token.strip_suffix('-');
        let token = nothing.unwrap_or(&page.token).to_owned();
        let found = nothing.is_none() && !token.is_empty();
        Ok(Self { after: PageRequest { size: page.size, token }.after()?, found })
    }

    fn token(&self) -> String {
        let mark = if self.found { "" } else { "-" };
        self.after.map(|at| format!("{at}{mark}")).unwrap_or_default()
    }
}

impl App {
    /// The digest of the newest record, as far as it is durable; none before the first.
    pub fn audit_head(&self) -> Option<Digest> {
        Some(self.inner.published().head.audit).filter(|digest| *digest != Digest::default())
    }

    /// Records, the newest first; of one resource, or of all.
    pub async fn audit(
        &self,
        caller: &Caller,
        page: &PageRequest,
        resource: Option<&ResourceName>,
    ) -> Result<Page<AuditRecord>, AppError> {
        caller.needs(ApiRole::Viewer)?;
        let wanted = resource.map(ToString::to_string);
        let Place { mut after, found } = Place::of(page)?;
        let (mut items, mut scanned, mut bytes) = (Vec::new(), 0, 0);
        loop {
            let start = after.map(rows::audit);
            let batch = self.inner.store.scan(rows::AUDIT, start.as_deref(), page.limit()).await?;
            for (key, entry) in &batch.entries {
                if items.len() == page.limit() || scanned == MAX_SCANNED || bytes > MAX_PAGE_BYTES {
                    let found = found || !items.is_empty();
                    return Ok(Page { items, next: Place { after, found }.token() });
                }
                let record: AuditRecord = rows::decode(key, &entry.value).map_err(AppError::internal)?;
                (after, scanned) = (Some(record.revision), scanned + 1);
                if wanted.as_ref().is_none_or(|name| record.resources.contains(name)) {
                    bytes += entry.value.len();
                    items.push(record);
                }
            }
            if batch.next.is_none() {
                // What was deleted is in its records; a name that is in none, of any page, and that nothing has is misspelt.
                if let Some(name) = resource.filter(|_| items.is_empty() && !found) {
                    self.get(caller, name)?;
                }
                return Ok(Page { items, next: String::new() });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_says_whether_something_was_found_before_it() {
        for (after, found, token) in [(Some(417), true, "417"), (Some(417), false, "417-"), (None, false, "")] {
            assert_eq!(Place { after, found }.token(), token);
            let page = PageRequest { size: 0, token: token.into() };
            assert_eq!(Place::of(&page).unwrap(), Place { after, found });
        }
        assert!(Place::of(&PageRequest { size: 0, token: "x-".into() }).is_err());
    }
}
