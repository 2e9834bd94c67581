//! What happened in tenants: a list, the newest first, or line by line as it comes.

use std::collections::BTreeMap;

use entente_convert::time;
use entente_proto::fleet::v1 as wire;
use serde_json::Value;
use wire::{Event, EventKind};

use crate::args::{Events, Format};
use crate::client::{Client, within};
use crate::failure::Failure;
use crate::output::{self, List, column, instant, or_dash, plain, wide};
use crate::pages::{full_name, newest};
use crate::since;
use crate::who::short;

/// What the control plane keeps of each tenant, by the API's word.
const KEPT: usize = 1_000;

/// Most tenants that are named as having had more.
const MAX_FULL: usize = 10;

/// Before the words of the API's enumeration.
const PREFIX: &str = "EVENT_KIND_";

pub(crate) async fn events(client: Client, ask: Events, format: Format) -> Result<(), Failure> {
    let tenant = ask.tenant.as_ref().map(|name| full_name("tenants", name)).unwrap_or_default();
    let since = ask.since.as_ref().map(|text| since::beginning(text, output::now())).transpose()?;
    let since_time = since.map(time::to_proto);
    let kinds = ask.kinds.iter().map(|word| kind(word)).collect::<Result<_, _>>()?;
    if ask.watch {
        let (after_number, tenant) = (None, tenant);
        return watch(client, wire::WatchEventsRequest { tenant, since_time, after_number, kinds }, format).await;
    }
    let request = wire::ListEventsRequest { page_size: 1_000, tenant, since_time, kinds, ..Default::default() };
    list(client, request, ask.limit.get(), format).await
}

async fn list(
    mut client: Client,
    mut request: wire::ListEventsRequest,
    limit: usize,
    format: Format,
) -> Result<(), Failure> {
    let mut all: Vec<Event> = Vec::new();
    loop {
        let page = client.fleet.list_events(within(request.clone())).await?.into_inner();
        all.extend(page.events);
        if page.next_page_token.is_empty() || all.len() > limit {
            break;
        }
        request.page_token = page.next_page_token;
    }
    let mut beside: Vec<String> = newest(&mut all, limit).into_iter().collect();
    if beside.is_empty() && request.since_time.is_some() {
        beside.extend(not_kept(&kept(&mut client, &request, &all).await?));
    }
    let documents = Value::Array(all.iter().map(output::document).collect());
    rows(&all).print(format, &documents, ("", ""))?;
    beside.iter().for_each(|line| output::aside(line));
    Ok(())
}

/// How many events of each tenant there are since then, of whatever kind.
async fn kept(
    client: &mut Client,
    request: &wire::ListEventsRequest,
    found: &[Event],
) -> Result<BTreeMap<String, usize>, Failure> {
    let mut counts = BTreeMap::new();
    let mut count = |all: &[Event]| all.iter().for_each(|it| *counts.entry(it.tenant.clone()).or_default() += 1);
    // All that a fleet has is too much to count for a remark.
    if request.kinds.is_empty() || request.tenant.is_empty() {
        count(found);
        return Ok(counts);
    }
    let mut request = wire::ListEventsRequest { kinds: Vec::new(), page_token: String::new(), ..request.clone() };
    loop {
        let page = client.fleet.list_events(within(request.clone())).await?.into_inner();
        count(&page.events);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return Ok(counts);
        }
    }
}

/// Where the oldest that is kept of a tenant is younger than what was asked for, and older ones had to go.
fn not_kept(counts: &BTreeMap<String, usize>) -> Option<String> {
    let full: Vec<&str> = counts.iter().filter(|(_, count)| **count >= KEPT).map(|(tenant, _)| short(tenant)).collect();
    let more = full.len().saturating_sub(MAX_FULL);
    let more = if more > 0 { format!(" and {more} more tenants") } else { String::new() };
    let named = full[..full.len().min(MAX_FULL)].join(", ");
    (!full.is_empty()).then(|| {
        format!("the last {KEPT} events of a tenant are kept: older ones of {named}{more}, since then too, are not")
    })
}

async fn watch(mut client: Client, request: wire::WatchEventsRequest, format: Format) -> Result<(), Failure> {
    if format == Format::Csv {
        return Err(Failure::Usage("`--output csv` is of lists; a watch prints json".into()));
    }
    let mut stream = client.fleet.watch_events(request).await?.into_inner();
    while let Some(message) = stream.message().await? {
        let Some(event) = message.event else { continue };
        match format {
            Format::Table | Format::Wide => output::stream(&line(&event))?,
            Format::Name => output::stream(&format!("{}\n", plain(&event.tenant)))?,
            Format::Json | Format::Yaml | Format::Csv => output::json_line(&output::document(&event))?,
        }
    }
    Err(Failure::Failed("the control plane ended the watch; ask again, with --since for what was missed".into()))
}

