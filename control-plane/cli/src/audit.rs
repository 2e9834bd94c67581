//! The record of changes of intent: who changed what, the newest first.

mod logs;
mod verify;

use entente_model::Timestamp;
use entente_proto::access::v1 as wire;
use serde_json::Value;

use crate::args::{Audit, AuditList, Format};
use crate::client::{Client, within};
use crate::difference;
use crate::failure::Failure;
use crate::output::{self, List, column, instant, or_dash, wide};
use crate::pages::{full_name, newest};
use crate::since;

/// Most names in one row; the wide table and JSON have all of them.
const MAX_NAMES: usize = 3;

/// Fields that are shown in one row; the wide table and JSON have all of them.
const MAX_FIELDS: usize = 2;

pub(crate) async fn audit(client: Client, ask: Audit, format: Format) -> Result<(), Failure> {
    match ask {
        Audit::List(ask) => list_records(client, ask, format).await,
        Audit::Verify { known, checkpoint } => verify::verify(client, known, checkpoint, format).await,
    }
}

async fn list_records(mut client: Client, ask: AuditList, format: Format) -> Result<(), Failure> {
    let AuditList { resource, actor, since, limit } = ask;
    let actor = actor.map(|name| full_name("principals", &name));
    let since = since.map(|text| since::beginning(&text, output::now())).transpose()?;
    let mut found = Found { actor, since, limit: limit.get(), all: Vec::new() };
    let resource = resource.unwrap_or_default();
    let mut request = wire::ListAuditRecordsRequest { page_size: 1_000, resource, ..Default::default() };
    loop {
        let page = client.access.list_audit_records(within(request.clone())).await?.into_inner();
        request.page_token.clone_from(&page.next_page_token);
        if found.take(page) {
            break;
        }
    }
    let Found { actor, limit, mut all, .. } = found;
    let more = newest(&mut all, limit);
    if let Some(actor) = actor.filter(|_| all.is_empty()) {
        // Who acted may be deleted since, so that no list of today could say whether the name is right.
        output::aside(&format!("no record that fits is of {actor}; whether there was such a principal is not checked"));
    }
    list(&all).print(format, &Value::Array(all.iter().map(output::document).collect()), ("", ""))?;
    more.iter().for_each(|more| output::aside(more));
    Ok(())
}

/// Records that fit, page by page.
struct Found {
    actor: Option<String>,
    since: Option<Timestamp>,
    limit: usize,
    all: Vec<wire::AuditRecord>,
}

impl Found {
    /// Whether that is all that is asked for, and one more, so that it is known whether there are more.
    fn take(&mut self, page: wire::ListAuditRecordsResponse) -> bool {
        let since = self.since;
        let is_old = |it: &wire::AuditRecord| since.is_some_and(|since| seconds(it) < since.as_unix());
        let ended = page.next_page_token.is_empty() || page.records.last().is_some_and(is_old);
        let fits = |it: &wire::AuditRecord| !is_old(it) && self.actor.as_ref().is_none_or(|actor| it.actor == *actor);
        let chosen: Vec<_> = page.records.into_iter().filter(fits).collect();
        self.all.extend(chosen);
        ended || self.all.len() > self.limit
    }
}

fn seconds(it: &wire::AuditRecord) -> i64 {
    it.time.as_ref().map_or(0, |at| at.seconds)
}

fn list(all: &[wire::AuditRecord]) -> List {
    let columns = [
        column("AGE"),
        column("TIME"),
        column("WHO"),
        column("METHOD"),
        column("CHANGED"),
        column("WHAT"),
        wide("CHANGES"),
        wide("REVISION"),
        wide("ALL"),
        wide("REQUEST"),
    ];
    let (mut list, now) = (List::new(columns), output::now());
    for it in all {
        let who = it.actor.trim_start_matches("principals/").to_owned();
        let (revision, request) = (it.revision.to_string(), or_dash(&it.request_id));
        let (age, time, method) = (output::age(&it.time, now), instant(&it.time), it.method.clone());
        let changes = or_dash(&lines(it).join("; "));
        let (changed, all) = (named(&it.resources), or_dash(&it.resources.join(" ")));
        list.row(&revision.clone(), [age, time, who, method, changed, what(it), changes, revision, all, request]);
    }
    list
}

/// `squads/triage: members - operator: operators/sam; 6 tenants touched`: what was changed, where the record says so.
fn what(it: &wire::AuditRecord) -> String {
    let lines = lines(it);
    if lines.is_empty() {
        return it.summary.clone();
    }
    let more = lines.len().saturating_sub(MAX_FIELDS);
    let first = lines[..lines.len() - more].join("; ");
    if more == 0 { format!("{first}; {}", it.summary) } else { format!("{first} and {more} more; {}", it.summary) }
}

