//! The way of a request: read, authenticated, disturbed, throttled, handled, logged, answered.
//!
//! The only file that knows hyper's requests. A handler runs under its tenant's lock and never waits; faults,
//! barriers and latency wait outside of it.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};

use crate::clock::Now;
use crate::control::types::{CallEntry, FaultAction, Release, When};
use crate::disturbance::drip::{Drip, Outgoing};
use crate::disturbance::{Subject, bend};
use crate::http::{Answer, Body, Call, settle};
use crate::lock::locked;
use crate::tenant::{Caller, Tenant};
use crate::token::{self, Audience, BadToken};
use crate::world::World;
use crate::{control, graph};

mod budgets;

/// Graph takes up to 4 MB in a batch.
const MAX_BODY: usize = 4 * 1024 * 1024;

/// Serves one request. `None`: cut the connection without an answer.
pub async fn serve(world: Arc<World>, request: Request<Incoming>) -> Option<Response<Outgoing>> {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
        return Some(response(Answer::json(
            413,
            json!({"error": {"code": "RequestEntityTooLarge", "message": "the body is larger than 4 MB"}}),
        )));
    };
    let host = parts.uri.authority().map(|host| host.to_string());
    let host = host
        .or_else(|| parts.headers.get("host").and_then(|host| host.to_str().ok()).map(str::to_owned))
        .unwrap_or_default();
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
    let call = Call::new(parts.method, format!("https://{host}"), target, parts.headers, text);
    if call.segments.first().is_some_and(|first| first == "_sim") {
        return Some(response(control::routes::serve(&world, &call).await));
    }
    // On a task of its own: a client that goes away does not undo a request that arrived in full.
    let answer = tokio::spawn(async move { exchange(&world, &call, None).await }).await;
    answer
        .unwrap_or_else(|panic| {
            tracing::error!(%panic, "a handler panicked");
            Some(Answer::json(
                500,
                json!({"error": {"code": "InternalServerError", "message": "the simulator has a defect; see its log"}}),
            ))
        })
        .map(response)
}

/// Which service a path belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plane {
    Token,
    Graph,
    Arm,
}

impl Plane {
    fn of(call: &Call) -> Self {
        let has = |name: &str| call.segments.iter().any(|part| part == name);
        match call.segments.first().map(String::as_str) {
            Some("v1.0" | "beta") => Plane::Graph,
            _ if has("oauth2") || has(".well-known") || has("discovery") => Plane::Token,
            _ => Plane::Arm,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Plane::Token => "token",
            Plane::Graph => "graph",
            Plane::Arm => "arm",
        }
    }
}

/// One request, or one part of a batch, from its faults to its log entry.
async fn exchange(world: &Arc<World>, call: &Call, batch: Option<&str>) -> Option<Answer> {
    let plane = Plane::of(call);
    let now = world.clock.now();
    let identity = authenticate(world, call, plane, now);
    let tenant = match &identity {
        Ok((tenant, _)) => Some(tenant.clone()),
        Err(_) => None,
    };
    let target = call.decoded_target();
    let subject = Subject { tenant: tenant.as_deref(), method: call.method.as_str(), target: &target };
    let request_id = uuid::Uuid::new_v4().to_string();
    let mut course = Course { faulted: false, lost: false };
    let app =
        identity.as_ref().ok().and_then(|(_, caller)| caller.as_ref()).map_or("", |caller| caller.app_id.as_str());
    let asked = format!("{}/{app} {} {}", tenant.as_deref().unwrap_or_default(), call.method, call.raw_path);
    let early = world.waits.asks_early(&asked, now);
    if let Some(found) = tenant.as_deref().filter(|_| early).and_then(|id| world.tenant(id)) {
        locked(&found).counters.asked_early += 1;
    }
    let answer = run(world, call, plane, identity.as_ref(), subject, &request_id, &mut course).await;
    let answer = answer.map(|answer| decorate(answer, call, plane, &request_id, now));
    // A batch is answered 200; its parts are told to wait one by one.
    world.waits.note(&asked, answer.as_ref(), now);
    let caller = identity.as_ref().ok().and_then(|(_, caller)| caller.as_ref());
    let status = answer.as_ref().map_or(0, |answer| answer.status);
    world.log.push(CallEntry {
        seq: 0,
        time: now.precise_date(),
        tenant: tenant.clone(),
        app: caller.map(|caller| caller.app_id.clone()),
        plane: plane.name().to_owned(),
        method: call.method.to_string(),
        path: call.target(),
        request: if plane == Plane::Token { Value::Null } else { call.json().unwrap_or_default() },
        status,
        request_id,
        in_batch: batch.is_some(),
        batch: batch.map(str::to_owned),
        faulted: course.faulted,
        answer_lost: course.lost,
        asked_early: early,
        deliberate: call.header("x-sim-deliberate") == Some("true"),
    });
    if course.lost { None } else { answer }
}

/// What happened to a request on its way.
struct Course {
    faulted: bool,
    lost: bool,
}

type Identity = (String, Option<Caller>);

