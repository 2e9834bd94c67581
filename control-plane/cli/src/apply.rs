//! `apply`: manifests in one transaction, and what they change, field by field.

use entente_proto::access::v1::{ApplyIntentRequest, ApplyIntentResponse, ChangeKind};
use entente_proto::convert::access::manifest_to_proto;

use crate::args::{Apply, Format};
use crate::client::{Client, request_id, within};
use crate::failure::Failure;
use crate::{confirm, difference, impact, leftover, manifests, outlook, output};

/// Items that a change may remove without a question: an analyst who leaves a squad of some ten customers. What removes more
/// is a slip of a label as often as it is meant.
const MAX_REMOVED_UNASKED: i32 = 50;

pub(crate) async fn apply(mut client: Client, ask: Apply, format: Format) -> Result<(), Failure> {
    let read = manifests::read(&ask.files)?;
    let located = |failure: Failure| failure.located(|field| read.sources.place(field));
    let request = ApplyIntentRequest {
        manifests: read.manifests.iter().map(manifest_to_proto).collect(),
        request_id: request_id(),
        validate_only: ask.dry_run,
        deletions: Vec::new(),
    };
    if !ask.dry_run && !ask.yes {
        let looked = ApplyIntentRequest { validate_only: true, ..request.clone() };
        let looked = client.access.apply_intent(within(looked)).await.map_err(|status| located(status.into()))?;
        confirm(&looked.into_inner()).await?;
    }
    let answer = client.access.apply_intent(within(request)).await.map_err(|status| located(status.into()))?.into_inner();
    output::print(format, &output::document(&answer), || text(&answer, ask.dry_run))?;
    leftover::note(client, &ask.files, &read.manifests).await;
    if ask.exit_code && changed(&answer) > 0 { Err(Failure::WouldChange) } else { Ok(()) }
}

/// Asks before what removes much.
async fn confirm(looked: &ApplyIntentResponse) -> Result<(), Failure> {
    let removed = looked.impact.as_ref().map_or(0, |impact| impact.items_removed);
    if removed <= MAX_REMOVED_UNASKED {
        return Ok(());
    }
    let asked = confirm::Asked::of(false);
    if let confirm::Asked::Terminal = asked {
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
        text.push_str(&outlook::text(answer.outlook.as_ref()));
    }
    text
}
