//! Who has access where: how much of each role, until when, and why. Links to redeem are in [`crate::redeem`] alone.

#[cfg(test)]
mod screens;

use std::collections::{BTreeMap, BTreeSet};

use entente_convert::time;
use entente_model::{Date, Timestamp};
use entente_proto::fleet::v1 as wire;
use serde_json::Value;

use crate::args::{Format, Who};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{self, List, column, instant, or_dash, wide};
use crate::pages::{every_page, full_name};
use crate::removals;

/// Whose access, and which: all that is given holds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Only {
    pub(crate) tenant: Option<String>,
    pub(crate) operator: Option<String>,
    pub(crate) role: Option<String>,
    pub(crate) assignment: Option<String>,
    pub(crate) expires_before: Option<Date>,
}

pub(crate) async fn who(mut client: Client, ask: Who, format: Format) -> Result<(), Failure> {
    let Who { tenant, operator, role, assignment, expires_before } = ask;
    let person = operator.as_ref().map(|it| full_name("operators", it)).unwrap_or_default();
    let place = tenant.as_ref().map(|it| full_name("tenants", it));
    let mut open = removals::list(&mut client, &person).await?;
    open.retain(|it| !it.complete && place.as_ref().is_none_or(|tenant| it.tenant == *tenant));
    let mut all = access(client, Only { tenant, operator, role, assignment, expires_before }).await?;
    // They have a command of their own, also in what programs read.
    all.iter_mut().for_each(|it| it.redeem_url.clear());
    let leaving = leaving(&open);
    if !format.is_for_people() && !leaving.is_empty() {
        output::aside(leaving.trim_end());
    }
    let none = if all.is_empty() { "no access is desired that fits\n" } else { "" };
    let document = Value::Array(all.iter().map(output::document).collect());
    list(&all, output::now()).print(format, &document, ("", &format!("{none}{leaving}")))
}

/// Who is desired no more, and may have access still.
fn leaving(open: &[wire::Removal]) -> String {
    let mut people: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for it in open {
        people.entry(short(&it.operator)).or_default().insert(short(&it.tenant));
    }
    if people.is_empty() {
        return String::new();
    }
    let shown = people.iter().take(MAX_LEAVING).map(|(person, tenants)| match tenants.len() {
        1 => format!("{person} ({})", tenants.iter().copied().collect::<String>()),
        many => format!("{person} ({many} tenants)"),
    });
    let more = people.len().saturating_sub(MAX_LEAVING);
    let more = if more > 0 { format!(" and {more} more people") } else { String::new() };
    let shown = shown.collect::<Vec<_>>().join(", ");
    format!("not proven gone yet: {shown}{more}; `entente removals` shows what is missing\n")
}

/// Most people who are named below the table: they have a list of their own.
const MAX_LEAVING: usize = 10;

pub(crate) async fn access(mut client: Client, only: Only) -> Result<Vec<wire::Access>, Failure> {
    let named = |collection: &str, name: Option<String>| name.map(|it| full_name(collection, &it)).unwrap_or_default();
    let request = wire::ListAccessRequest {
        page_size: 1_000,
        page_token: String::new(),
        tenant: named("tenants", only.tenant),
        operator: named("operators", only.operator),
        role: named("socRoles", only.role),
        assignment: named("assignments", only.assignment),
        expire_before_time: only.expires_before.map(|date| time::to_proto(date.begins())),
    };
    let all: Vec<wire::Access> = every_page!(client.fleet, list_access, request.clone(), access);
    // Again here: a server of before these fields answers with everything.
    Ok(all.into_iter().filter(|it| is_meant(it, &request)).collect())
}

fn is_meant(it: &wire::Access, ask: &wire::ListAccessRequest) -> bool {
    let ends = |before: &prost_types::Timestamp| it.end_time.as_ref().is_some_and(|end| end.seconds <= before.seconds);
    (ask.role.is_empty() || it.role == ask.role)
        && (ask.assignment.is_empty() || it.assignments.contains(&ask.assignment))
        && ask.expire_before_time.as_ref().is_none_or(ends)
}

/// Without the collection: `contoso`.
pub(crate) fn short(name: &str) -> &str {
    name.split_once('/').map_or(name, |(_, id)| id)
}

pub(crate) fn access_table(all: &[wire::Access]) -> String {
    list(all, output::now()).shown(false)
}

