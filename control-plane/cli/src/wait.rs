//! `wait`, and `apply --wait`: until tenants stand as they are to, or the time is over.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use entente_proto::access::v1::{ApplyIntentResponse, ChangeKind};
use entente_proto::fleet::v1 as wire;
use serde_json::Value;
use tokio::time::Instant;
use wire::TenantStatus;

use crate::args::{Format, Wait};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{self, plain};
use crate::status::{phase, phases, settled, watched};
use crate::who::short;

/// Between two attempts at a control plane that restarts.
const RETRY: Duration = Duration::from_millis(500);

/// Tenants that are named where the time is over; of more there is the count.
const SHOWN: usize = 10;

/// What is known of the tenants that are waited for.
type Seen = BTreeMap<String, TenantStatus>;

pub(crate) async fn wait(mut client: Client, ask: Wait, format: Format) -> Result<(), Failure> {
    let goal = Goal::of(&ask.goal)?;
    let tenants = watched(&mut client, &ask.tenants, &ask.labels).await?;
    let mut told = Told::new(format);
    let limit = Duration::from_secs(ask.timeout);
    let is_there = |seen: &Seen| {
        told.tell(seen.values().filter(|it| goal.is_met(it)), seen.len())?;
        Ok(seen.values().all(|it| goal.is_met(it)))
    };
    let (seen, is_over) = until(&mut client, tenants, limit, is_there).await?;
    if !format.is_for_people() {
        output::print(format, &Value::Array(seen.values().map(output::document).collect()), String::new)?;
    }
    let open: Vec<&TenantStatus> = seen.values().filter(|it| !goal.is_met(it)).collect();
    match (is_over, &goal) {
        (true, _) => Err(late(ask.timeout, &goal.to_string(), &open, 0)),
        (false, Goal::Settled) => settled(&seen),
        (false, Goal::Phases(_)) => Ok(()),
    }
}

/// Until every tenant that a change touched has taken it, and its agent has nothing left to do.
pub(crate) async fn applied(
    client: &mut Client,
    answer: &ApplyIntentResponse,
    seconds: u64,
    format: Format,
) -> Result<(), Failure> {
    let Some(wanted) = Wanted::of(answer) else {
        output::aside("no tenant is touched, so none was waited for; `entente wait` waits for tenants as they stand");
        return Ok(());
    };
    let mut told = Told::new(format);
    let is_there = |seen: &Seen| {
        told.tell(wanted.touched(seen).filter(|it| it.settled), wanted.count)?;
        Ok(wanted.is_done(seen))
    };
    let (seen, is_over) = until(client, wanted.tenants.clone(), Duration::from_secs(seconds), is_there).await?;
    if is_over {
        return Err(wanted.late(seconds, &seen));
    }
    settled(&wanted.touched(&seen).map(|it| (it.tenant.clone(), it.clone())).collect())
}

/// What a change touched, by what is told of it.
struct Wanted {
    revision: i64,
    /// Tenants that are still there.
    count: usize,
    /// Names to watch; all where the answer does not hold every name.
    tenants: Vec<String>,
    /// Those that the answer holds.
    named: BTreeSet<String>,
}

impl Wanted {
    fn of(answer: &ApplyIntentResponse) -> Option<Self> {
        let impact = answer.impact.as_ref()?;
        let deleted = answer.changes.iter().filter(|it| it.kind() == ChangeKind::Deleted).map(|it| it.name.as_str());
        let deleted: BTreeSet<&str> = deleted.filter(|name| name.starts_with("tenants/")).collect();
        let all = usize::try_from(impact.tenants).unwrap_or_default();
        let count = all.saturating_sub(deleted.len());
        let names = impact.tenant_names.iter().filter(|name| !deleted.contains(name.as_str())).cloned();
        let named: BTreeSet<String> = names.collect();
        let tenants = if impact.tenant_names.len() == all { named.iter().cloned().collect() } else { Vec::new() };
        (count > 0).then_some(Self { revision: answer.revision, count, tenants, named })
    }

    /// Names the watched tenants that the change touched, and no others that are at work.
    fn late(&self, seconds: u64, seen: &Seen) -> Failure {
        let is_touched = |it: &&TenantStatus| self.named.contains(&it.tenant) || self.has_taken(it);
        let touched: Vec<&TenantStatus> = seen.values().filter(is_touched).collect();
        let open: Vec<_> = touched.iter().filter(|it| !self.has_taken(it) || !it.settled).copied().collect();
        late(seconds, "settled", &open, self.count.saturating_sub(touched.len()))
    }

    fn has_taken(&self, status: &TenantStatus) -> bool {
        status.desired_revision >= self.revision
    }

    fn touched<'s>(&'s self, seen: &'s Seen) -> impl Iterator<Item = &'s TenantStatus> {
        seen.values().filter(|it| self.has_taken(it))
    }

