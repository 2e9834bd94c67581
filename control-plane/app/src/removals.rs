//! The end of a named removal: proofs become receipts, and when every tenant has one, the removal ends.
//!
//! A reconciler: it looks at open removals and at what agents report, writes what is missing, and ends what is done.
//! Receipts are kept for good, because they are what the customer was promised. Compiling what then changes is
//! [`crate::writer`]'s.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;

use entente_compiler::{Confirmation, Edit, Sighting};
use entente_model::desired::ItemKey;
use entente_model::report::{ItemReport, ItemState, Reason, RemovalProof};
use entente_model::revocation::{Cause, Revocation, Subject};
use entente_model::{OperatorName, TenantName, Timestamp};
use entente_store::Commit;
use serde::{Deserialize, Serialize};

use crate::app::{App, Inner, lock};
use crate::audit::Entry;
use crate::caller::{ApiRole, Caller};
use crate::error::AppError;
use crate::page::{Page, PageRequest};
use crate::rows;
use crate::world::World;
use crate::writer::Draft;

/// Removals that are named or end in one commit: far below what a store takes.
const MAX_AT_ONCE: usize = 1_000;

/// Receipts of one commit: of the longest that an agent may cause, some 40 KiB each, as many as a store takes at once.
const MAX_RECEIPTS: usize = 150;

/// That somebody's access is gone from a tenant: a row that stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Receipt {
    pub(crate) tenant: TenantName,
    pub(crate) operator: OperatorName,
    /// Id of the removal.
    pub(crate) revocation: String,
    subject: String,
    cause: Cause,
    actor: String,
    requested: Timestamp,
    detail: String,
    proof: RemovalProof,
    recorded: Timestamp,
}

/// Receipts of removals that have not ended everywhere.
#[derive(Debug, Default)]
pub(crate) struct Receipts(Mutex<HashMap<String, BTreeMap<TenantName, Receipt>>>);

/// The removal of a person, or of one membership, in one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    pub tenant: TenantName,
    pub operator: OperatorName,
    pub cause: Cause,
    /// Who asked for it.
    pub actor: String,
    pub requested: Timestamp,
    /// REMOVED with a proof when it is complete.
    pub state: ItemState,
    pub reason: Option<Reason>,
    pub detail: String,
    pub proof: Option<RemovalProof>,
    pub complete: bool,
    pub connected: bool,
    /// `person`, or the key of a membership.
    pub subject: String,
}

impl Receipts {
    /// Keeps what belongs to an open removal.
    pub(crate) fn of(receipts: impl Iterator<Item = Receipt>, world: &World) -> Self {
        let this = Self::default();
        let open = &world.fleet.intent().revocations;
        receipts.filter(|it| open.contains_key(&it.revocation)).for_each(|it| this.add(it));
        this
    }

    fn add(&self, receipt: Receipt) {
        let mut open = lock(&self.0);
        open.entry(receipt.revocation.clone()).or_default().insert(receipt.tenant.clone(), receipt);
    }

    fn get(&self, revocation: &str, tenant: &TenantName) -> Option<Receipt> {
        lock(&self.0).get(revocation)?.get(tenant).cloned()
    }

    /// Whether every tenant of a removal is proven. A tenant that is deleted leaves the removal with that change.
    fn cover(&self, row: &Revocation) -> bool {
        let open = lock(&self.0);
        let proven = open.get(&row.id);
        row.tenants.iter().all(|tenant| proven.is_some_and(|proven| proven.contains_key(tenant)))
    }

    fn forget(&self, world: &World) {
        lock(&self.0).retain(|id, _| world.fleet.intent().revocations.contains_key(id));
    }
}

fn item_key(row: &Revocation) -> String {
    match &row.subject {
        Subject::Person => {
            let (home, object_id) = (row.identity.home.clone(), row.identity.object_id);
            ItemKey::User { home, object_id }.to_string()
        }
        Subject::Membership(key) => key.to_string(),
    }
}

fn subject(row: &Revocation) -> String {
    match &row.subject {
        Subject::Person => "person".into(),
        Subject::Membership(key) => key.to_string(),
    }
}

/// Open removals by the item that they make. Where several name one item, the latest speaks.
struct Open<'w>(HashMap<String, Vec<&'w Revocation>>);

impl<'w> Open<'w> {
    fn of(world: &'w World) -> Self {
        let mut by_item: HashMap<_, Vec<&Revocation>> = HashMap::new();
        for row in world.fleet.intent().revocations.values() {
            by_item.entry(item_key(row)).or_default().push(row);
        }
        Self(by_item)
    }

