//! What a change touches, in sentences: tenants, people, items, and what people are let do.

use entente_proto::access::v1::{Impact, Right, RightsChange};

use crate::output::instant;

/// Names that are shown of tenants, and of people; of more there is the count.
const SHOWN: usize = 10;

/// Lines for people.
pub(crate) fn text(impact: Option<&Impact>) -> String {
    let Some(impact) = impact else { return String::new() };
    let mut text = format!(
        "touches {}{} and {}{}: {}\n",
        count(impact.tenants, "tenant", "tenants"),
        among(&impact.tenant_names, impact.tenants),
        count(impact.people, "person", "people"),
        among(&impact.operator_names, impact.people),
        items(impact)
    );
    impact.rights.iter().for_each(|it| text.push_str(&rights(it)));
    if impact.more_rights > 0 {
        let more = count(impact.more_rights, "more change", "more changes");
        text.push_str(&format!("  and {more} of what people may do; a smaller set shows them\n"));
    }
    for principal in &impact.ended_principals {
        text.push_str(&format!("ends {principal}: its certificate is refused from now on\n"));
    }
    text
}

/// A warning for each deleted tenant: its agent goes with it, and no agent is left to remove access.
pub(crate) fn deserted(tenants: &[&str]) -> String {
    let line = |name: &&str| {
        format!(
            "{name} loses its agent, so what people still have there stays: end its assignments first, and delete it when \
             `entente removals` shows nothing open there\n"
        )
    };
    tenants.iter().map(line).collect()
}

fn items(impact: &Impact) -> String {
    let one = |verb: &str, count: i32| match count {
        0 => format!("{verb} none"),
        1 => format!("{verb} 1 item"),
        many => format!("{verb} {many} items"),
    };
    [one("adds", impact.items_added), one("changes", impact.items_changed), one("removes", impact.items_removed)]
        .join(", ")
}

/// `li, maya and sam in 6 tenants (adatum, contoso ...)`, and what they may do more and less.
fn rights(change: &RightsChange) -> String {
    let mut text = format!(
        "  {} in {}{}:\n",
        people(change),
        count(change.tenants, "tenant", "tenants"),
        among(&change.tenant_names, change.tenants)
    );
    for right in &change.added {
        text.push_str(&format!("    + {}{}\n", right.phrase, part(right, "in more of the tenant")));
    }
    for right in &change.removed {
        text.push_str(&format!("    - {}{}\n", right.phrase, part(right, "in a part of the tenant")));
    }
    text
}

/// Where, if not everywhere, and from when on, if not now.
fn part(right: &Right, text: &str) -> String {
    let place = right.in_part.then(|| text.to_owned());
    let from = right.start_time.as_ref().map(|_| format!("from {} on", instant(&right.start_time)));
    let all: Vec<String> = place.into_iter().chain(from).collect();
    if all.is_empty() { String::new() } else { format!(" ({})", all.join(", ")) }
}

fn people(change: &RightsChange) -> String {
    let names: Vec<&str> = change.operator_names.iter().take(SHOWN).map(|name| short(name)).collect();
    let more = usize::try_from(change.people).unwrap_or_default().saturating_sub(names.len());
    match (names.as_slice(), more) {
        ([], _) => count(change.people, "person", "people"),
        ([one], 0) => (*one).to_owned(),
        ([first @ .., last], 0) => format!("{} and {last}", first.join(", ")),
        (names, more) => format!("{} and {more} more", names.join(", ")),
    }
}

/// `1 tenant`, `2 tenants`.
pub(crate) fn count(count: i32, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

pub(crate) fn among(names: &[String], count: i32) -> String {
    let shown = names.iter().take(SHOWN).map(|name| short(name)).collect::<Vec<_>>().join(", ");
    let more = usize::try_from(count).unwrap_or_default().saturating_sub(names.len().min(SHOWN));
    match (shown.is_empty(), more) {
        (true, _) => String::new(),
        (false, 0) => format!(" ({shown})"),
        (false, more) => format!(" ({shown} and {more} more)"),
    }
}

fn short(name: &str) -> &str {
    name.split_once('/').map_or(name, |(_, id)| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principals_that_end_are_said_with_what_a_change_touches() {
        let ended_principals = vec!["principals/sam".to_owned(), "principals/sam-laptop".to_owned()];
        let text = text(Some(&Impact { ended_principals, ..Default::default() }));
        let ends: Vec<_> = text.lines().skip(1).collect();
        assert_eq!(
            ends,
            [
                "ends principals/sam: its certificate is refused from now on",
                "ends principals/sam-laptop: its certificate is refused from now on",
            ]
        );
    }

    #[test]
    fn users_d04_a_change_of_a_role_says_who_may_do_what_more_and_where() {
        let right = |phrase: &str, in_part| Right { phrase: phrase.into(), in_part, ..Default::default() };
        let names = |kind: &str, all: &[&str]| all.iter().map(|id| format!("{kind}/{id}")).collect::<Vec<_>>();
        let people = ["li", "maya", "sam"];
        let change = RightsChange {
            added: vec![right("basic live response", false), right("read incidents", true)],
            removed: vec![Right {
                start_time: Some(prost_types::Timestamp { seconds: 1_798_761_600, nanos: 0 }),
                ..right("run playbooks", true)
            }],
            people: 3,
            operator_names: names("operators", &people),
            tenants: 2,
            tenant_names: names("tenants", &["adatum", "contoso"]),
        };
        let impact = Impact {
            tenants: 2,
            people: 3,
            items_changed: 4,
            tenant_names: names("tenants", &["adatum", "contoso"]),
            operator_names: names("operators", &people),
            rights: vec![change],
            ..Default::default()
        };
        assert_eq!(
            text(Some(&impact)),
            "touches 2 tenants (adatum, contoso) and 3 people (li, maya, sam): adds none, changes 4 items, removes none\n\
            \x20 li, maya and sam in 2 tenants (adatum, contoso):\n    + basic live response\n    \
            + read incidents (in more of the tenant)\n    - run playbooks (in a part of the tenant, from 2027-01-01T00:00:00Z on)\n"
        );
        let one = Impact { tenants: 1, people: 1, items_added: 1, ..Default::default() };
        assert_eq!(text(Some(&one)), "touches 1 tenant and 1 person: adds 1 item, changes none, removes none\n");
    }
}
