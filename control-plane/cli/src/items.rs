//! One tenant's items, what its agent would do next, and what an agent is asked to do.

use entente_proto::fleet::v1 as wire;
use serde_json::Value;

use crate::args::{Format, Items};
use crate::client::{Client, within};
use crate::failure::Failure;
use crate::output::{self, List, column, or_dash, plain, wide};
use crate::pages::{every_page, full_name};

pub(crate) async fn items(mut client: Client, ask: Items, format: Format) -> Result<(), Failure> {
    let states = ask.state.iter().map(|state| state.to_ascii_uppercase()).collect();
    let request = wire::ListItemStatusesRequest {
        page_size: 1_000,
        page_token: String::new(),
        tenant: full_name("tenants", &ask.tenant),
        states,
    };
    let mut all: Vec<wire::ItemStatus> = every_page!(client.fleet, list_item_statuses, request, item_statuses);
    all.sort_by_key(|it| urgency(&it.state));
    let document = Value::Array(all.iter().map(output::document).collect());
    let mut list =
        List::new([column("WHAT"), column("STATE"), column("REASON"), column("WHY"), wide("ITEM"), wide("OBJECT")]);
    for it in &all {
        let why = [it.detail.as_str(), it.script.as_str()];
        let why: Vec<_> = why.into_iter().filter(|text| !text.is_empty()).collect();
        let what = if it.display.is_empty() { &it.key } else { &it.display };
        let (reason, why) = (or_dash(&it.reason), or_dash(&why.join("; ")));
        list.row(&it.key, [what.clone(), it.state.clone(), reason, why, it.key.clone(), or_dash(&it.object_id)]);
    }
    let of = if ask.state.is_empty() || !format.is_for_people() { None } else { count(&mut client, &ask.tenant).await };
    let summary = format!("{}: {}\n\n", plain(&ask.tenant), counted(all.iter().map(|it| it.state.as_str()), of));
    list.print(format, &document, (&summary, ""))
}

/// How many items there are in any state; none where that is not told.
async fn count(client: &mut Client, tenant: &str) -> Option<usize> {
    let request = wire::GetTenantStatusRequest { tenant: full_name("tenants", tenant) };
    let status = client.fleet.get_tenant_status(within(request)).await.ok()?.into_inner();
    usize::try_from(status.counts.iter().map(|it| it.count).sum::<i32>()).ok()
}

/// What needs action comes first; equal states keep the server's order.
fn urgency(state: &str) -> usize {
    const ORDER: [&str; 12] = [
        "UNPROVEN",
        "RESIDUAL",
        "FAILED",
        "REFUSED",
        "BLOCKED_BY_CUSTOMER",
        "DRIFTED",
        "PARTIAL",
        "HELD",
        "NEEDS_APPROVAL",
        "WAITING",
        "PENDING",
        "UNSUPPORTED",
    ];
    match state {
        "APPLIED" => ORDER.len() + 1,
        "REMOVED" => ORDER.len() + 2,
        // A word of a later version is shown before what is known to be well.
        _ => ORDER.iter().position(|it| *it == state).unwrap_or(ORDER.len()),
    }
}

/// `18 items, 4 REFUSED, 14 APPLIED`, or `4 of 18 items, 4 REFUSED`.
fn counted<'a>(states: impl Iterator<Item = &'a str> + Clone, of: Option<usize>) -> String {
    let mut words: Vec<&str> = states.clone().collect::<std::collections::BTreeSet<_>>().into_iter().collect();
    words.sort_by_key(|word| urgency(word));
    let each =
        words.into_iter().map(|word| format!("{} {}", states.clone().filter(|it| *it == word).count(), plain(word)));
    let all = states.clone().count();
    // What came since then is more.
    let of = of.filter(|of| *of >= all);
    let noun = if of.unwrap_or(all) == 1 { "item" } else { "items" };
    let of = of.map(|of| format!(" of {of}")).unwrap_or_default();
    [format!("{all}{of} {noun}")].into_iter().chain(each).collect::<Vec<_>>().join(", ")
}

pub(crate) async fn plan(mut client: Client, tenant: &str, format: Format) -> Result<(), Failure> {
    let tenant = full_name("tenants", tenant);
    let request = wire::PlanTenantRequest { tenant: tenant.clone() };
    let plan = client.fleet.plan_tenant(within(request)).await?.into_inner();
    if plan.changes.is_empty() && format.is_for_people() {
        return output::say("nothing to do\n");
    }
    let request = wire::ListItemStatusesRequest { page_size: 1_000, tenant, ..Default::default() };
    let all: Vec<wire::ItemStatus> = every_page!(client.fleet, list_item_statuses, request, item_statuses);
    let shown = |key: &str| all.iter().find(|it| it.key == key && !it.display.is_empty()).map(|it| it.display.clone());
    let columns = [column("CLASS"), column("VERDICT"), column("REASON"), column("WHAT"), wide("ACTION"), wide("ITEM")];
    let mut list = List::new(columns);
    for it in &plan.changes {
        // What is no longer desired has no name there; the action says what it is.
        let what = shown(&it.key).unwrap_or_else(|| it.action.clone());
        let (reason, action) = (or_dash(&it.reason), it.action.clone());
        list.row(&it.key, [it.class.clone(), it.verdict.clone(), reason, what, action, it.key.clone()]);
    }
    list.print(format, &output::document(&plan), ("", ""))
}

pub(crate) async fn compare(mut client: Client, tenant: &str) -> Result<(), Failure> {
    let request = wire::CompareTenantRequest { tenant: full_name("tenants", tenant) };
    let look = Failure::of_change(format!("`entente status {tenant}`"));
    client.fleet.compare_tenant(within(request)).await.map_err(look)?;
    output::say("asked; `entente status` shows what is found\n")
}

pub(crate) async fn resend(mut client: Client, tenant: &str) -> Result<(), Failure> {
    let request = wire::ResendTenantRequest { tenant: full_name("tenants", tenant) };
    let look = Failure::of_change(format!("`entente status {tenant}`"));
    client.fleet.resend_tenant(within(request)).await.map_err(look)?;
    output::say("sent again\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_items_is_counted_as_a_part() {
        let (refused, all) = (["REFUSED"; 4], ["APPLIED", "REFUSED", "APPLIED"]);
        assert_eq!(counted(refused.into_iter(), Some(18)), "4 of 18 items, 4 REFUSED");
        assert_eq!(counted(refused.into_iter(), None), "4 items, 4 REFUSED");
        assert_eq!(counted(all.into_iter(), None), "3 items, 1 REFUSED, 2 APPLIED");
    }
}