    /// What a tenant's agent last said of a removal's subject. That it is gone counts only with a proof of what is open
    /// now: one of an earlier removal, since which the person was back, proves nothing.
    fn reported(&self, inner: &Inner, row: &Revocation, tenant: &TenantName) -> Option<ItemReport> {
        let key = item_key(row);
        let rows = self.0.get(&key)?.iter().filter(|row| row.tenants.contains(tenant));
        let named = rows.map(|row| row.time).max()?;
        let desk = inner.desks.get(tenant)?;
        let state = desk.lock();
        let report = state.reported.items.get(key.as_str())?;
        let is_of_it = match report.state {
            ItemState::Removed => report.proof.as_ref().is_some_and(|it| it.named == named),
            // Of before it was named.
            state => state != ItemState::Applied,
        };
        is_of_it.then(|| ItemReport::clone(report))
    }
}

impl App {
    /// Looks once: names whom agents still see though they have left, writes receipts for what is proven, and ends
    /// removals that are proven everywhere.
    pub(crate) async fn settle_removals(&self) -> Result<(), AppError> {
        // What fails here holds up no receipt, and is said in the end.
        let named = self.name_strays().await;
        let receipts = self.inner.unrecorded(&self.world());
        for some in receipts.chunks(MAX_RECEIPTS) {
            let put = |commit: Commit, it: &Receipt| {
                commit.put(rows::removal(&it.operator, &it.tenant, &it.revocation), rows::encode(it))
            };
            self.inner.store.commit(some.iter().fold(Commit::new(), put)).await?;
            some.iter().for_each(|receipt| self.inner.receipts.add(receipt.clone()));
        }
        let world = self.world();
        let done = |row: &&std::sync::Arc<Revocation>| self.inner.receipts.cover(row);
        if world.fleet.intent().revocations.values().any(|row| done(&row)) {
            let app = self.clone();
            self.commit(move |draft| app.end_removals(draft)).await?;
        }
        self.inner.receipts.forget(&self.world());
        named
    }

    /// An agent may have let somebody in and come to say so only after they had left.
    async fn name_strays(&self) -> Result<(), AppError> {
        let strays = self.inner.desks.strays();
        let mut failed = Ok(());
        for some in strays.chunks(MAX_AT_ONCE) {
            // One that is refused must not hold up the others.
            for alone in if self.name_seen(some).await.is_ok() { &[] } else { some } {
                failed = self.name_seen(std::slice::from_ref(alone)).await.and(failed);
            }
        }
        failed
    }

    /// Decided by the writer, so that a leave which is being written is known.
    async fn name_seen(&self, seen: &[Sighting]) -> Result<(), AppError> {
        let still_there = seen.to_vec();
        self.commit(move |draft| {
            let edit =
                Edit { still_there: still_there.clone(), actor: ACTOR.into(), now: draft.now, ..Edit::default() };
            let advance = draft.stand.world.fleet.advance(&edit).map_err(AppError::of_whole)?;
            if advance.revocation_puts.is_empty() {
                return Ok(());
            }
            let operators: BTreeSet<_> = advance.revocation_puts.iter().map(|row| row.operator.to_string()).collect();
            draft.record(Entry {
                actor: ACTOR.into(),
                method: "NameRemovals",
                request_id: None,
                resources: operators.into_iter().collect(),
                summary: format!("{} removals of people who had left, seen by agents", advance.revocation_puts.len()),
            });
            draft.install(advance);
            Ok(())
        })
        .await?;
        self.inner.desks.forget_strays(seen);
        Ok(())
    }

    fn end_removals(&self, draft: &mut Draft<'_>) -> Result<(), AppError> {
        let world = draft.stand.world.clone();
        let rows = world.fleet.intent().revocations.values();
        // Looked at again here: a row may have gained a tenant meanwhile.
        let done: Vec<_> = rows.filter(|row| self.inner.receipts.cover(row)).take(MAX_AT_ONCE).collect();
        if done.is_empty() {
            return Ok(());
        }
        let confirmation =
            |row: &Revocation, tenant: &TenantName| Confirmation { revocation: row.id.clone(), tenant: tenant.clone() };
        let confirmed =
            done.iter().flat_map(|row| row.tenants.iter().map(|tenant| confirmation(row, tenant))).collect();
        let edit = Edit { confirmed, actor: ACTOR.into(), now: draft.now, ..Edit::default() };
        let advance = world.fleet.advance(&edit).map_err(AppError::of_whole)?;
        let operators: BTreeSet<_> = done.iter().map(|row| row.operator.to_string()).collect();
        draft.record(Entry {
            actor: ACTOR.into(),
            method: "EndRemovals",
            request_id: None,
            resources: operators.into_iter().collect(),
            summary: format!("{} removals proven in every tenant", done.len()),
        });
        draft.install(advance);
        Ok(())
    }

