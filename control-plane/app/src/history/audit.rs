//! Who changed what: one record for each change, in the same transaction, each with the hash of the record before.
//!
//! Signed roots carry the newest hash, so a cut tail shows. A record keeps which fields changed, from what to what, within a bound,
//! and says how much it left out. Knows nothing about what a change does.

use entente_model::desired::Digest;
use entente_model::intent::ResourceName;
use entente_model::report::bounds::bounded;
use entente_model::{AgentName, Timestamp};
use entente_seal::{AuditChange, AuditContent, AuditField};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::caller::{Caller, Options};
use crate::rows::as_hex;
use crate::word::words;

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
    #[serde(default, skip_serializing_if = "is_none")]
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
pub(crate) struct AuditEntry {
    pub(crate) actor: String,
    pub(crate) method: &'static str,
    pub(crate) request_id: Option<Uuid>,
    pub(crate) resources: Vec<String>,
    pub(crate) summary: String,
}

impl AuditEntry {
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
    pub(crate) fn after(previous: Digest, revision: u64, time: Timestamp, entry: AuditEntry, kept: Kept) -> Self {
        let (changes, more_changes) = kept;
        let mut record = Self {
            revision,
            time,
            actor: entry.actor,
            method: entry.method.to_owned(),
            request_id: entry.request_id,
            resources: entry.resources,
            summary: entry.summary,
            changes,
            more_changes,
            digest: Digest::default(),
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
    let fields = it.fields.iter().map(|it| AuditField(&it.path, &it.before, &it.after)).collect();
    AuditChange(&it.name, it.kind.word(), fields, it.more)
}

/// Longest value, in bytes: a list keeps only what differs of it, so that this is a sentence or a rare large list.
const MAX_VALUE_BYTES: usize = 2 * 1024;

/// Most bytes of one record's changes. A record shares its commit with all that it is about, and a page has many.
const MAX_RECORD_BYTES: usize = 16 * 1024;

/// What a change of one resource takes beside its texts, in a row.
const CHANGE_BYTES: usize = 64;

/// One resource, as an audit record has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditedChange {
    pub name: String,
    pub kind: ChangeKind,
    /// Of a list, only the members that come or go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
    /// Fields for which there was no room.
    #[serde(default, skip_serializing_if = "is_none")]
    pub more: u32,
}

pub(super) fn is_none(count: &u32) -> bool {
    *count == 0
}

/// As much as there is room for, and how many resources there was none for.
pub(crate) fn kept(changes: &[ResourceChange]) -> (Vec<AuditedChange>, u32) {
    let (mut kept, mut left) = (Vec::new(), MAX_RECORD_BYTES);
    let changed: Vec<_> = changes.iter().filter(|it| it.kind != ChangeKind::Unchanged).collect();
    for change in &changed {
        let name = change.name.to_string();
        let Some(room) = left.checked_sub(name.len() + CHANGE_BYTES) else { break };
        left = room;
        let mut it = AuditedChange { name, kind: change.kind, fields: Vec::new(), more: 0 };
        for field in change.fields.iter().map(brief) {
            let size = field.path.len() + field.before.len() + field.after.len();
            match left.checked_sub(size) {
                Some(room) => {
                    left = room;
                    it.fields.push(field);
                }
                None => it.more += 1,
            }
        }
        kept.push(it);
    }
    let more = changed.len() - kept.len();
    (kept, u32::try_from(more).unwrap_or(u32::MAX))
}

fn brief(field: &FieldChange) -> FieldChange {
    let (before, after) = members(field).unwrap_or_else(|| (field.before.clone(), field.after.clone()));
    let path = bounded(field.path.clone(), MAX_VALUE_BYTES);
    FieldChange { path, before: bounded(before, MAX_VALUE_BYTES), after: bounded(after, MAX_VALUE_BYTES) }
}

/// Of two lists, what is in one more often than in the other.
fn members(field: &FieldChange) -> Option<(String, String)> {
    let list = |json: &str| serde_json::from_str::<Vec<Value>>(json).ok();
    let (before, after) = (list(&field.before)?, list(&field.after)?);
    let beyond = |here: &[Value], there: &[Value]| {
        let mut rest: Vec<&Value> = there.iter().collect();
        let mut taken =
            |value: &Value| rest.iter().position(|it| *it == value).map(|at| rest.swap_remove(at)).is_some();
        let left: Vec<_> = here.iter().filter(|value| !taken(value)).cloned().collect();
        Value::Array(left).to_string()
    };
    Some((beyond(&before, &after), beyond(&after, &before)))
}

/// What happens to one resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResourceChange {
    pub name: ResourceName,
    pub kind: ChangeKind,
    /// Those that differ; all of them for a new resource.
    pub fields: Vec<FieldChange>,
}

words! {
    /// Kinds of change.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    pub enum ChangeKind {
        Created = "CREATED",
        Updated = "UPDATED",
        Unchanged = "UNCHANGED",
        Deleted = "DELETED",
    }
}

/// One field that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// As in a manifest: `tenants.expect`.
    pub path: String,
    /// JSON; empty where there was nothing.
    pub before: String,
    /// JSON; empty where there is nothing any more.
    pub after: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(fields: &[(&str, &str, &str)]) -> ResourceChange {
        let field = |(path, before, after): &(&str, &str, &str)| FieldChange {
            path: (*path).into(),
            before: (*before).into(),
            after: (*after).into(),
        };
        let (name, kind) = ("squads/triage".parse().unwrap(), ChangeKind::Updated);
        ResourceChange { name, kind, fields: fields.iter().map(field).collect() }
    }

    #[test]
    fn a_list_keeps_who_comes_and_who_goes() {
        let (kept, more) = kept(&[change(&[("members", r#"["li","sam"]"#, r#"["li","maya"]"#), ("n", "1", "")])]);
        let fields: Vec<_> =
            kept[0].fields.iter().map(|it| format!("{} {} {}", it.path, it.before, it.after)).collect();
        assert_eq!((fields, more), (vec![r#"members ["sam"] ["maya"]"#.to_owned(), "n 1 ".to_owned()], 0));
    }

    #[test]
    fn what_is_too_long_is_cut_and_says_so_and_what_is_too_much_is_counted() {
        let long = format!("\"{}\"", "x".repeat(5_000));
        let fields: Vec<_> = (0..20).map(|_| ("text", long.as_str(), "")).collect();
        let (kept, more) = kept(&vec![change(&fields); 200]);
        assert!(kept[0].fields[0].before.ends_with("more bytes"), "{}", kept[0].fields[0].before);
        let unchanged = ResourceChange { kind: ChangeKind::Unchanged, ..change(&[]) };
        assert_eq!(super::kept(&[unchanged]), (Vec::new(), 0));
        let counted: usize = kept.iter().map(|it| it.fields.len() + it.more as usize).sum();
        assert_eq!((counted, kept.len() + more as usize), (20 * kept.len(), 200));
        let bytes = serde_json::to_vec(&kept).unwrap().len();
        assert!(more > 0 && bytes < 2 * MAX_RECORD_BYTES, "{bytes} bytes, {more} more");
    }
}
