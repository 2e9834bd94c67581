//! How a tenant stands, in one word and in detail: desired items beside what is reported of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use entente_model::desired::{Item, ItemBody, ItemKey, UserBody, Want};
use entente_model::intent::{Intent, ResourceName, Tenant};
use entente_model::report::{ItemReport, ItemState, Reason, Standing};
use entente_model::{AgentName, OperatorName, PrincipalName, TenantName, Timestamp};
use entente_seal::{Buckets, SealedItem};

use super::phase::{self, Facts, Said};
use super::whose::{Open, Party};
use super::{Reports, display};
use crate::api_role::ApiRole;
use crate::caller::Caller;
use crate::channel::{Channel, ChannelState, Reported};
use crate::error::{AppError, Result};
use crate::identity::{AgentRow, Tables};
use crate::page::{Page, PageRequest};
use crate::tenant_phase::TenantPhase;

/// How one tenant stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantStatus {
    pub tenant: TenantName,
    pub phase: TenantPhase,
    /// Since when, where that is known.
    pub since: Option<Timestamp>,
    /// Whose move it is.
    pub party: Party,
    /// Why, for people, and what that one does; empty when converged.
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
    /// When the agent's certificate ends.
    pub credential_expires: Option<Timestamp>,
    /// When the last unused enrolment token ends.
    pub token_expires: Option<Timestamp>,
    pub counts: BTreeMap<ItemState, u32>,
    /// What the agent last said of itself; nothing if it was never heard, or another has taken its place.
    pub standing: Standing,
    /// How many items are desired.
    pub items: u32,
    /// How many of them are as they should be, as read back.
    pub done: u32,
    /// Live agents that lost their place, until an admin has looked. The newest first.
    pub displacements: Vec<Displacement>,
    /// Whether the agent has nothing left to do by itself.
    pub settled: bool,
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

impl Reports {
    /// How one tenant stands.
    pub fn tenant_status(&self, caller: &Caller, tenant: &TenantName) -> Result<TenantStatus> {
        caller.needs(ApiRole::Viewer)?;
        self.history.snapshot().needs_tenant("tenant", tenant)?;
        self.status(tenant).ok_or_else(|| AppError::not_found(tenant))
    }

    /// Those that are selected, by name. A name that no tenant has is an error, and not an empty answer.
    pub fn list_tenant_statuses(
        &self,
        caller: &Caller,
        selected: &TenantSelection,
        page: &PageRequest,
    ) -> Result<Page<TenantStatus>> {
        caller.needs(ApiRole::Viewer)?;
        let after = page.after::<TenantName>()?;
        let snapshot = self.history.snapshot();
        selected.tenants.iter().try_for_each(|name| snapshot.needs_tenant("tenants", name))?;
        let tenants = snapshot.fleet.intent().tenants.values().filter(|it| selected.takes(it));
        let names = tenants.map(|it| &it.name).filter(|name| after.as_ref().is_none_or(|after| *name > after));
        // A tenant between its commit and its channel has no status yet.
        let statuses = names
            .filter_map(|name| self.status(name))
            .filter(|it| selected.phases.is_empty() || selected.phases.contains(&it.phase));
        Ok(Page::of(statuses, page.limit(), |status| status.tenant.clone()))
    }

    /// Items of one tenant by key: the desired ones, and what is reported beyond them.
    pub fn list_item_statuses(
        &self,
        caller: &Caller,
        tenant: &TenantName,
        states: &[ItemState],
        page: &PageRequest,
    ) -> Result<Page<ItemStatus>> {
        caller.needs(ApiRole::Viewer)?;
        self.history.snapshot().needs_tenant("tenant", tenant)?;
        let channel = self.channels.get(tenant).ok_or_else(|| AppError::not_found(tenant))?;
        let (wanted, reported) = {
            let state = channel.lock();
            (state.wanted.clone(), state.reported.items.clone())
        };
        let snapshot = self.history.snapshot();
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
            status_of(
                tenant,
                key,
                item,
                report.map(|report| &**report),
                snapshot.fleet.intent(),
                wanted.version.revision,
            )
        });
        Ok(Page::of(statuses, page.limit(), |status| status.report.key.to_string()))
    }

    pub(crate) fn status(&self, tenant: &TenantName) -> Option<TenantStatus> {
        let channel = self.channels.get(tenant)?;
        let snapshot = self.history.snapshot();
        let created = snapshot.metas.get(&ResourceName::Tenant(tenant.clone())).map(|meta| meta.created);
        let enrolment = Enrolment::of(&self.registry.tables(), tenant, created, self.history.now());
        Some(status(&channel, &channel.lock(), enrolment, self.history.now()))
    }

    /// The phase that follows from what an agent is saying: it is there, so that the tenant is not OFFLINE.
    pub(crate) fn phase_by(&self, channel: &Channel, reported: &Reported) -> Said {
        let created =
            self.history.snapshot().metas.get(&ResourceName::Tenant(channel.tenant.clone())).map(|meta| meta.created);
        let enrolment = Enrolment::of(&self.registry.tables(), &channel.tenant, created, self.history.now());
        let state = channel.lock();
        let facts = Facts { connected: true, ..facts(channel, &state, reported, &enrolment, self.history.now()) };
        alarmed(phase::phase(&facts), &enrolment.displacements)
    }
}

