//! The state machine: what the agent is doing about its stream, and one function from event to effects.
//!
//! ```text
//! Waiting -> Dialling -> Greeting -> Live -> Waiting ...      Ended: the identity was revoked
//! ```
//!
//! [`link`] has how a stream begins and ends, [`transfer`] what happens to a state on a live stream, [`state`] what the
//! machine holds, and [`event`] its inputs and outputs.

mod event;
mod leavers;
mod link;
mod state;
mod transfer;

use std::sync::Arc;
use std::time::Duration;

use entente_model::plan::PlannedChange;
use entente_seal::{Signed, Verifier};

use crate::backoff::Backoff;
use crate::clock::{Now, ServerClock};
use crate::held::{Believed, Kept};
use crate::message::{Inbound, Outbound};
use crate::outbox::{Outbox, Status};
use state::Link;

pub use event::{Alarm, Config, Effect, Event, PROTOCOL, View};
pub use state::Session;

/// Dialling and greeting together: three slow handshakes.
const GREETING_PATIENCE: Duration = Duration::from_secs(30);

/// Most lines of a plan's answer (agent_service.proto: PlanResult).
const MAX_PLAN: usize = 5_000;

impl Session {
    /// Starts from what is on disk. What does not verify is not used, and is reported.
    pub fn new(config: Config, statements: Vec<Signed>, kept: Option<Kept>) -> (Self, Vec<Effect>) {
        let mut verifier = Verifier::new(config.root_key);
        let mut alarms: Vec<_> = statements
            .iter()
            .filter_map(|signed| verifier.accept(signed).err())
            .map(|error| Effect::Alarm(Alarm::Statement(error.to_string())))
            .collect();
        let read_back = |kept| Believed::read_back(&verifier, &statements, config.root_key, config.entra_tenant, kept);
        let believed = kept.map(read_back).transpose();
        let mut refused = None;
        if let Err(error) = &believed {
            alarms.push(Effect::Alarm(Alarm::StateOnDisk(error.to_string())));
            refused = Some(Alarm::StateOnDisk(error.to_string()).to_string());
        }
        let session = Self {
            config,
            verifier,
            statements,
            clock: ServerClock::default(),
            believed: believed.ok().flatten(),
            keeping: None,
            unkept: None,
            aside: None,
            refused,
            backoff: Backoff::default(),
            outbox: Outbox::default(),
            link: Link::Waiting { until: Duration::ZERO },
        };
        (session, alarms)
    }

    /// Handles an event, and returns what to do.
    pub fn on(&mut self, event: Event, now: Now) -> Vec<Effect> {
        let mut effects = Vec::new();
        let out = &mut effects;
        match event {
            Event::Opened { guardrail_digest } => self.opened(guardrail_digest, now, out),
            Event::Closed { .. } => self.lost(None, now),
            Event::Received(inbound) => self.received(inbound, now, out),
            Event::Timer => {}
            Event::Kept => self.kept(now, out),
            Event::KeepFailed { error } => self.keep_failed(&error, out),
            Event::Observed(status) => self.observed(status, now),
            Event::Planned { nonce, result } => self.planned(nonce, result, out),
            Event::Renewed => self.renewed(now, out),
        }
        self.on_time(now, out);
        effects
    }

    /// When, in uptime, to send [`Event::Timer`].
    pub fn wake(&self) -> Option<Duration> {
        match &self.link {
            // Not while a state is being written to disk: the content of `Hello` depends on what is held.
            Link::Waiting { until } => self.keeping.is_none().then_some(*until),
            Link::Dialling { since } | Link::Greeting { since } => Some(*since + GREETING_PATIENCE),
            Link::Live(live) => {
                let silence = live.heard + live.patience;
                Some(self.outbox.wake().map_or(silence, |report| report.min(silence)))
            }
            Link::Ended => None,
        }
    }

