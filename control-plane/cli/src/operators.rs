//! People: their leaving with a receipt from every tenant, and their coming back.

use std::time::Duration;

use entente_proto::access::v1::{LeaveOperatorRequest, RejoinOperatorRequest};
use entente_proto::fleet::v1::{ListRemovalsRequest, Removal};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::args::{Format, Leave, Operators};
use crate::client::{Client, request_id, within};
use crate::failure::Failure;
use crate::fleet::{every_page, full_name};
use crate::output::{self, instant, or_dash, table};
use crate::{apply, resources};

/// How often progress is asked for. Receipts take seconds to minutes.
const POLL: Duration = Duration::from_millis(500);

pub(crate) async fn run(client: Client, ask: Operators, format: Format) -> Result<(), Failure> {
    match ask {
        Operators::Leave(ask) => leave(client, ask, format).await,
        Operators::Rejoin { name } => rejoin(client, &name, format).await,
    }
}

async fn rejoin(mut client: Client, name: &str, format: Format) -> Result<(), Failure> {
    let name = full_name("operators", name);
    let request = RejoinOperatorRequest { name: name.clone(), request_id: request_id(), validate_only: false };
    client.access.rejoin_operator(within(request)).await?;
    resources::get(client, &name, format).await
}

async fn leave(mut client: Client, ask: Leave, format: Format) -> Result<(), Failure> {
    let name = full_name("operators", &ask.name);
    let request = LeaveOperatorRequest { name: name.clone(), request_id: request_id(), validate_only: ask.dry_run };
    let answer = client.access.leave_operator(within(request)).await?.into_inner();
    if ask.dry_run || ask.no_wait {
        return output::print(format, &output::document(&answer), || {
            let done = if ask.dry_run { "dry run: nothing was changed\n" } else { "" };
            format!("{name} leaves\n{}{done}", apply::impact(answer.impact.as_ref()))
        });
    }
    if format == Format::Table {
        output::say(&format!("{name} leaves\n{}", apply::impact(answer.impact.as_ref())))?;
    }
    let receipts = wait(&mut client, &name, Duration::from_secs(ask.timeout), format).await?;
    let missing = receipts.iter().filter(|receipt| !receipt.complete).count();
    let ended = answer.impact.map(|impact| impact.ended_principals).unwrap_or_default();
    print_receipts(&receipts, Some(&ended), format)?;
    if missing == 0 {
        return Ok(());
    }
    let text =
        format!("{missing} of {} tenants have not confirmed yet; `entente removals {name}` goes on", receipts.len());
    Err(Failure::Incomplete(text))
}

/// Asks until every tenant has confirmed, or the time is over; says each receipt once as it comes.
async fn wait(client: &mut Client, name: &str, limit: Duration, format: Format) -> Result<Vec<Removal>, Failure> {
    let over = over_after(Instant::now(), limit);
    let mut said = std::collections::BTreeSet::new();
    let mut ticks = tokio::time::interval(POLL);
    loop {
        ticks.tick().await;
        let receipts = match receipts(client, name).await {
            Ok(receipts) => receipts,
            // A control plane that restarts meanwhile is waited for: the removal is kept in its store.
            Err(Failure::Call(status)) if status.code() == tonic::Code::Unavailable && !over() => continue,
            Err(failure) => return Err(failure),
        };
        let done = receipts.iter().filter(|it| it.complete).count();
        for receipt in receipts.iter().filter(|it| it.complete) {
            if said.insert((receipt.tenant.clone(), receipt.subject.clone())) && format == Format::Table {
                output::say(&format!("  {} confirmed ({done} of {})\n", receipt.tenant, receipts.len()))?;
            }
        }
        if done == receipts.len() || over() {
            return Ok(receipts);
        }
    }
}

/// Whether a time is over. One that ends later than any clock can say never is.
fn over_after(start: Instant, limit: Duration) -> impl Fn() -> bool {
    let end = start.checked_add(limit);
    move || end.is_some_and(|end| Instant::now() >= end)
}

async fn receipts(client: &mut Client, operator: &str) -> Result<Vec<Removal>, Failure> {
    let request = ListRemovalsRequest { page_size: 1_000, page_token: String::new(), operator: operator.to_owned() };
    Ok(every_page!(client.fleet, list_removals, request, removals))
}

pub(crate) async fn removals(mut client: Client, operator: Option<String>, format: Format) -> Result<(), Failure> {
    let operator = operator.map(|name| full_name("operators", &name)).unwrap_or_default();
    print_receipts(&receipts(&mut client, &operator).await?, None, format)
}

/// With the principals that ended, where that is known: right after a leave.
fn print_receipts(receipts: &[Removal], ended: Option<&[String]>, format: Format) -> Result<(), Failure> {
    let complete = receipts.iter().all(|receipt| receipt.complete);
    let documents: Vec<Value> = receipts.iter().map(output::document).collect();
    let mut document = json!({"complete": complete, "removals": documents});
    if let Some(ended) = ended {
        document["endedPrincipals"] = json!(ended);
    }
    output::print(format, &document, || {
        let row = |it: &Removal| {
            let proof = it.proof.clone().unwrap_or_default();
            let unseen = if proof.unseen.is_empty() {
                String::new()
            } else {
                format!("not looked at: {}", proof.unseen.join(", "))
            };
            let away = if it.connected || it.complete { "" } else { "agent is not connected" };
            let why: Vec<_> =
                [it.detail.as_str(), away, unseen.as_str()].into_iter().filter(|text| !text.is_empty()).collect();
            [
                it.tenant.trim_start_matches("tenants/").to_owned(),
                it.operator.trim_start_matches("operators/").to_owned(),
                it.state.clone(),
                instant(&proof.first_empty_read_time),
                instant(&proof.second_empty_read_time),
                instant(&proof.effective_by_time),
                or_dash(&why.join("; ")),
            ]
        };
        let header = ["TENANT", "OPERATOR", "STATE", "FIRST EMPTY READ", "SECOND EMPTY READ", "EFFECTIVE BY", "NOTE"];
        table(header, &receipts.iter().map(row).collect::<Vec<_>>())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_time_may_be_waited_for() {
        assert!(over_after(Instant::now(), Duration::ZERO)());
        assert!(!over_after(Instant::now(), Duration::from_secs(u64::MAX))());
    }
}
