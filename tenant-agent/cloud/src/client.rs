//! Sends a call: token, budget, request, judgement, and again if the judgement says so.
//!
//! It knows no operation of Graph or ARM by name; those are in `graph.rs`, `defender.rs` and `arm.rs`. `call.rs`
//! decides what to repeat, `tokens.rs` gets the tokens.

use reqwest::Request;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::time::sleep;
use tracing::{Instrument, Span, debug, field};
use uuid::Uuid;

use crate::budget::Budget;
use crate::call::{Attempt, Call, Service, Step, Trail};
use crate::config::{Config, ConfigError, Patience};
use crate::endpoints::Endpoints;
use crate::failure::{Answer, Failure};
use crate::listing::Listing;
use crate::pacer::Pacer;
use crate::paging::Pages;
use crate::tokens::{Bearer, Tokens};
use crate::transport::{Exchange, Reply, Via};
use crate::usage::Counters;
use crate::wire::Wire;

const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");
const ARM_CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");
const THROTTLE_PRIORITY: HeaderName = HeaderName::from_static("x-ms-throttle-priority");
const PREFER: HeaderName = HeaderName::from_static("prefer");

/// What all handles of one [`crate::Cloud`] share.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) endpoints: Endpoints,
    pub(crate) patience: Patience,
    pub(crate) tokens: Tokens,
    pub(crate) counters: Counters,
    pub(crate) wire: Wire,
    pacer: Pacer,
}

impl Client {
    pub(crate) fn new(config: &Config) -> Result<Client, ConfigError> {
        let endpoints = config.endpoints.normalised()?;
        Ok(Client {
            patience: config.patience.clone(),
            tokens: Tokens::new(config, &endpoints),
            counters: Counters::default(),
            wire: Wire::new(config)?,
            pacer: Pacer::new(),
            endpoints,
        })
    }

    /// Sends one call, as often as is safe and useful.
    pub(crate) async fn send(&self, call: &Call) -> Answer<Reply> {
        self.send_within(call, Budget::of_batches(1, &self.patience)).await
    }

    pub(crate) async fn send_within(&self, call: &Call, budget: Budget) -> Answer<Reply> {
        let span = tracing::debug_span!("call", name = call.name, status = field::Empty, request_id = field::Empty);
        let answer = self.attempts(call, budget).instrument(span.clone()).await;
        if let Err(failure) = &answer {
            span.in_scope(|| tell(failure));
        }
        answer
    }

    /// Like [`Client::send`], for a read where "not there" is a valid answer.
    pub(crate) async fn find(&self, call: &Call) -> Answer<Option<Value>> {
        present(self.send(call).await)
    }

    /// All entries of a collection, page by page.
    pub(crate) async fn list(&self, call: Call) -> Answer<Listing<Value>> {
        self.list_within(call, Budget::of_listings(1, &self.patience)).await
    }

    pub(crate) async fn list_within(&self, call: Call, budget: Budget) -> Answer<Listing<Value>> {
        let mut pages = Pages::new(call);
        loop {
            let reply = self.send_within(pages.call(), budget).await?;
            if !pages.turn(reply, &self.endpoints)? {
                return Ok(pages.listing());
            }
        }
    }

    async fn attempts(&self, call: &Call, budget: Budget) -> Answer<Reply> {
        let mut trail = Trail::default();
        let mut via = Via::Pooled;
        loop {
            let token = match budget.before(call, self.ready(call, &[call])).await {
                Ok(token) => token,
                Err(failure) => return Err(trail.truthful(call, failure)),
            };
            let exchange = budget.bound(self.exchange(call, &token, via)).await;
            self.note(call, &exchange);
            match trail.judge(call, Attempt::Exchange(exchange), &self.patience, budget.left(), rand::random()) {
                Step::Done(answer) => {
                    self.tokens.troubles.learn(call, &answer);
                    return answer;
                }
                Step::Again { wait, fresh_connection, renew_token } => {
                    if renew_token {
                        self.tokens.discard(call.service, &token).await;
                    }
                    via = if fresh_connection { Via::Fresh } else { Via::Pooled };
                    sleep(wait).await;
                }
            }
        }
    }

