//! Keeps a report: rows of what changed, with the events that follow from it, then memory, then the acknowledgement.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use entente_model::report::bounds::{
    MAX_ACCOUNTS, MAX_MENDED, MAX_PLANES, MAX_STANDING_ENTRIES, MAX_TEXT_BYTES, MAX_UNSEEN_BYTES,
};
use entente_model::report::{ItemReport, Mended, Report};
use entente_model::{AgentName, TenantName};
use entente_store::{Commit, CommitWithError, StoreExt};

use super::said::Said;
use super::{Reports, view};
use crate::channel::room::{self, Room};
use crate::channel::{Channel, KnownAccounts, Reported, gained};
use crate::error::Cause;
use crate::history::{Happening, Snapshot, write};
use crate::rows;

/// Most items of one report, whatever the agent was told.
const MAX_REPORT_ITEMS: usize = 2_000;

/// Most items that are kept of one tenant: as many as it may hold, and as many again that are on their way out.
const MAX_KEPT_ITEMS: usize = 2 * entente_model::desired::MAX_ITEMS;

/// Longest script in bytes: a Defender role with every permission takes some 6 KiB.
const MAX_SCRIPT_BYTES: usize = 32 * 1024;

/// Longest names of accounts of one person, in bytes: a user principal name has at most 113 characters (Microsoft Graph:
/// user), and a receipt keeps them.
const MAX_ACCOUNTS_BYTES: usize = 16 * 1024;

/// Rows of one commit: below what a store takes, so that the rows of others find room in the group.
const MAX_ROWS: usize = 4_000;

