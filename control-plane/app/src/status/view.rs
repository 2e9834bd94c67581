//! How a tenant stands, in one word and in detail: desired items beside what is reported of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use entente_model::desired::{Item, ItemBody, ItemKey, Want};
use entente_model::intent::Intent;
use entente_model::report::{Finding, ItemReport, ItemState, PlaneStanding, Reason};
use entente_model::{AgentName, OperatorName, TenantName, Timestamp};
use entente_seal::{Buckets, SealedItem};

use crate::app::{App, Inner};
use crate::caller::{ApiRole, Caller};
use crate::desk::{Desk, DeskState};
use crate::displacement::Displacement;
use crate::error::AppError;
use crate::page::{Page, PageRequest};
use crate::status::display;

/// How one tenant stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantStatus {
    pub tenant: TenantName,
    pub phase: TenantPhase,
    /// Why, for people; empty when converged.
    pub explanation: String,
    pub connected: bool,
    pub last_seen: Option<Timestamp>,
    /// Of the newest desired state whose content differs from the one before.
    pub desired_revision: u64,
    /// 0 if none.
    pub accepted_revision: u64,
    /// Newer contents that are not accepted; at least so many, after a restart.
    pub revisions_behind: u64,
    pub parked: Option<String>,
    pub paused: bool,
    /// When the agent's certificate ends.
    pub credential_expires: Option<Timestamp>,
    /// When its credential to Microsoft ends.
    pub cloud_credential_expires: Option<Timestamp>,
    pub counts: BTreeMap<ItemState, u32>,
    pub planes: Vec<PlaneStanding>,
    pub findings: Vec<Finding>,
    pub guardrail_fault: Option<String>,
    pub guardrail: String,
    /// How many items are desired.
    pub items: u32,
    /// Live agents that lost their place, until an admin has looked. The newest first.
    pub displacements: Vec<Displacement>,
}

/// In one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TenantPhase {
    /// No agent has enrolled.
    Unenrolled,
    Offline,
    /// Nothing is sent until a person acts.
    Parked,
    /// The agent has work to do.
    Converging,
    /// Something waits for Microsoft or a person.
    Waiting,
    /// Something is refused, held or drifted.
    Partial,
    /// Every item is applied or removed, as read back.
    Converged,
}

/// One item, as its agent last saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemStatus {
    pub tenant: TenantName,
    /// Whether it is named for removal.
    pub absent: bool,
    /// PENDING if nothing was reported yet.
    pub report: ItemReport,
    /// For items about a person.
    pub operator: Option<OperatorName>,
    /// What it is, in a few words.
    pub display: String,
}

impl App {
    /// How one tenant stands.
    pub fn tenant_status(&self, caller: &Caller, tenant: &TenantName) -> Result<TenantStatus, AppError> {
        caller.needs(ApiRole::Viewer)?;
        self.world().needs_tenant("tenant", tenant)?;
        self.inner.status(tenant).ok_or_else(|| AppError::not_found(tenant))
    }

    /// By name.
    pub fn list_tenant_statuses(&self, caller: &Caller, page: &PageRequest) -> Result<Page<TenantStatus>, AppError> {
        caller.needs(ApiRole::Viewer)?;
        let after = page.after::<TenantName>()?;
        let world = self.world();
        let names = world.fleet.intent().tenants.keys().filter(|name| after.as_ref().is_none_or(|after| *name > after));
        // A tenant between its commit and its desk has no status yet.
        let statuses = names.filter_map(|name| self.inner.status(name));
        Ok(Page::of(statuses, page.limit(), |status| status.tenant.clone()))
    }

