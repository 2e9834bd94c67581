//! People who leave by their manifest: `state: LEFT` ends access as `operators leave` does, and asks the same.

use std::time::Duration;

use entente_model::intent::Manifest;
use entente_proto::access::v1::{ApplyIntentResponse, ChangeKind};

use crate::args::Format;
use crate::client::Client;
use crate::failure::Failure;
use crate::{confirm, operators, output, removals};

/// A person whose manifest says from now on that they have left.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Leaver {
    /// `operators/sam`.
    pub(crate) name: String,
    pub(crate) full_name: String,
}

/// Those of an answer, or of a look at what would change.
pub(crate) fn of(answer: &ApplyIntentResponse, files: &[Manifest]) -> Vec<Leaver> {
    let leaves = |name: &str| {
        answer.changes.iter().any(|change| {
            let state = |field: &&entente_proto::access::v1::FieldChange| field.path == "state";
            let has_left = change.fields.iter().find(state).is_some_and(|field| field.after == "\"LEFT\"");
            change.name == name && change.kind() == ChangeKind::Updated && has_left
        })
    };
    let operators = files.iter().filter_map(|it| match it {
        Manifest::Operator(operator) => Some((operator.name.to_string(), operator.display_name.clone())),
        _ => None,
    });
    let leavers = operators.filter(|(name, _)| leaves(name));
    leavers.map(|(name, full_name)| Leaver { name, full_name }).collect()
}

/// Asks for the full name of each: `li` and `lin` are one letter apart in a file, too.
pub(crate) async fn confirm(leavers: &[Leaver]) -> Result<(), Failure> {
    for Leaver { name, full_name } in leavers {
        let what = format!("{name}, {full_name}, loses access everywhere");
        confirm::by_typing(confirm::Asked::of(false), &what, full_name).await?;
    }
    Ok(())
}

/// What is to be told of them beside the change.
pub(crate) fn text(leavers: &[Leaver], dry_run: bool) -> String {
    let line = |it: &Leaver| {
        let id = it.name.trim_start_matches("operators/");
        let rest = format!("; receipts: entente removals {id}; undo: entente operators rejoin {id}");
        format!("{} leaves{}\n", it.name, if dry_run { "" } else { &rest })
    };
    leavers.iter().map(line).collect()
}

/// Waits for each tenant's receipt of each of them.
pub(crate) async fn wait(
    client: &mut Client,
    leavers: &[Leaver],
    answer: &ApplyIntentResponse,
    limit: Duration,
    format: Format,
) -> Result<(), Failure> {
    let (start, mut receipts) = (std::time::Instant::now(), Vec::new());
    for it in leavers {
        let ids = ids_of(&answer.removal_ids, &it.name);
        // A person without access has nothing to be removed. An older control plane names no removals at all.
        if ids.is_empty() && !answer.removal_ids.is_empty() {
            continue;
        }
        let left = limit.saturating_sub(start.elapsed());
        receipts.extend(operators::wait(client, &it.name, &ids, left, format).await?);
    }
    if format.is_for_people() && !receipts.is_empty() {
        output::say(&removals::rows(&receipts, output::now()).shown(format == Format::Wide))?;
    }
    removals::all_complete(&receipts)
}

/// Of the removals of a change, one person's: an id begins with the operator's.
fn ids_of(all: &[String], name: &str) -> Vec<String> {
    let of = |id: &str| id.split('/').next() == Some(name.trim_start_matches("operators/"));
    all.iter().filter(|id| of(id)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use entente_proto::access::v1::{FieldChange, ResourceChange};
    use serde_json::json;

    use super::*;

    #[test]
    fn users_leave_by_a_manifest_waits_for_each_persons_own_removals() {
        let all = ["sam/user/nordwall/1@7", "samuel/user/nordwall/2@7", "sam/member/l1/standard/nordwall/1@7"];
        let all = all.map(String::from);
        assert_eq!(ids_of(&all, "operators/sam"), [all[0].clone(), all[2].clone()]);
        assert_eq!(ids_of(&all, "operators/li"), Vec::<String>::new());
    }

    #[test]
    fn users_leave_by_a_manifest_is_seen_in_what_would_change() {
        let person = |id: &str| {
            let tree = json!({"kind": "Operator", "name": format!("operators/{id}"), "displayName": format!("{id} Aalto"), "state": "LEFT"});
            entente_convert::manifest::from_value(tree).unwrap()
        };
        let change = |id: &str, kind: ChangeKind, path: &str, after: &str| ResourceChange {
            name: format!("operators/{id}"),
            kind: kind.into(),
            fields: vec![FieldChange { path: path.into(), before: String::new(), after: after.into() }],
            more_fields: 0,
        };
        let changes = vec![
            change("sam", ChangeKind::Updated, "state", "\"LEFT\""),
            change("li", ChangeKind::Updated, "displayName", "\"LEFT\""),
            change("new", ChangeKind::Created, "state", "\"LEFT\""),
            change("back", ChangeKind::Updated, "state", "\"SUSPENDED\""),
        ];
        let answer = ApplyIntentResponse { changes, ..Default::default() };
        let leavers = of(&answer, &["sam", "li", "new", "back"].map(person));
        assert_eq!(leavers, [Leaver { name: "operators/sam".into(), full_name: "sam Aalto".into() }]);
        assert_eq!(text(&leavers, true), "operators/sam leaves\n");
        assert!(text(&leavers, false).contains("entente removals sam"));
    }
}
