//! A desk for each tenant: the state that its agent should have, the stream on which it is told, and what it said.
//!
//! One lock a desk, held for look-ups and never while something is sent; a stream takes what it needs when its reader
//! is ready ([`outbox`]), so that a slow one holds up nobody. Nothing is held back to gather more: while one state is on
//! its way the next ones become one by themselves. `hello` admits a stream, `inbox` hears what it says,
//! `connection` decides what it is told next.

mod connection;
mod hello;
mod inbox;
mod outbox;
mod pace;
mod pulse;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use entente_compiler::Sighting;
use entente_model::desired::{Digest, ItemKey, UserKey, Version, Want};
use entente_model::intent::{Identity, Intent, Manifest, Operator, OperatorState, ResourceName};
use entente_model::report::{ItemReport, ItemState, Reason};
use entente_model::{AgentName, Guid, HomeName, OperatorName, TenantName, Timestamp};
use entente_seal::Buckets;

use crate::app::{Inner, lock};
use crate::batch::{SignedLease, State};
use crate::memory::{self, KnownAccounts};
use crate::plan::Asks;
use crate::status::Reported;
use crate::world::World;

pub(crate) use hello::LONG_RETRY;
pub use hello::{Connected, Hello, Refused, Welcome};
pub use inbox::{Inbox, Incoming, ProtocolError};
pub use outbox::{Outbox, Outgoing};

use connection::Connection;
use pace::Pace;

/// States that are remembered as bases for a delta, the newest among them. An agent that is further behind gets a
/// snapshot; they share what is equal, so each costs little.
const MAX_RECENT: usize = 8;

/// Why a stream is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AwayReason {
    Shutdown,
    Displaced,
    Revoked,
    Clone,
    Overloaded,
    Protocol,
    Behind,
    /// The certificate is not one that is accepted here, and nobody has revoked it: it may be later.
    NotKnown,
}

impl AwayReason {
    /// For logs and metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::Shutdown => "shutdown",
            Self::Displaced => "displaced",
            Self::Revoked => "revoked",
            Self::Clone => "clone",
            Self::Overloaded => "overloaded",
            Self::Protocol => "protocol",
            Self::Behind => "behind",
            Self::NotKnown => "not known",
        }
    }
}

/// Why nothing is sent to a tenant until a person acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Parked {
    /// The agent comes from a history that this store does not have.
    History(String),
    /// Two agents answered under one identity.
    Clone(String),
    /// The agent refused this content for good.
    Refused { digest: Digest, text: String },
}

impl Parked {
    pub(crate) fn reason(&self) -> &str {
        match self {
            Self::History(text) | Self::Clone(text) | Self::Refused { text, .. } => text,
        }
    }
}

/// One tenant's desk.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) tenant: TenantName,
    state: Mutex<DeskState>,
    /// Reports are kept one after the other, over all streams of the tenant.
    pub(crate) reporting: tokio::sync::Mutex<()>,
    pace: Mutex<Pace>,
}

#[derive(Debug)]
pub(crate) struct DeskState {
    pub(crate) wanted: Arc<State>,
    /// Of the newest state whose content differs from the one before.
    pub(crate) content_revision: u64,
    pub(crate) lease: Option<SignedLease>,
    /// Contents, the newest last.
    recent: VecDeque<Buckets>,
    live: Option<Arc<Connection>>,
    displaced: Option<Displaced>,
    pub(crate) parked: Option<Parked>,
    /// Why it was parked, as events tell last: an agent that comes again and refuses the same is no news.
    told_parked: Option<String>,
    pub(crate) reported: Reported,
    /// What the tenant's agents have ever reported of our people's accounts.
    pub(crate) known: KnownAccounts,
    /// Accounts that the agent has come to see, until it is certain that their people work, or the writer has looked.
    pub(crate) strays: BTreeSet<(HomeName, Guid)>,
    /// The agent has said something of a removal since it was last looked at.
    pub(crate) told: bool,
    /// Whether the guardrail's day of review was over at the last pulse. The clock ends it, and no report tells that.
    review_past: bool,
    /// An agent has come with a certificate of ours of which there is no row.
    pub(crate) forgotten_agent: bool,
    pub(crate) asks: Asks,
}