async fn run(
    world: &Arc<World>,
    call: &Call,
    plane: Plane,
    identity: Result<&Identity, &Answer>,
    subject: Subject<'_>,
    request_id: &str,
    course: &mut Course,
) -> Option<Answer> {
    let faults = world.faults.strike(subject);
    course.faulted = !faults.is_empty();
    if world.barriers.hold(When::Before, subject).await == Release::Abandon {
        course.lost = true;
        return None;
    }
    for fault in &faults {
        match fault {
            FaultAction::Delay { seconds } => pause(*seconds).await,
            FaultAction::DropBefore => {
                course.lost = true;
                return None;
            }
            FaultAction::Answer { status, body, headers } => {
                let mut answer = match body {
                    Value::Null => Answer::empty(*status),
                    Value::String(text) => Answer::text(*status, text),
                    body => Answer::json(*status, body.clone()),
                };
                answer.headers.extend(headers.clone());
                return Some(answer);
            }
            // What comes after the handling.
            FaultAction::Bend(_) | FaultAction::Drip { .. } | FaultAction::DropAfter | FaultAction::Phantom => {}
        }
    }
    let phantom = faults.iter().any(|fault| matches!(fault, FaultAction::Phantom));
    let answer = match identity {
        Err(refusal) => Some(refusal.clone()),
        Ok((tenant, _)) if plane == Plane::Graph && call.segments.get(1).is_some_and(|part| part == "$batch") => {
            if let Some(tenant) = world.tenant(tenant) {
                locked(&tenant).counters.batches += 1;
            }
            run_batch(world, call, request_id).await
        }
        Ok((tenant, caller)) => handle(world, call, plane, tenant, caller.as_ref(), phantom).await,
    };
    let answer = answer.map(|answer| spoil(answer, &faults));
    let dropped = faults.iter().any(|fault| matches!(fault, FaultAction::DropAfter));
    let abandoned = world.barriers.hold(When::After, subject).await == Release::Abandon;
    course.lost = dropped || abandoned || answer.is_none();
    answer
}

/// What faults do to an answer that was truly made.
fn spoil(mut answer: Answer, faults: &[FaultAction]) -> Answer {
    for fault in faults {
        match fault {
            FaultAction::Bend(bend) => bend::apply(bend, &mut answer),
            FaultAction::Drip { seconds } => answer.drip_seconds = answer.drip_seconds.max(Some(*seconds)),
            _ => {}
        }
    }
    answer
}

async fn pause(seconds: f64) {
    tokio::time::sleep(std::time::Duration::from_secs_f64(seconds.clamp(0.0, 3600.0))).await;
}

/// The tenant that a request concerns, and on Graph and ARM the application behind its token.
fn authenticate(world: &World, call: &Call, plane: Plane, now: Now) -> Result<Identity, Answer> {
    let audience = match plane {
        Plane::Token => return Ok((token_tenant(world, call, now)?, None)),
        Plane::Graph => Audience::Graph,
        Plane::Arm => Audience::Arm,
    };
    let unix = now.wall.unix_timestamp();
    let claims =
        world.mint.check(call.header("authorization"), audience, unix).map_err(|why| unauthorized(plane, why))?;
    if world.tenant(&claims.tid).is_none() {
        return Err(unauthorized(plane, BadToken::Malformed));
    }
    Ok((claims.tid.clone(), Some(claims.caller())))
}

fn token_tenant(world: &World, call: &Call, now: Now) -> Result<String, Answer> {
    let name = call.segments.first().map(String::as_str).unwrap_or_default();
    if ["common", "organizations"].contains(&name) && call.method == http::Method::GET {
        return Ok(name.to_owned());
    }
    let found = world.tenant(name).map(|tenant| locked(&tenant).id.clone());
    found.ok_or_else(|| {
        let text = format!("Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.");
        token::refuse(400, "invalid_request", 90002, &text, now)
    })
}

