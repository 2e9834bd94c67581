//! Many calls in few requests: Graph's `$batch`, twenty at a time, each call with its own result.
//!
//! The batch's own 200 says nothing about its calls, so `call.rs` judges each as if it had been sent alone. Calls that
//! may be repeated go into the next round. This file knows no operation by name.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Map, Value, json};
use tokio::time::sleep;
use tracing::Instrument;

use crate::budget::Budget;
use crate::call::{Attempt, Call, Service, Step, Trail};
use crate::client::Client;
use crate::failure::{Answer, Failure, Refusal};
use crate::listing::Listing;
use crate::paging::Pages;
use crate::transport::{Exchange, Reply, Via, http_date, retry_after};

/// Graph: JSON batching. A larger batch is refused as a whole.
const BATCH_SIZE: usize = 20;

const NAME: &str = "POST /$batch";
const PATH: &str = "/v1.0/$batch";

/// A call without a result yet.
struct Pending {
    index: usize,
    call: Call,
    trail: Trail,
}

/// What a round leaves for the next one.
#[derive(Default)]
struct Rest {
    pending: Vec<Pending>,
    wait: Duration,
    fresh_connection: bool,
}

impl Client {
    /// The results of `calls` (Graph v1.0 only), in their order. Writes in one batch run in no particular order.
    pub(crate) async fn send_all(&self, calls: Vec<Call>) -> Vec<Answer<Reply>> {
        let budget = Budget::of_batches(calls.len().div_ceil(BATCH_SIZE), &self.patience);
        self.send_all_within(calls, budget).await
    }

    async fn send_all_within(&self, calls: Vec<Call>, budget: Budget) -> Vec<Answer<Reply>> {
        if let [call] = calls.as_slice() {
            return vec![self.send_within(call, budget).await];
        }
        let mut answers: Vec<Option<Answer<Reply>>> = calls.iter().map(|_| None).collect();
        let calls = calls.into_iter().enumerate();
        let pending = calls.map(|(index, call)| Pending { index, call, trail: Trail::default() });
        let mut rest = Rest { pending: pending.collect(), ..Rest::default() };
        while !rest.pending.is_empty() {
            sleep(rest.wait).await;
            let via = if rest.fresh_connection { Via::Fresh } else { Via::Pooled };
            let mut due = std::mem::take(&mut rest).pending.into_iter().peekable();
            while due.peek().is_some() {
                let chunk: Vec<Pending> = due.by_ref().take(BATCH_SIZE).collect();
                let span = tracing::debug_span!("batch", calls = chunk.len());
                self.round(chunk, via, budget, &mut answers, &mut rest).instrument(span).await;
            }
        }
        let answers = answers.into_iter();
        answers.map(|a| a.expect("a call leaves the pending ones only with its answer")).collect()
    }

    /// Like [`Client::list`], for many listings at once. Their next pages travel together too.
    pub(crate) async fn list_all(&self, calls: Vec<Call>) -> Vec<Answer<Listing<Value>>> {
        let mut answers: Vec<Option<Answer<Listing<Value>>>> = calls.iter().map(|_| None).collect();
        let mut open: Vec<(usize, Pages)> = calls.into_iter().map(Pages::new).enumerate().collect();
        let budget = Budget::of_listings(open.len().div_ceil(BATCH_SIZE), &self.patience);
        while !open.is_empty() {
            let due = open.iter().map(|(_, pages)| pages.call().clone()).collect();
            let replies = self.send_all_within(due, budget).await;
            for ((index, mut pages), reply) in std::mem::take(&mut open).into_iter().zip(replies) {
                match reply.and_then(|r| pages.turn(r, &self.endpoints)) {
                    Ok(true) => open.push((index, pages)),
                    Ok(false) => answers[index] = Some(Ok(pages.listing())),
                    Err(failure) => answers[index] = Some(Err(failure)),
                }
            }
        }
        let answers = answers.into_iter();
        answers.map(|a| a.expect("a listing closes only with its answer")).collect()
    }

    async fn round(
        &self,
        chunk: Vec<Pending>,
        via: Via,
        budget: Budget,
        answers: &mut [Option<Answer<Reply>>],
        rest: &mut Rest,
    ) {
        let envelope = envelope(&chunk);
        let carried: Vec<&Call> = chunk.iter().map(|pending| &pending.call).collect();
        let token = match budget.before(&envelope, self.ready(&envelope, &carried)).await {
            Ok(token) => token,
            Err(failure) => return give_up(chunk, &failure, answers),
        };
        let exchange = budget.bound(self.exchange(&envelope, &token, via)).await;
        let mut stale = false;
        for (mut pending, mut attempt) in chunk.into_iter().zip(spread(exchange)) {
            self.learn_from_part(&pending.call, &mut attempt);
            match pending.trail.judge(&pending.call, attempt, &self.patience, budget.left(), rand::random()) {
                Step::Done(answer) => {
                    self.tokens.troubles.learn(&pending.call, &answer);
                    answers[pending.index] = Some(answer);
                }
                Step::Again { wait, fresh_connection, renew_token } => {
                    stale |= renew_token;
                    rest.wait = rest.wait.max(wait);
                    rest.fresh_connection |= fresh_connection;
                    rest.pending.push(pending);
                }
            }
        }
        if stale {
            self.tokens.discard(Service::Graph, &token).await;
        }
    }
}

