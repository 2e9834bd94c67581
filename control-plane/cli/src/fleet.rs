//! How the fleet stands: tenants, their items, who has access where.

use entente_proto::fleet::v1 as wire;
use serde_json::Value;
use tonic_types::StatusExt;
use wire::{TenantPhase, TenantStatus};

use crate::args::{Format, Items, Status, Who};
use crate::client::{Client, within};
use crate::failure::Failure;
use crate::output::{self, instant, or_dash, plain, table};

/// Reads every page of a list.
macro_rules! every_page {
    ($client:expr, $method:ident, $request:expr, $field:ident) => {{
        let mut request = $request;
        let mut every = Vec::new();
        loop {
            let page = $client.$method(within(request.clone())).await?.into_inner();
            every.extend(page.$field);
            if page.next_page_token.is_empty() {
                break every;
            }
            request.page_token = page.next_page_token;
        }
    }};
}
pub(crate) use every_page;

/// `contoso` and `tenants/contoso` mean the same where only a tenant can be meant.
pub(crate) fn full_name(collection: &str, text: &str) -> String {
    if text.contains('/') { text.into() } else { format!("{collection}/{text}") }
}

pub(crate) async fn status(mut client: Client, ask: Status, format: Format) -> Result<(), Failure> {
    if ask.watch {
        return watch(client, ask, format).await;
    }
    if let Some(tenant) = &ask.tenant {
        let status = tenant_status(&mut client, tenant).await?;
        return output::print(format, &output::document(&status), || one(&status));
    }
    let request = wire::ListTenantStatusesRequest { page_size: 1_000, ..Default::default() };
    let all = every_page!(client.fleet, list_tenant_statuses, request, tenant_statuses);
    let ends = known(endings_of(&mut client).await)?.unwrap_or_else(|| {
        // The rest of the answer is as good without it, as long as it does not look as if nothing ended.
        output::aside(&format!("warning: {UNKNOWN}"));
        Vec::new()
    });
    // Programs get the tenants as ever, and the endings from `entente endings`; who looks at the screen hears of both.
    if format != Format::Table {
        ends.iter().for_each(|it| output::aside(&format!("warning: {}", warning(it))));
    }
    output::print(format, &Value::Array(all.iter().map(output::document).collect()), || {
        if ends.is_empty() { many(&all) } else { format!("{}\n{}", many(&all), endings_table(&ends)) }
    })
}

/// What ends soon, or has ended.
pub(crate) async fn endings(mut client: Client, format: Format) -> Result<(), Failure> {
    let ends = known(endings_of(&mut client).await)?.ok_or_else(|| Failure::Failed(UNKNOWN.into()))?;
    output::print(format, &Value::Array(ends.iter().map(output::document).collect()), || endings_table(&ends))
}

/// Of a control plane that has no `ListEndings`.
const UNKNOWN: &str = "what ends is not known: the control plane is older than this command and does not tell it; update it, \
                       and look meanwhile with `entente-control-plane check-config`";

/// Nothing if the server has no such method. What it knows and does not carry out has words of its own.
fn known(answer: Result<Vec<wire::Ending>, Failure>) -> Result<Option<Vec<wire::Ending>>, Failure> {
    let has_none = |status: &tonic::Status| {
        status.code() == tonic::Code::Unimplemented && status.get_error_details().error_info().is_none()
    };
    match answer {
        Err(Failure::Call(status)) if has_none(&status) => Ok(None),
        answer => answer.map(Some),
    }
}

async fn endings_of(client: &mut Client) -> Result<Vec<wire::Ending>, Failure> {
    let request = wire::ListEndingsRequest { page_size: 1_000, ..Default::default() };
    Ok(every_page!(client.fleet, list_endings, request, endings))
}

fn warning(it: &wire::Ending) -> String {
    let word = if it.ended { "ended" } else { "ends" };
    format!("{} of {} {word} {}: {}", it.kind, it.name, instant(&it.expire_time), it.remedy)
}

