//! How tenants stand: all of them, one of them, and as it changes.

mod fleet;
mod labels;
mod pace;
mod select;
mod watch;

use entente_convert::time;
use entente_model::Timestamp;
use entente_proto::fleet::v1 as wire;
use serde_json::Value;
use wire::{Party, TenantStatus};

use crate::args::{Format, Status};
use crate::client::{Client, within};
use crate::endings;
use crate::failure::Failure;
use crate::output::{self, instant, or_dash, plain, table};
use crate::pages::{every_page, full_name};
use crate::who;

pub(crate) use self::fleet::phase;
pub(crate) use self::select::phases;
pub(crate) use self::watch::{settled, watched};

pub(crate) async fn status(mut client: Client, ask: Status, format: Format) -> Result<(), Failure> {
    if ask.watch {
        return watch::watch(client, ask, format).await;
    }
    if let ([tenant], true, true) = (ask.tenants.as_slice(), ask.labels.is_empty(), ask.phases.is_empty())
        && format != Format::Csv
        && format != Format::Name
    {
        let status = tenant_status(&mut client, tenant).await?;
        return output::print(format, &output::document(&status), || {
            one(&status, output::now(), format == Format::Wide)
        });
    }
    let request = select::request(&ask)?;
    let mut all: Vec<TenantStatus> = every_page!(client.fleet, list_tenant_statuses, request, tenant_statuses);
    if labels::may_be_wrong(&ask, all.len()) {
        labels::judge(&mut client, &ask.labels).await?;
    }
    fleet::sort(&mut all, ask.sort_by);
    let ends = endings::known(endings::of(&mut client).await)?.unwrap_or_else(|| {
        // The rest of the answer is as good without it, as long as it does not look as if nothing ended.
        output::aside(&format!("warning: {}", endings::UNKNOWN));
        Vec::new()
    });
    // Programs get the tenants as ever, and the endings from `entente endings`; who looks at the screen hears of both.
    if !format.is_for_people() {
        ends.iter().for_each(|it| output::aside(&format!("warning: {}", endings::warning(it))));
    }
    let document = Value::Array(all.iter().map(output::document).collect());
    let before = format!("{}\n", fleet::summary(&all));
    let after = if ends.is_empty() { String::new() } else { format!("\n{}", endings::shown(&ends)) };
    fleet::list(&all, output::now()).print(format, &document, (&before, &after))
}

async fn tenant_status(client: &mut Client, tenant: &str) -> Result<TenantStatus, Failure> {
    let request = wire::GetTenantStatusRequest { tenant: full_name("tenants", tenant) };
    Ok(client.fleet.get_tenant_status(within(request)).await?.into_inner())
}

fn one(status: &TenantStatus, now: Timestamp, is_wide: bool) -> String {
    let mut text = fleet::list(std::slice::from_ref(status), now).shown(is_wide);
    let counts: Vec<_> = status.counts.iter().map(|count| format!("{} {}", count.count, count.state)).collect();
    text.push_str(&format!("\nitems: {}\n", or_dash(&counts.join(", "))));
    text.push_str(&format!("revision: desired {}, accepted {}\n", status.desired_revision, status.accepted_revision));
    text.push_str(&standing(status));
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
    let plane = |it: &wire::PlaneStatus| {
        [it.plane.clone(), it.mode.clone(), instant(&it.verify_time), instant(&it.unread_since_time)]
    };
    let planes: Vec<_> = status.planes.iter().map(plane).collect();
    text.push_str(&format!("\n{}", table(["PLANE", "MODE", "VERIFIED", "UNREAD SINCE"], &planes)));
    if !status.findings.is_empty() {
        let found: Vec<_> =
            status.findings.iter().map(|it| [it.plane.clone(), it.reason.clone(), it.detail.clone()]).collect();
        text.push_str(&format!("\n{}", table(["PLANE", "FINDING", "DETAIL"], &found)));
    }
    text
}

/// Since when, whose move it is, and what ends when. What is not known has no line.
fn standing(status: &TenantStatus) -> String {
    let at = |time: &Option<prost_types::Timestamp>| time.as_ref().map(|_| instant(time));
    let move_of = match status.party() {
        Party::Unspecified => None,
        Party::Customer => Some("the customer's"),
        Party::Provider => Some("yours"),
        Party::Microsoft => Some("Microsoft's"),
        Party::Agent => Some("the agent's"),
    };
    let microsoft = plain(&status.microsoft_state);
    let microsoft = match at(&status.microsoft_time) {
        _ if microsoft.is_empty() => None,
        Some(since) if status.microsoft_detail.is_empty() => Some(format!("{microsoft} since {since}")),
        Some(since) => Some(format!("{microsoft} since {since}: {}", plain(&status.microsoft_detail))),
        None => Some(microsoft),
    };
    let lines = [
        ("since", at(&status.phase_time)),
        ("move", move_of.map(str::to_owned)),
        ("microsoft", microsoft),
        ("guardrail review", review_by(status).map(|day| format!("due by {day}"))),
        ("token", at(&status.token_expire_time).map(|ends| format!("made and not used, until {ends}"))),
        ("agent's certificate", at(&status.credential_expire_time).map(|ends| format!("until {ends}"))),
        ("Microsoft credential", at(&status.cloud_credential_expire_time).map(|ends| format!("until {ends}"))),
    ];
    let lines = lines.into_iter().filter_map(|(what, value)| Some(format!("{what}: {}\n", value?)));
    lines.collect()
}

/// The last day on which the guardrail gives new access, as the customer writes it.
fn review_by(status: &TenantStatus) -> Option<String> {
    status.guardrail_review_end_time.as_ref().map(|ends| time::from_proto(ends).as_end())
}

pub(crate) async fn describe_tenant(mut client: Client, tenant: &str) -> Result<(), Failure> {
    let status = tenant_status(&mut client, tenant).await?;
    output::say(&format!("\n{}", one(&status, output::now(), false)))?;
    let all = who::access(client, who::Only { tenant: Some(tenant.into()), ..Default::default() }).await?;
    output::say(&format!("\n{}", who::access_table(&all)))
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod screens;
