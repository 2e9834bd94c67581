//! Removals that are named, until nothing of them is left to watch: proofs become receipts, what comes back opens them
//! again, and long after the last proof they end.
//!
//! A reconciler: it looks at open removals and at what agents report, and writes what is missing; all of it is in the
//! audit log. Receipts are kept for good, because they are what the customer was promised. [`proof`] says what a report
//! is worth, [`standing`] how a removal stands where it is not proven, [`strays`] names whom agents see though they have
//! left. Compiling what then changes is [`crate::writer`]'s.

pub(crate) mod pieces;
mod proof;
mod receipt;
mod speaker;
mod standing;
mod strays;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use entente_compiler::{Edit, RemovalIn};
use entente_model::report::{ItemState, KnownAccount, Reason, RemovalProof};
use entente_model::revocation::Cause;
use entente_model::{OperatorName, TenantName, Timestamp};

use crate::app::{App, Inner};
use crate::audit::Entry;
use crate::caller::{ApiRole, Caller};
use crate::error::AppError;
use crate::memory::Recollection;
use crate::page::{Page, PageRequest};
use crate::rows;
use crate::world::World;
use crate::writer::Draft;

pub use receipt::SignedStatement;

pub(crate) use receipt::{Receipt, Receipts};
use standing::{Open, Place};

/// Removals that are named or change in one commit: far below what a store takes.
const MAX_AT_ONCE: usize = 1_000;

/// Receipts of one commit: their operators, tenants and digests make an audit record of some 30 KiB.
const MAX_RECEIPTS: usize = 150;

/// Bytes of receipts in one commit: a quarter of what a store takes. The longest that an agent may cause has some 600 KiB.
const MAX_RECEIPT_BYTES: usize = 2 * 1024 * 1024;

/// In the audit log, for what nobody asked for by hand.
const ACTOR: &str = "control-plane";

/// The removal of a person, or of one membership, in one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    pub tenant: TenantName,
    pub operator: OperatorName,
    pub cause: Cause,
    /// Who asked for it.
    pub actor: String,
    pub requested: Timestamp,
    /// REMOVED when it is complete.
    pub state: ItemState,
    pub reason: Option<Reason>,
    pub detail: String,
    pub proof: Option<RemovalProof>,
    pub complete: bool,
    pub connected: bool,
    /// `person`, or the key of a membership.
    pub subject: String,
    /// Every account of the person that is known there, as the agent last said or proved.
    pub accounts: Vec<KnownAccount>,
    /// When the proof was accepted.
    pub proven: Option<Timestamp>,
    pub signed: Option<SignedStatement>,
}

/// What a look finds to be written.
#[derive(Default)]
struct Found {
    receipts: Vec<Receipt>,
    came_back: Vec<RemovalIn>,
    amended: Vec<RemovalIn>,
}

impl App {
    /// Looks once: names whom agents still see though they have left, opens again what came back, writes receipts for
    /// what is proven, and ends removals that have been watched for long enough.
    pub(crate) async fn settle_removals(&self) -> Result<(), AppError> {
        self.inner.desks.take_told();
        let settled = self.settle(None).await;
        self.end_watches().await.and(settled)
    }

    /// Likewise, but only in tenants whose agents have said something of a removal since the last look, and ends none:
    /// removals are watched for long, so that there are many more of them than news.
    pub(crate) async fn settle_told(&self) -> Result<(), AppError> {
        let told = self.inner.desks.take_told();
        self.settle(Some(Arc::new(told))).await
    }

    async fn settle(&self, only: Option<Arc<BTreeSet<TenantName>>>) -> Result<(), AppError> {
        // What fails here holds up no receipt, and is said in the end.
        let named = self.name_strays().await;
        let Found { came_back, amended, .. } = self.look(only.clone()).await?;
        for some in amended.chunks(MAX_AT_ONCE) {
            self.write("AmendRemovals", Edit { amended: some.to_vec(), ..Edit::default() }, Vec::new()).await?;
        }
        for some in came_back.chunks(MAX_AT_ONCE) {
            self.write("ReopenRemovals", Edit { came_back: some.to_vec(), ..Edit::default() }, Vec::new()).await?;
        }
        for some in batches(self.look(only).await?.receipts) {
            self.write("ProveRemovals", Edit::default(), some).await?;
        }
        named
    }

    /// On a thread of its own: many leavers in many tenants take a while, and each proof a signature's check.
    async fn look(&self, only: Option<Arc<BTreeSet<TenantName>>>) -> Result<Found, AppError> {
        let (inner, world) = (self.inner.clone(), self.world());
        let look = tokio::task::spawn_blocking(move || inner.found(&world, only.as_deref()));
        look.await.map_err(AppError::internal)
    }

