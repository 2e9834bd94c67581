//! How a removal stands in one tenant: what its agent says, what that proves, and whether an agent looks at all.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use entente_model::desired::{ItemKey, UserKey};
use entente_model::intent::TenantState;
use entente_model::report::{AccountState, ItemReport, ItemState, Reason};
use entente_model::revocation::{InTenant, Revocation, Subject};
use entente_model::{Guid, TenantName, Timestamp};

use super::Removals;
use super::receipt::Receipt;
use crate::channel::Account;
use crate::history::Snapshot;

/// One removal in one tenant.
pub(super) struct OpenRemoval<'w> {
    pub(super) row: &'w Revocation,
    pub(super) tenant: &'w TenantName,
    pub(super) it: &'w InTenant,
    /// Since when its item says that it is named: of several removals that name one item, the latest speaks.
    pub(super) named: Timestamp,
    /// None where no agent can be asked: the tenant is gone, or another one has its name.
    pub(super) entra_tenant: Option<Guid>,
}

/// OpenRemovals removals by the item that they make.
pub(super) struct OpenRemovals<'w> {
    snapshot: &'w Snapshot,
    by_item: HashMap<String, Vec<&'w Arc<Revocation>>>,
}

/// The state of a removal, with a reason and a sentence.
#[derive(Debug)]
pub(super) struct RemovalStatus {
    pub(super) state: ItemState,
    pub(super) reason: Option<Reason>,
    pub(super) detail: String,
    pub(super) complete: bool,
    pub(super) report: Option<ItemReport>,
}

pub(super) fn item_key(row: &Revocation) -> String {
    match &row.subject {
        Subject::Person => {
            let (home, object_id) = (row.identity.home.clone(), row.identity.object_id);
            ItemKey::User(UserKey { home, object_id }).to_string()
        }
        Subject::Membership(key) => key.to_string(),
    }
}

impl OpenRemoval<'_> {
    pub(super) fn subject(&self) -> String {
        match &self.row.subject {
            Subject::Person => "person".into(),
            Subject::Membership(key) => key.to_string(),
        }
    }

    pub(super) fn account(&self) -> Account {
        (self.row.identity.home.clone(), self.row.identity.object_id)
    }
}

impl<'w> OpenRemovals<'w> {
    pub(super) fn of(snapshot: &'w Snapshot) -> Self {
        let mut by_item: HashMap<_, Vec<_>> = HashMap::new();
        for row in snapshot.fleet.intent().revocations.values() {
            by_item.entry(item_key(row)).or_default().push(row);
        }
        Self { snapshot, by_item }
    }

    /// Every open removal in each of its tenants, or in those of them that are named.
    pub(super) fn places<'o>(
        &'o self,
        only: Option<&'o BTreeSet<TenantName>>,
    ) -> impl Iterator<Item = OpenRemoval<'w>> {
        let pairs = self.by_item.values().flat_map(|rows| rows.iter().map(move |row| (rows, row)));
        pairs.flat_map(move |(rows, row)| {
            let all = only.is_none().then(|| row.tenants.iter()).into_iter().flatten();
            let named = only.into_iter().flatten().filter_map(|name| row.tenants.get_key_value(name));
            all.chain(named).map(move |(tenant, it)| self.place(rows, row, tenant, it))
        })
    }

    fn place(
        &self,
        rows: &[&'w Arc<Revocation>],
        row: &'w Revocation,
        tenant: &'w TenantName,
        it: &'w InTenant,
    ) -> OpenRemoval<'w> {
        let here = rows.iter().filter(|row| row.tenants.contains_key(tenant));
        let named = here.map(|row| row.time).max().unwrap_or(row.time);
        let entra = self.snapshot.fleet.intent().tenants.get(tenant).map(|it| it.entra_tenant);
        let entra_tenant = entra.filter(|entra| it.entra_tenant.is_none_or(|of| of == *entra));
        OpenRemoval { row, tenant, it, named, entra_tenant }
    }
}

impl Removals {
    /// What a tenant's agent last said of a removal's subject. That it is gone counts only with a proof of what is open
    /// now: one of an earlier removal, since which the person was back, proves nothing.
    pub(super) fn reported(&self, place: &OpenRemoval<'_>) -> Option<ItemReport> {
        place.entra_tenant?;
        let channel = self.channels.get(place.tenant)?;
        let state = channel.lock();
        let report = state.reported.items.get(item_key(place.row).as_str())?;
        let is_of_it = match report.state {
            ItemState::Removed => report.proof.as_ref().is_some_and(|it| it.named == place.named),
            // Of before it was named; but what was proven gone and is applied is there again.
            ItemState::Applied => place.it.proven.is_some() || place.it.came_back.is_some(),
            _ => true,
        };
        is_of_it.then(|| ItemReport::clone(report))
    }

