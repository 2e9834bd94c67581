//! Items as text that people read, one a line: for previews and for tests.

use std::fmt::Write;

use entente_model::desired::{
    AzureRoleBody, DefenderAssignmentBody, DefenderRoleBody, EntraRoleBody, GroupBody, Item, ItemBody, MemberBody,
    UserBody, Want,
};
use entente_model::{Window, Windows};

/// One line for each item.
pub fn render(items: &[Item]) -> String {
    let mut text = String::new();
    for item in items {
        let (want, body) = (want(item), body(&item.body));
        writeln!(text, "{} {want}{body}", item.key).expect("writing to a String cannot fail");
    }
    text
}

fn want(item: &Item) -> String {
    match &item.want {
        Want::Present => format!("PRESENT {}", windows(&item.windows)),
        Want::Absent { cause, actor, since, known, addresses } => {
            let mut text = format!("ABSENT {} by {actor} at {since}", cause.word());
            known.iter().for_each(|id| write!(text, " known {id}").expect("writing to a String cannot fail"));
            addresses.iter().for_each(|it| write!(text, " also {it}").expect("writing to a String cannot fail"));
            text
        }
    }
}

fn windows(windows: &Windows) -> String {
    let bound = |bound: Option<entente_model::Timestamp>| bound.map(|at| at.to_string()).unwrap_or_default();
    let one = |window: &Window| match (window.start, window.end) {
        (None, None) => "always".into(),
        (start, end) => format!("{}..{}", bound(start), bound(end)),
    };
    let all: Vec<String> = windows.as_slice().iter().map(one).collect();
    if all.is_empty() { "never".into() } else { all.join(", ") }
}

fn body(body: &ItemBody) -> String {
    match body {
        ItemBody::User(UserBody { operator, display_name, upn, mail, user_type, home_tenant }) => {
            format!(" {operator} {display_name:?} {upn} {mail} {} of {home_tenant}", user_type.word())
        }
        ItemBody::Group(GroupBody { display_name, description }) => format!(" {display_name} {description:?}"),
        ItemBody::Member(MemberBody { grounds }) => {
            let by: Vec<_> = grounds.iter().map(|it| it.assignment.id()).collect();
            if by.is_empty() { String::new() } else { format!(" by {}", by.join(", ")) }
        }
        ItemBody::AzureRole(AzureRoleBody { scope, role_name, .. }) => format!(" {role_name:?} at {scope}"),
        ItemBody::DefenderRole(DefenderRoleBody { display_name, description, permissions }) => {
            let permissions = permissions.iter().map(|grant| match grant.withheld_until {
                Some(until) => format!("{} (withheld until {until})", grant.permission),
                None => grant.permission.clone(),
            });
            format!(" {display_name} {description:?} [{}]", permissions.collect::<Vec<_>>().join(", "))
        }
        ItemBody::DefenderAssignment(DefenderAssignmentBody { display_name, data_sources }) => {
            let sources: Vec<&str> = data_sources.iter().map(|source| source.word()).collect();
            format!(" {display_name} [{}]", sources.join(", "))
        }
        ItemBody::EntraRole(EntraRoleBody { role_name }) => format!(" {role_name:?}"),
        ItemBody::Unknown => " of an unknown kind".into(),
    }
}
