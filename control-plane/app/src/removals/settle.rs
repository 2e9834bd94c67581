//! Looks at all removals and writes what is missing, with an audit record: removals of people who had left and are still reported,
//! receipts of what is proven, removals that are open again, and ends.

use std::collections::BTreeSet;
use std::sync::Arc;

use entente_compiler::{Edit, RemovalIn, Sighting};
use entente_model::TenantName;

use super::Removals;
use super::parts::{ACTOR, MAX_AT_ONCE, Parts};
use super::receipt::Receipt;
use super::status::{OpenRemoval, OpenRemovals};
use crate::error::{AppError, Result};
use crate::history::{AuditEntry, Decision, EventKind, Happening, Snapshot};
use crate::recollection::Recollection;
use crate::rows;
use crate::running;
use crate::word::words;

/// What a look finds to be written.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) receipts: Vec<Receipt>,
    came_back: Vec<RemovalIn>,
    amended: Vec<RemovalIn>,
}

impl Removals {
    /// Looks once: names removals of leavers that agents still see, opens again what came back, writes receipts for what is
    /// proven, and ends removals that have been watched for long enough.
    pub(crate) async fn settle_removals(self: &Arc<Self>) -> Result<()> {
        self.channels.take_told();
        let settled = self.settle(None).await;
        self.end_watches().await.and(settled)
    }

    /// The same, but only in tenants whose agents have reported on a removal since the last look, and without ending any: removals
    /// are watched for long, so there are many more of them than news.
    pub(crate) async fn settle_told(self: &Arc<Self>) -> Result<()> {
        let told = self.channels.take_told();
        self.settle(Some(Arc::new(told))).await
    }

    async fn settle(self: &Arc<Self>, only: Option<Arc<BTreeSet<TenantName>>>) -> Result<()> {
        // One look at a time: between its judgement and its commit no other one reopens what it found proven.
        let _one_by_one = self.settling.lock().await;
        // A step that fails does not stop the receipts. The first error is returned at the end.
        let named = self.name_unexpected().await;
        let Found { came_back, amended, .. } = self.look(only.clone()).await?;
        let amended = self.write_all(Method::Amend, &amended, |amended| (Edit { amended, ..Edit::default() }, vec![]));
        let amended = amended.await;
        let reopen = |came_back| (Edit { came_back, ..Edit::default() }, vec![]);
        let reopened = self.write_all(Method::Reopen, &came_back, reopen).await;
        let receipts = self.look(only).await?.receipts;
        let proven = self.write_all(Method::Prove, &receipts, |receipts| (Edit::default(), receipts));
        proven.await.and(reopened).and(amended).and(named)
    }

    /// Computed: many leavers in many tenants take a while, and each proof a signature's check.
    pub(crate) async fn look(self: &Arc<Self>, only: Option<Arc<BTreeSet<TenantName>>>) -> Result<Found> {
        let (removals, snapshot) = (self.clone(), self.history.snapshot());
        running::compute(&self.history.running, move || removals.found(&snapshot, only.as_deref())).await
    }

    async fn end_watches(self: &Arc<Self>) -> Result<()> {
        let (snapshot, now) = (self.history.snapshot(), self.history.time());
        let over = snapshot.fleet.intent().revocations.values().filter(|row| row.is_over(now));
        let over: Vec<_> = over.map(|row| row.id.clone()).collect();
        let end = |watched| (Edit { watched, ..Edit::default() }, vec![]);
        let ended = self.write_all(Method::End, &over, end).await;
        self.receipts.forget(&self.history.snapshot());
        ended
    }

    /// In as many commits as it takes.
    async fn write_all<T: Clone>(
        self: &Arc<Self>,
        method: Method,
        all: &[T],
        what: fn(Vec<T>) -> (Edit, Vec<Receipt>),
    ) -> Result<()> {
        let mut parts = Parts::of(all, MAX_AT_ONCE);
        while let Some(part) = parts.next() {
            let (edit, receipts) = what(part.to_vec());
            parts.tried(part, self.write(method, edit, receipts).await);
        }
        parts.end()
    }

    /// One commit: receipts, what they change of their removals, and the audit record of it.
    pub(crate) async fn write(self: &Arc<Self>, method: Method, edit: Edit, receipts: Vec<Receipt>) -> Result<()> {
        let removals = self.clone();
        let (number, written) =
            self.history.commit(move |decision| removals.decide(decision, method, &edit, &receipts)).await?;
        for receipt in written {
            self.receipts.add(Receipt { number, ..receipt });
        }
        Ok(())
    }