    fn is_done(&self, seen: &Seen) -> bool {
        self.touched(seen).count() >= self.count && self.touched(seen).all(|it| it.settled)
    }
}

/// What is waited for.
enum Goal {
    Settled,
    Phases(Vec<i32>),
}

impl Goal {
    fn of(words: &[String]) -> Result<Self, Failure> {
        match words {
            [] => Ok(Self::Settled),
            [word] if word.eq_ignore_ascii_case("settled") => Ok(Self::Settled),
            words => phases("--for", words).map(Self::Phases),
        }
    }

    fn is_met(&self, status: &TenantStatus) -> bool {
        match self {
            Self::Settled => status.settled,
            Self::Phases(phases) => phases.contains(&status.phase),
        }
    }
}

impl std::fmt::Display for Goal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Settled => f.write_str("settled"),
            Self::Phases(phases) => {
                let word = |number: &i32| wire::TenantPhase::try_from(*number).unwrap_or_default();
                let words = phases.iter().map(|it| word(it).as_str_name().trim_start_matches("TENANT_PHASE_"));
                f.write_str(&words.collect::<Vec<_>>().join(" or "))
            }
        }
    }
}

/// `untold`: how many are waited for of which nothing was told.
fn late(seconds: u64, goal: &str, open: &[&TenantStatus], untold: usize) -> Failure {
    let named = open.iter().take(SHOWN).map(|it| format!("{} {}", plain(short(&it.tenant)), phase(it)));
    let more = open.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let named = named.collect::<Vec<_>>().join(", ");
    let untold = (untold > 0).then(|| format!("{untold} that the control plane did not tell of"));
    let told = Some(format!("{named}{more}")).filter(|told| !told.is_empty());
    let all: Vec<String> = told.into_iter().chain(untold).collect();
    let all = if all.is_empty() { "the control plane told no tenant".to_owned() } else { all.join(", and ") };
    Failure::Incomplete(format!("not {goal} after {seconds} s: {all}"))
}

/// Says each tenant once, for people.
struct Told {
    format: Format,
    names: BTreeSet<String>,
}

impl Told {
    fn new(format: Format) -> Self {
        Self { format, names: BTreeSet::new() }
    }

    fn tell<'s>(&mut self, there: impl Iterator<Item = &'s TenantStatus>, of: usize) -> Result<(), Failure> {
        for status in there.filter(|_| self.format.is_for_people()) {
            if self.names.insert(status.tenant.clone()) {
                let (tenant, count) = (plain(short(&status.tenant)), self.names.len());
                output::say(&format!("  {tenant}: {} ({count} of {of} tenants)\n", phase(status)))?;
            }
        }
        Ok(())
    }
}

/// Watches until what is seen is as it is to be. Says what was seen, and whether the time was over before.
async fn until(
    client: &mut Client,
    tenants: Vec<String>,
    limit: Duration,
    mut is_there: impl FnMut(&Seen) -> Result<bool, Failure>,
) -> Result<(Seen, bool), Failure> {
    let end = Instant::now().checked_add(limit);
    let mut seen = Seen::new();
    let watching = async {
        loop {
            match look(client, &tenants, &mut seen, &mut is_there).await {
                Ok(true) => return Ok(()),
                // A control plane that restarts is waited for: agents go on meanwhile.
                Ok(false) => tokio::time::sleep(RETRY).await,
                Err(Failure::Call(status)) if status.code() == tonic::Code::Unavailable => {
                    tokio::time::sleep(RETRY).await
                }
                Err(failure) => return Err(failure),
            }
        }
    };
    let outcome = match end {
        Some(end) => tokio::time::timeout_at(end, watching).await.ok().transpose()?,
        // A time that no clock can say is never over.
        None => Some(watching.await?),
    };
    Ok((seen, outcome.is_none()))
}