/// Why a report is not kept.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error("the report has {count} {what}, over {limit}")]
    TooMany { what: &'static str, count: usize, limit: usize },
    #[error("the report's {what} is longer than {limit} bytes")]
    TooLong { what: &'static str, limit: usize },
    #[error("the tenant that the report is of is gone")]
    Gone,
    #[error("the report could not be kept")]
    NotKept(#[source] Cause),
}

/// What a report changes.
#[derive(Default)]
struct Changed {
    puts: BTreeMap<Arc<str>, Arc<ItemReport>>,
    deletes: Vec<Arc<str>>,
    /// Rows that could not be read, and that all of this stands for.
    unreadable: Vec<String>,
}

/// Keeps a report, durably.
pub(crate) async fn keep(
    reports: &Reports,
    channel: &Arc<Channel>,
    agent: &AgentName,
    report: Report,
    full: bool,
) -> Result<(), ReportError> {
    check(&report)?;
    let _one_by_one = channel.reporting.lock().await;
    let snapshot = reports.history.snapshot();
    let changed = changed(channel, &snapshot, &report, full)?;
    let mut after = channel.lock().reported.after(&changed.deletes, &changed.puts);
    after.standing = report.standing.clone().map(|it| room::fitting(*it)).map(Arc::new).or(after.standing);
    after.reporter = Some(agent.clone());
    after.last_seen = Some(reports.history.now());
    let happened = happened(reports, channel, &snapshot, &changed, &report.mended, &mut after);
    let gained = {
        // As it was said, also where there is no room for all of it.
        let said = report.items.iter().filter(|item| changed.puts.contains_key(item.key.to_string().as_str()));
        gained(&channel.lock().known, &snapshot, said, Some(agent), reports.history.now())
    };
    let row = rows::encode(&after.row());
    let mut commits = commits(&channel.tenant, &changed, &gained, row);
    let last = commits.pop().unwrap_or_default();
    for commit in commits {
        reports.keep_of(channel, commit, Vec::new()).await?;
    }
    reports.keep_of(channel, last, happened).await?;
    let of_removal = changed.puts.values().any(|item| is_of_removal(&snapshot, item));
    let mut tells = of_removal;
    {
        let mut state = channel.lock();
        for key in changed.deletes {
            state.reported.remove(&key);
        }
        for (key, item) in changed.puts {
            tells |= state.note_unexpected(&item) && may_have_left(&snapshot, &item);
            state.reported.put(key, item);
        }
        state.known.extend(gained);
        state.told |= of_removal;
        state.reported.standing = after.standing;
        state.reported.reporter = after.reporter;
        state.reported.last_seen = after.last_seen;
        (state.reported.phase, state.reported.mended) = (after.phase, after.mended);
        if full {
            state.reported.unreadable.clear();
        }
    }
    if tells {
        reports.channels.removals_told.notify_one();
    }
    reports.channels.watchers.changed(&channel.tenant);
    Ok(())
}

/// What happened by that report; and in `after`, what of it is not to be told again.
fn happened(
    reports: &Reports,
    channel: &Channel,
    snapshot: &Snapshot,
    changed: &Changed,
    mended: &[Mended],
    after: &mut Reported,
) -> Vec<Happening> {
    let phase = reports.phase_by(channel, after);
    let (before, wanted) = {
        let state = channel.lock();
        let items = changed.puts.keys().filter_map(|key| Some((key.clone(), state.reported.items.get(key)?.clone())));
        let items: BTreeMap<_, _> = items.collect();
        let standing = state.reported.standing.clone();
        ((items, standing, state.reported.phase, state.reported.mended.clone()), state.wanted.clone())
    };
    let (items, standing, recorded, told) = before;
    let mark = |it: &Mended| rows::short(&format!("{:?} {it:?}", after.reporter));
    let said = Said {
        items: changed.puts.iter().map(|(key, now)| (items.get(key).map(|it| &**it), &**now)).collect(),
        before: standing.as_deref(),
        after: after.standing.as_deref(),
        mended: mended.iter().filter(|it| !told.contains(&mark(it))).collect(),
        phases: (recorded, phase.phase),
        explanation: phase.explanation,
        name: &|key| view::name_of(&wanted.items, key, snapshot.fleet.intent()),
    };
    let happened = said.happened();
    if !mended.is_empty() {
        after.mended = mended.iter().map(mark).collect();
    }
    after.phase = Some(phase.phase);
    happened
}

/// Keeps how the agent stands as it is in memory, and what happened that it is so.
pub(crate) async fn keep_standing(
    reports: &Reports,
    channel: &Arc<Channel>,
    happened: Happening,
) -> Result<(), ReportError> {
    let _one_by_one = channel.reporting.lock().await;
    let row = rows::encode(&channel.lock().reported.row());
    reports.keep_of(channel, Commit::new().put(rows::standing(&channel.tenant), row), vec![happened]).await
}

/// Whether an open removal may go on by it: be proven, come back, or have one account more.
fn is_of_removal(snapshot: &Snapshot, item: &ItemReport) -> bool {
    let person = item.key.person();
    person.is_some_and(|(home, object_id)| snapshot.fleet.removals_of(home, object_id).next().is_some())
}

/// A person who works in the published intent is looked at with the next period, as a leave may be on its way.
fn may_have_left(snapshot: &Snapshot, item: &ItemReport) -> bool {
    item.key.person().is_some_and(|(home, object_id)| snapshot.fleet.has_left(home, object_id))
}

fn changed(channel: &Channel, snapshot: &Snapshot, report: &Report, full: bool) -> Result<Changed, ReportError> {
    let state = channel.lock();
    let known = &state.reported.items;
    let mut changed = Changed::default();
    let named: BTreeSet<String> = report.items.iter().map(|item| item.key.to_string()).collect();
    // Each key once, however often it is said, and not what the same report says to be there.
    let mut gone: BTreeSet<Arc<str>> = report.forgotten.iter().map(|key| key.to_string().into()).collect();
    if full {
        gone.extend(known.keys().cloned());
        changed.unreadable = state.reported.unreadable.clone();
    }
    gone.retain(|key| known.contains_key(key) && !named.contains(&**key));
    let mut room = Room::of(state.reported.bytes);
    gone.iter().filter_map(|key| known.get(key)).for_each(|item| room.free(item));
    changed.deletes = gone.into_iter().collect();
    for item in &report.items {
        let key: Arc<str> = item.key.to_string().into();
        let former = changed.puts.get(&key).or_else(|| known.get(&key));
        former.iter().for_each(|former| room.free(former));
        let kept = room.take(item, is_of_removal(snapshot, item) || state.is_named_for_removal(&key));
        if former.is_none_or(|former| **former != kept) {
            changed.puts.insert(key, Arc::new(kept));
        }
    }
    let new = changed.puts.keys().filter(|key| !known.contains_key(*key)).count();
    let count = known.len() - changed.deletes.len() + new;
    if count > MAX_KEPT_ITEMS {
        return Err(ReportError::TooMany { what: "items, with those before it", count, limit: MAX_KEPT_ITEMS });
    }
    Ok(changed)
}

/// One commit, but for a set of rows that no store takes at once.
/// How the agent stands comes last: who has reported all of it is not asked again.
fn commits(tenant: &TenantName, changed: &Changed, gained: &KnownAccounts, standing: Bytes) -> Vec<Commit> {
    let puts = changed.puts.iter().map(|(key, item)| (rows::status(tenant, key), Some(rows::encode(&**item))));
    let deletes = changed.deletes.iter().map(|key| (rows::status(tenant, key), None));
    let known = gained.values().map(|row| (rows::known(tenant, &row.key), Some(rows::encode(&**row))));
    // Deletions first: what is put afterwards under the same key stays. What is known before what may prove.
    let unreadable = changed.unreadable.iter().map(|key| (key.clone(), None));
    let all: Vec<_> = unreadable.chain(deletes).chain(known).chain(puts).collect();
    let add = |commit: Commit, (key, value): &(String, Option<Bytes>)| commit.set(key.as_str(), value.clone());
    let mut commits: Vec<_> = all.chunks(MAX_ROWS).map(|chunk| chunk.iter().fold(Commit::new(), add)).collect();
    let last = commits.pop().unwrap_or_default();
    commits.push(last.put(rows::standing(tenant), standing));
    commits
}

fn check(report: &Report) -> Result<(), ReportError> {
    let many = |what, count, limit| {
        if count > limit { Err(ReportError::TooMany { what, count, limit }) } else { Ok(()) }
    };
    let long = |what, len, limit| if len > limit { Err(ReportError::TooLong { what, limit }) } else { Ok(()) };
    many("items", report.items.len(), MAX_REPORT_ITEMS)?;
    many("forgotten items", report.forgotten.len(), MAX_KEPT_ITEMS)?;
    for item in &report.items {
        let url = item.redeem_url.as_deref().unwrap_or_default();
        let object = item.object_id.as_deref().unwrap_or_default();
        for (what, text) in [("detail", item.detail.as_str()), ("link", url), ("object id", object)] {
            long(what, text.len(), MAX_TEXT_BYTES)?;
        }
        long("script", item.script.as_deref().map_or(0, str::len), MAX_SCRIPT_BYTES)?;
        let signed = item.proof.iter().filter_map(|proof| proof.signed.as_ref());
        for (what, text) in signed.flat_map(|it| [("certificate", &it.certificate), ("signature", &it.signature)]) {
            long(what, text.len(), MAX_TEXT_BYTES)?;
        }
        for accounts in std::iter::once(&item.accounts).chain(item.proof.iter().map(|proof| &proof.accounts)) {
            many("accounts of one person", accounts.len(), MAX_ACCOUNTS)?;
            long("list of accounts", accounts.iter().map(|it| it.name.len()).sum(), MAX_ACCOUNTS_BYTES)?;
        }
        let unseen = item.proof.as_ref().map_or(&[][..], |proof| &proof.unseen);
        many("parts that were not looked at", unseen.len(), MAX_STANDING_ENTRIES)?;
        long("list of what was not looked at", unseen.iter().map(String::len).sum(), MAX_UNSEEN_BYTES)?;
    }
    many("things that are mended", report.mended.len(), MAX_MENDED)?;
    for it in &report.mended {
        long("mended thing", it.detail.len(), MAX_TEXT_BYTES)?;
    }
    if let Some(standing) = &report.standing {
        many("findings", standing.findings.len(), MAX_STANDING_ENTRIES)?;
        many("planes", standing.planes.len(), MAX_PLANES)?;
        many("permissions", standing.permissions.len(), MAX_STANDING_ENTRIES)?;
        for finding in &standing.findings {
            long("finding", finding.detail.len(), MAX_TEXT_BYTES)?;
        }
        long("guardrail fault", standing.guardrail_fault.as_deref().map_or(0, str::len), MAX_TEXT_BYTES)?;
        long("word of Microsoft", standing.microsoft.as_ref().map_or(0, |it| it.detail.len()), MAX_TEXT_BYTES)?;
        long("guardrail digest", standing.guardrail.len(), MAX_TEXT_BYTES)?;
        long("compared digest", standing.compared.len(), MAX_TEXT_BYTES)?;
    }
    Ok(())
}

impl Reports {
    /// Commits what is about a tenant, with what happened; unless the tenant is gone: one that was made anew under its name has
    /// nothing to do with what was on its way. Looked at where commits are made one after the other, so that the cleanup
    /// comes either before and is seen, or after.
    pub(crate) async fn keep_of(
        &self,
        channel: &Arc<Channel>,
        commit: Commit,
        happened: Vec<Happening>,
    ) -> Result<(), ReportError> {
        let (here, of, now) = (self.channels.clone(), channel.clone(), self.history.time());
        let is_here = move || here.get(&of.tenant).is_some_and(|channel| Arc::ptr_eq(&channel, &of));
        let tenant = channel.tenant.clone();
        let happened: Vec<_> = happened.into_iter().map(|it| (tenant.clone(), it)).collect();
        let kept = self.history.store.commit_with(move |view, _| {
            if !is_here() {
                return Err(ReportError::Gone);
            }
            write(view, commit.clone(), &happened, now).map_err(|error| ReportError::NotKept(error.into()))
        });
        match kept.await {
            Ok((_, newest)) => {
                self.history.tell_events(newest);
                Ok(())
            }
            Err(CommitWithError::Refused(refused)) => Err(refused),
            Err(CommitWithError::Commit(error)) => Err(ReportError::NotKept(error.into())),
        }
    }

    /// Something that happened beside any report.
    pub(crate) async fn note(&self, channel: &Arc<Channel>, happened: Happening) {
        if let Err(error) = self.keep_of(channel, Commit::new(), vec![happened]).await {
            tracing::error!(tenant = %channel.tenant, ?error, "an event could not be kept");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn architecture_7_9_how_the_agent_stands_is_kept_last() {
        let tenant = TenantName::from_id("contoso").unwrap();
        let deletes = (0..=MAX_ROWS).map(|n| format!("user/nordwall/{n}").into()).collect();
        let changed = Changed { deletes, ..Changed::default() };
        let commits = commits(&tenant, &changed, &KnownAccounts::default(), Bytes::from_static(b"{}"));
        let has_standing = commits.iter().map(|commit| format!("{commit:?}").contains("standing/contoso"));
        assert_eq!(has_standing.collect::<Vec<_>>(), [false, true]);
    }
}