    async fn end_watches(&self) -> Result<(), AppError> {
        let (world, now) = (self.world(), self.inner.time());
        let over = world.fleet.intent().revocations.values().filter(|row| row.is_over(now));
        let over: Vec<_> = over.map(|row| row.id.clone()).take(MAX_AT_ONCE).collect();
        if !over.is_empty() {
            self.write("EndRemovals", Edit { watched: over, ..Edit::default() }, Vec::new()).await?;
        }
        self.inner.receipts.forget(&self.world());
        Ok(())
    }

    /// One commit: receipts, what they change of their removals, and the audit record of it.
    async fn write(&self, method: &'static str, edit: Edit, receipts: Vec<Receipt>) -> Result<(), AppError> {
        let app = self.clone();
        let (number, written) = self.commit(move |draft| app.decide(draft, method, &edit, &receipts)).await?;
        for receipt in written {
            self.inner.receipts.add(Receipt { number, ..receipt });
        }
        Ok(())
    }

    fn decide(
        &self,
        draft: &mut Draft<'_>,
        method: &'static str,
        edit: &Edit,
        receipts: &[Receipt],
    ) -> Result<Vec<Receipt>, AppError> {
        let world = draft.stand.world.clone();
        // Looked at again here: a removal may have ended, been taken over by a later one, or lost a tenant meanwhile.
        let written: Vec<_> = receipts.iter().filter(|it| is_open(&world, it)).cloned().collect();
        let written: Vec<_> =
            written.into_iter().map(|it| Receipt { number: draft.revision, recorded: draft.now, ..it }).collect();
        let place = |it: &Receipt| RemovalIn { revocation: it.revocation.clone(), tenant: it.tenant.clone() };
        let edit = Edit {
            proven: written.iter().map(place).collect(),
            memory: Recollection::of(&self.inner, &world),
            actor: ACTOR.into(),
            now: draft.now,
            number: draft.revision,
            ..edit.clone()
        };
        let advance = world.fleet.advance(&edit).map_err(AppError::of_whole)?;
        if advance.revocation_puts.is_empty() && advance.revocation_deletes.is_empty() {
            return Ok(Vec::new());
        }
        for receipt in &written {
            let key = rows::removal(&receipt.operator, &receipt.tenant, &receipt.revocation, receipt.number);
            draft.put(key, rows::encode(receipt));
        }
        draft.record(entry(method, &world, &edit, &written));
        draft.install(advance);
        Ok(written)
    }

    /// Removals of one operator, ended ones included; or all that are not complete. By tenant.
    pub async fn list_removals(
        &self,
        caller: &Caller,
        operator: Option<&OperatorName>,
        page: &PageRequest,
    ) -> Result<Page<Removal>, AppError> {
        caller.needs(ApiRole::Viewer)?;
        let world = self.world();
        let mut found = BTreeMap::new();
        if let Some(operator) = operator {
            for receipt in self.inner.receipts_of(operator).await? {
                let at = format!("{}|{}|{:020}", receipt.tenant, receipt.revocation, receipt.number);
                found.insert(at, self.inner.ended(&world, receipt));
            }
        }
        for place in Open::of(&world).places(None).filter(|it| it.it.proven.is_none()) {
            if operator.is_none_or(|operator| place.row.operator == *operator) {
                let removal = self.inner.removal(&world, &place);
                if operator.is_some() || !removal.complete {
                    // After the receipts of the same removal.
                    found.insert(format!("{}|{}|~", place.tenant, place.row.id), removal);
                }
            }
        }
        let after = found.into_iter().filter(|(at, _)| *at > page.token);
        Ok(Page::of(after, page.limit(), |(at, _)| at.clone()).map(|(_, removal)| removal))
    }
}

fn is_open(world: &World, receipt: &Receipt) -> bool {
    let row = world.fleet.intent().revocations.get(&receipt.revocation);
    row.and_then(|row| row.tenants.get(&receipt.tenant)).is_some_and(|it| it.proven.is_none())
}

/// As many at a time as one commit takes.
fn batches(receipts: Vec<Receipt>) -> Vec<Vec<Receipt>> {
    let (mut all, mut bytes) = (vec![Vec::new()], 0);
    for receipt in receipts {
        let len = rows::encode(&receipt).len();
        let last: &mut Vec<Receipt> = all.last_mut().expect("there is one at least");
        if last.len() == MAX_RECEIPTS || (bytes + len > MAX_RECEIPT_BYTES && !last.is_empty()) {
            bytes = 0;
            all.push(Vec::new());
        }
        bytes += len;
        all.last_mut().expect("there is one at least").push(receipt);
    }
    all.retain(|some| !some.is_empty());
    all
}

