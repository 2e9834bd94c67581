//! Walks all audit records and computes their chain anew, from what the API gives alone.
//!
//! Each record's digest is over what it says and the digest before it. So a record that was altered, taken out, put in or moved
//! shows. The head that the server states shows whether the newest records were cut off. Only a digest that was written down
//! before shows that a server wrote the whole chain anew. Signed roots hold these digests: see [`super::logs`].

use std::collections::HashSet;
use std::path::PathBuf;

use entente_convert::time;
use entente_model::desired::Digest;
use entente_proto::access::v1 as wire;
use entente_seal::{AuditChange, AuditContent, AuditField};
use serde_json::json;

use super::logs::Roots;
use crate::args::Format;
use crate::client::{Client, within};
use crate::failure::Failure;
use crate::output;

pub(super) async fn verify(
    mut client: Client,
    known: Option<String>,
    checkpoint: Option<PathBuf>,
    format: Format,
) -> Result<(), Failure> {
    let kept = checkpoint.map(|path| {
        let unreadable = |error| Failure::Usage(format!("--checkpoint: {} cannot be read: {error}", path.display()));
        std::fs::read_to_string(&path).map_err(unreadable)
    });
    let kept = kept.transpose()?;
    // Before the records, so that all that they name are among these.
    let roots = Roots::all(&mut client).await?;
    let (mut chain, is_known) = (None, known.is_some());
    let mut page_token = String::new();
    loop {
        let request = wire::ListAuditRecordsRequest { page_size: 1_000, page_token, ..Default::default() };
        let page = client.access.list_audit_records(within(request)).await?.into_inner();
        // The first answer's: what is written while the rest is read is no part of it.
        let chain = chain.get_or_insert_with(|| Chain::up_to(page.head_digest.clone(), known.clone()));
        page.records.iter().try_for_each(|record| chain.take(record)).map_err(broken)?;
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let verified = chain.unwrap_or_default().end().map_err(broken)?;
    let logs = roots.verify(&verified.digests, kept.as_deref()).map_err(broken)?;
    let document = json!({
        "records": verified.count, "firstRevision": verified.last, "lastRevision": verified.first,
        "headDigest": verified.head, "roots": logs.roots, "logs": logs.logs, "checkpoint": logs.checkpoint,
    });
    output::print(format, &document, || match verified.count {
        0 => format!("there are no records\n{}", logs.text(kept.is_some())),
        _ => format!("{}{}", text(&verified, is_known), logs.text(kept.is_some())),
    })
}

/// Without a digest from before, a chain that was written anew is as whole as this one.
fn text(verified: &Chain, is_known: bool) -> String {
    let Chain { count, first, last, head, .. } = verified;
    let what = if is_known {
        "the chain is whole, and holds the digest that was written down".to_owned()
    } else {
        let known = "write the head down, and hold the log against it later with --known";
        format!("the chain is whole; that all of it was written anew shows only by a head of before: {known}")
    };
    format!("{count} records, from revision {last} to {first}: {what}\nhead: {head}\n")
}

fn broken(why: String) -> Failure {
    Failure::Failed(format!("the audit log does not hold: {why}"))
}

/// What was walked so far, the newest record first.
#[derive(Debug, Default)]
struct Chain {
    head: String,
    known: Option<String>,
    seen_head: bool,
    count: u64,
    /// The revision of the newest record.
    first: i64,
    /// Of the one that was looked at last, and what it says stands before it.
    last: i64,
    previous: String,
    /// Of all that were walked.
    digests: HashSet<String>,
}

impl Chain {
    fn up_to(head: String, known: Option<String>) -> Self {
        Self { head, known: known.map(|it| it.to_ascii_lowercase()), ..Self::default() }
    }

    fn take(&mut self, record: &wire::AuditRecord) -> Result<(), String> {
        let revision = record.revision;
        if self.count == 0 {
            self.first = revision;
        } else if revision >= self.last {
            return Err(format!("revision {revision} comes after revision {}: records are out of order", self.last));
        } else if record.digest != self.previous {
            let last = self.last;
            return Err(format!(
                "revision {last} follows on a record that is not there: before it is revision {revision}"
            ));
        }
        if digest(record).as_deref() != Some(record.digest.as_str()) {
            return Err(format!("revision {revision} does not say what was written"));
        }
        self.seen_head |= record.digest == self.head;
        self.known.take_if(|known| *known == record.digest);
        (self.count, self.last) = (self.count + 1, revision);
        self.previous.clone_from(&record.previous_digest);
        self.digests.insert(record.digest.clone());
        Ok(())
    }

    fn end(self) -> Result<Self, String> {
        if !self.previous.is_empty() {
            return Err(format!("what was before revision {} is not there", self.last));
        }
        let is_new = self.head.is_empty() && self.count == 0;
        if !self.seen_head && !is_new {
            return Err(match (self.head.is_empty(), self.count) {
                (true, _) => {
                    "the server states no head, so it is not known whether the newest records are there; it is \
                              older than this command"
                        .into()
                }
                (_, 0) => format!("no record is there, and the server states the head {}", self.head),
                _ => format!("what came after revision {} is not there: the head is {}", self.first, self.head),
            });
        }
        match &self.known {
            Some(known) => {
                Err(format!("no record has the digest {known}: the log was written anew, or cut, since then"))
            }
            None => Ok(self),
        }
    }
}

/// What a record's digest must be; none where it says something that this version does not know.
fn digest(record: &wire::AuditRecord) -> Option<String> {
    let previous = if record.previous_digest.is_empty() { Digest::default() } else { read(&record.previous_digest)? };
    let changes: Vec<AuditChange<'_>> = record.changes.iter().map(change).collect::<Option<_>>()?;
    let content = AuditContent {
        revision: u64::try_from(record.revision).ok()?,
        time: time::from_proto(record.time.as_ref()?),
        actor: &record.actor,
        method: &record.method,
        request_id: Some(record.request_id.as_str()).filter(|id| !id.is_empty()),
        resources: &record.resources,
        summary: &record.summary,
        changes: &changes,
        more_changes: u32::try_from(record.more_changes).ok()?,
    };
    Some(content.digest(previous).to_string())
}

fn change(it: &wire::ResourceChange) -> Option<AuditChange<'_>> {
    let kind = wire::ChangeKind::try_from(it.kind).ok()?.as_str_name().trim_start_matches("CHANGE_KIND_");
    let fields = it.fields.iter().map(|it| AuditField(&it.path, &it.before, &it.after)).collect();
    Some(AuditChange(&it.name, kind, fields, u32::try_from(it.more_fields).ok()?))
}

fn read(hex: &str) -> Option<Digest> {
    let pair = |at: usize| hex.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(pair).collect::<Option<_>>()?;
    Some(Digest(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests;
