//! One stream of an agent: what it holds, what is on its way to it, and what it is told next.
//!
//! A state machine over a few flags: whatever happens sets a flag and wakes the stream; the stream, when its reader is
//! ready, takes the next thing. So the latest is enough, nothing queues up, and there is no task or timer for a stream.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use entente_model::desired::{Digest, Version, Want};
use entente_model::plan::PlannedChange;
use entente_model::{AgentName, GoAwayReason, Timestamp};
use entente_seal::{Buckets, Delta};
use futures::task::AtomicWaker;
use tokio::sync::oneshot;

use super::outgoing::{Outgoing, Parked};
use crate::history::{SignedLease, State};
use crate::identity::Leaf;
use crate::sync::lock;

/// Callers that wait for one plan: more want to know something else.
const MAX_PLAN_WAITERS: usize = 64;

/// Acknowledgements that wait for an agent that does not read: an honest one waits for each.
const MAX_UNREAD_ACKS: usize = 256;

/// A change is one message, a whole state comes in parts: what is larger than this is sent in parts.
const MAX_DELTA_BYTES: usize = 256 << 10;

fn size(delta: &Delta) -> usize {
    let upserts: usize = delta.upserts.iter().map(|item| item.key().len() + item.bytes().len()).sum();
    upserts + delta.removed.iter().map(|key| key.len()).sum::<usize>()
}

/// The answer to a plan request, for each who asked.
pub(crate) type PlanWaiter = oneshot::Sender<Result<Vec<PlannedChange>, String>>;

#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) agent: AgentName,
    pub(crate) leaf: Leaf,
    pub(crate) not_after: Timestamp,
    /// Of this run of the agent.
    pub(crate) boot_id: String,
    pub(crate) waker: AtomicWaker,
    slot: Mutex<Slot>,
}

/// What is to be told, and what is on its way.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    /// What the agent holds, as far as it has said.
    pub(crate) base: Option<(Version, Digest)>,
    in_flight: Option<InFlight>,
    last_nonce: u64,
    /// Up to here states may still be answered, and the answer means nothing any more.
    superseded: u64,
    /// The agent could not use a delta.
    snapshot_next: bool,
    retry_at: Option<Timestamp>,
    /// Of the lease that was sent last.
    leased: Option<(Version, Timestamp)>,
    /// The content whose leavers were told while the tenant is parked.
    told_leavers: Option<Digest>,
    acks: VecDeque<u64>,
    plan: PlanAsked,
    compare: bool,
    ping: Option<u64>,
    pub(crate) last_ping: u64,
    pub(crate) pinged: Timestamp,
    pub(crate) heard: Timestamp,
    away: Option<(GoAwayReason, Duration)>,
    pub(crate) over: bool,
}

#[derive(Debug)]
struct InFlight {
    nonce: u64,
    state: Arc<State>,
}

/// The one plan that is asked for.
#[derive(Debug, Default)]
struct PlanAsked {
    nonce: u64,
    due: bool,
    waiters: Vec<PlanWaiter>,
}

/// What there is to be told of states.
pub(crate) struct Told<'a> {
    pub(crate) wanted: &'a Arc<State>,
    pub(crate) lease: Option<&'a SignedLease>,
    /// Contents from which a change can be told.
    pub(crate) recent: &'a VecDeque<Buckets>,
    pub(crate) is_parked: bool,
}

/// A version and its content.
fn same_content(base: Option<(Version, Digest)>, wanted: &State) -> bool {
    // A new epoch begins with a state, even of the same content.
    base.is_some_and(|(version, digest)| version.epoch == wanted.version.epoch && digest == wanted.digest)
}

/// What an agent said of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the nonce {0} is not that of the state in flight")]
pub struct UnknownNonce(pub u64);