fn unauthorized(plane: Plane, why: BadToken) -> Answer {
    let (code, text) = match (plane, why) {
        (Plane::Arm, BadToken::Missing) => {
            ("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
        }
        (Plane::Arm, BadToken::Expired) => {
            ("ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than current UTC time.")
        }
        (Plane::Arm, BadToken::Audience) => {
            ("InvalidAuthenticationTokenAudience", "The access token has been obtained for wrong audience or resource.")
        }
        (Plane::Arm, BadToken::Malformed) => ("InvalidAuthenticationToken", "The access token is invalid."),
        (_, BadToken::Missing) => ("InvalidAuthenticationToken", "Access token is empty."),
        (_, BadToken::Expired) => ("InvalidAuthenticationToken", "Lifetime validation failed, the token is expired."),
        (_, BadToken::Audience) => ("InvalidAuthenticationToken", "Access token validation failure. Invalid audience."),
        (_, BadToken::Malformed) => {
            ("InvalidAuthenticationToken", "CompactToken parsing failed with error code: 80049217")
        }
    };
    let refusal = match plane {
        Plane::Arm => crate::arm::request::refuse(401, code, text),
        _ => graph::error::refuse(401, code, text),
    };
    refusal.header(
        "WWW-Authenticate",
        "Bearer authorization_uri=\"https://login.microsoftonline.com/common/oauth2/v2.0/authorize\"",
    )
}

/// Runs the parts one after the other; dependants of a failure are answered 424.
async fn run_batch(world: &Arc<World>, call: &Call, request_id: &str) -> Option<Answer> {
    let parts = match graph::batch::parts(call) {
        Ok(parts) => parts,
        Err(refusal) => return Some(refusal),
    };
    let mut answers: Vec<(String, Answer)> = Vec::with_capacity(parts.len());
    for part in parts {
        let failed =
            |id: &String| answers.iter().any(|(other, answer)| other.eq_ignore_ascii_case(id) && !answer.succeeded());
        let answer = if part.depends_on.iter().any(failed) {
            graph::batch::failed_dependency()
        } else {
            Box::pin(exchange(world, &part.call, Some(request_id))).await?
        };
        answers.push((part.id, answer));
    }
    Some(graph::batch::answer(answers))
}

async fn handle(
    world: &World,
    call: &Call,
    plane: Plane,
    tenant: &str,
    caller: Option<&Caller>,
    phantom: bool,
) -> Option<Answer> {
    let Some(found) = world.tenant(tenant) else { return Some(discover(call)) };
    let (answer, latency) = {
        let mut tenant = locked(&found);
        let now = world.clock.now();
        tenant.settle(now);
        let answer = match (plane, caller) {
            (Plane::Token, _) => token_endpoint(world, &mut tenant, call, now),
            (_, None) => unauthorized(plane, BadToken::Missing),
            (Plane::Graph, Some(caller)) => budgets::graph(&mut tenant, call, caller, now, phantom),
            (Plane::Arm, Some(caller)) => budgets::arm(&mut tenant, call, caller, now),
        };
        (answer, tenant.settings.latency_seconds)
    };
    if latency > 0.0 {
        pause(latency).await;
    }
    Some(answer)
}

fn token_endpoint(world: &World, tenant: &mut Tenant, call: &Call, now: Now) -> Answer {
    let is_token = call.segments.last().is_some_and(|last| last == "token");
    if call.method == http::Method::POST && is_token {
        settle(token::issue(tenant, call, &world.mint, now))
    } else {
        discover(call)
    }
}

fn discover(call: &Call) -> Answer {
    let tenant = call.segments.first().map(String::as_str).unwrap_or_default();
    match call.segments.last().map(String::as_str) {
        Some("openid-configuration") => Answer::json(200, token::discovery(&call.origin, tenant)),
        Some("instance") => Answer::json(200, token::instance_discovery(&call.origin)),
        Some("keys") => Answer::json(200, json!({"keys": []})),
        _ => Answer::empty(404),
    }
}

/// Request ids in headers and error bodies.
fn decorate(mut answer: Answer, call: &Call, plane: Plane, request_id: &str, now: Now) -> Answer {
    let client_id =
        call.header("client-request-id").or(call.header("x-ms-client-request-id")).unwrap_or(request_id).to_owned();
    if let (Plane::Graph, Body::Json(body)) = (plane, &mut answer.body) {
        let error = body.get_mut("error").and_then(Value::as_object_mut);
        let inner = error.and_then(|error| error.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case("innerError")));
        if let Some((_, inner)) = inner.filter(|(_, inner)| inner.as_object().is_some_and(serde_json::Map::is_empty)) {
            *inner = json!({"date": now.date().trim_end_matches('Z'), "request-id": request_id, "client-request-id": client_id});
        }
    }
    // By the simulator's clock, which may differ from this machine's. A fault may set yet another time.
    if !answer.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("date")) {
        answer = answer.header("Date", now.http_date());
    }
    match plane {
        Plane::Arm => answer.header("x-ms-request-id", request_id).header("x-ms-correlation-request-id", client_id),
        Plane::Graph => answer.header("request-id", request_id).header("client-request-id", client_id),
        Plane::Token => answer.header("x-ms-request-id", request_id),
    }
}

fn response(answer: Answer) -> Response<Outgoing> {
    let (kind, bytes) = match answer.body {
        Body::Empty => (None, Bytes::new()),
        Body::Json(body) => (Some("application/json; charset=utf-8"), Bytes::from(body.to_string())),
        Body::Text(text) => (Some("text/plain"), Bytes::from(text)),
    };
    let mut headers = HeaderMap::new();
    headers.extend(kind.map(|kind| (http::header::CONTENT_TYPE, HeaderValue::from_static(kind))));
    for (name, value) in &answer.headers {
        match (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
            // A fault may say that the body is something else.
            (Ok(http::header::CONTENT_TYPE), Ok(value)) => drop(headers.insert(http::header::CONTENT_TYPE, value)),
            (Ok(name), Ok(value)) => drop(headers.append(name, value)),
            _ => {}
        }
    }
    let mut response = Response::new(match answer.drip_seconds {
        Some(seconds) => Outgoing::Dripping(Drip::new(bytes, seconds)),
        None => Outgoing::AtOnce(Full::new(bytes)),
    });
    *response.status_mut() =
        http::StatusCode::from_u16(answer.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = headers;
    response
}
