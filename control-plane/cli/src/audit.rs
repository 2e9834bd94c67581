//! The record of changes of intent: who changed what, the newest first.

use entente_proto::access::v1 as wire;
use serde_json::Value;

use crate::args::{Audit, Format};
use crate::client::{Client, within};
use crate::failure::Failure;
use crate::output::{self, List, column, instant, or_dash, wide};
use crate::pages::full_name;
use crate::since;

/// Most names in one row; the wide table and JSON have all of them.
const MAX_NAMES: usize = 3;

pub(crate) async fn audit(mut client: Client, ask: Audit, format: Format) -> Result<(), Failure> {
    let Audit::List { resource, actor, since, limit } = ask;
    let actor = actor.map(|name| full_name("principals", &name));
    let since = since.map(|text| since::beginning(&text, output::now())).transpose()?;
    let mut all: Vec<wire::AuditRecord> = Vec::new();
    let mut page_token = String::new();
    loop {
        let resource = resource.clone().unwrap_or_default();
        let request = wire::ListAuditRecordsRequest { page_size: 1_000, page_token, resource };
        let page = client.access.list_audit_records(within(request)).await?.into_inner();
        let is_old = |it: &wire::AuditRecord| since.is_some_and(|since| seconds(it) < since.as_unix());
        let ended = page.next_page_token.is_empty() || page.records.last().is_some_and(is_old);
        let chosen = page.records.into_iter().filter(|it| !is_old(it));
        all.extend(chosen.filter(|it| actor.as_ref().is_none_or(|actor| it.actor == *actor)));
        page_token = page.next_page_token;
        if ended || all.len() >= limit {
            break;
        }
    }
    all.truncate(limit);
    if let Some(actor) = actor.filter(|_| all.is_empty()) {
        // Who acted may be deleted since, so that no list of today could say whether the name is right.
        output::aside(&format!("no record that fits is of {actor}; whether there was such a principal is not checked"));
    }
    list(&all).print(format, &Value::Array(all.iter().map(output::document).collect()), ("", ""))
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
        wide("REVISION"),
        wide("ALL"),
        wide("REQUEST"),
    ];
    let (mut list, now) = (List::new(columns), output::now());
    for it in all {
        let who = it.actor.trim_start_matches("principals/").to_owned();
        let (revision, request) = (it.revision.to_string(), or_dash(&it.request_id));
        let what = [instant(&it.time), who, it.method.clone(), named(&it.resources), it.summary.clone()];
        let [time, who, method, changed, summary] = what;
        list.row(
            &revision.clone(),
            [
                output::age(&it.time, now),
                time,
                who,
                method,
                changed,
                summary,
                revision,
                or_dash(&it.resources.join(" ")),
                request,
            ],
        );
    }
    list
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
}