fn give_up(chunk: Vec<Pending>, failure: &Failure, answers: &mut [Option<Answer<Reply>>]) {
    for pending in chunk {
        let failure = pending.trail.truthful(&pending.call, failure.clone());
        answers[pending.index] = Some(Err(failure));
    }
}

/// The request for a chunk. Only its parts are judged, never the batch itself.
fn envelope(chunk: &[Pending]) -> Call {
    let requests: Vec<Value> = chunk.iter().enumerate().map(|(id, p)| part(id, &p.call)).collect();
    let call = Call::write(Service::Graph, Method::POST, NAME, PATH.to_owned());
    let call = call.body(json!({ "requests": requests }));
    match chunk.iter().any(|p| p.call.revocation) {
        true => call.revocation(),
        false => call,
    }
}

fn part(id: usize, call: &Call) -> Value {
    let mut headers = Map::new();
    let mut part = json!({
        "id": id.to_string(),
        "method": call.method.as_str(),
        // Relative to the API version that the batch is posted to.
        "url": call.path.strip_prefix("/v1.0").unwrap_or(&call.path),
    });
    if call.revocation {
        headers.insert("x-ms-throttle-priority".into(), "High".into());
    }
    if let Some(body) = &call.body {
        headers.insert("Content-Type".into(), "application/json".into());
        part["body"] = body.clone();
    }
    if !headers.is_empty() {
        part["headers"] = headers.into();
    }
    part
}

/// The batch's result for each of its parts, in order and without end.
fn spread(exchange: Exchange) -> Box<dyn Iterator<Item = Attempt> + Send> {
    let whole = match exchange {
        Exchange::Reply(reply) if reply.status / 100 == 2 => return Box::new(parts(reply)),
        // The service refused the batch before it looked at any part. 401, 408, 429 and 5xx are judged as each part's
        // own.
        Exchange::Reply(reply) if matches!(reply.status, 400..=499) && !matches!(reply.status, 401 | 408 | 429) => {
            Attempt::BatchRefused(Box::new(Refusal::read(NAME, reply.status, reply.request_id, &reply.body)))
        }
        other => Attempt::Exchange(other),
    };
    Box::new(std::iter::repeat(whole))
}

fn parts(mut reply: Reply) -> impl Iterator<Item = Attempt> + Send {
    let mut by_id: HashMap<String, Value> = HashMap::new();
    if let Some(Value::Array(responses)) = reply.body.get_mut("responses").map(Value::take) {
        for response in responses {
            if let Some(id) = response.get("id").and_then(Value::as_str) {
                by_id.insert(id.to_owned(), response);
            }
        }
    }
    let bytes = reply.bytes / by_id.len().max(1);
    (0usize..).map(move |id| {
        let response = by_id.remove(&id.to_string());
        let reply = response.and_then(|r| read_part(r, &reply, bytes));
        Attempt::Exchange(match reply {
            Some(reply) => Exchange::Reply(reply),
            None => Exchange::Lost(Arc::new(io::Error::other("the batch's answer leaves it out"))),
        })
    })
}

fn read_part(mut response: Value, batch: &Reply, bytes: usize) -> Option<Reply> {
    let status = u16::try_from(response.get("status")?.as_u64()?).ok()?;
    let headers = response.get("headers").and_then(Value::as_object);
    let header = |name: &str| {
        let mut headers = headers.into_iter().flatten();
        let found = headers.find(|(key, _)| key.eq_ignore_ascii_case(name))?.1;
        Some(found.as_str().map_or_else(|| found.to_string(), str::to_owned))
    };
    let date = header("date").and_then(|d| http_date(&d)).or(batch.date);
    Some(Reply {
        status,
        retry_after: header("retry-after").and_then(|v| retry_after(&v, date)),
        request_id: header("request-id").or_else(|| batch.request_id.clone()),
        date,
        body: response.get_mut("body").map(Value::take).unwrap_or(Value::Null),
        garbled: false,
        // Divided equally among the parts: only their sum matters.
        bytes,
    })
}