fn endings_table(ends: &[wire::Ending]) -> String {
    let row = |it: &wire::Ending| {
        let at = instant(&it.expire_time);
        let at = if it.ended { format!("{at} (ended)") } else { at };
        [it.kind.clone(), it.name.clone(), at, it.remedy.clone()]
    };
    table(["ENDS", "OF", "AT", "WHAT TO DO"], &ends.iter().map(row).collect::<Vec<_>>())
}

async fn tenant_status(client: &mut Client, tenant: &str) -> Result<TenantStatus, Failure> {
    let request = wire::GetTenantStatusRequest { tenant: full_name("tenants", tenant) };
    Ok(client.fleet.get_tenant_status(within(request)).await?.into_inner())
}

async fn watch(mut client: Client, ask: Status, format: Format) -> Result<(), Failure> {
    let tenants = ask.tenant.iter().map(|tenant| full_name("tenants", tenant)).collect();
    let request = wire::WatchTenantStatusesRequest { tenants };
    let mut stream = client.fleet.watch_tenant_statuses(request).await?.into_inner();
    let mut seen = std::collections::BTreeMap::<String, TenantStatus>::new();
    let mut complete = false;
    while let Some(message) = stream.message().await? {
        complete |= message.initial_complete;
        if let Some(status) = message.tenant_status {
            match format {
                Format::Table if complete => output::say(&line(&status))?,
                Format::Table => {}
                Format::Json | Format::Yaml => output::json_line(&output::document(&status))?,
            }
            seen.insert(status.tenant.clone(), status);
        }
        if message.initial_complete && format == Format::Table {
            output::say(&many(&seen.values().cloned().collect::<Vec<_>>()))?;
        }
        if complete && ask.until_settled && seen.values().all(is_settled) {
            return Ok(());
        }
    }
    Err(Failure::Failed("the control plane ended the watch; ask again".into()))
}

/// Nothing is left that an agent could do by itself.
fn is_settled(status: &TenantStatus) -> bool {
    matches!(status.phase(), TenantPhase::Converged | TenantPhase::Waiting | TenantPhase::Partial)
}

fn phase(status: &TenantStatus) -> &'static str {
    status.phase().as_str_name().trim_start_matches("TENANT_PHASE_")
}

fn row(status: &TenantStatus) -> [String; 7] {
    let count = |states: &[&str]| -> i32 {
        status.counts.iter().filter(|count| states.contains(&count.state.as_str())).map(|count| count.count).sum()
    };
    let seen = if status.connected { "now".to_owned() } else { instant(&status.last_seen_time) };
    [
        status.tenant.trim_start_matches("tenants/").to_owned(),
        phase(status).to_owned(),
        seen,
        status.revisions_behind.to_string(),
        format!("{}/{}", count(&["APPLIED", "REMOVED"]), status.items),
        instant(&status.credential_expire_time),
        or_dash(&status.explanation),
    ]
}

fn many(all: &[TenantStatus]) -> String {
    let header = ["TENANT", "PHASE", "SEEN", "BEHIND", "DONE", "CERTIFICATE ENDS", "WHY"];
    table(header, &all.iter().map(row).collect::<Vec<_>>())
}

fn line(status: &TenantStatus) -> String {
    let [tenant, phase, _, behind, done, _, why] = row(status);
    format!("{tenant}: {phase}, {done} items, {behind} behind; {}\n", plain(&why))
}

fn one(status: &TenantStatus) -> String {
    let mut text = many(std::slice::from_ref(status));
    let counts: Vec<_> = status.counts.iter().map(|count| format!("{} {}", count.count, count.state)).collect();
    text.push_str(&format!("\nitems: {}\n", or_dash(&counts.join(", "))));
    text.push_str(&format!("revision: desired {}, accepted {}\n", status.desired_revision, status.accepted_revision));
    for (what, value) in [("parked", &status.parked_reason), ("guardrail", &status.guardrail_fault)] {
        if !value.is_empty() {
            text.push_str(&format!("{what}: {}\n", plain(value)));
        }
    }
    for alarm in &status.displacements {
        let (agent, former) = (&alarm.agent, &alarm.displaced_agent);
        let (when, maker) = (instant(&alarm.displace_time), or_dash(&alarm.principal));
        text.push_str(&format!("alarm: {agent} displaced {former} on {when}, with a token of {maker}\n"));
    }
    let planes: Vec<_> =
        status.planes.iter().map(|it| [it.plane.clone(), it.mode.clone(), instant(&it.verify_time)]).collect();
    text.push_str(&format!("\n{}", table(["PLANE", "MODE", "VERIFIED"], &planes)));
    if !status.findings.is_empty() {
        let found: Vec<_> =
            status.findings.iter().map(|it| [it.plane.clone(), it.reason.clone(), it.detail.clone()]).collect();
        text.push_str(&format!("\n{}", table(["PLANE", "FINDING", "DETAIL"], &found)));
    }
    text
}

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