    /// An edit of this reconciler's, as this decision makes it.
    fn edit(&self, decision: &Decision<'_>, edit: Edit) -> Edit {
        let memory = Recollection::of(&self.registry, &self.channels, &decision.committed.snapshot);
        Edit { memory, actor: ACTOR.into(), now: decision.now, number: decision.revision, ..edit }
    }

    fn decide(
        &self,
        decision: &mut Decision<'_>,
        method: Method,
        edit: &Edit,
        receipts: &[Receipt],
    ) -> Result<Vec<Receipt>> {
        let snapshot = decision.committed.snapshot.clone();
        // Looked at again here: a removal may have ended, been taken over by a later one, or lost a tenant meanwhile;
        // and the agent may have said something else, or have been revoked.
        let written = self.standing_still(&snapshot, receipts);
        let written: Vec<_> =
            written.into_iter().map(|it| Receipt { number: decision.revision, recorded: decision.now, ..it }).collect();
        let place = |it: &Receipt| RemovalIn { revocation: it.revocation.clone(), tenant: it.tenant.clone() };
        let proven = written.iter().map(place).collect();
        let edit = self.edit(decision, Edit { proven, ..edit.clone() });
        let advance = snapshot.fleet.advance(&edit).map_err(AppError::of_whole)?;
        if advance.revocation_puts.is_empty() && advance.revocation_deletes.is_empty() {
            return Ok(Vec::new());
        }
        for receipt in &written {
            let key = rows::removal(&receipt.operator, &receipt.tenant, &receipt.revocation, receipt.number);
            decision.put(key, rows::encode(receipt));
        }
        for (tenant, text) in returned(&snapshot, &edit) {
            decision.happens(&tenant, Happening::new(EventKind::AccountCameBack, &text));
        }
        decision.record(entry(method, &snapshot, &edit, &written));
        decision.install(advance);
        Ok(written)
    }
}

words! {
    /// What the reconciler does by itself, as the audit log names it.
    #[derive(Debug, Clone, Copy)]
    pub(crate) enum Method {
        Prove = "ProveRemovals",
        Reopen = "ReopenRemovals",
        Amend = "AmendRemovals",
        End = "EndRemovals",
    }
}

/// Who was proven gone, and is there again.
fn returned(snapshot: &Snapshot, edit: &Edit) -> Vec<(TenantName, String)> {
    let rows = &snapshot.fleet.intent().revocations;
    let one = |it: &RemovalIn| {
        let row = rows.get(&it.revocation)?;
        row.tenants.get(&it.tenant)?.proven?;
        let text = format!("{}: what was proven gone is there again, and is removed again", row.operator);
        Some((it.tenant.clone(), text))
    };
    edit.came_back.iter().filter_map(one).collect()
}

/// What the audit log says. Of receipts it holds the digest of what was signed, so that the log's roots cover it.
fn entry(method: Method, snapshot: &Snapshot, edit: &Edit, receipts: &[Receipt]) -> AuditEntry {
    let rows = &snapshot.fleet.intent().revocations;
    let operator = |id: &String| rows.get(id).map_or_else(|| id.clone(), |row| row.operator.to_string());
    let in_tenant = |it: &RemovalIn| format!("{} in {}", operator(&it.revocation), it.tenant);
    let proven = |it: &Receipt| {
        let statement = it.signed.as_ref().map(|it| rows::sha256(it.statement.as_bytes()).to_string());
        format!("{} in {}, sha256 {}", it.operator, it.tenant, statement.unwrap_or_default())
    };
    let (what, mut which): (_, Vec<_>) = match method {
        Method::Prove => ("removals proven", receipts.iter().map(proven).collect()),
        Method::Reopen => ("proven removals open again", edit.came_back.iter().map(in_tenant).collect()),
        Method::Amend => ("removals with more known accounts", edit.amended.iter().map(in_tenant).collect()),
        Method::End => ("removals proven and watched to their end", edit.watched.iter().map(operator).collect()),
    };
    let count = which.len();
    which.truncate(MAX_AT_ONCE);
    let ids = [&edit.proven, &edit.came_back, &edit.amended].into_iter().flatten().map(|it| &it.revocation);
    let resources: BTreeSet<_> = ids.chain(&edit.watched).map(operator).collect();
    AuditEntry {
        actor: ACTOR.into(),
        method: method.word(),
        request_id: None,
        resources: resources.into_iter().collect(),
        summary: format!("{count} {what}: {}", which.join("; ")),
    }
}

