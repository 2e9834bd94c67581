//! A call, and the judgement of each attempt at it: done, or again after a wait.
//!
//! This is where it is decided whether a call is repeated, because here alone it is known what repeating would do. It
//! sends nothing and sleeps nowhere; `client.rs` carries a single call, `batch.rs` twenty, both by this judgement.

use std::time::Duration;

use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::absence::Absence;
use crate::config::Patience;
use crate::failure::{Answer, Cause, Failure, Refusal};
use crate::transport::{Exchange, Reply, root_cause};

/// Which service, hence which address and which token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Login,
    Graph,
    Arm,
}

/// What sending a call twice would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Read,
    /// The same as once: DELETE, PUT under a fixed name, PATCH of fixed values, adding a member.
    Idempotent,
    /// Perhaps a second object: repeated only when the first was certainly not applied.
    Once,
}

/// Which budget a write draws on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    Graph,
    Invitation,
    ArmWrite,
    ArmDelete,
}

/// One operation, ready to be sent, alone or in a batch.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// Method and templated path, without anybody's id: what logs and errors say.
    pub name: &'static str,
    pub service: Service,
    pub method: Method,
    /// Path and query, encoded, from the slash on.
    pub path: String,
    pub body: Option<Value>,
    pub effect: Effect,
    pub lane: Option<Lane>,
    /// Takes access away: goes first with the service, and may draw on the budget's reserve.
    pub revocation: bool,
    /// The service answers a success with a redirect, which is not followed (Defender).
    pub redirect_is_success: bool,
    /// What its 404 may say is not there.
    pub absence: Absence,
}

impl Call {
    pub(crate) fn read(service: Service, name: &'static str, path: String) -> Call {
        Call {
            name,
            service,
            method: Method::GET,
            path,
            body: None,
            effect: Effect::Read,
            lane: None,
            revocation: false,
            redirect_is_success: false,
            absence: Absence::Never,
        }
    }

    /// A write; of a method that is idempotent by itself unless it is a POST.
    pub(crate) fn write(service: Service, method: Method, name: &'static str, path: String) -> Call {
        let lane = match (service, &method) {
            (Service::Arm, &Method::DELETE) => Lane::ArmDelete,
            (Service::Arm, _) => Lane::ArmWrite,
            _ => Lane::Graph,
        };
        let effect = if method == Method::POST { Effect::Once } else { Effect::Idempotent };
        Call { method, effect, lane: Some(lane), ..Call::read(service, name, path) }
    }

    pub(crate) fn body(mut self, body: Value) -> Call {
        self.body = Some(body);
        self
    }

    pub(crate) fn revocation(mut self) -> Call {
        self.revocation = true;
        self
    }

    /// Names what the call asks for, so that the service can say that it is not there.
    pub(crate) fn of(mut self, absence: Absence) -> Call {
        self.absence = absence;
        self
    }

    /// A POST that may be sent twice without harm.
    pub(crate) fn repeatable(mut self) -> Call {
        self.effect = Effect::Idempotent;
        self
    }

    pub(crate) fn is_read(&self) -> bool {
        self.effect == Effect::Read
    }

    /// The failure of a call that was sent and got no clear answer.
    fn unclear(&self, reason: String, source: Option<Cause>) -> Failure {
        if self.is_read() {
            Failure::Unavailable { call: self.name, reason, source }
        } else {
            Failure::Unknown { call: self.name, reason, refusal: None, source }
        }
    }

    /// The failure of a call that was answered with something that cannot be used.
    pub(crate) fn unusable(&self, reason: impl Into<String>) -> Failure {
        let reason = reason.into();
        if self.is_read() { Failure::Unreadable { call: self.name, reason } } else { self.unclear(reason, None) }
    }

    /// The answer's body as `T`. A write whose answer cannot be read was applied, but to what we do not know.
    pub(crate) fn decode<T: DeserializeOwned>(&self, body: Value) -> Answer<T> {
        serde_json::from_value(body).map_err(|e| self.unusable(format!("not what the contract says: {e}")))
    }
}

/// How one attempt ended, alone or inside a batch.
#[derive(Debug, Clone)]
pub(crate) enum Attempt {
    Exchange(Exchange),
    /// The batch around the call was refused: nothing in it was executed.
    BatchRefused(Box<Refusal>),
}

/// What follows from an attempt.
#[derive(Debug)]
pub(crate) enum Step {
    Done(Answer<Reply>),
    /// `wait` is beside what the service's gate makes it wait.
    Again {
        wait: Duration,
        fresh_connection: bool,
        renew_token: bool,
    },
}

/// The attempts at one call so far: what has to be remembered to judge the next.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    attempts: u32,
    /// An earlier attempt may have been applied; only a success or a "not there" can clear that up.
    doubt: bool,
    renewed: bool,
}

/// An attempt that another one might better.
struct Setback {
    failure: Failure,
    /// The service's own word on when to come again.
    after: Option<Duration>,
    /// Which its gate keeps, so that removals are first when the time is up.
    at_gate: bool,
    fresh_connection: bool,
    renew_token: bool,
}

impl Setback {
    fn new(failure: Failure) -> Setback {
        Setback { failure, after: None, at_gate: false, fresh_connection: false, renew_token: false }
    }
}

enum Verdict {
    Success(Reply),
    Final(Failure),
    Setback(Setback),
}

impl Trail {
    /// For a call that carries no token of ours: its 401 is final.
    pub(crate) fn without_renewal() -> Trail {
        Trail { renewed: true, ..Trail::default() }
    }

