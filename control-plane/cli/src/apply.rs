//! `apply`: manifests in one transaction, and what they change, field by field.

use entente_proto::access::v1::{ApplyIntentRequest, ApplyIntentResponse, ChangeKind, Impact};
use entente_proto::convert::access::manifest_to_proto;

use crate::args::{Apply, Format};
use crate::client::{Client, request_id, within};
use crate::failure::Failure;
use crate::{leftover, manifests, output};

pub(crate) async fn apply(mut client: Client, ask: Apply, format: Format) -> Result<(), Failure> {
    let manifests = manifests::read(&ask.files)?;
    let request = ApplyIntentRequest {
        manifests: manifests.iter().map(manifest_to_proto).collect(),
        request_id: request_id(),
        validate_only: ask.dry_run,
    };
    let answer = client.access.apply_intent(within(request)).await?.into_inner();
    output::print(format, &output::document(&answer), || text(&answer, ask.dry_run))?;
    leftover::note(client, &ask.files, &manifests).await;
    Ok(())
}

fn text(answer: &ApplyIntentResponse, dry_run: bool) -> String {
    let mut text = String::new();
    for change in &answer.changes {
        let sign = match change.kind() {
            ChangeKind::Created => '+',
            ChangeKind::Updated => '~',
            ChangeKind::Deleted => '-',
            ChangeKind::Unchanged | ChangeKind::Unspecified => continue,
        };
        text.push_str(&format!("{sign} {}\n", change.name));
        for field in change.fields.iter().filter(|_| change.kind() == ChangeKind::Updated) {
            text.push_str(&format!("    {}: {} -> {}\n", field.path, nothing(&field.before), nothing(&field.after)));
        }
    }
    let changed = answer.changes.iter().filter(|change| change.kind() != ChangeKind::Unchanged).count();
    if changed == 0 {
        text.push_str("nothing changes\n");
    } else {
        text.push_str(&impact(answer.impact.as_ref()));
        text.push_str(&match dry_run {
            true => "dry run: nothing was changed\n".to_owned(),
            false => format!("applied at revision {}\n", answer.revision),
        });
    }
    text
}

fn nothing(json: &str) -> &str {
    if json.is_empty() { "(nothing)" } else { json }
}

/// How many tenants and people a change touches, and which.
pub(crate) fn impact(impact: Option<&Impact>) -> String {
    let Some(impact) = impact else { return String::new() };
    let named = |names: &[String], count: i32| {
        let shown = names.iter().take(10).filter_map(|name| name.split('/').nth(1)).collect::<Vec<_>>().join(", ");
        let more = usize::try_from(count).unwrap_or_default().saturating_sub(names.len().min(10));
        match (shown.is_empty(), more) {
            (true, _) => String::new(),
            (false, 0) => format!(" ({shown})"),
            (false, more) => format!(" ({shown} and {more} more)"),
        }
    };
    let mut ends = String::new();
    for principal in &impact.ended_principals {
        ends.push_str(&format!("ends {principal}: its certificate is refused from now on\n"));
    }
    format!(
        "touches {} tenants{} and {} people{}: {} items more, {} items fewer\n{ends}",
        impact.tenants,
        named(&impact.tenant_names, impact.tenants),
        impact.people,
        named(&impact.operator_names, impact.people),
        impact.items_added,
        impact.items_removed
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principals_that_end_are_said_with_what_a_change_touches() {
        let ended_principals = vec!["principals/sam".to_owned(), "principals/sam-laptop".to_owned()];
        let text = impact(Some(&Impact { ended_principals, ..Default::default() }));
        let ends: Vec<_> = text.lines().skip(1).collect();
        assert_eq!(
            ends,
            [
                "ends principals/sam: its certificate is refused from now on",
                "ends principals/sam-laptop: its certificate is refused from now on",
            ]
        );
    }
}