/// One watch. Whether it saw the goal; else it ended before.
async fn look(
    client: &mut Client,
    tenants: &[String],
    seen: &mut Seen,
    is_there: &mut impl FnMut(&Seen) -> Result<bool, Failure>,
) -> Result<bool, Failure> {
    let request = wire::WatchTenantStatusesRequest { tenants: tenants.to_vec() };
    let mut stream = client.fleet.watch_tenant_statuses(request).await?.into_inner();
    // What was seen before a restart is not known any more.
    seen.clear();
    let mut is_complete = false;
    while let Some(message) = stream.message().await? {
        is_complete |= message.initial_complete;
        gone(&message.gone_tenant, tenants, seen)?;
        if let Some(status) = message.tenant_status {
            seen.insert(status.tenant.clone(), status);
        }
        if is_complete && is_there(seen)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A tenant that was deleted settles no more: an error where it was named, and else none of all that are there.
fn gone(tenant: &str, named: &[String], seen: &mut Seen) -> Result<(), Failure> {
    seen.remove(tenant);
    if named.iter().any(|name| name == tenant) {
        return Err(Failure::Failed(format!(
            "{tenant} was deleted meanwhile: it is not known how it would have settled"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use entente_proto::access::v1::{Impact, ResourceChange};
    use wire::TenantPhase;

    use super::*;

    fn status(id: &str, desired_revision: i64, settled: bool) -> TenantStatus {
        let phase = TenantPhase::Converging.into();
        TenantStatus { tenant: format!("tenants/{id}"), desired_revision, settled, phase, ..Default::default() }
    }

    fn seen(all: &[TenantStatus]) -> Seen {
        all.iter().map(|it| (it.tenant.clone(), it.clone())).collect()
    }

    #[test]
    fn users_apply_wait_is_done_when_every_touched_tenant_has_taken_the_change_and_settled() {
        let names = ["tenants/a", "tenants/b", "tenants/gone"].map(String::from).to_vec();
        let gone =
            ResourceChange { name: "tenants/gone".into(), kind: ChangeKind::Deleted.into(), ..Default::default() };
        let impact = Impact { tenants: 3, tenant_names: names, ..Default::default() };
        let answer =
            ApplyIntentResponse { revision: 7, changes: vec![gone], impact: Some(impact), ..Default::default() };
        let wanted = Wanted::of(&answer).unwrap();
        assert_eq!(wanted.tenants, ["tenants/a", "tenants/b"]);
        for (all, done) in [
            (seen(&[]), false),
            (seen(&[status("a", 7, true)]), false),
            (seen(&[status("a", 7, true), status("b", 6, true)]), false),
            (seen(&[status("a", 7, true), status("b", 7, false)]), false),
            (seen(&[status("a", 7, true), status("b", 8, true), status("other", 3, false)]), true),
        ] {
            assert_eq!(wanted.is_done(&all), done, "{all:?}");
        }
        let nothing = ApplyIntentResponse { impact: Some(Impact::default()), ..Default::default() };
        assert!(Wanted::of(&nothing).is_none(), "nothing is waited for");
        let many = Impact { tenants: 300, tenant_names: vec!["tenants/a".into()], ..Default::default() };
        let many = Wanted::of(&ApplyIntentResponse { impact: Some(many), ..Default::default() }).unwrap();
        assert_eq!((many.count, many.tenants.len()), (300, 0), "all are watched");
    }

    #[test]
    fn apply_wait_names_who_is_touched_and_not_settled_and_counts_who_was_not_told() {
        let impact = Impact { tenants: 300, tenant_names: vec!["tenants/a".into()], ..Default::default() };
        let answer = ApplyIntentResponse { revision: 7, impact: Some(impact), ..Default::default() };
        let wanted = Wanted::of(&answer).unwrap();
        let all = [status("a", 6, true), status("b", 7, false), status("c", 7, true), status("stranger", 6, false)];
        let said = wanted.late(30, &seen(&all)).to_string();
        assert_eq!(
            said,
            "not settled after 30 s: a CONVERGING, b CONVERGING, and 297 that the control plane did not tell of"
        );
    }

    #[test]
    fn a_tenant_that_is_deleted_is_not_waited_for_and_not_told_as_settled() {
        let mut all = seen(&[status("a", 7, true), status("b", 7, false)]);
        gone("", &[], &mut all).unwrap();
        assert_eq!(all.len(), 2);
        gone("tenants/b", &[], &mut all).unwrap();
        assert_eq!(all.keys().collect::<Vec<_>>(), ["tenants/a"]);
        let named = ["tenants/a".to_owned()];
        let said = gone("tenants/a", &named, &mut all).unwrap_err().to_string();
        assert!(said.starts_with("tenants/a was deleted meanwhile"), "{said}");
    }

    #[test]
    fn users_wait_takes_settled_or_phases_and_says_who_is_late() {
        assert!(
            Goal::of(&["CONVERGED".into(), "waiting".into()])
                .unwrap()
                .is_met(&TenantStatus { phase: TenantPhase::Waiting.into(), ..Default::default() })
        );
        assert!(Goal::of(&[]).unwrap().is_met(&status("a", 1, true)));
        let wrong = Goal::of(&["convergd".into()]).err().unwrap().to_string();
        assert!(wrong.starts_with("--for \"convergd\" is no phase; did you mean CONVERGED?"), "{wrong}");
        let goal = Goal::of(&["converged".into()]).unwrap().to_string();
        let late = late(30, &goal, &[&status("a", 1, false)], 0);
        assert!(
            matches!(&late, Failure::Incomplete(text) if text == "not CONVERGED after 30 s: a CONVERGING"),
            "{late}"
        );
    }
}