fn list(all: &[wire::Access], now: Timestamp) -> List {
    let mut list = List::new([
        column("TENANT"),
        column("OPERATOR"),
        column("ROLE"),
        column("RIGHTS"),
        column("STATE"),
        column("UNTIL"),
        column("READ"),
        column("REASON"),
        wide("WHY"),
        wide("VERIFIED"),
        wide("MAIL"),
        wide("CLASS"),
        wide("FROM"),
        wide("TICKETS"),
        wide("JUSTIFICATIONS"),
        wide("DETAIL"),
    ]);
    let each = |it: &wire::Access, of: fn(&wire::Ground) -> &str| {
        or_dash(&it.grounds.iter().map(of).filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; "))
    };
    for it in all {
        list.row(
            &it.operator,
            [
                short(&it.tenant).to_owned(),
                short(&it.operator).to_owned(),
                short(&it.role).to_owned(),
                rights(it),
                it.state.clone(),
                until(it),
                output::age(&it.verify_time, now),
                or_dash(&reason(it)),
                or_dash(&why(it)),
                instant(&it.verify_time),
                it.mail.clone(),
                it.identity_class.clone(),
                instant(&it.start_time),
                each(it, |ground| &ground.ticket),
                each(it, |ground| &ground.justification),
                or_dash(&it.detail),
            ],
        )
        .in_csv("READ", instant(&it.verify_time));
    }
    list
}

/// The last day on which it holds, in UTC.
/// `2 of 3`, and how many more are not known to be gone.
fn rights(it: &wire::Access) -> String {
    let read = format!("{} of {}", it.rights_applied, it.rights);
    if it.rights_unknown == 0 { read } else { format!("{read}, {} not known", it.rights_unknown) }
}

fn until(it: &wire::Access) -> String {
    let Some(end) = &it.end_time else { return "-".into() };
    let text = Timestamp::from_unix(end.seconds).as_end();
    if text.contains('T') { instant(&it.end_time) } else { text }
}

/// The assignments, each with its ticket.
fn why(it: &wire::Access) -> String {
    let ticket = |name: &String| {
        let ground = it.grounds.iter().find(|ground| ground.assignment == *name);
        ground.filter(|it| !it.ticket.is_empty()).map(|it| format!(" {}", it.ticket)).unwrap_or_default()
    };
    it.assignments.iter().map(|name| format!("{}{}", short(name), ticket(name))).collect::<Vec<_>>().join(", ")
}

fn reason(it: &wire::Access) -> String {
    match it.reason.as_str() {
        "REDEMPTION" => format!("REDEMPTION: `entente redeem {}`", short(&it.operator)),
        other => other.to_owned(),
    }
}

pub(crate) async fn describe_operator(client: Client, operator: &str) -> Result<(), Failure> {
    let all = access(client, Only { operator: Some(operator.into()), ..Default::default() }).await?;
    output::say(&format!("\n{}", access_table(&all)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partial() -> wire::Access {
        wire::Access {
            tenant: "tenants/tailspin".into(),
            operator: "operators/maya".into(),
            role: "socRoles/l1-analyst".into(),
            state: "PARTIAL".into(),
            reason: "GUARDRAIL_CAPABILITY".into(),
            rights: 3,
            rights_applied: 1,
            rights_unknown: 0,
            assignments: vec!["assignments/nordic".into()],
            grounds: vec![wire::Ground {
                assignment: "assignments/nordic".into(),
                justification: "Nordic, L1".into(),
                ticket: "T-12".into(),
            }],
            end_time: Some(prost_types::Timestamp { seconds: 1_796_083_200, nanos: 0 }),
            redeem_url: "https://login.example/personal".into(),
            ..Default::default()
        }
    }

    #[test]
    fn users_d09_a_part_of_a_role_is_shown_as_a_part_with_why() {
        let text = access_table(&[partial()]);
        let row: Vec<_> =
            text.lines().nth(1).unwrap().split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
        assert_eq!(
            row,
            ["tailspin", "maya", "l1-analyst", "1 of 3", "PARTIAL", "2026-11-30", "-", "GUARDRAIL_CAPABILITY"]
        );
        let unsure = wire::Access { rights_unknown: 1, ..partial() };
        assert!(access_table(&[unsure]).contains("1 of 3, 1 not known"), "what may still be there is no no");
        let wide = list(&[partial()], output::now()).shown(true);
        assert!(wide.contains("T-12") && wide.contains("Nordic, L1"), "{wide}");
    }

    #[test]
    fn csv_has_the_time_of_the_reading_where_people_read_an_age() {
        let read = wire::Access { verify_time: Some(prost_types::Timestamp { seconds: 60, nanos: 0 }), ..partial() };
        let csv = list(&[read, partial()], output::now()).csv().unwrap();
        let at = csv.lines().next().unwrap().split(',').position(|title| title == "read").unwrap();
        let cells: Vec<&str> = csv.lines().skip(1).map(|line| line.split(',').nth(at).unwrap()).collect();
        assert_eq!(cells, ["1970-01-01T00:01:00Z", "-"]);
    }

    #[test]
    fn users_d05_who_is_not_proven_gone_is_said_below_the_table() {
        let of = |operator: &str, tenant: &str| wire::Removal {
            operator: format!("operators/{operator}"),
            tenant: format!("tenants/{tenant}"),
            ..Default::default()
        };
        assert_eq!(leaving(&[]), "");
        assert_eq!(
            leaving(&[of("sam", "contoso"), of("li", "contoso"), of("li", "adatum"), of("li", "adatum")]),
            "not proven gone yet: li (2 tenants), sam (contoso); `entente removals` shows what is missing\n"
        );
        let many: Vec<_> = (0..12).map(|at| of(&format!("p{at:02}"), "contoso")).collect();
        assert!(leaving(&many).contains("p09 (contoso) and 2 more people;"), "{}", leaving(&many));
    }

    #[test]
    fn users_d18_no_table_of_who_shows_a_link() {
        let waiting = wire::Access { reason: "REDEMPTION".into(), ..partial() };
        for is_wide in [false, true] {
            let text = list(std::slice::from_ref(&waiting), output::now()).shown(is_wide);
            assert!(!text.contains("https://"), "{text}");
        }
        assert!(access_table(&[waiting]).contains("`entente redeem maya`"));
    }
}