/// As in tables and in JSON.
fn kind(word: &str) -> Result<i32, Failure> {
    let upper = word.to_ascii_uppercase().replace('-', "_");
    let found = EventKind::from_str_name(&format!("{PREFIX}{upper}")).filter(|it| *it != EventKind::Unspecified);
    let known = (1..).map_while(|number| EventKind::try_from(number).ok()).map(word_of).collect::<Vec<_>>();
    let unknown = || Failure::Usage(format!("--kind {word:?} is no kind of event; such are {}", known.join(", ")));
    found.map(Into::into).ok_or_else(unknown)
}

fn word_of(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Unspecified => "LATER",
        kind => kind.as_str_name().trim_start_matches(PREFIX),
    }
}

/// When it happened, where that is known, and else when it was recorded.
fn when(event: &Event) -> String {
    instant(if event.occur_time.is_some() { &event.occur_time } else { &event.record_time })
}

fn rows(all: &[Event]) -> List {
    let columns = [
        column("TIME"),
        column("TENANT"),
        column("KIND"),
        column("WHAT"),
        wide("RECORDED"),
        wide("ITEM"),
        wide("NUMBER"),
    ];
    let mut list = List::new(columns);
    for it in all {
        let (kind, recorded) = (word_of(it.kind()).to_owned(), instant(&it.record_time));
        let tenant = short(&it.tenant).to_owned();
        let (item, number) = (or_dash(&it.item), it.number.to_string());
        list.row(&it.tenant, [when(it), tenant, kind, it.text.clone(), recorded, item, number]);
    }
    list
}

fn line(it: &Event) -> String {
    format!("{} {} {} {}\n", when(it), plain(short(&it.tenant)), word_of(it.kind()), plain(&it.text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        Event {
            number: 7,
            tenant: "tenants/contoso".into(),
            kind: EventKind::DriftMended.into(),
            record_time: at(120),
            occur_time: at(60),
            text: "Maya Berg as l1-analyst: DRIFT_MISSING\u{1b}[2J".into(),
            item: "member/l1".into(),
            ..Default::default()
        }
    }

    #[test]
    fn a_row_says_when_it_happened_and_a_terminal_obeys_none_of_it() {
        let text = rows(&[event()]).shown(false);
        assert!(text.starts_with("TIME"), "{text}");
        assert!(text.contains("1970-01-01T00:01:00Z") && text.contains("DRIFT_MENDED"), "{text}");
        assert!(rows(&[event()]).shown(true).contains("1970-01-01T00:02:00Z"));
        let line = line(&event());
        assert!(line.starts_with("1970-01-01T00:01:00Z contoso DRIFT_MENDED Maya Berg as l1-analyst"), "{line}");
        assert!(!line.contains('\u{1b}'), "{line:?}");
    }

    #[tokio::test]
    async fn a_tenant_of_which_all_that_is_kept_is_shown_may_have_had_more() {
        let mut client = Client::over(tonic::transport::Endpoint::from_static("http://127.0.0.1:1").connect_lazy());
        let mut all = vec![event(); KEPT];
        all.push(Event { tenant: "tenants/adatum".into(), ..event() });
        // Of any kind, so that nothing is asked.
        let counts = kept(&mut client, &wire::ListEventsRequest::default(), &all).await.unwrap();
        let said = not_kept(&counts).unwrap();
        assert!(said.contains("older ones of contoso, since then too, are not"), "{said}");
        assert_eq!(not_kept(&kept(&mut client, &wire::ListEventsRequest::default(), &all[1..]).await.unwrap()), None);
        let tenant = "tenants/contoso".to_owned();
        let of_a_kind = wire::ListEventsRequest { kinds: vec![1], tenant, ..Default::default() };
        kept(&mut client, &of_a_kind, &all[1..]).await.expect_err("how many there are of the other kinds is asked for");
    }

    #[test]
    fn a_kind_is_named_as_it_is_shown() {
        assert_eq!(kind("DRIFT_MENDED").unwrap(), i32::from(EventKind::DriftMended));
        assert_eq!(kind("drift-mended").unwrap(), i32::from(EventKind::DriftMended));
        for wrong in ["", "UNSPECIFIED", "drift"] {
            let said = kind(wrong).unwrap_err().to_string();
            assert!(said.contains("PHASE_CHANGED") && said.contains("REVOKE_ALL_DONE"), "{said}");
        }
    }
}
