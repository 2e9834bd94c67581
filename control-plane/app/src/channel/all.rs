//! All channels, who is told when one changes, and which may need a lease soon.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::Duration;

use entente_compiler::Sighting;
use entente_model::intent::{Identity, Intent, Manifest, Operator, OperatorState, ResourceName};
use entente_model::{AgentName, GoAwayReason, Guid, HomeName, OperatorName, TenantName, Timestamp};
use futures::task::AtomicWaker;
use tokio::sync::Notify;

use super::outgoing::Parked;
use super::reported::{Account, KnownAccounts, KnownRow, Reported, gained};
use super::state::Channel;
use crate::history::{Snapshot, State};
use crate::identity::Tables;
use crate::sync::lock;

/// Whether an agent is here.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Presence {
    pub(crate) connected: bool,
    pub(crate) last_seen: Option<Timestamp>,
}

/// All channels, and who is told what changes in them.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    all: RwLock<HashMap<TenantName, Arc<Channel>>>,
    pub(crate) watchers: Watchers,
    pub(crate) leases: LeaseList,
    /// A removal may have been proven, or an account of a person who has left been seen.
    pub(crate) removals_told: Notify,
}

impl Channels {
    /// At start-up: what agents said before it.
    pub(crate) fn remember(
        &self,
        reports: HashMap<TenantName, Reported>,
        mut known: HashMap<TenantName, KnownAccounts>,
        snapshot: &Snapshot,
    ) {
        let mut channels = self.all.write().unwrap_or_else(PoisonError::into_inner);
        for (tenant, mut reported) in reports {
            // Rows of a tenant that is gone wait for the cleanup.
            if let Some(channel) = channels.get_mut(&tenant) {
                reported.count();
                let wanted = channel.lock().wanted.clone();
                *channel = Arc::new(Channel::new(tenant, wanted, reported));
            }
        }
        for (tenant, channel) in channels.iter() {
            let mut state = channel.lock();
            state.known = known.remove(tenant).unwrap_or_default();
            // Reports of older versions had no such rows beside them.
            let (items, agent) = (state.reported.items.values(), state.reported.reporter.as_ref());
            let at = state.reported.last_seen.unwrap_or_default();
            let more = gained(&state.known, snapshot, items.map(|item| &**item), agent, at);
            state.known.extend(more);
        }
    }