/// What an item is called, also one that is not desired any more.
pub(crate) fn name_of(wanted: &Buckets, key: &ItemKey, intent: &Intent) -> String {
    let item = opened(wanted, &key.to_string());
    let operator = operator_of(key, item.as_ref(), intent);
    match (item, operator) {
        (Some(item), operator) => display::of(&item, operator.as_ref(), intent),
        (None, Some(operator)) => format!("{key} of {operator}"),
        (None, None) => key.to_string(),
    }
}

/// What the registry says of a tenant's agents.
struct Enrolment {
    /// The one that may connect, and when its certificate ends.
    agent: Option<(AgentName, Timestamp)>,
    revoked: Option<(AgentName, Timestamp)>,
    token: Option<Timestamp>,
    displacements: Vec<Displacement>,
}

impl Enrolment {
    fn of(tables: &Tables, tenant: &TenantName, created: Option<Timestamp>, now: Timestamp) -> Self {
        let agent = tables.agent_of(tenant).map(|(name, row)| (name.clone(), row.expires));
        // Agents of a tenant that was deleted stay listed, and are none of another that was made under its name.
        let revoked = tables.agents_of(tenant).filter_map(|(name, row)| Some((row.revoked?, name)));
        let revoked = revoked.filter(|(at, _)| created.is_some_and(|created| created < *at)).max();
        let unused = tables.tokens.values().filter(|row| row.tenant == *tenant && row.used.is_none());
        let token = unused.map(|row| row.expires).filter(|ends| now < *ends).max();
        let revoked = revoked.map(|(at, name)| (name.clone(), at));
        Self { agent, revoked, token, displacements: tables.displacements(tenant) }
    }
}

/// What a tenant's phase follows from, with what its agent has said.
fn facts<'a>(
    channel: &'a Channel,
    state: &'a ChannelState,
    reported: &'a Reported,
    enrolment: &Enrolment,
    now: Timestamp,
) -> Facts<'a> {
    let told = told(reported, enrolment.agent.as_ref().map(|(name, _)| name));
    Facts {
        tenant: &channel.tenant,
        now,
        certificate: enrolment.agent.as_ref().map(|(_, expires)| *expires),
        revoked: enrolment.revoked.clone(),
        token: enrolment.token,
        parked: state.parked.as_ref().map(|parked| parked.reason()),
        connected: state.is_connected(),
        last_seen: state.last_seen(),
        behind: state.behind(),
        compared: told.is_some_and(|it| it.compared == state.wanted.digest.to_string()),
        standing: told,
        wanted: wanted(state),
        open: open(state, reported),
    }
}

fn status(channel: &Channel, state: &ChannelState, enrolment: Enrolment, now: Timestamp) -> TenantStatus {
    let facts = facts(channel, state, &state.reported, &enrolment, now);
    let Enrolment { agent, token, displacements, .. } = enrolment;
    let (mut counts, told) = (BTreeMap::new(), facts.standing);
    facts.open.iter().for_each(|((state, _), count)| *counts.entry(*state).or_insert(0) += count);
    // The agent reads again what it could not read. The report of an agent that was replaced does not count.
    let settled = told.is_some() && !phase::is_read_again(&facts) && super::whose::is_settled(state);
    let said = alarmed(phase::phase(&facts), &displacements);
    TenantStatus {
        tenant: channel.tenant.clone(),
        phase: said.phase,
        since: said.since,
        party: said.party,
        explanation: said.explanation,
        settled,
        connected: state.is_connected(),
        last_seen: state.last_seen(),
        desired_revision: state.content_revision,
        accepted_revision: state.reported.accepted.as_ref().map_or(0, |accepted| accepted.version.revision),
        revisions_behind: state.behind(),
        parked: state.parked.as_ref().map(|parked| parked.reason().to_owned()),
        credential_expires: agent.map(|(_, expires)| expires),
        token_expires: token,
        counts,
        standing: told.cloned().unwrap_or_default(),
        items: state.wanted.items.len(),
        done: done(state),
        displacements,
    }
}

