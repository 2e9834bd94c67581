//! A change of intent, whatever command makes it: looked at, asked for where it removes much, carried out and shown.

use entente_proto::access::v1::{ApplyIntentRequest, ApplyIntentResponse, ChangeKind, Deletion};

use crate::client::{Client, within};
use crate::confirm::Asked;
use crate::failure::Failure;
use crate::{confirm, difference, impact, outlook, output};

/// Items that a change may remove without a question: an analyst who leaves a squad of some ten customers. What removes more
/// is a slip of a label as often as it is meant.
const MAX_REMOVED_UNASKED: i32 = 50;

/// Carries out what is asked, or only looks.
pub(crate) async fn send(client: &mut Client, request: &ApplyIntentRequest) -> Result<ApplyIntentResponse, Failure> {
    let answer = client.access.apply_intent(within(request.clone())).await;
    let id = &request.request_id;
    let look = Failure::of_change(format!("`entente audit list --since 1h -o wide`, which has the request {id} then"));
    let answer = if request.validate_only { answer? } else { answer.map_err(look)? }.into_inner();
    are_deleted(&request.deletions, &answer)?;
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

pub(crate) fn changed(answer: &ApplyIntentResponse) -> usize {
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

pub(crate) fn changes(answer: &ApplyIntentResponse) -> String {
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

/// A control plane of before deletions in a set passes over them.
fn are_deleted(deletions: &[Deletion], answer: &ApplyIntentResponse) -> Result<(), Failure> {
    let is_told = |it: &&Deletion| !answer.changes.iter().any(|change| change.name == it.name);
    match deletions.iter().find(is_told) {
        None => Ok(()),
        Some(Deletion { name, .. }) => {
            let text =
                "the control plane is older than this command line; update it, or use the `entente` of its version";
            Err(Failure::Failed(format!("{name} was not deleted: {text}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use entente_proto::access::v1::Impact;
    use entente_proto::access::v1::ResourceChange;

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

    #[test]
    fn users_d15_a_control_plane_that_passes_over_deletions_is_no_success() {
        let names = ["squads/a", "squads/b"].map(|name| Deletion { name: name.into(), ..Default::default() });
        let change = |name: &str| ResourceChange { name: name.into(), ..Default::default() };
        let mut answer = ApplyIntentResponse { changes: vec![change("squads/a")], ..Default::default() };
        let missing = are_deleted(&names, &answer).unwrap_err().to_string();
        assert!(missing.starts_with("squads/b was not deleted: "), "{missing}");
        answer.changes.push(change("squads/b"));
        assert!(are_deleted(&names, &answer).is_ok());
    }
}