    /// Items of one tenant by key: the desired ones, and what is reported beyond them.
    pub fn list_item_statuses(
        &self,
        caller: &Caller,
        tenant: &TenantName,
        states: &[ItemState],
        page: &PageRequest,
    ) -> Result<Page<ItemStatus>, AppError> {
        caller.needs(ApiRole::Viewer)?;
        self.world().needs_tenant("tenant", tenant)?;
        let desk = self.inner.desks.get(tenant).ok_or_else(|| AppError::not_found(tenant))?;
        let (wanted, reported) = {
            let state = desk.lock();
            (state.wanted.clone(), state.reported.items.clone())
        };
        let world = self.world();
        let mut merged: BTreeMap<&str, (Option<&SealedItem>, Option<&Arc<ItemReport>>)> = BTreeMap::new();
        for item in wanted.items.iter() {
            merged.insert(item.key(), (Some(item), None));
        }
        for (key, report) in &reported {
            merged.entry(key).or_default().1 = Some(report);
        }
        let chosen = merged.iter().filter(|(key, (_, report))| {
            let state = report.map_or(ItemState::Pending, |report| report.state);
            ***key > *page.token && (states.is_empty() || states.contains(&state))
        });
        let statuses = chosen.map(|(key, (item, report))| {
            let item = item.and_then(|item| item.open().ok());
            status_of(tenant, key, item, report.map(|report| &**report), world.fleet.intent(), wanted.version.revision)
        });
        Ok(Page::of(statuses, page.limit(), |status| status.report.key.to_string()))
    }
}

impl Inner {
    pub(crate) fn status(&self, tenant: &TenantName) -> Option<TenantStatus> {
        let desk = self.desks.get(tenant)?;
        let (agent, displacements) = {
            let tables = self.registry.tables();
            let agent = tables.agent_of(tenant).map(|(name, row)| (name.clone(), row.expires));
            (agent, tables.displacements(tenant))
        };
        Some(status(&desk, &desk.lock(), agent, displacements))
    }
}

fn status(
    desk: &Desk,
    state: &DeskState,
    agent: Option<(AgentName, Timestamp)>,
    displacements: Vec<Displacement>,
) -> TenantStatus {
    let standing = state.reported.standing.as_deref().cloned().unwrap_or_default();
    let counts = counts(state);
    let (phase, explanation) = alarmed(phase(state, agent.is_some(), &counts), &displacements);
    TenantStatus {
        tenant: desk.tenant.clone(),
        phase,
        explanation,
        connected: state.is_connected(),
        last_seen: state.last_seen(),
        desired_revision: state.content_revision,
        accepted_revision: state.reported.accepted.as_ref().map_or(0, |accepted| accepted.version.revision),
        revisions_behind: state.behind(),
        parked: state.parked.as_ref().map(|parked| parked.reason().to_owned()),
        paused: standing.paused,
        credential_expires: agent.map(|(_, expires)| expires),
        cloud_credential_expires: standing.credential_expires,
        counts,
        planes: standing.planes,
        findings: standing.findings,
        guardrail_fault: standing.guardrail_fault,
        guardrail: standing.guardrail,
        items: state.wanted.items.len(),
        displacements,
    }
}

/// Nobody knows yet whether the agent that reports is the customer's, so nothing that it says makes a tenant converged.
fn alarmed(said: (TenantPhase, String), displacements: &[Displacement]) -> (TenantPhase, String) {
    let Some(alarm) = displacements.first() else { return said };
    let (phase, explanation) = said;
    let phase = if phase >= TenantPhase::Waiting { TenantPhase::Partial } else { phase };
    let rest = if explanation.is_empty() { explanation } else { format!("; {explanation}") };
    (phase, format!("{}{rest}", alarm.text()))
}

/// Items in each state; what is desired and not reported is PENDING.
fn counts(state: &DeskState) -> BTreeMap<ItemState, u32> {
    let reported = &state.reported.items;
    let mut counts = BTreeMap::new();
    for item in reported.values() {
        *counts.entry(item.state).or_insert(0) += 1;
    }
    let unreported = state.wanted.items.iter().filter(|item| !reported.contains_key(item.key())).count() as u32;
    if unreported > 0 {
        *counts.entry(ItemState::Pending).or_insert(0) += unreported;
    }
    counts
}