/// What an agent last said of itself; of one that another has taken the place of, nothing that counts any more.
fn told<'a>(reported: &'a Reported, agent: Option<&AgentName>) -> Option<&'a Standing> {
    let reporter = reported.reporter.as_ref();
    let is_another = agent.is_some_and(|agent| reporter.is_some_and(|reporter| reporter != agent));
    reported.standing.as_deref().filter(|_| !is_another)
}

/// Planes on which something is to be there. What is to be gone proves itself.
fn wanted(state: &ChannelState) -> BTreeSet<&'static str> {
    let present = state.wanted.items.iter().filter_map(|item| item.open().ok()).filter(|it| it.want == Want::Present);
    present.filter_map(|item| item.key.plane()).map(|plane| plane.word()).collect()
}

/// It is not known yet whether the agent that reports is the customer's, so no report of it makes a tenant converged.
fn alarmed(said: Said, displacements: &[Displacement]) -> Said {
    let Some(alarm) = displacements.first() else { return said };
    let rest = if said.explanation.is_empty() { String::new() } else { format!("; {}", said.explanation) };
    let phase = if said.phase > TenantPhase::Partial { TenantPhase::Partial } else { said.phase };
    Said { phase, party: Party::Provider, explanation: format!("{}{rest}", alarm.text()), ..said }
}

/// Items by state and reason; what is desired and not reported is PENDING.
fn open(state: &ChannelState, reported: &Reported) -> Open {
    let reported = &reported.items;
    let mut open = Open::new();
    for item in reported.values() {
        *open.entry((item.state, item.reason)).or_insert(0) += 1;
    }
    let unreported = state.wanted.items.iter().filter(|item| !reported.contains_key(item.key())).count() as u32;
    if unreported > 0 {
        *open.entry((ItemState::Pending, None)).or_insert(0) += unreported;
    }
    open
}

/// Desired items that are as they should be. The agent still reports others until it has taken them away.
fn done(state: &ChannelState) -> u32 {
    let is_done = |key: &str| {
        let item = state.reported.items.get(key);
        item.is_some_and(|item| matches!(item.state, ItemState::Applied | ItemState::Removed))
    };
    state.wanted.items.iter().filter(|item| is_done(item.key())).count() as u32
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

/// The person that an item is about: named by the item itself, by intent, or by the removal that names it.
fn operator_of(key: &ItemKey, item: Option<&Item>, intent: &Intent) -> Option<OperatorName> {
    if let Some(ItemBody::User(UserBody { operator, .. })) = item.map(|item| &item.body) {
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

/// What is empty selects everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TenantSelection {
    pub tenants: BTreeSet<TenantName>,
    /// Each of them has to be there with this value.
    pub labels: BTreeMap<String, String>,
    pub phases: BTreeSet<TenantPhase>,
}

impl TenantSelection {
    /// By what intent says of the tenant.
    pub(crate) fn takes(&self, tenant: &Tenant) -> bool {
        let has = |(key, value): (&String, &String)| tenant.labels.get(key) == Some(value);
        (self.tenants.is_empty() || self.tenants.contains(&tenant.name)) && self.labels.iter().all(has)
    }
}

/// Most alarms that a tenant's status lists, the newest first: each took an admin's token, and one says it all.
const MAX_ALARMS: usize = 10;

/// A live agent lost its place, and no admin has said yet that this is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Displacement {
    pub agent: AgentName,
    pub displaced: AgentName,
    /// Who made the token.
    pub principal: Option<PrincipalName>,
    pub time: Timestamp,
}

impl Displacement {
    fn of(name: &AgentName, row: &AgentRow) -> Option<Self> {
        let displaced = row.displaced.clone().filter(|_| row.is_alarm())?;
        Some(Self { agent: name.clone(), displaced, principal: row.admitted_by.clone(), time: row.enrolled })
    }

    /// For people, with what ends it.
    pub(crate) fn text(&self) -> String {
        let Self { agent, displaced, principal, time } = self;
        let maker = principal.as_ref().map_or_else(|| "an unknown principal".into(), ToString::to_string);
        format!(
            "{agent} took the place of the live agent {displaced} on {time}, with a token of {maker}; \
             an admin looks, and says `entente agents vouch {agent}` or `entente agents acknowledge {agent}`"
        )
    }
}

impl Tables {
    /// The newest first.
    pub(crate) fn displacements(&self, tenant: &TenantName) -> Vec<Displacement> {
        let alarms = self.agents_of(tenant).filter_map(|(name, row)| Displacement::of(name, row));
        let mut alarms: Vec<_> = alarms.collect();
        alarms.sort_by(|one, other| (other.time, &other.agent).cmp(&(one.time, &one.agent)));
        alarms.truncate(MAX_ALARMS);
        alarms
    }
}