    pub(crate) async fn bearer(&self, service: Service) -> Answer<Bearer> {
        self.tokens.bearer(service, &self.wire).await.map_err(Failure::NoToken)
    }

    /// Waits until `request`, with the calls in it, may go: for the gate, a token and the budget of writes. Reads have
    /// no budget, because theirs is far larger than an agent needs.
    pub(crate) async fn ready(&self, request: &Call, carried: &[&Call]) -> Answer<Bearer> {
        // First, so that a call that may not go uses neither a token request nor the budget.
        self.wire.pass(request).await?;
        let token = self.bearer(request.service).await?;
        for call in carried {
            if let Some(lane) = call.lane {
                self.pacer.draw(lane, call.revocation).await;
            }
        }
        // Both may have taken long.
        self.wire.pass(request).await?;
        carried.iter().for_each(|call| self.counters.sent(call));
        Ok(token)
    }

    /// A batch has one answer, and its parts have their own. A part's "too many requests" is the service's.
    pub(crate) fn learn_from_part(&self, call: &Call, attempt: &mut Attempt) {
        let Attempt::Exchange(Exchange::Reply(reply)) = attempt else { return };
        self.wire.learn(call.service, reply);
        if reply.status == 429 {
            self.was_throttled(call);
        }
    }

    fn was_throttled(&self, call: &Call) {
        self.counters.throttled();
        if let Some(lane) = call.lane {
            self.pacer.throttled(lane);
        }
    }

    fn note(&self, call: &Call, exchange: &Exchange) {
        let Exchange::Reply(reply) = exchange else { return };
        let span = Span::current();
        span.record("status", reply.status);
        span.record("request_id", reply.request_id.as_deref().unwrap_or_default());
        debug!("answered");
        if reply.status == 429 {
            self.was_throttled(call);
        }
    }

    /// Sends one request with our headers.
    pub(crate) async fn exchange(&self, call: &Call, token: &Bearer, via: Via) -> Exchange {
        self.wire.exchange(call.service, via, self.request(call, token)).await
    }

    fn request(&self, call: &Call, token: &Bearer) -> Result<Request, reqwest::Error> {
        let origin = match call.service {
            Service::Login => &self.endpoints.login,
            Service::Graph => &self.endpoints.graph,
            Service::Arm => &self.endpoints.arm,
        };
        let client = self.wire.transport.client(Via::Pooled);
        let mut request = client.request(call.method.clone(), format!("{origin}{}", call.path)).build()?;
        if let Some(body) = &call.body {
            *request.body_mut() = Some(body.to_string().into());
        }
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(AUTHORIZATION, token.header());
        if call.body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if call.service == Service::Arm {
            headers.insert(ARM_CLIENT_REQUEST_ID, request_id());
        } else {
            headers.insert(CLIENT_REQUEST_ID, request_id());
            // Graph: best practices. Enum values that are newer than this header arrive as themselves.
            headers.insert(PREFER, HeaderValue::from_static("include-unknown-enum-members"));
            if call.revocation {
                // Graph: throttling. These requests are throttled last.
                headers.insert(THROTTLE_PRIORITY, HeaderValue::from_static("High"));
            }
        }
        Ok(request)
    }
}

/// `None` if the service says that it does not exist.
pub(crate) fn present(answer: Answer<Reply>) -> Answer<Option<Value>> {
    match answer {
        Ok(reply) => Ok(Some(reply.body)),
        Err(Failure::NotFound(_)) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Codes and ids only, because a service's message may name a person.
fn tell(failure: &Failure) {
    let refusal = failure.refusal();
    debug!(
        code = refusal.map(|r| r.code.as_str()),
        request_id = refusal.and_then(|r| r.request_id.as_deref()),
        may_have_applied = failure.may_have_applied(),
        "did not succeed"
    );
}

fn request_id() -> HeaderValue {
    HeaderValue::from_str(&Uuid::new_v4().to_string()).expect("a uuid is visible ascii")
}