impl Connection {
    pub(crate) fn new(
        agent: AgentName,
        (leaf, not_after): (Leaf, Timestamp),
        boot_id: String,
        base: Option<(Version, Digest)>,
        now: Timestamp,
    ) -> Self {
        let slot = Slot { base, pinged: now, heard: now, ..Slot::default() };
        Self { agent, leaf, not_after, boot_id, waker: AtomicWaker::new(), slot: Mutex::new(slot) }
    }

    pub(crate) fn slot(&self) -> MutexGuard<'_, Slot> {
        lock(&self.slot)
    }

    pub(crate) fn wake(&self) {
        self.waker.wake();
    }

    /// Says goodbye; the first reason counts.
    pub(crate) fn send_away(&self, reason: GoAwayReason, retry_after: Duration) {
        self.slot().away.get_or_insert((reason, retry_after));
        self.wake();
    }

    /// Says whether there was room for it.
    pub(crate) fn acknowledge(&self, number: u64) -> bool {
        let mut slot = self.slot();
        slot.acks.push_back(number);
        let has_room = slot.acks.len() <= MAX_UNREAD_ACKS;
        drop(slot);
        self.wake();
        has_room
    }

    pub(crate) fn ask_compare(&self) {
        self.slot().compare = true;
        self.wake();
    }

    /// Asks for a plan, or joins those who wait for the one that is asked for.
    pub(crate) fn ask_plan(&self, waiter: PlanWaiter) -> bool {
        let mut slot = self.slot();
        slot.plan.waiters.retain(|waiter| !waiter.is_closed());
        if slot.plan.waiters.len() >= MAX_PLAN_WAITERS {
            return false;
        }
        if slot.plan.waiters.is_empty() {
            slot.plan.nonce += 1;
            slot.plan.due = true;
        }
        slot.plan.waiters.push(waiter);
        drop(slot);
        self.wake();
        true
    }

    pub(crate) fn ask_ping(&self, now: Timestamp) {
        let mut slot = self.slot();
        slot.last_ping += 1;
        slot.ping = Some(slot.last_ping);
        slot.pinged = now;
        drop(slot);
        self.wake();
    }
}

impl Slot {
    /// The next thing to be told.
    pub(crate) fn next(&mut self, told: &Told<'_>, is_live: bool, now: Timestamp) -> Option<Outgoing> {
        if let Some((reason, retry_after)) = self.away {
            self.over = true;
            return Some(Outgoing::GoAway { reason, retry_after });
        }
        if let Some(number) = self.acks.pop_front() {
            return Some(Outgoing::ReportAck { number });
        }
        if let Some(number) = self.ping.take() {
            return Some(Outgoing::Ping { number });
        }
        if !is_live {
            return None;
        }
        if std::mem::take(&mut self.plan.due) {
            return Some(Outgoing::PlanRequest { nonce: self.plan.nonce });
        }
        if std::mem::take(&mut self.compare) {
            return Some(Outgoing::Compare);
        }
        if told.is_parked {
            return self.leavers(told);
        }
        if self.in_flight.is_some() {
            return None;
        }
        if same_content(self.base, told.wanted) { self.lease(told) } else { self.state(told, now) }
    }

    /// The agent of a parked tenant is told who leaves, too: once for each content.
    fn leavers(&mut self, told: &Told<'_>) -> Option<Outgoing> {
        let state = told.wanted;
        if self.told_leavers.replace(state.digest) == Some(state.digest) {
            return None;
        }
        let is_leaver = |want: &Want| matches!(want, Want::Absent { cause, .. } if cause.is_leaver());
        let names_one = state.items.iter().any(|item| item.open().is_ok_and(|item| is_leaver(&item.want)));
        names_one.then(|| {
            self.last_nonce += 1;
            Outgoing::Leavers { nonce: self.last_nonce, items: state.items.clone(), seal: state.seal() }
        })
    }