    /// The current state, for the rest of the agent.
    pub fn view(&self, now: Now) -> View {
        let lease_ends = self.believed.as_ref().and_then(|it| it.lease).map(|lease| lease.fresh_until);
        let live = if let Link::Live(live) = &self.link { Some(live) } else { None };
        View {
            desired: self.believed.as_ref().map(|it| it.desired.clone()),
            fresh_until: lease_ends.map(|ends| self.clock.uptime_of(ends, now)),
            lease_ends,
            connected: live.is_some(),
            parked: live.and_then(|live| live.parked.clone()),
            refused: self.refused.clone(),
            unkept: self.unkept.clone(),
            aside: self.aside.clone(),
            told: self.outbox.told(),
        }
    }

    fn on_time(&mut self, now: Now, out: &mut Vec<Effect>) {
        match &self.link {
            Link::Waiting { until } if now.uptime >= *until && self.keeping.is_none() => {
                self.link = Link::Dialling { since: now.uptime };
                out.push(Effect::Dial);
            }
            Link::Dialling { since } | Link::Greeting { since } if now.uptime >= *since + GREETING_PATIENCE => {
                self.hang_up(None, now, out);
            }
            Link::Live(live) if now.uptime >= live.heard + live.patience => self.hang_up(None, now, out),
            Link::Live(live) => {
                if let Some((report, full)) = self.outbox.next(now.uptime, live.batch) {
                    out.push(Effect::Send(Outbound::Report { report, full }));
                }
            }
            _ => {}
        }
    }

    fn received(&mut self, inbound: Inbound, now: Now, out: &mut Vec<Effect>) {
        match (&mut self.link, inbound) {
            (Link::Greeting { .. } | Link::Live(_), Inbound::GoAway { reason, retry_after }) => {
                self.go_away(reason, retry_after, now, out);
            }
            (Link::Greeting { .. }, Inbound::Welcome(welcome)) => self.welcomed(welcome, now, out),
            // Anything else before `Welcome`, or a second `Welcome`, violates the protocol.
            (Link::Greeting { .. }, _) | (Link::Live(_), Inbound::Welcome(_)) => self.hang_up(None, now, out),
            (Link::Live(live), inbound) => {
                live.heard = now.uptime;
                self.while_live(inbound, now, out);
            }
            // Left over from a stream that is gone.
            _ => {}
        }
    }

    fn while_live(&mut self, inbound: Inbound, now: Now, out: &mut Vec<Effect>) {
        match inbound {
            Inbound::Chunk { nonce, items, last, seal } => self.chunk(nonce, items, last, seal, now, out),
            Inbound::Leavers { nonce, items, last, seal } => self.leavers(nonce, items, last, seal, now, out),
            Inbound::Delta { nonce, from, delta, seal } => self.delta(nonce, from, &delta, seal, now, out),
            Inbound::Unreadable { nonce, error } => self.unreadable(nonce, error, out),
            Inbound::Lease(seal) => self.lease(seal, now, out),
            Inbound::Plan { nonce } => self.plan(nonce, out),
            Inbound::Compare => out.push(Effect::Nudge),
            Inbound::ReportAck { number } => self.outbox.acknowledged(number),
            Inbound::Ping { number } => out.push(Effect::Send(Outbound::Pong { number })),
            // `received` handles them.
            Inbound::Welcome(_) | Inbound::GoAway { .. } => {}
        }
    }

    fn observed(&mut self, status: Arc<Status>, now: Now) {
        let gather = if let Link::Live(live) = &self.link { live.gather } else { Duration::ZERO };
        self.outbox.observe(status, now.uptime, gather);
    }

    fn plan(&mut self, nonce: String, out: &mut Vec<Effect>) {
        let Link::Live(live) = &mut self.link else { return };
        live.plans += 1;
        out.push(Effect::Plan { nonce });
    }

    fn planned(&mut self, nonce: String, result: Result<Vec<PlannedChange>, String>, out: &mut Vec<Effect>) {
        // A nonce lives as long as its stream. An answer that comes later has no receiver.
        let Link::Live(live) = &mut self.link else { return };
        if live.plans == 0 {
            return;
        }
        live.plans -= 1;
        let result = result.map(|mut changes| {
            changes.truncate(MAX_PLAN);
            changes
        });
        out.push(Effect::Send(Outbound::PlanResult { nonce, result }));
    }
}

#[cfg(test)]
mod tests;