pub(crate) async fn who(client: Client, ask: Who, format: Format) -> Result<(), Failure> {
    let all = access(client, ask.tenant.as_deref(), ask.operator.as_deref()).await?;
    output::print(format, &Value::Array(all.iter().map(output::document).collect()), || access_table(&all))
}

async fn access(
    mut client: Client,
    tenant: Option<&str>,
    operator: Option<&str>,
) -> Result<Vec<wire::Access>, Failure> {
    let request = wire::ListAccessRequest {
        page_size: 1_000,
        page_token: String::new(),
        tenant: tenant.map(|name| full_name("tenants", name)).unwrap_or_default(),
        operator: operator.map(|name| full_name("operators", name)).unwrap_or_default(),
    };
    Ok(every_page!(client.fleet, list_access, request, access))
}

fn access_table(all: &[wire::Access]) -> String {
    let row = |it: &wire::Access| {
        let why = if it.redeem_url.is_empty() { it.reason.clone() } else { format!("{} {}", it.reason, it.redeem_url) };
        [
            it.tenant.trim_start_matches("tenants/").to_owned(),
            it.operator.trim_start_matches("operators/").to_owned(),
            it.role.trim_start_matches("socRoles/").to_owned(),
            it.state.clone(),
            instant(&it.end_time),
            instant(&it.verify_time),
            or_dash(&why),
        ]
    };
    let header = ["TENANT", "OPERATOR", "ROLE", "STATE", "UNTIL", "VERIFIED", "REASON"];
    table(header, &all.iter().map(row).collect::<Vec<_>>())
}

pub(crate) async fn describe_tenant(mut client: Client, tenant: &str) -> Result<(), Failure> {
    let status = tenant_status(&mut client, tenant).await?;
    output::say(&format!("\n{}", one(&status)))?;
    let all = access(client, Some(tenant), None).await?;
    output::say(&format!("\n{}", access_table(&all)))
}

pub(crate) async fn describe_operator(client: Client, operator: &str) -> Result<(), Failure> {
    let all = access(client, None, Some(operator)).await?;
    output::say(&format!("\n{}", access_table(&all)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_agent_says_makes_no_lines_of_its_own() {
        let evil = "unreadable\ntenants/fabrikam: CONVERGED";
        let status = TenantStatus {
            tenant: "tenants/contoso".into(),
            guardrail_fault: evil.into(),
            explanation: evil.into(),
            ..Default::default()
        };
        assert_eq!(line(&status).lines().count(), 1);
        assert!(!one(&status).lines().any(|line| line.starts_with("tenants/fabrikam")), "{}", one(&status));
    }

    #[test]
    fn what_ends_is_not_known_of_a_server_that_has_no_such_method_and_of_no_other() {
        let older = tonic::Status::unimplemented("unknown method ListEndings");
        assert_eq!(known(Err(older.into())).unwrap(), None);
        let mut details = tonic_types::ErrorDetails::new();
        details.set_error_info("UNIMPLEMENTED", "entente", std::collections::HashMap::new());
        let ours = tonic::Status::with_error_details(tonic::Code::Unimplemented, "not carried out", details);
        known(Err(ours.into())).unwrap_err();
        known(Err(tonic::Status::unavailable("gone").into())).unwrap_err();
        assert_eq!(known(Ok(Vec::new())).unwrap(), Some(Vec::new()));
    }
}