/// Each field that differs: its resource, its path, and what it was and is.
fn lines(it: &wire::AuditRecord) -> Vec<String> {
    let mut lines = Vec::new();
    for change in &it.changes {
        let name = &change.name;
        match change.kind() {
            // Every field of it is new, or gone: the name says enough.
            wire::ChangeKind::Created => lines.push(format!("{name}: created")),
            wire::ChangeKind::Deleted => lines.push(format!("{name}: deleted")),
            _ => lines.extend(change.fields.iter().map(|field| format!("{name}: {}", difference::line(field)))),
        }
        if change.more_fields > 0 {
            lines.push(format!("{name}: {} more fields", change.more_fields));
        }
    }
    if it.more_changes > 0 {
        lines.push(format!("{} more resources", it.more_changes));
    }
    lines
}

/// `squads/triage, operators/sam and 12 more`.
fn named(resources: &[String]) -> String {
    let first = resources.iter().take(MAX_NAMES).cloned().collect::<Vec<_>>().join(", ");
    match resources.len() {
        0 => "-".into(),
        many if many > MAX_NAMES => format!("{first} and {} more", many - MAX_NAMES),
        _ => first,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_names_what_was_changed() {
        let record = wire::AuditRecord {
            actor: "principals/admin".into(),
            method: "ApplyIntent".into(),
            resources: ["squads/triage", "squads/l2", "operators/sam", "operators/li"].map(str::to_owned).to_vec(),
            summary: "4 updated; 6 tenants touched".into(),
            ..Default::default()
        };
        let text = list(&[record]).shown(false);
        assert!(text.contains("squads/triage, squads/l2, operators/sam and 1 more"), "{text}");
    }

    #[test]
    fn a_list_that_is_cut_says_so_also_where_a_page_ends_at_the_limit() {
        let page = |count: usize, next: &str| wire::ListAuditRecordsResponse {
            records: vec![wire::AuditRecord::default(); count],
            next_page_token: next.into(),
            ..Default::default()
        };
        let found = |pages: Vec<wire::ListAuditRecordsResponse>| {
            let mut found = Found { actor: None, since: None, limit: 100, all: Vec::new() };
            let asked = pages.len();
            let over: Vec<bool> = pages.into_iter().map(|page| found.take(page)).collect();
            assert_eq!(over.iter().position(|over| *over), Some(asked - 1), "no page too few");
            (newest(&mut found.all, 100), found.all.len())
        };
        let said = Some("the newest 100 are shown; --limit shows more".to_owned());
        assert_eq!(found(vec![page(100, "1"), page(1, "")]), (said.clone(), 100));
        assert_eq!(found(vec![page(1_000, "1")]), (said, 100));
        assert_eq!(found(vec![page(100, "")]), (None, 100));
    }

    #[test]
    fn users_a_row_says_what_changed_from_what_to_what() {
        let field = |path: &str, before: &str, after: &str| wire::FieldChange {
            path: path.into(),
            before: before.into(),
            after: after.into(),
        };
        let change = |fields| wire::ResourceChange {
            name: "squads/triage".into(),
            kind: wire::ChangeKind::Updated.into(),
            fields,
            more_fields: 0,
        };
        let members = field("members", r#"[{"operator":"operators/sam"}]"#, "[]");
        let summary = "1 updated; 6 tenants touched".to_owned();
        let record = |changes| wire::AuditRecord { changes, summary: summary.clone(), ..Default::default() };
        let one = record(vec![change(vec![members.clone()])]);
        assert_eq!(what(&one), "squads/triage: members - operator: operators/sam; 1 updated; 6 tenants touched");
        let expect = field("tenants.expect", "5", "6");
        let many = record(vec![change(vec![expect.clone(), members, expect])]);
        let first =
            "squads/triage: tenants.expect: 5 -> 6; squads/triage: members - operator: operators/sam and 1 more";
        assert_eq!(what(&many), format!("{first}; {summary}"));
        assert_eq!(what(&record(Vec::new())), summary);
        let cut = record(vec![wire::ResourceChange { more_fields: 3, ..change(Vec::new()) }]);
        assert_eq!(
            what(&wire::AuditRecord { more_changes: 2, ..cut }),
            format!("squads/triage: 3 more fields; 2 more resources; {summary}")
        );
    }
}
