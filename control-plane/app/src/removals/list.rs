//! The list of removals, page by page: receipts, and how those stand that are not proven.

use std::collections::BTreeMap;
use std::sync::Arc;

use entente_model::intent::ResourceName;
use entente_model::report::{ItemState, KnownAccount, Reason, RemovalProof};
use entente_model::revocation::Cause;
use entente_model::{OperatorName, TenantName, Timestamp};

use super::Removals;
use super::receipt::{Receipt, SignedStatement};
use super::status::{OpenRemoval, OpenRemovals};
use crate::api_role::ApiRole;
use crate::caller::Caller;
use crate::error::Result;
use crate::history::Snapshot;
use crate::page::{Page, PageRequest};
use crate::rows;
use crate::running;

/// The removal of a person, or of one membership, in one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// Tells the removals of one tenant apart.
    pub id: String,
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

/// What an entry of the list is made of, once its page is asked for.
enum Source<'w> {
    Receipt(Box<Receipt>),
    Open(OpenRemoval<'w>),
}

impl Removals {
    /// Removals of one operator, ended ones included; or all that are not complete. By tenant.
    pub async fn list_removals(
        self: &Arc<Self>,
        caller: &Caller,
        operator: Option<&OperatorName>,
        page: &PageRequest,
    ) -> Result<Page<Removal>> {
        caller.needs(ApiRole::Viewer)?;
        // Before the receipts: what is proven in between is then told twice, and not left out of a list that looks complete.
        let snapshot = self.history.snapshot();
        let receipts = match operator {
            Some(operator) => self.receipts_of(operator).await?,
            None => Vec::new(),
        };
        let had =
            |operator: &OperatorName| snapshot.fleet.intent().revocations.values().any(|it| it.operator == *operator);
        // Receipts of an operator who was deleted are still listed.
        if let Some(operator) = operator.filter(|it| receipts.is_empty() && !had(it)) {
            snapshot.needs("operator", &ResourceName::Operator(operator.clone()))?;
        }
        let (removals, snapshot, operator, page) = (self.clone(), snapshot, operator.cloned(), page.clone());
        // Each proof that is looked at costs the check of a signature.
        let listed = move || removals.listed(&snapshot, operator.as_ref(), receipts, &page);
        running::compute(&self.history.running, listed).await
    }

    fn listed(
        &self,
        snapshot: &Arc<Snapshot>,
        operator: Option<&OperatorName>,
        receipts: Vec<Receipt>,
        page: &PageRequest,
    ) -> Page<Removal> {
        let open = OpenRemovals::of(snapshot);
        let places = open.places(None).filter(|it| it.it.proven.is_none());
        let places = places.filter(|it| operator.is_none_or(|operator| it.row.operator == *operator));
        // After the receipts of the same removal.
        let places = places.map(|it| (format!("{}|{}|~", it.tenant, it.row.id), Source::Open(it)));
        let at = |it: &Receipt| format!("{}|{}|{:020}", it.tenant, it.revocation, it.number);
        let receipts = receipts.into_iter().map(|it| (at(&it), Source::Receipt(Box::new(it))));
        let sources: BTreeMap<_, _> = receipts.chain(places).filter(|(at, _)| *at > page.token).collect();
        let removals = sources.into_iter().map(|(at, source)| match source {
            Source::Receipt(receipt) => (at, self.ended(snapshot, *receipt)),
            Source::Open(place) => (at, self.removal(snapshot, &place)),
        });
        let removals = removals.filter(|(_, it)| operator.is_some() || !it.complete);
        Page::of(removals, page.limit(), |(at, _)| at.clone()).map(|(_, removal)| removal)
    }

    async fn receipts_of(&self, operator: &OperatorName) -> Result<Vec<Receipt>> {
        let all = rows::all(&*self.history.store, &rows::removals_of(operator)).await?;
        all.into_iter().map(|(_, receipt)| Ok(receipt?)).collect()
    }

    fn is_connected(&self, tenant: &TenantName) -> bool {
        self.channels.get(tenant).is_some_and(|channel| channel.lock().is_connected())
    }

    fn ended(&self, snapshot: &Snapshot, receipt: Receipt) -> Removal {
        let row = snapshot.fleet.intent().revocations.get(&receipt.revocation);
        let came_back = row.and_then(|row| row.tenants.get(&receipt.tenant)?.came_back);
        let later = came_back.filter(|time| *time >= receipt.recorded);
        let later = later.map(|time| format!("; its agent said otherwise {time}")).unwrap_or_default();
        Removal {
            id: receipt.revocation,
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
    fn removal(&self, snapshot: &Snapshot, place: &OpenRemoval<'_>) -> Removal {
        let status = self.status(snapshot, place);
        Removal {
            id: place.row.id.clone(),
            tenant: place.tenant.clone(),
            operator: place.row.operator.clone(),
            cause: place.row.cause,
            actor: place.row.actor.clone(),
            requested: place.row.time,
            state: status.state,
            reason: status.reason,
            detail: status.detail,
            complete: status.complete,
            connected: self.is_connected(place.tenant),
            subject: place.subject(),
            accounts: status.report.as_ref().map(|report| report.accounts.clone()).unwrap_or_default(),
            proof: status.report.and_then(|report| report.proof),
            proven: None,
            signed: None,
        }
    }
}