/// An older stream of another run of the agent, until it is known whether it still answers.
#[derive(Debug)]
struct Displaced {
    connection: Arc<Connection>,
    until: Timestamp,
}

/// Whether an agent is here.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Presence {
    pub(crate) connected: bool,
    pub(crate) last_seen: Option<Timestamp>,
}

impl Desk {
    pub(crate) fn new(tenant: TenantName, wanted: Arc<State>, reported: Reported) -> Self {
        // What was accepted before a restart with the same content keeps its revision.
        let accepted = reported.accepted.as_ref().filter(|accepted| accepted.digest == wanted.digest);
        let content_revision = accepted.map_or(wanted.version.revision, |accepted| accepted.version.revision);
        let recent = VecDeque::from([wanted.items.clone()]);
        let (lease, live, displaced) = (None, None, None);
        let parked = reported.clone.clone().map(Parked::Clone);
        let (known, strays) = (KnownAccounts::new(), BTreeSet::new());
        let (told, forgotten_agent) = (false, false);
        let mut state = DeskState {
            wanted,
            content_revision,
            lease,
            recent,
            live,
            displaced,
            parked,
            told_parked: None,
            reported,
            known,
            strays,
            told,
            review_past: false,
            forgotten_agent,
            asks: Asks::default(),
        };
        let undesired = |(key, _): &(&Arc<str>, &Arc<ItemReport>)| state.wanted.items.get(key).is_none();
        let reported: Vec<_> = state.reported.items.iter().filter(undesired).map(|(_, item)| item.clone()).collect();
        for item in &reported {
            state.note_stray(item);
        }
        let pace = Mutex::new(Pace::new(Instant::now()));
        Self { tenant, state: Mutex::new(state), reporting: tokio::sync::Mutex::new(()), pace }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, DeskState> {
        lock(&self.state)
    }
}

impl DeskState {
    fn install(&mut self, state: Arc<State>) {
        if state.digest != self.wanted.digest {
            self.content_revision = state.version.revision;
            self.recent.push_back(state.items.clone());
            if self.recent.len() > MAX_RECENT {
                self.recent.pop_front();
            }
            if matches!(self.parked, Some(Parked::Refused { .. })) {
                self.parked = None;
            }
        }
        self.wanted = state;
        self.wake();
    }

    /// Keeps an account in mind that is seen and not named for removal. Says whether it did. One that is desired
    /// counts: a leave that was decided before may not be laid on this desk yet, and whoever works is passed over by
    /// the writer.
    pub(crate) fn note_stray(&mut self, item: &ItemReport) -> bool {
        let ItemKey::User(UserKey { home, object_id }) = &item.key else { return false };
        let is_seen = match item.state {
            ItemState::Removed => false,
            // What could not be read, as the blocked account of somebody long gone, was not seen.
            ItemState::Waiting => item.reason == Some(Reason::Redemption),
            _ => true,
        };
        let is_stray = is_seen && !self.is_named_for_removal(&item.key.to_string());
        is_stray && self.strays.insert((home.clone(), *object_id))
    }

    /// Whether the agent is told that it should be gone.
    pub(crate) fn is_named_for_removal(&self, key: &str) -> bool {
        let wanted = self.wanted.items.get(key).and_then(|item| item.open().ok());
        wanted.is_some_and(|item| item.want != Want::Present)
    }

    /// Whether an agent has reported here, or come with a certificate that it was given here.
    pub(crate) fn has_enrolled(&self) -> bool {
        self.reported.reporter.is_some() || !self.reported.unreadable.is_empty() || self.forgotten_agent
    }

