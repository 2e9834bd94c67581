//! One tenant's channel: the state that its agent should have, the stream on which it is told, and what it said.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use entente_model::desired::{ItemKey, UserKey, Want};
use entente_model::report::{ItemReport, ItemState, Reason};
use entente_model::{AgentName, GoAwayReason, Guid, HomeName, TenantName, Timestamp};
use entente_seal::Buckets;

use super::connection::{Connection, Told};
use super::outgoing::Parked;
use super::pace::{Asks, Pace};
use super::reported::{KnownAccounts, Reported};
use crate::history::{SignedLease, State};
use crate::sync::lock;

/// States that are remembered as bases for a delta, the newest among them. An agent that is further behind gets a
/// snapshot; they share what is equal, so each costs little.
const MAX_RECENT: usize = 8;

/// One tenant's channel.
#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) tenant: TenantName,
    state: Mutex<ChannelState>,
    /// Reports are kept one after the other, over all streams of the tenant.
    pub(crate) reporting: tokio::sync::Mutex<()>,
    pub(crate) pace: Mutex<Pace>,
}

#[derive(Debug)]
pub(crate) struct ChannelState {
    pub(crate) wanted: Arc<State>,
    /// Of the newest state whose content differs from the one before.
    pub(crate) content_revision: u64,
    pub(crate) lease: Option<SignedLease>,
    /// Contents, the newest last.
    pub(crate) recent: VecDeque<Buckets>,
    /// The stream on which the agent is told things.
    pub(crate) live: Option<Arc<Connection>>,
    pub(crate) displaced: Option<Displaced>,
    pub(crate) parked: Option<Parked>,
    /// Why it was parked, as events tell last: an agent that comes again and refuses the same is no news.
    told_parked: Option<String>,
    pub(crate) reported: Reported,
    /// What the tenant's agents have ever reported of our people's accounts.
    pub(crate) known: KnownAccounts,
    /// Accounts that the agent has come to see, until it is certain that their people work, or the writer has looked.
    pub(crate) unexpected_accounts: BTreeSet<(HomeName, Guid)>,
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
pub(crate) struct Displaced {
    pub(crate) connection: Arc<Connection>,
    pub(crate) until: Timestamp,
}

impl Channel {
    pub(crate) fn new(tenant: TenantName, wanted: Arc<State>, reported: Reported) -> Self {
        // What was accepted before a restart with the same content keeps its revision.
        let accepted = reported.accepted.as_ref().filter(|accepted| accepted.digest == wanted.digest);
        let content_revision = accepted.map_or(wanted.version.revision, |accepted| accepted.version.revision);
        let recent = VecDeque::from([wanted.items.clone()]);
        let parked = reported.clone.clone().map(Parked::Clone);
        let mut state = ChannelState {
            wanted,
            content_revision,
            lease: None,
            recent,
            live: None,
            displaced: None,
            parked,
            told_parked: None,
            reported,
            known: KnownAccounts::new(),
            unexpected_accounts: BTreeSet::new(),
            told: false,
            review_past: false,
            forgotten_agent: false,
            asks: Asks::default(),
        };
        let undesired = |(key, _): &(&Arc<str>, &Arc<ItemReport>)| state.wanted.items.get(key).is_none();
        let reported: Vec<_> = state.reported.items.iter().filter(undesired).map(|(_, item)| item.clone()).collect();
        for item in &reported {
            state.note_unexpected(item);
        }
        let pace = Mutex::new(Pace::new(Instant::now()));
        Self { tenant, state: Mutex::new(state), reporting: tokio::sync::Mutex::new(()), pace }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, ChannelState> {
        lock(&self.state)
    }
}

impl ChannelState {
    pub(crate) fn install(&mut self, state: Arc<State>) {
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

    /// Remembers an account that is seen and not named for removal, and says whether it did. A desired account counts too: a
    /// leave may already be decided and not be installed in this channel yet. The writer skips people who still work.
    pub(crate) fn note_unexpected(&mut self, item: &ItemReport) -> bool {
        let ItemKey::User(UserKey { home, object_id }) = &item.key else { return false };
        let is_seen = match item.state {
            ItemState::Removed => false,
            // An account that could not be read, such as a blocked one, was not seen.
            ItemState::Waiting => item.reason == Some(Reason::Redemption),
            _ => true,
        };
        let is_unexpected = is_seen && !self.is_named_for_removal(&item.key.to_string());
        is_unexpected && self.unexpected_accounts.insert((home.clone(), *object_id))
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
    pub(crate) fn news_of(&mut self, parked: &Parked) -> Option<String> {
        let why = parked.reason().to_owned();
        (self.told_parked.replace(why.clone()).as_ref() != Some(&why)).then_some(why)
    }

    fn wake(&self) {
        if let Some(live) = &self.live {
            live.wake();
        }
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

    /// What there is to be told of states.
    pub(crate) fn told(&self) -> Told<'_> {
        let (wanted, lease, recent) = (&self.wanted, self.lease.as_ref(), &self.recent);
        Told { wanted, lease, recent, is_parked: self.parked.is_some() }
    }

    pub(crate) fn is_live(&self, connection: &Arc<Connection>) -> bool {
        self.live.as_ref().is_some_and(|live| Arc::ptr_eq(live, connection))
    }

    /// Sends every stream of the tenant away.
    pub(crate) fn cut(&self, reason: GoAwayReason, retry_after: Duration) {
        let displaced = self.displaced.iter().map(|older| &older.connection);
        for connection in self.live.iter().chain(displaced) {
            connection.send_away(reason, retry_after);
        }
    }

    /// Sends the streams of one agent away.
    pub(crate) fn cut_agent(&self, agent: &AgentName, reason: GoAwayReason) {
        let displaced = self.displaced.iter().map(|older| &older.connection);
        for connection in self.live.iter().chain(displaced).filter(|connection| connection.agent == *agent) {
            connection.send_away(reason, Duration::ZERO);
        }
    }

    /// Whether the day of review is over, and was not when this was last asked; or the other way round.
    pub(crate) fn review_turns(&mut self, now: Timestamp) -> bool {
        let ends = self.reported.standing.as_ref().and_then(|standing| standing.review_ends);
        let is_past = ends.is_some_and(|ends| ends <= now);
        std::mem::replace(&mut self.review_past, is_past) != is_past
    }

    /// Takes over from an older stream. One of the same run has only reconnected; one of another run is asked whether
    /// it is still there, because a restarted agent's old stream does not answer and a clone's does.
    pub(crate) fn displace(&mut self, connection: &Arc<Connection>, now: Timestamp, window: Duration) {
        let Some(older) = self.live.replace(connection.clone()) else { return };
        if older.boot_id == connection.boot_id {
            return older.send_away(GoAwayReason::Displaced, Duration::ZERO);
        }
        older.ask_ping(now);
        let displaced = Displaced { connection: older, until: now.plus(window) };
        if let Some(still_older) = self.displaced.replace(displaced) {
            still_older.connection.send_away(GoAwayReason::Displaced, Duration::ZERO);
        }
    }
}
