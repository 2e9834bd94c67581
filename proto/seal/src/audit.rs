//! The digest of an audit record, over the previous digest and the record's content. The writer and the verifier share
//! this code.

use entente_model::Timestamp;
use entente_model::desired::Digest;
use serde::Serialize;

use crate::hash;

/// The content of an audit record.
#[derive(Debug, Clone, Copy)]
pub struct AuditContent<'a> {
    pub revision: u64,
    pub time: Timestamp,
    pub actor: &'a str,
    pub method: &'a str,
    /// A UUID, in lower case with hyphens.
    pub request_id: Option<&'a str>,
    pub resources: &'a [String],
    pub summary: &'a str,
    pub changes: &'a [AuditChange<'a>],
    /// Further changed resources, for which there was no room.
    pub more_changes: u32,
}

/// The changes of one resource: name, kind of change, fields, and how many more fields there was no room for.
#[derive(Debug, Clone, Serialize)]
pub struct AuditChange<'a>(pub &'a str, pub &'a str, pub Vec<AuditField<'a>>, pub u32);

/// Path, before and after.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct AuditField<'a>(pub &'a str, pub &'a str, pub &'a str);

impl AuditContent<'_> {
    /// Records without changes are encoded as before changes existed, so old records keep their digests.
    pub fn digest(&self, previous: Digest) -> Digest {
        let said = (self.revision, self.time, self.actor, self.method, self.request_id, self.resources, self.summary);
        let mut bytes = previous.0.to_vec();
        let written = serde_json::to_writer(&mut bytes, &said).and_then(|()| match self.changes {
            [] if self.more_changes == 0 => Ok(()),
            changes => serde_json::to_writer(&mut bytes, &(changes, self.more_changes)),
        });
        written.expect("texts and numbers have no failing serializer");
        hash::of_bytes(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content<'a>(resources: &'a [String], changes: &'a [AuditChange<'a>]) -> AuditContent<'a> {
        AuditContent {
            revision: 7,
            time: Timestamp::from_unix(60),
            actor: "principals/admin",
            method: "ApplyIntent",
            request_id: None,
            resources,
            summary: "1 updated; 6 tenants touched",
            changes,
            more_changes: 0,
        }
    }

    #[test]
    fn a_record_without_changes_has_the_digest_that_it_always_had() {
        let resources = ["squads/triage".to_owned()];
        let text = br#"[7,"1970-01-01T00:01:00Z","principals/admin","ApplyIntent",null,["squads/triage"],"1 updated; 6 tenants touched"]"#;
        let expected = hash::of_bytes(&[&[0; 32][..], text].concat());
        assert_eq!(content(&resources, &[]).digest(Digest::default()), expected);
    }

    #[test]
    fn every_part_of_a_change_counts() {
        let change = |name, kind, path, before, after, more| {
            AuditChange(name, kind, vec![AuditField(path, before, after)], more)
        };
        let all = [
            change("squads/a", "UPDATED", "p", "1", "2", 0),
            change("squads/b", "UPDATED", "p", "1", "2", 0),
            change("squads/a", "DELETED", "p", "1", "2", 0),
            change("squads/a", "UPDATED", "q", "1", "2", 0),
            change("squads/a", "UPDATED", "p", "0", "2", 0),
            change("squads/a", "UPDATED", "p", "1", "0", 0),
            change("squads/a", "UPDATED", "p", "1", "2", 1),
        ];
        let mut digests: Vec<_> =
            all.iter().map(|it| content(&[], std::slice::from_ref(it)).digest(Digest::default()).0).collect();
        digests.push(content(&[], &[]).digest(Digest::default()).0);
        digests.push(AuditContent { more_changes: 1, ..content(&[], &[]) }.digest(Digest::default()).0);
        digests.sort();
        digests.dedup();
        assert_eq!(digests.len(), 9);
    }
}