    /// Why a tenant is parked, unless events tell so already.
    fn news_of(&mut self, parked: &Parked) -> Option<String> {
        let why = parked.reason().to_owned();
        (self.told_parked.replace(why.clone()).as_ref() != Some(&why)).then_some(why)
    }

    fn wake(&self) {
        if let Some(live) = &self.live {
            live.wake();
        }
    }

    /// The stream on which the agent is told things.
    pub(crate) fn live(&self) -> Option<Arc<Connection>> {
        self.live.clone()
    }

    /// The whole state again, whatever the agent has said that it holds.
    pub(crate) fn resend(&self) {
        if let Some(live) = &self.live {
            live.slot().resend();
            live.wake();
        }
    }

    pub(crate) fn last_seen(&self) -> Option<Timestamp> {
        let live = self.live.as_ref().map(|live| live.slot().heard);
        live.max(self.reported.last_seen)
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.live.is_some()
    }

    /// Contents that are newer than the accepted one; at least so many, if that one is no longer remembered.
    pub(crate) fn behind(&self) -> u64 {
        let accepted = self.reported.accepted.as_ref().map(|accepted| accepted.digest);
        let newer = self.recent.iter().rev().take_while(|items| Some(items.digest()) != accepted);
        newer.count() as u64
    }

    /// Whether the lease that is there is for what is wanted, and will last.
    pub(crate) fn needs_lease(&self, now: Timestamp, remaining: Duration) -> bool {
        let wanted = &self.wanted;
        self.lease.as_ref().is_none_or(|signed| {
            let lease = signed.lease;
            lease.digest != wanted.digest || lease.version < wanted.version || lease.fresh_until.since(now) < remaining
        })
    }

    pub(crate) fn renew(&mut self, lease: SignedLease) {
        self.lease = Some(lease);
        self.wake();
    }
}

/// All desks.
#[derive(Debug, Default)]
pub(crate) struct Desks(RwLock<HashMap<TenantName, Arc<Desk>>>);

impl Desks {
    /// At start-up: what agents said before it.
    pub(crate) fn remember(
        &self,
        reports: HashMap<TenantName, Reported>,
        mut known: HashMap<TenantName, KnownAccounts>,
        world: &World,
    ) {
        let mut desks = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for (tenant, mut reported) in reports {
            // Rows of a tenant that is gone wait for the cleanup.
            if let Some(desk) = desks.get_mut(&tenant) {
                reported.count();
                let wanted = desk.lock().wanted.clone();
                *desk = Arc::new(Desk::new(tenant, wanted, reported));
            }
        }
        for (tenant, desk) in desks.iter() {
            let mut state = desk.lock();
            state.known = known.remove(tenant).unwrap_or_default();
            // Reports of older versions had no such rows beside them.
            let (items, agent) = (state.reported.items.values(), state.reported.reporter.as_ref());
            let at = state.reported.last_seen.unwrap_or_default();
            let more = memory::gained(&state.known, world, items.map(|item| &**item), agent, at);
            state.known.extend(more);
        }
    }

    pub(crate) fn get(&self, tenant: &TenantName) -> Option<Arc<Desk>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Desk>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Lays new states on the desks and wakes their streams; called in order of revision.
    pub(crate) fn install(&self, states: Vec<(TenantName, Arc<State>)>, gone: Vec<TenantName>, inner: &Inner) {
        for (tenant, state) in states {
            match self.get(&tenant) {
                Some(desk) => {
                    let mut desk = desk.lock();
                    desk.install(state);
                    if desk.is_connected() {
                        inner.leases.add(&tenant);
                    }
                }
                None => {
                    let desk = Arc::new(Desk::new(tenant.clone(), state, Reported::default()));
                    self.0.write().unwrap_or_else(PoisonError::into_inner).insert(tenant.clone(), desk);
                }
            }
            inner.watchers.changed(&tenant);
        }
        if !gone.is_empty() {
            inner.tenant_gone.notify_one();
        }
        for tenant in gone {
            let desk = self.0.write().unwrap_or_else(PoisonError::into_inner).remove(&tenant);
            if let Some(desk) = desk {
                desk.lock().cut(AwayReason::Revoked, Duration::ZERO);
            }
            inner.watchers.changed(&tenant);
        }
    }

