//! Budgets around the handlers: counts a request, takes its cost, and answers 429 when nothing is left.

use serde_json::Value;

use crate::clock::Now;
use crate::http::{Answer, Body, Call, settle};
use crate::tenant::throttle::{
    ARM_DELETES, ARM_READS, ARM_WRITES, Budget, INVITATIONS, WRITES, graph_cost, resource_units, retry_after,
};
use crate::tenant::{Caller, Tenant};

/// One Graph request or one part of a batch, if the budgets allow it.
pub fn graph(tenant: &mut Tenant, call: &Call, caller: &Caller, now: Now, phantom: bool) -> Answer {
    count_graph(tenant, call);
    let scale = tenant.settings.throttle_scale;
    let cost = graph_cost(call);
    let units = resource_units(tenant.users.len());
    let app = caller.app_id.clone();
    let is_invitation = call.is_write() && call.segments.get(1).is_some_and(|part| part == "invitations");
    let throttle = &mut tenant.throttle;
    let mut taken = throttle.take(units, &app, cost, scale, now.seconds).map_err(|wait| (units.name, wait));
    if taken.is_ok() && call.is_write() {
        let left = throttle.take(WRITES, &app, 1.0, scale, now.seconds).map_err(|wait| (WRITES.name, wait));
        taken = left.and(taken);
    }
    if taken.is_ok() && is_invitation {
        let left = throttle.take(INVITATIONS, "", 1.0, scale, now.seconds).map_err(|wait| (INVITATIONS.name, wait));
        taken = left.and(taken);
    }
    let left = match taken {
        Ok(left) => left,
        Err((scope, wait)) => return throttled(tenant, scope, wait, &app),
    };
    tenant.accounted = false;
    let mut answer =
        settle(crate::graph::handle(tenant, crate::graph::request::Request { call, caller, now, phantom }));
    check_account(tenant, call, caller, &answer);
    if tenant.switches.is("inner_error_spelling", "innererror") {
        respell(&mut answer);
    }
    tenant.counters.refused += u64::from(answer.status >= 400);
    let used = 1.0 - left / (units.units * scale).max(1.0);
    let answer = answer.header("x-ms-resource-unit", format!("{cost}"));
    if scale > 0.0 && used > 0.8 {
        answer.header("x-ms-throttle-limit-percentage", format!("{used:.2}"))
    } else {
        answer
    }
}

/// A successful write counts as one to an unowned object if its handler did not name the object's creator.
fn check_account(tenant: &mut Tenant, call: &Call, caller: &Caller, answer: &Answer) {
    let changed = call.is_write() && !call.raw_path.ends_with("getByIds") && answer.status < 400;
    if changed && !tenant.accounted {
        tenant.record_write(caller, None, format!("{} {} (whose it is was not said)", call.method, call.raw_path));
    }
}

/// The schema's spelling of the nested error, instead of the usual one.
fn respell(answer: &mut Answer) {
    let Body::Json(body) = &mut answer.body else { return };
    if let Some(error) = body.get_mut("error").and_then(Value::as_object_mut) {
        let inner = error.remove("innerError");
        error.extend(inner.map(|inner| ("innererror".to_owned(), inner)));
    }
}

fn throttled(tenant: &mut Tenant, scope: &str, wait: f64, app: &str) -> Answer {
    tenant.counters.throttled += 1;
    let answer = crate::graph::error::refuse(
        429,
        "TooManyRequests",
        "Too many requests. Please retry after the time that the Retry-After header names.",
    )
    .header("x-ms-throttle-scope", format!("Tenant_Application/ReadWrite/{app}/{}", tenant.id))
    .header("x-ms-throttle-information", scope);
    if tenant.switches.is("retry_after", "present") {
        answer.header("Retry-After", format!("{}", retry_after(wait)))
    } else {
        answer
    }
}

/// One ARM request, if the budgets allow it.
pub fn arm(tenant: &mut Tenant, call: &Call, caller: &Caller, now: Now) -> Answer {
    let counters = &mut tenant.counters;
    if call.is_write() {
        counters.arm_writes += 1
    } else {
        counters.arm_reads += 1
    }
    let budget = match call.method.as_str() {
        "GET" | "HEAD" => ARM_READS,
        "DELETE" => ARM_DELETES,
        _ => ARM_WRITES,
    };
    let subscription = match call.segments.as_slice() {
        [first, id, ..] if first.eq_ignore_ascii_case("subscriptions") => id.to_lowercase(),
        _ => "tenant".to_owned(),
    };
    let who = format!("{subscription}/{}/{}", caller.sp_id, budget.name);
    let bucket = Budget { name: "arm", ..budget };
    match tenant.throttle.take(bucket, &who, 1.0, tenant.settings.throttle_scale, now.seconds) {
        Ok(left) => {
            tenant.accounted = false;
            let answer = settle(crate::arm::handle(tenant, crate::arm::request::Request { call, caller, now }));
            check_account(tenant, call, caller, &answer);
            tenant.counters.refused += u64::from(answer.status >= 400);
            answer
                .header(&format!("x-ms-ratelimit-remaining-subscription-{}", budget.name), format!("{}", left.floor()))
        }
        Err(wait) => {
            tenant.counters.throttled += 1;
            let answer = crate::arm::request::refuse(
                429,
                "TooManyRequests",
                "Number of requests for the subscription exceeded the limit. Please try again later.",
            );
            if tenant.switches.is("retry_after", "present") {
                answer.header("Retry-After", format!("{}", retry_after(wait)))
            } else {
                answer
            }
        }
    }
}

fn count_graph(tenant: &mut Tenant, call: &Call) {
    let counters = &mut tenant.counters;
    counters.graph_requests += 1;
    // A POST by necessity, not a write.
    let write = call.is_write() && !call.raw_path.ends_with("getByIds");
    if write { counters.graph_writes += 1 } else { counters.graph_reads += 1 }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method};

    use super::*;
    use crate::clock::Clock;
    use crate::control::seed::TenantSeed;

    #[test]
    fn a_write_of_which_nobody_said_whose_it_is_counts_as_somebody_elses() {
        let seed = TenantSeed { id: "0c0de000-0000-4000-8000-000000000001".into(), ..Default::default() };
        let mut tenant = Tenant::from_seed(&seed, 1, Clock::start().now()).unwrap();
        let caller = Caller { app_id: "app".into(), sp_id: "sp".into(), roles: Vec::new() };
        let call =
            |method: Method| Call::new(method, String::new(), "/v1.0/new/thing", HeaderMap::new(), String::new());
        let mut unowned = |method: Method, status: u16, said: bool| {
            tenant.accounted = said;
            check_account(&mut tenant, &call(method), &caller, &Answer::empty(status));
            tenant.figures(None).writes_to_unowned
        };
        assert_eq!(unowned(Method::GET, 200, false), 0);
        assert_eq!(unowned(Method::POST, 403, false), 0);
        assert_eq!(unowned(Method::POST, 201, true), 0);
        assert_eq!(unowned(Method::POST, 201, false), 1);
        assert_eq!(unowned(Method::POST, 302, false), 2);
    }
}