fn phase(state: &DeskState, enrolled: bool, counts: &BTreeMap<ItemState, u32>) -> (TenantPhase, String) {
    if !enrolled {
        return (TenantPhase::Unenrolled, "no agent has enrolled; make an enrolment token for the customer".into());
    }
    if let Some(parked) = &state.parked {
        return (TenantPhase::Parked, parked.reason().to_owned());
    }
    if !state.is_connected() {
        let seen = state.last_seen().map_or_else(|| "never seen".into(), |seen| format!("last seen {seen}"));
        return (TenantPhase::Offline, format!("its agent is not connected; {seen}"));
    }
    let behind = state.behind();
    if behind > 0 {
        return (TenantPhase::Converging, format!("{behind} newer states are not accepted yet"));
    }
    // Before anything that looks like a short wait: nothing comes until a person has seen to it.
    let findings = state.reported.standing.iter().flat_map(|standing| &standing.findings);
    if let Some(refused) = findings.clone().find(|finding| finding.reason == Reason::CredentialRefused) {
        return (TenantPhase::Partial, format!("its agent's credential is refused: {}", refused.detail));
    }
    let compared = state.reported.standing.as_ref().is_some_and(|it| it.compared == state.wanted.digest.to_string());
    if !compared {
        return (TenantPhase::Converging, "its agent has not compared the tenant with the newest state yet".into());
    }
    for phase in [TenantPhase::Converging, TenantPhase::Partial, TenantPhase::Waiting] {
        let in_phase = counts.iter().filter(|(state, _)| phase_of(**state) == phase);
        let said: Vec<_> = in_phase.map(|(state, count)| format!("{count} {}", state.word())).collect();
        if !said.is_empty() {
            return (phase, said.join(", "));
        }
    }
    (TenantPhase::Converged, String::new())
}

/// How far a tenant is, by one item. What does not come by waiting is partial, as is a state that is not known here.
fn phase_of(state: ItemState) -> TenantPhase {
    match state {
        ItemState::Pending => TenantPhase::Converging,
        ItemState::Waiting | ItemState::NeedsApproval => TenantPhase::Waiting,
        ItemState::Applied | ItemState::Removed => TenantPhase::Converged,
        ItemState::Failed
        | ItemState::Refused
        | ItemState::Held
        | ItemState::Drifted
        | ItemState::Partial
        | ItemState::BlockedByCustomer
        | ItemState::Residual
        | ItemState::Unproven
        | ItemState::Unsupported
        | ItemState::Later(_) => TenantPhase::Partial,
    }
}

fn status_of(
    tenant: &TenantName,
    key: &str,
    item: Option<Item>,
    report: Option<&ItemReport>,
    intent: &Intent,
    revision: u64,
) -> ItemStatus {
    let key: ItemKey = report.map(|report| report.key.clone()).or_else(|| key.parse().ok()).unwrap_or_else(|| {
        // Cannot be: keys of desired items are ours. Shown as it is rather than hidden.
        ItemKey::Other(key.to_owned())
    });
    let absent = item.as_ref().is_some_and(|item| item.want != Want::Present);
    let operator = operator_of(&key, item.as_ref(), intent);
    let display = item.as_ref().map(|item| display::of(item, operator.as_ref(), intent)).unwrap_or_default();
    let report = report.cloned().unwrap_or_else(|| unreported(key, item.as_ref(), revision));
    ItemStatus { tenant: tenant.clone(), absent, report, operator, display }
}

fn unreported(key: ItemKey, item: Option<&Item>, revision: u64) -> ItemReport {
    let since = match item.map(|item| &item.want) {
        Some(Want::Absent { since, .. }) => *since,
        _ => Timestamp::MIN,
    };
    ItemReport {
        key,
        state: ItemState::Pending,
        reason: None::<Reason>,
        detail: String::new(),
        object_id: None,
        owned: false,
        redeem_url: None,
        script: None,
        accounts: Vec::new(),
        proof: None,
        revision,
        since,
    }
}

/// The person whom an item is about: named by the item itself, by intent, or by the removal that names it.
fn operator_of(key: &ItemKey, item: Option<&Item>, intent: &Intent) -> Option<OperatorName> {
    if let Some(ItemBody::User { operator, .. }) = item.map(|item| &item.body) {
        return Some(operator.clone());
    }
    let (home, id) = key.person()?;
    let mut operators = intent.operators.values();
    let known = operators.find(|it| it.identities.iter().any(|it| it.home == *home && it.object_id == id));
    let leaving = || {
        let mut rows = intent.revocations.values();
        rows.find(|row| row.identity.home == *home && row.identity.object_id == id).map(|row| row.operator.clone())
    };
    known.map(|operator| operator.name.clone()).or_else(leaving)
}

/// An item of a state, by its key.
pub(super) fn opened(items: &Buckets, key: &str) -> Option<Item> {
    items.get(key).and_then(|item| item.open().ok())
}
