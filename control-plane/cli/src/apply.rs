//! `apply`: manifests in one transaction, and what they change, field by field.

use std::time::Duration;

use entente_convert::access::manifest_to_proto;
use entente_proto::access::v1::{ApplyIntentRequest, ApplyIntentResponse, ChangeKind, Deletion};

use crate::args::{Apply, Format};
use crate::client::{Client, request_id, within};
use crate::confirm::Asked;
use crate::failure::Failure;
use crate::manifests::Read;
use crate::pages::label_pairs;
use crate::{confirm, difference, impact, leavers, leftover, manifests, outlook, output, prune, resources, wait};

/// Items that a change may remove without a question: an analyst who leaves a squad of some ten customers. What removes more
/// is a slip of a label as often as it is meant.
const MAX_REMOVED_UNASKED: i32 = 50;

pub(crate) async fn apply(mut client: Client, ask: Apply, format: Format) -> Result<(), Failure> {
    let read = manifests::read(&ask.files)?;
    read.note().iter().for_each(|note| output::aside(note));
    let deletions = to_prune(client.clone(), &ask, &read).await?;
    let request = ApplyIntentRequest {
        manifests: read.manifests.iter().map(manifest_to_proto).collect(),
        request_id: request_id(),
        validate_only: ask.dry_run,
        deletions,
    };
    let located = |failure: Failure| failure.located(|field| read.sources.place(field));
    let answer = put(&mut client, &request, &read, ask.yes).await.map_err(located)?;
    let leaving = leavers::of(&answer, &read.manifests);
    output::print(format, &output::document(&answer), || {
        text(&answer, ask.dry_run) + &leavers::text(&leaving, ask.dry_run)
    })?;
    leftover::note(client.clone(), &ask.files, &read.manifests, &request.deletions).await;
    if ask.wait {
        // Receipts come first: they are needed also where a tenant does not settle.
        leavers::wait(&mut client, &leaving, &answer, Duration::from_secs(ask.timeout), format).await?;
        wait::applied(&mut client, &answer, ask.timeout, format).await?;
    }
    if ask.exit_code && changed(&answer) > 0 { Err(Failure::WouldChange) } else { Ok(()) }
}

async fn to_prune(client: Client, ask: &Apply, read: &Read) -> Result<Vec<Deletion>, Failure> {
    if !ask.prune {
        return Ok(Vec::new());
    }
    let labels = label_pairs(&ask.labels)?;
    let stored = resources::every(client).await?;
    prune::deletions(&stored, read, &labels, (ask.dry_run, ask.yes))
}

/// Asks for what ends much, and carries it out.
async fn put(
    client: &mut Client,
    request: &ApplyIntentRequest,
    read: &Read,
    yes: bool,
) -> Result<ApplyIntentResponse, Failure> {
    if !request.validate_only && !yes {
        let looked = look(client, request).await?;
        let leaving = leavers::of(&looked, &read.manifests);
        if !leaving.is_empty() && matches!(Asked::of(false), Asked::Terminal) {
            output::before(&changes(&looked));
        }
        leavers::confirm(&leaving).await?;
        ask_for(&looked, Asked::of(false)).await?;
    }
    send(client, request).await
}

/// Carries out what is asked, or only looks.
pub(crate) async fn send(client: &mut Client, request: &ApplyIntentRequest) -> Result<ApplyIntentResponse, Failure> {
    let answer = client.access.apply_intent(within(request.clone())).await;
    let id = &request.request_id;
    let look = Failure::of_change(format!("`entente audit list --since 1h -o wide`, which has the request {id} then"));
    let answer = if request.validate_only { answer? } else { answer.map_err(look)? }.into_inner();
    resources::are_deleted(&request.deletions, &answer)?;
    Ok(answer)
}

/// What would change.
pub(crate) async fn look(client: &mut Client, request: &ApplyIntentRequest) -> Result<ApplyIntentResponse, Failure> {
    send(client, &ApplyIntentRequest { validate_only: true, ..request.clone() }).await
}

/// Asks before what removes much.
pub(crate) async fn ask_for(looked: &ApplyIntentResponse, asked: Asked) -> Result<(), Failure> {
    let removed = looked.impact.as_ref().map_or(0, |impact| impact.items_removed);
    if removed <= MAX_REMOVED_UNASKED {
        return Ok(());
    }
    if let Asked::Terminal = asked {
        output::before(&changes(looked));
    }
    let tenants = impact::count(looked.impact.as_ref().map_or(0, |impact| impact.tenants), "tenant", "tenants");
    confirm::by_typing(asked, &format!("this removes {removed} items in {tenants}"), "yes").await
}

fn changed(answer: &ApplyIntentResponse) -> usize {
    answer.changes.iter().filter(|change| change.kind() != ChangeKind::Unchanged).count()
}

/// What happens to each resource, what all of it touches, and whether it was done.
pub(crate) fn text(answer: &ApplyIntentResponse, dry_run: bool) -> String {
    let end = match (changed(answer), dry_run) {
        (0, _) => String::new(),
        (_, true) => "dry run: nothing was changed\n".to_owned(),
        (_, false) => format!("applied at revision {}\n", answer.revision),
    };
    changes(answer) + &end
}

fn deleted_tenants(answer: &ApplyIntentResponse) -> Vec<&str> {
    let deleted = answer.changes.iter().filter(|change| change.kind() == ChangeKind::Deleted);
    deleted.map(|change| change.name.as_str()).filter(|name| name.starts_with("tenants/")).collect()
}

fn changes(answer: &ApplyIntentResponse) -> String {
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
            text.push_str(&difference::text(field));
        }
    }
    if changed(answer) == 0 {
        text.push_str("nothing changes\n");
    } else {
        text.push_str(&impact::text(answer.impact.as_ref()));
        text.push_str(&impact::deserted(&deleted_tenants(answer)));
        text.push_str(&outlook::text(answer.outlook.as_ref()));
    }
    text
}

#[cfg(test)]
mod tests {
    use entente_proto::access::v1::{Impact, ResourceChange};

    use super::*;

    #[tokio::test]
    async fn users_delete_what_removes_much_is_asked_for_whatever_command_removes_it() {
        let of = |items_removed| ApplyIntentResponse {
            impact: Some(Impact { items_removed, tenants: 6, ..Default::default() }),
            ..Default::default()
        };
        assert!(ask_for(&of(MAX_REMOVED_UNASKED), Asked::Nobody).await.is_ok());
        let refused = ask_for(&of(MAX_REMOVED_UNASKED + 1), Asked::Nobody).await.unwrap_err().to_string();
        assert!(
            refused.contains("removes 51 items in 6 tenants") && refused.ends_with("say --yes to go on"),
            "{refused}"
        );
    }

    #[test]
    fn users_delete_a_tenant_that_goes_says_that_nobody_is_left_to_take_away() {
        let change =
            |name: &str| ResourceChange { name: name.into(), kind: ChangeKind::Deleted.into(), ..Default::default() };
        let changes = vec![change("assignments/a"), change("tenants/contoso")];
        let answer = ApplyIntentResponse { changes, impact: Some(Impact::default()), ..Default::default() };
        let text = text(&answer, true);
        assert!(text.starts_with("- assignments/a\n- tenants/contoso\n"), "{text}");
        assert!(text.contains("tenants/contoso loses its agent, so what people still have there stays"), "{text}");
        assert_eq!(text.matches("loses its agent").count(), 1, "{text}");
    }
}