    fn lease(&mut self, told: &Told<'_>) -> Option<Outgoing> {
        let signed = told.lease.filter(|signed| signed.lease.digest == told.wanted.digest)?;
        let (version, held) = (signed.lease.version, self.base?.0);
        if version < held || self.leased == Some((version, signed.lease.fresh_until)) {
            return None;
        }
        self.leased = Some((version, signed.lease.fresh_until));
        Some(Outgoing::Lease(signed.seal()))
    }

    fn state(&mut self, told: &Told<'_>, now: Timestamp) -> Option<Outgoing> {
        if self.retry_at.is_some_and(|at| now < at) {
            return None;
        }
        self.retry_at = None;
        self.last_nonce += 1;
        let (nonce, state) = (self.last_nonce, told.wanted.clone());
        let known = |digest| told.recent.iter().find(|items| items.digest() == digest);
        let base = self.base.filter(|_| !self.snapshot_next);
        let delta = base.and_then(|(_, digest)| known(digest).map(|items| (digest, items.diff(&state.items))));
        let outgoing = match delta.filter(|(_, delta)| size(delta) <= MAX_DELTA_BYTES) {
            Some((from, delta)) => Outgoing::Delta { nonce, from, delta, seal: state.seal() },
            None => Outgoing::Snapshot { nonce, items: state.items.clone(), seal: state.seal() },
        };
        self.in_flight = Some(InFlight { nonce, state });
        Some(outgoing)
    }

    pub(crate) fn received(&self, nonce: u64) -> Result<(), UnknownNonce> {
        let is_due =
            self.in_flight.as_ref().is_some_and(|it| it.nonce == nonce) || (1..=self.superseded).contains(&nonce);
        if is_due { Ok(()) } else { Err(UnknownNonce(nonce)) }
    }

    /// The state that an answer is about; none if another one was put in its place meanwhile.
    fn answered(&mut self, nonce: u64) -> Result<Option<Arc<State>>, UnknownNonce> {
        self.received(nonce)?;
        Ok(self.in_flight.take_if(|it| it.nonce == nonce).map(|it| it.state))
    }

    /// The state that the agent now holds.
    pub(crate) fn accepted(&mut self, nonce: u64) -> Result<Option<Arc<State>>, UnknownNonce> {
        let Some(state) = self.answered(nonce)? else { return Ok(None) };
        self.base = Some((state.version, state.digest));
        self.snapshot_next = false;
        Ok(Some(state))
    }

    /// It will not do as it is: why nothing is sent, until something changes.
    pub(crate) fn refused(&mut self, nonce: u64, errors: &[String]) -> Result<Option<Parked>, UnknownNonce> {
        let Some(state) = self.answered(nonce)? else { return Ok(None) };
        // It ends up on terminals.
        let errors = errors.join("; ").replace(char::is_control, " ");
        let text = format!("the agent refused version {}: {errors}", state.version);
        Ok(Some(Parked::Refused { digest: state.digest, text }))
    }

    /// It will do later, and whole.
    pub(crate) fn postponed(&mut self, nonce: u64, until: Timestamp) -> Result<(), UnknownNonce> {
        if self.answered(nonce)?.is_some() {
            self.snapshot_next = true;
            self.retry_at = Some(until);
        }
        Ok(())
    }

    pub(crate) fn resend(&mut self) {
        if self.in_flight.take().is_some() {
            self.superseded = self.last_nonce;
        }
        self.snapshot_next = true;
        self.base = None;
        self.retry_at = None;
        self.leased = None;
    }

    pub(crate) fn retry_is_due(&self, now: Timestamp) -> bool {
        self.retry_at.is_some_and(|at| at <= now)
    }

    pub(crate) fn planned(&mut self, nonce: u64, plan: &Result<Vec<PlannedChange>, String>) {
        if nonce != self.plan.nonce {
            return;
        }
        for waiter in self.plan.waiters.drain(..) {
            // Who asked may have gone meanwhile, which is no concern of the agent's.
            let _ = waiter.send(plan.clone());
        }
    }
}
