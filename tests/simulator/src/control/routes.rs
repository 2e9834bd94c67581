//! Serves the control API. Every call needs the bearer token that was written to the data directory at start.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::seed::{AppSeed, SettingsPatch, TenantSeed};
use super::types::{Barrier, Fault, Identity, Release, Tamper};
use crate::http::{Answer, Call, Reply, settle};
use crate::lock::locked;
use crate::planes::tampering::tamper;
use crate::switches::SWITCHES;
use crate::tenant::Tenant;
use crate::world::World;

/// Longest wait at a barrier in one call; a client asks again.
const MAX_WAIT_SECONDS: f64 = 60.0;

/// Answers a request whose path starts with `/_sim`.
pub async fn serve(world: &World, call: &Call) -> Answer {
    let given = call.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    // Digests are compared, so that timing says nothing about the token.
    let digest = |text: &str| ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    let right = given.is_some_and(|token| digest(token).as_ref() == digest(&world.control_token).as_ref());
    if !right {
        return refuse(401, "the control API needs the bearer token in {data}/control-token");
    }
    let parts: Vec<&str> = call.segments.iter().skip(1).map(String::as_str).collect();
    match parts.as_slice() {
        ["tenants", id, rest @ ..] if !rest.is_empty() => settle(in_tenant(world, call, id, rest)),
        ["barriers", id, "wait"] => settle(wait(world, call, id).await),
        parts => settle(global(world, call, parts)),
    }
}

fn global(world: &World, call: &Call, parts: &[&str]) -> Reply {
    match (call.method.as_str(), parts) {
        ("GET", ["switches"]) => Ok(Answer::json(200, json!(SWITCHES))),
        ("GET", ["tenants"]) => Ok(Answer::json(200, json!(world.tenant_ids()))),
        ("POST", ["tenants"]) => {
            let seed: TenantSeed = body(call)?;
            let tenant = Tenant::from_seed(&seed, world.seed, world.clock.now()).map_err(|error| refuse(400, error))?;
            let apps: Vec<Value> =
                tenant.apps.iter().map(|app| json!({"app_id": app.app_id, "sp_id": app.sp_id})).collect();
            let answer = json!({"id": tenant.id, "domain": tenant.domain, "apps": apps});
            world.put_tenant(tenant);
            Ok(Answer::json(201, answer))
        }
        ("DELETE", ["tenants", id]) => done(world.remove_tenant(id)),
        ("GET", ["log"]) => {
            let number = |name: &str| call.parameter(name).and_then(|text| text.parse::<u64>().ok());
            let limit = number("limit").unwrap_or(1000) as usize;
            Ok(Answer::json(200, json!(world.log.page(number("since").unwrap_or(0), limit, call.parameter("tenant")))))
        }
        ("POST", ["clock"]) => {
            let seconds = call
                .json()
                .and_then(|body| body["advance_seconds"].as_f64())
                .ok_or_else(|| refuse(400, "advance_seconds is missing"))?;
            world.clock.advance(seconds);
            Ok(Answer::json(200, json!({"now": world.clock.now().date()})))
        }
        (_, ["faults", ..]) => faults(world, call, &parts[1..]),
        (_, ["barriers", ..]) => barriers(world, call, &parts[1..]),
        _ => Err(refuse(404, format!("{} {} is not part of the control API", call.method, call.raw_path))),
    }
}

fn faults(world: &World, call: &Call, parts: &[&str]) -> Reply {
    match (call.method.as_str(), parts) {
        ("GET", []) => Ok(Answer::json(200, json!(world.faults.list()))),
        ("POST", []) => {
            let fault: Fault = body(call)?;
            let state = world.faults.add(fault).map_err(|error| refuse(400, error))?;
            Ok(Answer::json(201, json!(state)))
        }
        ("DELETE", []) => Ok(Answer::json(200, json!({"cleared": world.faults.clear(None)}))),
        ("DELETE", [id]) => done(world.faults.clear(Some(number(id)?)) > 0),
        _ => Err(refuse(405, "not possible on faults")),
    }
}

fn barriers(world: &World, call: &Call, parts: &[&str]) -> Reply {
    let how = || match call.parameter("abandon") {
        Some("true") => Release::Abandon,
        _ => Release::Proceed,
    };
    match (call.method.as_str(), parts) {
        ("GET", []) => Ok(Answer::json(200, json!(world.barriers.list()))),
        ("POST", []) => {
            let barrier: Barrier = body(call)?;
            let state = world.barriers.add(barrier).map_err(|error| refuse(400, error))?;
            Ok(Answer::json(201, json!(state)))
        }
        ("GET", [id]) => found(world.barriers.state(number(id)?)),
        ("POST", [id, "release"]) => found(world.barriers.release(number(id)?, how())),
        ("DELETE", [id]) => done(world.barriers.remove(number(id)?, how())),
        _ => Err(refuse(405, "not possible on barriers")),
    }
}