    /// Whether what was proven gone is, or may be, there again: anything but gone is said of it, an account is open, or
    /// there is one that the proof did not name.
    pub(super) fn has_come_back(&self, place: &OpenRemoval<'_>, receipt: &Receipt) -> bool {
        let Some(report) = self.reported(place) else { return false };
        let is_person = place.row.subject == Subject::Person;
        let is_open = report.accounts.iter().any(|it| is_person && it.state == AccountState::Enabled);
        let named = |id: &Guid| receipt.proof.accounts.iter().any(|it| it.id == *id);
        // Receipts of older versions name none, and are left as they were.
        let is_new = receipt.signed.is_some() && !self.now_known(place).iter().all(named);
        report.state != ItemState::Removed || is_open || is_new
    }

    fn now_known(&self, place: &OpenRemoval<'_>) -> Vec<Guid> {
        let row = self.channels.known(place.tenant, &place.account());
        row.iter().flat_map(|row| &row.known.ids).chain(&place.it.known.ids).copied().collect()
    }

    /// Of a removal that is not proven.
    pub(super) fn status(&self, snapshot: &Snapshot, place: &OpenRemoval<'_>) -> RemovalStatus {
        let report = self.reported(place);
        let mut status = match self.nobody_looks(snapshot, place, report.is_some()) {
            Some(status) => status,
            None => match report.as_ref().map(|report| (report, self.receipt(place, report))) {
                None => self.not_reported(place),
                Some((_, Some(Ok(_)))) => {
                    let text = "its proof is being recorded".into();
                    RemovalStatus::new(ItemState::Waiting, Some(Reason::ConfirmingRemoval), text)
                }
                Some((_, Some(Err(refused)))) => {
                    RemovalStatus::new(ItemState::Unproven, Some(refused.reason()), refused.to_string())
                }
                Some((report, None)) => RemovalStatus::new(report.state, report.reason, report.detail.clone()),
            },
        };
        if let Some(time) = place.it.came_back {
            status.came_back(time);
        }
        RemovalStatus { report, ..status }
    }

    /// The agent has not reported it yet. An older agent never does after the customer's revoke-all.
    fn not_reported(&self, place: &OpenRemoval<'_>) -> RemovalStatus {
        let channel = self.channels.get(place.tenant);
        let ends = channel
            .is_some_and(|channel| channel.lock().reported.standing.as_ref().is_some_and(|it| it.revoke_all.is_some()));
        let text = "the customer takes everything back, or has, and its agent has not said yet that this is gone; an agent \
                    of before this version says so only after `entente-agent resume`";
        match ends {
            true => RemovalStatus::new(ItemState::Pending, Some(Reason::RevokeAll), text.into()),
            false => RemovalStatus::new(ItemState::Pending, None, String::new()),
        }
    }

    fn nobody_looks(&self, snapshot: &Snapshot, place: &OpenRemoval<'_>, is_reported: bool) -> Option<RemovalStatus> {
        let unproven =
            |text: &str| Some(RemovalStatus::new(ItemState::Unproven, Some(Reason::NobodyLooks), text.into()));
        if place.it.never_enrolled && !self.channels.was_enrolled(&self.registry.tables(), place.tenant) {
            let text = "no agent was ever enrolled here: nothing was made, and nothing is to be removed";
            return Some(RemovalStatus { complete: true, ..RemovalStatus::new(ItemState::Removed, None, text.into()) });
        }
        let tenant = snapshot.fleet.intent().tenants.get(place.tenant).filter(|_| place.entra_tenant.is_some());
        match tenant.map(|tenant| tenant.state) {
            None => return unproven("the tenant was deleted before it was proven; ask the customer"),
            Some(TenantState::Offboarded) => {
                return unproven("the tenant was offboarded before it was proven; ask the customer");
            }
            Some(_) => {}
        }
        if self.registry.tables().agent_of(place.tenant).is_none() {
            return unproven("no agent may connect here; enrol one, or ask the customer");
        }
        let parked = self.channels.get(place.tenant)?.lock().parked.as_ref().map(|parked| parked.reason().to_owned());
        unproven(&format!("only leavers are told to the agent: {}", parked.filter(|_| !is_reported)?))
    }
}

impl RemovalStatus {
    fn new(state: ItemState, reason: Option<Reason>, detail: String) -> Self {
        Self { state, reason, detail, complete: false, report: None }
    }

    fn came_back(&mut self, time: Timestamp) {
        if self.reason.is_none_or(|reason| !matches!(reason, Reason::ProofRefused | Reason::AgentUnvouched)) {
            self.reason = Some(Reason::CameBack);
        }
        let then = if self.detail.is_empty() { String::new() } else { format!("; {}", self.detail) };
        self.detail = format!("it was proven gone, and its agent said otherwise {time}{then}");
    }
}
