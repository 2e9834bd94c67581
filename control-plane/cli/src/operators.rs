//! People: their leaving with a receipt from every tenant, and their coming back.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use entente_proto::access::v1::{LeaveOperatorRequest, RejoinOperatorRequest};
use entente_proto::fleet::v1::Removal;
use tokio::time::Instant;

use crate::args::{Format, Leave, Operators};
use crate::client::{Client, request_id, within};
use crate::failure::Failure;
use crate::output;
use crate::pages::full_name;
use crate::{confirm, impact, removals, resources};

/// The cause of a leave's removals.
const LEFT: &str = "LEFT";

/// How often progress is asked for. Receipts take seconds to minutes.
const POLL: Duration = Duration::from_millis(500);

pub(crate) async fn run(client: Client, ca: &Path, ask: Operators, format: Format) -> Result<(), Failure> {
    match ask {
        Operators::Leave(ask) => leave(client, ca, ask, format).await,
        Operators::Rejoin { name } => rejoin(client, &name, format).await,
    }
}

async fn rejoin(mut client: Client, name: &str, format: Format) -> Result<(), Failure> {
    let name = full_name("operators", name);
    let request = RejoinOperatorRequest { name: name.clone(), request_id: request_id(), validate_only: false };
    client.access.rejoin_operator(within(request)).await.map_err(look_at(&name))?;
    resources::get(client, &[name], format).await
}

fn look_at(name: &str) -> impl FnOnce(tonic::Status) -> Failure + use<> {
    Failure::of_change(format!("`entente get {name}`"))
}

async fn leave(mut client: Client, ca: &Path, ask: Leave, format: Format) -> Result<(), Failure> {
    let name = full_name("operators", &ask.name);
    if !ask.dry_run {
        confirm(&mut client, &name, confirm::Asked::of(ask.yes)).await?;
    }
    let request = LeaveOperatorRequest { name: name.clone(), request_id: request_id(), validate_only: ask.dry_run };
    let answer = client.access.leave_operator(within(request)).await;
    let answer = if ask.dry_run { answer? } else { answer.map_err(look_at(&name))? }.into_inner();
    let undo = format!("undo: entente operators rejoin {}\n", ask.name);
    if ask.dry_run || ask.no_wait {
        return output::print(format, &output::document(&answer), || {
            let done = if ask.dry_run { "dry run: nothing was changed\n" } else { &undo };
            format!("{name} leaves\n{}{done}", impact::text(answer.impact.as_ref()))
        });
    }
    if format.is_for_people() {
        output::say(&format!("{name} leaves\n{}", impact::text(answer.impact.as_ref())))?;
    }
    let receipts = wait(&mut client, &name, &answer.removal_ids, Duration::from_secs(ask.timeout), format).await?;
    if let Some(folder) = &ask.receipts {
        removals::write(folder, ca, &receipts)?;
    }
    let ended = answer.impact.map(|impact| impact.ended_principals).unwrap_or_default();
    removals::print(&receipts, Some(&ended), format)?;
    if format.is_for_people() {
        output::say(&undo)?;
    }
    removals::all_complete(&receipts)
}

/// Asks for the person's full name: `li` and `lin` are one letter apart.
async fn confirm(client: &mut Client, name: &str, asked: confirm::Asked) -> Result<(), Failure> {
    let confirm::Asked::Terminal = asked else {
        return confirm::by_typing(asked, &format!("{name} would lose access everywhere"), "").await;
    };
    let request = LeaveOperatorRequest { name: name.into(), request_id: String::new(), validate_only: true };
    let looked = client.access.leave_operator(within(request)).await?.into_inner();
    let full = looked.operator.map(|operator| operator.display_name).unwrap_or_default();
    output::before(&impact::text(looked.impact.as_ref()));
    confirm::by_typing(asked, &format!("{name}, {full}, loses access everywhere"), &full).await
}

/// Asks until every tenant's removal is proven, or the time is over; says each tenant once as it is done.
pub(crate) async fn wait(
    client: &mut Client,
    name: &str,
    ids: &[String],
    limit: Duration,
    format: Format,
) -> Result<Vec<Removal>, Failure> {
    let over = over_after(Instant::now(), limit);
    let mut said = BTreeSet::new();
    let mut ticks = tokio::time::interval(POLL);
    loop {
        ticks.tick().await;
        let receipts = match removals::list(client, name).await {
            Ok(all) => of_leave(all, ids),
            // A control plane that restarts meanwhile is waited for: the removal is kept in its store.
            Err(Failure::Call(status)) if status.code() == tonic::Code::Unavailable && !over() => continue,
            Err(failure) => return Err(failure),
        };
        let tenants = removals::tenants(&receipts);
        let done: Vec<_> = tenants.iter().filter(|(_, done)| **done).map(|(tenant, _)| *tenant).collect();
        for tenant in &done {
            if said.insert((*tenant).to_owned()) && format.is_for_people() {
                let word = receipts.iter().find(|it| it.tenant == *tenant).map(removals::word).unwrap_or_default();
                output::say(&format!("  {tenant}: {word} ({} of {} tenants)\n", said.len(), tenants.len()))?;
            }
        }
        let untold = ids.iter().filter(|id| receipts.iter().all(|it| it.id != **id)).count();
        match (untold, over()) {
            (0, true) => return Ok(receipts),
            (0, false) if done.len() == tenants.len() => return Ok(receipts),
            // Nothing is known of them, and that is not nothing to remove.
            (untold, true) => {
                let text = format!("{untold} removals of {name} are not told yet; `entente removals` shows them");
                return Err(Failure::Incomplete(text));
            }
            (_, false) => {}
        }
    }
}

/// The removals of one leave: receipts of what the person was moved from before are others, however they stand. An older
/// control plane does not say which they are: those of the latest leave.
pub(crate) fn of_leave(all: Vec<Removal>, ids: &[String]) -> Vec<Removal> {
    let seconds = |it: &Removal| it.request_time.as_ref().map_or(0, |time| time.seconds);
    let latest = all.iter().filter(|it| it.cause == LEFT).map(seconds).max().unwrap_or_default();
    let is_of_it = |it: &Removal| match ids {
        [] => it.cause == LEFT && seconds(it) == latest,
        ids => ids.contains(&it.id),
    };
    all.into_iter().filter(is_of_it).collect()
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
    fn users_d05_what_somebody_was_moved_from_before_is_no_receipt_of_the_leave() {
        let of = |cause: &str, id: &str, seconds| Removal {
            cause: cause.into(),
            id: id.into(),
            request_time: Some(prost_types::Timestamp { seconds, nanos: 0 }),
            complete: cause != LEFT,
            ..Removal::default()
        };
        let all = [of("MEMBER_DROPPED", "li/member@7", 70), of(LEFT, "li/user@3", 30), of(LEFT, "li/user@9", 90)];
        let ids = |ids: &[&str]| -> Vec<String> {
            let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
            of_leave(all.to_vec(), &ids).into_iter().map(|it| it.id).collect()
        };
        assert_eq!(ids(&["li/user@9"]), ["li/user@9"]);
        assert_eq!(ids(&[]), ["li/user@9"], "of a control plane that names none");
    }

    #[test]
    fn any_time_may_be_waited_for() {
        assert!(over_after(Instant::now(), Duration::ZERO)());
        assert!(!over_after(Instant::now(), Duration::from_secs(u64::MAX))());
    }
}