impl Removals {
    fn found(&self, snapshot: &Snapshot, only: Option<&BTreeSet<TenantName>>) -> Found {
        let mut found = Found::default();
        for place in OpenRemovals::of(snapshot).places(only).filter(|place| place.entra_tenant.is_some()) {
            let here = || RemovalIn { revocation: place.row.id.clone(), tenant: place.tenant.clone() };
            if self.knows_more(&place) {
                found.amended.push(here());
            }
            if place.it.proven.is_some() {
                let receipt = self.receipts.get(&place.row.id, place.tenant);
                if receipt.is_some_and(|receipt| self.has_come_back(&place, &receipt)) {
                    found.came_back.push(here());
                }
            } else if let Some(Ok(receipt)) = self.reported(&place).and_then(|report| self.receipt(&place, &report)) {
                found.receipts.push(receipt);
            }
        }
        found
    }

    /// Those that are still what their agents say of an open removal, and name every account that is known. Signatures
    /// are not checked again.
    fn standing_still(&self, snapshot: &Snapshot, receipts: &[Receipt]) -> Vec<Receipt> {
        if receipts.is_empty() {
            return Vec::new();
        }
        let open = OpenRemovals::of(snapshot);
        let stands = |receipt: &&Receipt| {
            let here = BTreeSet::from([receipt.tenant.clone()]);
            let mut places = open.places(Some(&here)).filter(|it| it.row.id == receipt.revocation);
            places.any(|place| place.it.proven.is_none() && self.is_said(&place, receipt))
        };
        receipts.iter().filter(stands).cloned().collect()
    }

    /// Whether agents have reported an account since the removal was named, or one has enrolled.
    fn knows_more(&self, place: &OpenRemoval<'_>) -> bool {
        if place.it.never_enrolled && self.channels.was_enrolled(&self.registry.tables(), place.tenant) {
            return true;
        }
        self.channels.known(place.tenant, &place.account()).is_some_and(|row| {
            let mut known = place.it.known.clone();
            known.merge(&row.known);
            known != place.it.known
        })
    }

    pub(super) async fn name_unexpected(self: &Arc<Self>) -> Result<()> {
        let unexpected_accounts = self.unexpected_accounts();
        let mut parts = Parts::of(&unexpected_accounts, MAX_AT_ONCE);
        while let Some(part) = parts.next() {
            parts.tried(part, self.name_seen(part).await);
        }
        parts.end()
    }

    /// Those who have left. Sightings of people who work are dropped here, and the writer is not asked; but only while no
    /// change is decided or on its way, because a leave among them did not know the sighting.
    fn unexpected_accounts(&self) -> Vec<Sighting> {
        let all = self.channels.unexpected_accounts();
        if all.is_empty() {
            return all;
        }
        let settled = self.history.settled();
        let snapshot = settled.clone().unwrap_or_else(|| self.history.snapshot());
        let has_left = |it: &Sighting| snapshot.fleet.has_left(&it.home, it.object_id);
        let (left, work): (Vec<_>, Vec<_>) = all.into_iter().partition(has_left);
        if settled.is_some() {
            self.channels.forget_unexpected(&work);
        }
        left
    }

    /// Decided by the writer, so that a leave which is being written is known.
    async fn name_seen(self: &Arc<Self>, seen: &[Sighting]) -> Result<()> {
        let (removals, still_there) = (self.clone(), seen.to_vec());
        self.history
            .commit(move |decision| {
                let still_there = still_there.clone();
                let edit = removals.edit(decision, Edit { still_there, ..Edit::default() });
                let advance = decision.committed.snapshot.fleet.advance(&edit).map_err(AppError::of_whole)?;
                if advance.revocation_puts.is_empty() {
                    return Ok(());
                }
                let operators: BTreeSet<_> =
                    advance.revocation_puts.iter().map(|row| row.operator.to_string()).collect();
                decision.record(AuditEntry {
                    actor: ACTOR.into(),
                    method: "NameRemovals",
                    request_id: None,
                    resources: operators.into_iter().collect(),
                    summary: format!(
                        "{} removals of people who had left, seen by agents",
                        advance.revocation_puts.len()
                    ),
                });
                decision.install(advance);
                Ok(())
            })
            .await?;
        self.channels.forget_unexpected(seen);
        Ok(())
    }
}
