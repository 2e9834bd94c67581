//! One tenant's items, what its agent would do next, and what an agent is asked to do.

use entente_proto::fleet::v1 as wire;
use serde_json::Value;

use crate::args::{Format, Items};
use crate::client::{Client, within};
use crate::failure::Failure;
use crate::output::{self, or_dash, table};
use crate::pages::{every_page, full_name};

pub(crate) async fn items(mut client: Client, ask: Items, format: Format) -> Result<(), Failure> {
    let states = ask.state.iter().map(|state| state.to_ascii_uppercase()).collect();
    let request = wire::ListItemStatusesRequest {
        page_size: 1_000,
        page_token: String::new(),
        tenant: full_name("tenants", &ask.tenant),
        states,
    };
    let all: Vec<wire::ItemStatus> = every_page!(client.fleet, list_item_statuses, request, item_statuses);
    output::print(format, &Value::Array(all.iter().map(output::document).collect()), || {
        let row = |it: &wire::ItemStatus| {
            let why = [it.detail.as_str(), it.redeem_url.as_str(), it.script.as_str()];
            let why: Vec<_> = why.into_iter().filter(|text| !text.is_empty()).collect();
            [it.key.clone(), it.state.clone(), or_dash(&it.reason), or_dash(&why.join("; "))]
        };
        table(["ITEM", "STATE", "REASON", "WHY"], &all.iter().map(row).collect::<Vec<_>>())
    })
}

pub(crate) async fn plan(mut client: Client, tenant: &str, format: Format) -> Result<(), Failure> {
    let request = wire::PlanTenantRequest { tenant: full_name("tenants", tenant) };
    let plan = client.fleet.plan_tenant(within(request)).await?.into_inner();
    output::print(format, &output::document(&plan), || {
        if plan.changes.is_empty() {
            return "nothing to do\n".into();
        }
        let row = |it: &wire::PlannedChange| {
            [it.class.clone(), it.verdict.clone(), or_dash(&it.reason), it.action.clone(), it.key.clone()]
        };
        table(["CLASS", "VERDICT", "REASON", "ACTION", "ITEM"], &plan.changes.iter().map(row).collect::<Vec<_>>())
    })
}

pub(crate) async fn compare(mut client: Client, tenant: &str) -> Result<(), Failure> {
    let request = wire::CompareTenantRequest { tenant: full_name("tenants", tenant) };
    client.fleet.compare_tenant(within(request)).await?;
    output::say("asked; `entente status` shows what is found\n")
}

pub(crate) async fn resend(mut client: Client, tenant: &str) -> Result<(), Failure> {
    let request = wire::ResendTenantRequest { tenant: full_name("tenants", tenant) };
    client.fleet.resend_tenant(within(request)).await?;
    output::say("sent again\n")
}