    /// Removals of one operator, ended ones included; or all that are not complete. By tenant.
    pub async fn list_removals(
        &self,
        caller: &Caller,
        operator: Option<&OperatorName>,
        page: &PageRequest,
    ) -> Result<Page<Removal>, AppError> {
        caller.needs(ApiRole::Viewer)?;
        let mut found = BTreeMap::new();
        if let Some(operator) = operator {
            for receipt in self.inner.receipts_of(operator).await? {
                found.insert(place(&receipt.tenant, &receipt.revocation), self.inner.ended(receipt));
            }
        }
        let world = self.world();
        let open = Open::of(&world);
        for row in world.fleet.intent().revocations.values() {
            if operator.is_none_or(|operator| row.operator == *operator) {
                for tenant in &row.tenants {
                    let removal = self.inner.removal(&open, row, tenant);
                    if operator.is_some() || !removal.complete {
                        found.insert(place(tenant, &row.id), removal);
                    }
                }
            }
        }
        let after = found.into_iter().filter(|(at, _)| *at > page.token);
        Ok(Page::of(after, page.limit(), |(at, _)| at.clone()).map(|(_, removal)| removal))
    }
}

/// In the audit log, for what nobody asked for by hand.
const ACTOR: &str = "control-plane";

fn place(tenant: &TenantName, revocation: &str) -> String {
    format!("{tenant}|{revocation}")
}

impl Inner {
    /// Proofs that have no receipt yet.
    fn unrecorded(&self, world: &World) -> Vec<Receipt> {
        let (mut found, all) = (Vec::new(), Open::of(world));
        for row in world.fleet.intent().revocations.values() {
            let open = row.tenants.iter().filter(|tenant| self.receipts.get(&row.id, tenant).is_none());
            found.extend(open.filter_map(|tenant| self.receipt(row, tenant, all.reported(self, row, tenant)?)));
        }
        found
    }

    fn receipt(&self, row: &Revocation, tenant: &TenantName, report: ItemReport) -> Option<Receipt> {
        let proof = report.proof.filter(|_| report.state == ItemState::Removed)?;
        Some(Receipt {
            tenant: tenant.clone(),
            operator: row.operator.clone(),
            revocation: row.id.clone(),
            subject: subject(row),
            cause: row.cause,
            actor: row.actor.clone(),
            requested: row.time,
            detail: report.detail,
            proof,
            recorded: self.now(),
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

    fn ended(&self, receipt: Receipt) -> Removal {
        Removal {
            connected: self.is_connected(&receipt.tenant),
            tenant: receipt.tenant,
            operator: receipt.operator,
            cause: receipt.cause,
            actor: receipt.actor,
            requested: receipt.requested,
            state: ItemState::Removed,
            reason: None,
            detail: receipt.detail,
            proof: Some(receipt.proof),
            complete: true,
            subject: receipt.subject,
        }
    }

    /// Of a removal that has not ended everywhere.
    fn removal(&self, open: &Open<'_>, row: &Revocation, tenant: &TenantName) -> Removal {
        if let Some(receipt) = self.receipts.get(&row.id, tenant) {
            return self.ended(receipt);
        }
        let report = open.reported(self, row, tenant);
        let complete = report.as_ref().is_some_and(|it| it.state == ItemState::Removed && it.proof.is_some());
        Removal {
            tenant: tenant.clone(),
            operator: row.operator.clone(),
            cause: row.cause,
            actor: row.actor.clone(),
            requested: row.time,
            state: report.as_ref().map_or(ItemState::Pending, |report| report.state),
            reason: report.as_ref().and_then(|report| report.reason),
            detail: report.as_ref().map(|report| report.detail.clone()).unwrap_or_default(),
            proof: report.and_then(|report| report.proof),
            complete,
            connected: self.is_connected(tenant),
            subject: subject(row),
        }
    }
}