    /// An agent may not connect any more.
    pub(crate) fn revoked(&self, agent: &AgentName, inner: &Inner) {
        let Some(desk) = self.get(&agent.tenant) else { return };
        desk.lock().cut_agent(agent, AwayReason::Revoked);
        inner.watchers.changed(&agent.tenant);
    }

    /// Another agent may connect: an alarm about a clone of the former one is over.
    pub(crate) fn enrolled(&self, tenant: &TenantName, inner: &Inner) {
        let Some(desk) = self.get(tenant) else { return };
        let mut state = desk.lock();
        if matches!(state.parked, Some(Parked::Clone(_))) {
            state.parked = None;
            // In its row with the next report; a restart before that asks once more.
            state.reported.clone = None;
        }
        drop(state);
        inner.watchers.changed(tenant);
    }

    pub(crate) fn presence(&self, agent: &AgentName) -> Presence {
        let Some(desk) = self.get(&agent.tenant) else { return Presence::default() };
        let state = desk.lock();
        let connected = state.live.as_ref().is_some_and(|live| live.agent == *agent);
        let mine = state.reported.reporter.as_ref() == Some(agent);
        Presence { connected, last_seen: state.last_seen().filter(|_| connected || mine) }
    }

    /// Tenants whose agents have said something of a removal since this was last asked.
    pub(crate) fn take_told(&self) -> BTreeSet<TenantName> {
        let told = self.all().into_iter().filter(|desk| std::mem::take(&mut desk.lock().told));
        told.map(|desk| desk.tenant.clone()).collect()
    }

    /// Accounts that agents have come to see.
    pub(crate) fn strays(&self) -> Vec<Sighting> {
        let of = |desk: Arc<Desk>| {
            let strays = desk.lock().strays.clone().into_iter();
            strays.map(move |(home, object_id)| Sighting { tenant: desk.tenant.clone(), home, object_id })
        };
        self.all().into_iter().flat_map(of).collect()
    }

    /// What has been seen to.
    pub(crate) fn forget_strays(&self, seen: &[Sighting]) {
        for one in seen {
            if let Some(desk) = self.get(&one.tenant) {
                desk.lock().strays.remove(&(one.home.clone(), one.object_id));
            }
        }
    }

    /// Where accounts are reported, or were ever, that are about to lose everything: of those who leave, and those that
    /// their operator has no more. An agent may speak of an account no longer that is there all the same, as of an adopted
    /// guest whom no assignment means. Asked only when there are any.
    pub(crate) fn sightings(&self, world: &World, puts: &[Manifest], deletes: &[ResourceName]) -> Vec<Sighting> {
        let departing = departing(world.fleet.intent(), puts, deletes);
        if departing.is_empty() {
            return Vec::new();
        }
        let mut found = Vec::new();
        for desk in self.all() {
            let state = desk.lock();
            for ((home, object_id), leaves_now) in &departing {
                let account = (home.clone(), *object_id);
                if state.reported.shows(home, *object_id) || (*leaves_now && state.known.contains_key(&account)) {
                    let (home, object_id) = account;
                    found.push(Sighting { tenant: desk.tenant.clone(), home, object_id });
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

/// A version and its content.
pub(crate) fn same_content(base: Option<(Version, Digest)>, wanted: &State) -> bool {
    // A new epoch begins with a state, even of the same content.
    base.is_some_and(|(version, digest)| version.epoch == wanted.version.epoch && digest == wanted.digest)
}
