//! How a stream begins and ends: dialling, `Hello`, `Welcome`, and the wait before dialling again.

use std::time::Duration;

use entente_model::GoAwayReason;
use entente_model::desired::Version;
use entente_seal::Signed;

use super::event::{Alarm, Effect, PROTOCOL};
use super::state::{Link, Live, Session, Transfer};
use crate::clock::Now;
use crate::gather::MAX_STATEMENTS;
use crate::message::{Outbound, Welcome};

/// Ping intervals that an agent accepts. The control plane can ask for neither silence nor noise.
const PING: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));

/// Most items in one report, whatever the control plane asks: some 500 KiB.
const MAX_BATCH: usize = 1_000;

/// Longest time to collect changes, whatever the control plane asks.
const LONGEST_GATHER: Duration = Duration::from_secs(10);

impl Session {
    pub(super) fn opened(&mut self, guardrail_digest: String, now: Now, out: &mut Vec<Effect>) {
        let Link::Dialling { .. } = self.link else {
            return out.push(Effect::HangUp);
        };
        self.link = Link::Greeting { since: now.uptime };
        let believed = self.believed.as_ref();
        out.push(Effect::Send(Outbound::Hello {
            build: self.config.build.clone(),
            boot_id: self.config.boot_id.clone(),
            version: believed.map_or(Version::default(), |it| it.desired.version),
            root: believed.map(|it| it.root),
            digest: believed.map(|it| it.desired.digest),
            guardrail_digest,
        }));
    }

    pub(super) fn welcomed(&mut self, welcome: Welcome, now: Now, out: &mut Vec<Effect>) {
        if welcome.protocol != PROTOCOL {
            out.push(Effect::Alarm(Alarm::Protocol(welcome.protocol)));
            return self.hang_up(None, now, out);
        }
        if let Some(skew) = self.clock.set(welcome.server_time, now) {
            out.push(Effect::Alarm(Alarm::Skew(skew)));
        }
        self.take_statements(welcome.statements, out);
        if let Some(reason) = &welcome.parked {
            out.push(Effect::Alarm(Alarm::Parked(reason.clone())));
        }
        self.outbox.restart(welcome.resend_reports, now.uptime);
        self.link = Link::Live(Live {
            since: now.uptime,
            heard: now.uptime,
            patience: welcome.ping.clamp(PING.0, PING.1) * 3,
            parked: welcome.parked,
            batch: welcome.report_batch.clamp(1, MAX_BATCH),
            gather: welcome.report_after.min(LONGEST_GATHER),
            transfer: Transfer::Idle,
            leavers: None,
            mismatches: 0,
            plans: 0,
        });
    }

    /// Statements only accumulate. A revocation among them may invalidate the lease's signer.
    pub(super) fn take_statements(&mut self, statements: Vec<Signed>, out: &mut Vec<Effect>) {
        let mut taken = false;
        for signed in statements {
            if self.statements.contains(&signed) {
                continue;
            }
            match self.verifier.accept(&signed) {
                Ok(_) if self.statements.len() < MAX_STATEMENTS => {
                    self.statements.push(signed);
                    taken = true;
                }
                // Used for this run, but not stored: an honest provider does not change keys that often.
                Ok(_) => {}
                Err(error) => out.push(Effect::Alarm(Alarm::Statement(error.to_string()))),
            }
        }
        if taken {
            out.push(Effect::KeepStatements(self.statements.clone()));
        }
        if let Some(believed) = &mut self.believed
            && believed.doubt(&self.verifier, self.config.entra_tenant)
        {
            out.push(Effect::Alarm(Alarm::Lease("the key that signed it was revoked".into())));
            out.push(Effect::Nudge);
        }
    }

    pub(super) fn renewed(&mut self, now: Now, out: &mut Vec<Effect>) {
        if matches!(self.link, Link::Greeting { .. } | Link::Live(_)) {
            out.push(Effect::HangUp);
            self.link = Link::Waiting { until: now.uptime };
        }
    }

    pub(super) fn go_away(&mut self, reason: GoAwayReason, retry_after: Duration, now: Now, out: &mut Vec<Effect>) {
        match reason {
            GoAwayReason::Revoked => {
                out.extend([Effect::Alarm(Alarm::Revoked), Effect::HangUp]);
                self.link = Link::Ended;
                return;
            }
            GoAwayReason::Clone => out.push(Effect::Alarm(Alarm::Clone)),
            GoAwayReason::NotKnown => out.push(Effect::Alarm(Alarm::NotKnown)),
            _ => {}
        }
        self.hang_up(Some(retry_after), now, out);
    }

    pub(super) fn hang_up(&mut self, asked: Option<Duration>, now: Now, out: &mut Vec<Effect>) {
        out.push(Effect::HangUp);
        self.lost(asked, now);
    }

    pub(super) fn lost(&mut self, asked: Option<Duration>, now: Now) {
        let lasted = match &self.link {
            Link::Live(live) => now.uptime.saturating_sub(live.since),
            Link::Dialling { .. } | Link::Greeting { .. } => Duration::ZERO,
            Link::Waiting { .. } | Link::Ended => return,
        };
        if let Some(keeping) = &mut self.keeping {
            keeping.nonce = None;
        }
        let wait = self.backoff.after_loss(lasted, asked, now);
        self.link = Link::Waiting { until: now.uptime + wait };
    }
}