/// What the audit log says. Of receipts it holds the digest of what was signed, so that the log's roots cover it.
fn entry(method: &'static str, world: &World, edit: &Edit, receipts: &[Receipt]) -> Entry {
    let rows = &world.fleet.intent().revocations;
    let operator = |id: &String| rows.get(id).map_or_else(|| id.clone(), |row| row.operator.to_string());
    let in_tenant = |it: &RemovalIn| format!("{} in {}", operator(&it.revocation), it.tenant);
    let proven = |it: &Receipt| {
        let statement = it.signed.as_ref().map(|it| rows::sha256(it.statement.as_bytes()).to_string());
        format!("{} in {}, sha256 {}", it.operator, it.tenant, statement.unwrap_or_default())
    };
    let (what, mut which): (_, Vec<_>) = match method {
        "ProveRemovals" => ("removals proven", receipts.iter().map(proven).collect()),
        "ReopenRemovals" => ("proven removals open again", edit.came_back.iter().map(in_tenant).collect()),
        "AmendRemovals" => ("removals with more known accounts", edit.amended.iter().map(in_tenant).collect()),
        _ => ("removals proven and watched to their end", edit.watched.iter().map(operator).collect()),
    };
    let count = which.len();
    which.truncate(MAX_RECEIPTS);
    let ids = [&edit.proven, &edit.came_back, &edit.amended].into_iter().flatten().map(|it| &it.revocation);
    let resources: BTreeSet<_> = ids.chain(&edit.watched).map(operator).collect();
    Entry {
        actor: ACTOR.into(),
        method,
        request_id: None,
        resources: resources.into_iter().collect(),
        summary: format!("{count} {what}: {}", which.join("; ")),
    }
}

impl Inner {
    fn found(&self, world: &World, only: Option<&BTreeSet<TenantName>>) -> Found {
        let mut found = Found::default();
        for place in Open::of(world).places(only).filter(|place| place.entra_tenant.is_some()) {
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

    /// Whether agents have reported an account since the removal was named, or one has enrolled.
    fn knows_more(&self, place: &Place<'_>) -> bool {
        if place.it.never_enrolled && self.was_enrolled(place.tenant) {
            return true;
        }
        let desk = self.desks.get(place.tenant);
        let row = desk.and_then(|desk| desk.lock().known.get(&place.account()).cloned());
        row.is_some_and(|row| {
            let mut known = place.it.known.clone();
            known.merge(&row.known);
            known != place.it.known
        })
    }

    async fn receipts_of(&self, operator: &OperatorName) -> Result<Vec<Receipt>, AppError> {
        let (prefix, mut after, mut found) = (rows::removals_of(operator), None, Vec::new());
        loop {
            let page = self.store.scan(&prefix, after.as_deref(), entente_store::MAX_PAGE_ENTRIES).await?;
            for (key, entry) in &page.entries {
                found.push(rows::decode(key, &entry.value).map_err(AppError::internal)?);
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(found),
            }
        }
    }

    fn is_connected(&self, tenant: &TenantName) -> bool {
        self.desks.get(tenant).is_some_and(|desk| desk.lock().is_connected())
    }

    fn ended(&self, world: &World, receipt: Receipt) -> Removal {
        let row = world.fleet.intent().revocations.get(&receipt.revocation);
        let came_back = row.and_then(|row| row.tenants.get(&receipt.tenant)?.came_back);
        let later = came_back.filter(|time| *time >= receipt.recorded);
        let later = later.map(|time| format!("; its agent said otherwise {time}")).unwrap_or_default();
        Removal {
            connected: self.is_connected(&receipt.tenant),
            tenant: receipt.tenant,
            operator: receipt.operator,
            cause: receipt.cause,
            actor: receipt.actor,
            requested: receipt.requested,
            state: ItemState::Removed,
            reason: None,
            detail: (receipt.detail + &later).trim_start_matches("; ").to_owned(),
            accounts: receipt.proof.accounts.clone(),
            proof: Some(receipt.proof),
            complete: true,
            subject: receipt.subject,
            proven: Some(receipt.recorded),
            signed: receipt.signed,
        }
    }

    /// Of a removal that is not proven.
    fn removal(&self, world: &World, place: &Place<'_>) -> Removal {
        let standing = self.standing(world, place);
        Removal {
            tenant: place.tenant.clone(),
            operator: place.row.operator.clone(),
            cause: place.row.cause,
            actor: place.row.actor.clone(),
            requested: place.row.time,
            state: standing.state,
            reason: standing.reason,
            detail: standing.detail,
            complete: standing.complete,
            connected: self.is_connected(place.tenant),
            subject: place.subject(),
            accounts: standing.report.as_ref().map(|report| report.accounts.clone()).unwrap_or_default(),
            proof: standing.report.and_then(|report| report.proof),
            proven: None,
            signed: None,
        }
    }
}