    pub(crate) fn get(&self, tenant: &TenantName) -> Option<Arc<Channel>> {
        self.all.read().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Channel>> {
        self.all.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Lays new states on the channels and wakes their streams; called in order of revision.
    pub(crate) fn install(&self, states: Vec<(TenantName, Arc<State>)>, gone: Vec<TenantName>) {
        for (tenant, state) in states {
            match self.get(&tenant) {
                Some(channel) => {
                    let mut channel = channel.lock();
                    channel.install(state);
                    if channel.is_connected() {
                        self.leases.add(&tenant);
                    }
                }
                None => {
                    let channel = Arc::new(Channel::new(tenant.clone(), state, Reported::default()));
                    self.all.write().unwrap_or_else(PoisonError::into_inner).insert(tenant.clone(), channel);
                }
            }
            self.watchers.changed(&tenant);
        }
        for tenant in gone {
            let channel = self.all.write().unwrap_or_else(PoisonError::into_inner).remove(&tenant);
            if let Some(channel) = channel {
                channel.lock().cut(GoAwayReason::Revoked, Duration::ZERO);
            }
            self.watchers.changed(&tenant);
        }
    }

    /// An agent may not connect any more.
    pub(crate) fn revoked(&self, agent: &AgentName) {
        let Some(channel) = self.get(&agent.tenant) else { return };
        channel.lock().cut_agent(agent, GoAwayReason::Revoked);
        self.watchers.changed(&agent.tenant);
    }

    /// Another agent may connect: an alarm about a clone of the former one is over.
    pub(crate) fn enrolled(&self, tenant: &TenantName) {
        let Some(channel) = self.get(tenant) else { return };
        let mut state = channel.lock();
        if matches!(state.parked, Some(Parked::Clone(_))) {
            state.parked = None;
            // In its row with the next report; a restart before that asks once more.
            state.reported.clone = None;
        }
        drop(state);
        self.watchers.changed(tenant);
    }

    /// Whether an agent was ever enrolled in a tenant: its row stays a while after its end, its reports stay longer.
    pub(crate) fn was_enrolled(&self, tables: &Tables, tenant: &TenantName) -> bool {
        let has_row = tables.agents_of(tenant).next().is_some();
        let channel = self.get(tenant);
        has_row || channel.is_some_and(|channel| channel.lock().has_enrolled())
    }

    /// An agent has shown a certificate of ours, and there is no row of it: it enrolled in a history that a restored
    /// backup has forgotten. That no agent ever was there is not so, whatever the store says.
    pub(crate) fn note_unknown(&self, tenant: &TenantName) {
        let Some(channel) = self.get(tenant) else { return };
        let mut state = channel.lock();
        if !std::mem::replace(&mut state.forgotten_agent, true) {
            tracing::warn!(%tenant, "an agent with a certificate of ours is not known here: was a backup restored?");
            state.told = true;
            self.removals_told.notify_one();
        }
    }
    /// An agent has come with a certificate that is younger than all that the store knows of it: the store was restored
    /// from a backup. Like its state, it waits for a person's word.
    pub(crate) fn note_forgotten(&self, agent: &AgentName, made: Timestamp) {
        let Some(channel) = self.get(&agent.tenant) else { return };
        let text = format!(
            "{agent} comes with a certificate of {made} that this store does not know, as after a restored backup: restore \
             the right store, or begin a new epoch with `entente-control-plane new-epoch`, which accepts it"
        );
        let mut state = channel.lock();
        if state.parked.is_none() && !state.is_connected() {
            tracing::error!(tenant = %channel.tenant, reason = text, "tenant parked: unknown certificate");
            state.parked = Some(Parked::History(text));
            drop(state);
            self.watchers.changed(&agent.tenant);
        }
    }

    pub(crate) fn presence(&self, agent: &AgentName) -> Presence {
        let Some(channel) = self.get(&agent.tenant) else { return Presence::default() };
        let state = channel.lock();
        let connected = state.live.as_ref().is_some_and(|live| live.agent == *agent);
        let mine = state.reported.reporter.as_ref() == Some(agent);
        Presence { connected, last_seen: state.last_seen().filter(|_| connected || mine) }
    }

    /// What a tenant's agents have ever reported of an account.
    pub(crate) fn known(&self, tenant: &TenantName, account: &Account) -> Option<Arc<KnownRow>> {
        self.get(tenant)?.lock().known.get(account).cloned()
    }

    /// Tenants whose agents have said something of a removal since this was last asked.
    pub(crate) fn take_told(&self) -> BTreeSet<TenantName> {
        let told = self.all().into_iter().filter(|channel| std::mem::take(&mut channel.lock().told));
        told.map(|channel| channel.tenant.clone()).collect()
    }

    /// Accounts that agents have come to see.
    pub(crate) fn unexpected_accounts(&self) -> Vec<Sighting> {
        let of = |channel: Arc<Channel>| {
            let unexpected_accounts = channel.lock().unexpected_accounts.clone().into_iter();
            unexpected_accounts.map(move |(home, object_id)| Sighting {
                tenant: channel.tenant.clone(),
                home,
                object_id,
            })
        };
        self.all().into_iter().flat_map(of).collect()
    }

    /// What has been seen to.
    pub(crate) fn forget_unexpected(&self, seen: &[Sighting]) {
        for one in seen {
            if let Some(channel) = self.get(&one.tenant) {
                channel.lock().unexpected_accounts.remove(&(one.home.clone(), one.object_id));
            }
        }
    }

    /// Tenants in which accounts are, or were ever, reported that are about to lose everything: accounts of leavers, and accounts
    /// that their operator no longer has. An agent may report an account no longer that still exists, such as an adopted guest
    /// that no assignment selects.
    pub(crate) fn sightings(&self, snapshot: &Snapshot, puts: &[Manifest], deletes: &[ResourceName]) -> Vec<Sighting> {
        let departing = departing(snapshot.fleet.intent(), puts, deletes);
        if departing.is_empty() {
            return Vec::new();
        }
        let mut found = Vec::new();
        for channel in self.all() {
            let state = channel.lock();
            for ((home, object_id), leaves_now) in &departing {
                let account = (home.clone(), *object_id);
                if state.reported.shows(home, *object_id) || (*leaves_now && state.known.contains_key(&account)) {
                    let (home, object_id) = account;
                    found.push(Sighting { tenant: channel.tenant.clone(), home, object_id });
                }
            }
        }
        found
    }
}

/// Accounts that lose their operator by a change, and whether their removal is not named yet: who had left before was
/// removed wherever the account was known. The stored form counts: what a manifest leaves out goes too.
fn departing(intent: &Intent, puts: &[Manifest], deletes: &[ResourceName]) -> BTreeMap<(HomeName, Guid), bool> {
    let account = |identity: &Identity| (identity.home.clone(), identity.object_id);
    let mut departing = BTreeMap::new();
    let mut compare = |name: &OperatorName, after: Option<&Operator>| {
        let Some(before) = intent.operators.get(name).filter(|before| after != Some(before)) else { return };
        let stays = after.filter(|after| after.state == OperatorState::Active);
        let kept: BTreeSet<_> = stays.iter().flat_map(|after| &after.identities).map(account).collect();
        let lost = before.identities.iter().map(account).filter(|account| !kept.contains(account));
        departing.extend(lost.map(|account| (account, before.state != OperatorState::Left)));
    };
    for manifest in puts {
        if let Manifest::Operator(operator) = manifest {
            compare(&operator.name, Some(operator));
        }
    }
    for name in deletes {
        if let ResourceName::Operator(name) = name {
            compare(name, None);
        }
    }
    departing
}

/// Channels that may need a lease soon.
#[derive(Debug, Default)]
pub(crate) struct LeaseList {
    due: Mutex<BTreeSet<TenantName>>,
    pub(crate) nudge: Notify,
}

impl LeaseList {
    pub(crate) fn add(&self, tenant: &TenantName) {
        lock(&self.due).insert(tenant.clone());
        self.nudge.notify_one();
    }

    /// What was put on it since this was last asked.
    pub(crate) fn take(&self) -> BTreeSet<TenantName> {
        std::mem::take(&mut *lock(&self.due))
    }
}

/// Most watchers at once: each change costs each of them a little, and a SOC has some ten screens.
pub(crate) const MAX_WATCHERS: usize = 256;

#[derive(Debug, Default)]
pub(crate) struct Watchers {
    /// How many there are, so that a change without any costs one load.
    count: AtomicUsize,
    all: Mutex<Vec<Weak<Watcher>>>,
}

#[derive(Debug)]
pub(crate) struct Watcher {
    /// Nothing means all.
    pub(crate) only: BTreeSet<TenantName>,
    pub(crate) changed: Mutex<BTreeSet<TenantName>>,
    pub(crate) waker: AtomicWaker,
}

impl Watchers {
    pub(crate) fn changed(&self, tenant: &TenantName) {
        if self.count.load(Ordering::Acquire) == 0 {
            return;
        }
        for watcher in lock(&self.all).iter().filter_map(Weak::upgrade) {
            if watcher.only.is_empty() || watcher.only.contains(tenant) {
                lock(&watcher.changed).insert(tenant.clone());
                watcher.waker.wake();
            }
        }
    }

    pub(crate) fn wake_all(&self) {
        lock(&self.all).iter().filter_map(Weak::upgrade).for_each(|watcher| watcher.waker.wake());
    }

    /// Says whether there was room.
    pub(crate) fn add(&self, watcher: &Arc<Watcher>) -> bool {
        let mut all = lock(&self.all);
        all.retain(|other| other.strong_count() > 0);
        if all.len() >= MAX_WATCHERS {
            return false;
        }
        all.push(Arc::downgrade(watcher));
        self.count.store(all.len(), Ordering::Release);
        true
    }
}