    /// Judges an attempt, with the time that is `left` for more. `jitter` is in 0..1.
    pub(crate) fn judge(
        &mut self,
        call: &Call,
        attempt: Attempt,
        patience: &Patience,
        left: Duration,
        jitter: f64,
    ) -> Step {
        self.attempts += 1;
        let setback = match self.verdict(call, attempt, patience) {
            Verdict::Success(reply) => return Step::Done(Ok(reply)),
            Verdict::Final(failure) => return Step::Done(Err(self.truthful(call, failure))),
            Verdict::Setback(setback) => setback,
        };
        self.doubt |= setback.failure.may_have_applied();
        self.renewed |= setback.renew_token;
        let wait = setback.after.unwrap_or_else(|| backoff(patience.first_wait, self.attempts, jitter));
        let unsafe_to_repeat = self.doubt && call.effect == Effect::Once;
        if unsafe_to_repeat || self.attempts >= patience.attempts || wait > patience.longest_wait || wait >= left {
            return Step::Done(Err(self.truthful(call, setback.failure)));
        }
        let wait = if setback.at_gate { Duration::ZERO } else { wait };
        Step::Again { wait, fresh_connection: setback.fresh_connection, renew_token: setback.renew_token }
    }

    fn verdict(&self, call: &Call, attempt: Attempt, patience: &Patience) -> Verdict {
        let reply = match attempt {
            Attempt::Exchange(Exchange::Reply(reply)) => reply,
            Attempt::Exchange(Exchange::NotSent(source)) => {
                return Verdict::Setback(Setback::new(Failure::NotSent {
                    call: call.name,
                    reason: root_cause(&*source),
                    source: Some(source),
                }));
            }
            Attempt::Exchange(Exchange::Lost(source)) => {
                let reason = format!("the answer was lost ({})", root_cause(&*source));
                return Verdict::Setback(Setback {
                    fresh_connection: true,
                    ..Setback::new(call.unclear(reason, Some(source)))
                });
            }
            Attempt::Exchange(Exchange::TooLarge(status)) => {
                return Verdict::Final(call.unusable(format!("too large, with status {status}")));
            }
            Attempt::BatchRefused(refusal) => return Verdict::Final(Failure::Refused(refusal)),
        };
        self.verdict_on_reply(call, reply, patience)
    }

    fn verdict_on_reply(&self, call: &Call, reply: Reply, patience: &Patience) -> Verdict {
        let status = reply.status;
        if status / 100 == 2 && reply.garbled {
            return Verdict::Final(call.unusable(format!("not JSON, with status {status}")));
        }
        if status / 100 == 2 || (status / 100 == 3 && call.redirect_is_success) {
            return Verdict::Success(reply);
        }
        let refusal = Box::new(Refusal::read(call.name, status, reply.request_id, &reply.body));
        match status {
            // Graph: throttling. Not applied, whatever the method.
            429 => {
                let doubled = backoff(patience.first_wait, self.attempts, 1.0);
                let retry_after = reply.retry_after.unwrap_or(doubled);
                let refusal = Some(refusal);
                Verdict::Setback(Setback {
                    after: reply.retry_after,
                    at_gate: reply.retry_after.is_some(),
                    ..Setback::new(Failure::Throttled { call: call.name, retry_after, refusal })
                })
            }
            401 if !self.renewed => Verdict::Setback(Setback {
                after: Some(Duration::ZERO),
                renew_token: true,
                ..Setback::new(Failure::Refused(refusal))
            }),
            // Graph: errors. Both say that somebody else was writing, and that nothing was applied.
            409 if refusal.has_code("Directory_ConcurrencyViolation") => {
                Verdict::Setback(Setback::new(Failure::Refused(refusal)))
            }
            423 => Verdict::Setback(Setback::new(Failure::Refused(refusal))),
            // Graph: JSON batching. Never executed.
            424 => Verdict::Setback(Setback::new(Failure::NotSent {
                call: call.name,
                reason: "another request of its batch failed first".to_owned(),
                source: None,
            })),
            // Graph: best practices. A new connection may reach a server that is well.
            408 | 500..=599 => Verdict::Setback(Setback {
                after: reply.retry_after,
                at_gate: status == 503 && reply.retry_after.is_some(),
                fresh_connection: matches!(status, 503 | 504),
                ..Setback::new(call.unclear(refusal.to_string(), None))
            }),
            // Something between us and the service points elsewhere: who knows what it did with a write.
            300..=399 => Verdict::Final(call.unusable(format!("a redirect with status {status}"))),
            // Only in the words in which this service says so of such an object; any other 404 is no answer about it.
            404 if call.absence.is_said_by(&refusal.code) => Verdict::Final(Failure::NotFound(refusal)),
            _ => Verdict::Final(Failure::Refused(refusal)),
        }
    }

    /// The failure as it stands in the light of earlier attempts: after one that may have been applied, only "it is
    /// not there" still tells the state of the tenant.
    pub(crate) fn truthful(&self, call: &Call, failure: Failure) -> Failure {
        if !self.doubt || matches!(failure, Failure::Unknown { .. } | Failure::NotFound(_)) {
            return failure;
        }
        Failure::Unknown {
            call: call.name,
            reason: format!("an earlier attempt was lost, and then: {failure}"),
            refusal: failure.refusal().cloned().map(Box::new),
            source: None,
        }
    }
}

/// Doubles with each attempt; half of it is jitter, so that agents which failed together come back apart.
pub(crate) fn backoff(first: Duration, attempts: u32, jitter: f64) -> Duration {
    let whole = first * 2u32.saturating_pow(attempts.saturating_sub(1).min(16));
    whole.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests;