/// Long poll: 200 once enough requests have come, 408 if they have not in time.
async fn wait(world: &World, call: &Call, id: &str) -> Reply {
    let id = number(id)?;
    let arrivals = call.parameter("arrivals").and_then(|text| text.parse().ok()).unwrap_or(1);
    let seconds: f64 = call.parameter("timeout_seconds").and_then(|text| text.parse().ok()).unwrap_or(10.0);
    let waited = tokio::time::timeout(
        Duration::from_secs_f64(seconds.clamp(0.0, MAX_WAIT_SECONDS)),
        world.barriers.wait(id, arrivals),
    )
    .await;
    match waited {
        Ok(state) => found(state),
        Err(_) => Err(refuse(408, format!("fewer than {arrivals} requests came to barrier {id} in {seconds} s"))),
    }
}

fn in_tenant(world: &World, call: &Call, id: &str, parts: &[&str]) -> Reply {
    let tenant = world.tenant(id).ok_or_else(|| refuse(404, format!("tenant {id} does not exist")))?;
    let now = world.clock.now();
    let mut tenant = lock(&tenant);
    tenant.settle(now);
    match (call.method.as_str(), parts) {
        ("GET", ["truth"]) => Ok(Answer::json(200, json!(tenant.truth(now)))),
        ("GET", ["figures"]) => Ok(Answer::json(200, json!(tenant.figures(call.parameter("app"))))),
        ("GET", ["rights"]) => {
            let mail = call.parameter("mail").ok_or_else(|| refuse(400, "the query parameter mail is missing"))?;
            Ok(Answer::json(200, json!(tenant.rights(mail, call.parameter("app")))))
        }
        ("GET", ["counters"]) => Ok(Answer::json(200, json!(tenant.counters))),
        ("GET", ["switches"]) => {
            let positions: serde_json::Map<String, Value> =
                SWITCHES.iter().map(|one| (one.name.to_owned(), json!(tenant.switches.get(one.name)))).collect();
            Ok(Answer::json(200, Value::Object(positions)))
        }
        (_, ["switches"]) if call.method == Method::PATCH => {
            let set: std::collections::BTreeMap<String, String> = body(call)?;
            for (name, value) in &set {
                tenant.switches.set(name, value).map_err(|error| refuse(400, error))?;
            }
            Ok(Answer::empty(204))
        }
        ("GET", ["settings"]) => Ok(Answer::json(200, json!(tenant.settings))),
        ("PATCH", ["settings"]) => {
            let patch: SettingsPatch = body(call)?;
            tenant.apply_settings(&patch);
            Ok(Answer::empty(204))
        }
        ("POST", ["apps"]) => {
            let seed: AppSeed = body(call)?;
            let sp_id = tenant.add_app(&seed, now).map_err(|error| refuse(400, error))?;
            Ok(Answer::json(201, json!({"app_id": seed.app_id, "sp_id": sp_id})))
        }
        ("POST", ["redeem"]) => {
            let asked = call.json().unwrap_or_default();
            let identity: Identity =
                serde_json::from_value(asked["identity"].clone()).map_err(|error| refuse(400, error))?;
            done(tenant.redeem(asked["user"].as_str().unwrap_or_default(), identity, now))
        }
        ("POST", ["tamper"]) => {
            let op: Tamper = body(call)?;
            let made = tamper(&mut tenant, &op, now).map_err(|error| refuse(404, error))?;
            Ok(Answer::json(200, json!({"id": made})))
        }
        _ => Err(refuse(404, format!("{} {} is not part of the control API", call.method, call.raw_path))),
    }
}

fn lock(tenant: &Arc<Mutex<Tenant>>) -> std::sync::MutexGuard<'_, Tenant> {
    locked(tenant)
}

fn body<T: DeserializeOwned>(call: &Call) -> Result<T, Answer> {
    serde_json::from_str(&call.body)
        .map_err(|error| refuse(400, format!("the body is not what is expected here: {error}")))
}

fn number(text: &str) -> Result<u64, Answer> {
    text.parse().map_err(|_| refuse(400, format!("{text:?} is not a number")))
}

fn found<T: serde::Serialize>(state: Option<T>) -> Reply {
    state.map(|state| Answer::json(200, json!(state))).ok_or_else(|| refuse(404, "there is no such thing (any more)"))
}

fn done(done: bool) -> Reply {
    if done { Ok(Answer::empty(204)) } else { Err(refuse(404, "there is no such thing")) }
}

fn refuse(status: u16, why: impl ToString) -> Answer {
    Answer::json(status, json!({"error": why.to_string()}))
}
