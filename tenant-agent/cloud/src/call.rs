//! A call, and the judgement of each attempt at it: done, or again after a wait.
//!
//! Only this file decides whether a call is repeated, because only it knows the effect of a repetition. It sends
//! nothing and waits nowhere: `client.rs` sends a single call, `batch.rs` twenty, both with this judgement.

use std::time::Duration;

use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::absence::Absence;
use crate::config::Patience;
use crate::failure::{Answer, Cause, Failure, Refusal};
use crate::transport::{Exchange, Reply, root_cause};

/// The service, and so the address and the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Login,
    Graph,
    Arm,
}

/// The effect of sending a call twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Read,
    /// The same as sending it once: DELETE, PUT under a fixed name, PATCH of fixed values, adding a member.
    Idempotent,
    /// It may make a second object, so it is repeated only if the first attempt was certainly not applied.
    Once,
}

/// The budget that a write uses.
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
    /// Method and path template, without any id, for logs and errors.
    pub name: &'static str,
    pub service: Service,
    pub method: Method,
    /// Path and query, encoded, starting with the slash.
    pub path: String,
    pub body: Option<Value>,
    pub effect: Effect,
    pub lane: Option<Lane>,
    /// Removes access. The service's gate lets it go first, and it may use the budget's reserve.
    pub revocation: bool,
    /// The service answers a success with a redirect (Defender). It is not followed.
    pub redirect_is_success: bool,
    /// What its 404 may mean to be absent.
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

    /// A write. Its method decides whether it is idempotent; a POST is not.
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

    /// Sets what the call asks for, so a 404 can mean that it is absent.
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

    /// The failure of a call that was sent and has no clear answer.
    fn unclear(&self, reason: String, source: Option<Cause>) -> Failure {
        if self.is_read() {
            Failure::Unavailable { call: self.name, reason, source }
        } else {
            Failure::Unknown { call: self.name, reason, refusal: None, source }
        }
    }

    /// The failure of a call with an unusable answer.
    pub(crate) fn unusable(&self, reason: impl Into<String>) -> Failure {
        let reason = reason.into();
        if self.is_read() { Failure::Unreadable { call: self.name, reason } } else { self.unclear(reason, None) }
    }

    /// The answer's body as `T`. If the answer of a write cannot be read, it was applied, but we do not know to what.
    pub(crate) fn decode<T: DeserializeOwned>(&self, body: Value) -> Answer<T> {
        serde_json::from_value(body).map_err(|e| self.unusable(format!("not what the contract says: {e}")))
    }
}

/// The result of one attempt, alone or inside a batch.
#[derive(Debug, Clone)]
pub(crate) enum Attempt {
    Exchange(Exchange),
    /// The service refused the batch around the call and executed nothing in it.
    BatchRefused(Box<Refusal>),
}

/// The next step after an attempt.
#[derive(Debug)]
pub(crate) enum Step {
    Done(Answer<Reply>),
    /// `wait` comes in addition to the wait at the service's gate.
    Again {
        wait: Duration,
        fresh_connection: bool,
        renew_token: bool,
    },
}

/// The attempts at one call so far: what is needed to judge the next one.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    attempts: u32,
    /// An earlier attempt may have been applied. Only a success or a "not there" can settle that.
    doubt: bool,
    renewed: bool,
}

/// A failed attempt that may be repeated.
struct Setback {
    failure: Failure,
    /// The time after which the service wants the next request.
    after: Option<Duration>,
    /// The gate enforces that time, so that removals go first when it is over.
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
    /// For a call without our token: its 401 is final.
    pub(crate) fn without_renewal() -> Trail {
        Trail { renewed: true, ..Trail::default() }
    }

    /// Judges an attempt, with the time that is `left`. `jitter` is in 0..1.
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
            // Graph: errors. In both cases another writer was active, and nothing was applied.
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
            // A device between us and the service redirects. What it did with a write is unknown.
            300..=399 => Verdict::Final(call.unusable(format!("a redirect with status {status}"))),
            // Only with the service's own code for such an object. Any other 404 says nothing about it.
            404 if call.absence.is_said_by(&refusal.code) => Verdict::Final(Failure::NotFound(refusal)),
            _ => Verdict::Final(Failure::Refused(refusal)),
        }
    }

    /// The failure in view of earlier attempts: if one may have been applied, only "it is not there" still tells the
    /// state of the tenant.
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

/// Doubles with each attempt. Half of it is jitter, so that agents that failed together come back at different times.
pub(crate) fn backoff(first: Duration, attempts: u32, jitter: f64) -> Duration {
    let whole = first * 2u32.saturating_pow(attempts.saturating_sub(1).min(16));
    whole.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests;
