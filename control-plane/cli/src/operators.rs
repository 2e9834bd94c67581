//! People: their leaving with a receipt from every tenant, and their coming back.

use std::time::Duration;

use entente_proto::access::v1::{LeaveOperatorRequest, RejoinOperatorRequest};
use entente_proto::fleet::v1::Removal;
use tokio::time::Instant;

use crate::args::{Format, Leave, Operators};
use crate::client::{Client, request_id, within};
use crate::failure::Failure;
use crate::output;
use crate::pages::full_name;
use crate::{apply, removals, resources};

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
    if format.is_for_people() {
        output::say(&format!("{name} leaves\n{}", apply::impact(answer.impact.as_ref())))?;
    }
    let receipts = wait(&mut client, &name, Duration::from_secs(ask.timeout), format).await?;
    let ended = answer.impact.map(|impact| impact.ended_principals).unwrap_or_default();
    removals::print(&receipts, Some(&ended), format)?;
    removals::all_complete(&receipts)
}

/// Asks until every tenant's removal is proven, or the time is over; says each receipt once as it comes.
async fn wait(client: &mut Client, name: &str, limit: Duration, format: Format) -> Result<Vec<Removal>, Failure> {
    let over = over_after(Instant::now(), limit);
    let mut said = std::collections::BTreeSet::new();
    let mut ticks = tokio::time::interval(POLL);
    loop {
        ticks.tick().await;
        let receipts = match removals::list(client, name).await {
            Ok(receipts) => receipts,
            // A control plane that restarts meanwhile is waited for: the removal is kept in its store.
            Err(Failure::Call(status)) if status.code() == tonic::Code::Unavailable && !over() => continue,
            Err(failure) => return Err(failure),
        };
        let done = receipts.iter().filter(|it| it.complete).count();
        for receipt in receipts.iter().filter(|it| it.complete) {
            if said.insert((receipt.tenant.clone(), receipt.id.clone())) && format.is_for_people() {
                output::say(&format!(
                    "  {}: {} ({done} of {})\n",
                    receipt.tenant,
                    removals::word(receipt),
                    receipts.len()
                ))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_time_may_be_waited_for() {
        assert!(over_after(Instant::now(), Duration::ZERO)());
        assert!(!over_after(Instant::now(), Duration::from_secs(u64::MAX))());
    }
}
