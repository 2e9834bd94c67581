//! Microsoft's budgets as token buckets: what a request costs, and how long to wait when a bucket is empty.
//!
//! Numbers: Graph "throttling-limits" (identity and access), ARM "request-limits-and-throttling". A tenant's
//! `throttle_scale` multiplies every capacity; 0 switches throttling off.

use std::collections::HashMap;

use crate::http::Call;

/// A budget: so many units, refilled evenly over so many seconds.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    pub name: &'static str,
    pub units: f64,
    pub seconds: f64,
}

/// Graph, invitations, per tenant over all applications.
pub const INVITATIONS: Budget = Budget { name: "invitations", units: 150.0, seconds: 5.0 };
/// Graph, directory writes, per application and tenant.
pub const WRITES: Budget = Budget { name: "writes", units: 3000.0, seconds: 150.0 };
/// ARM, per subscription, principal and kind of operation: buckets of 250/200/200, refilled by 25/10/10 a second.
pub const ARM_READS: Budget = Budget { name: "reads", units: 250.0, seconds: 10.0 };
pub const ARM_WRITES: Budget = Budget { name: "writes", units: 200.0, seconds: 20.0 };
pub const ARM_DELETES: Budget = Budget { name: "deletes", units: 200.0, seconds: 20.0 };

/// Graph, resource units per application and tenant; by the size of the directory.
pub fn resource_units(users: usize) -> Budget {
    let units = match users {
        0..50 => 3500.0,
        50..=500 => 5000.0,
        _ => 8000.0,
    };
    Budget { name: "resource-units", units, seconds: 10.0 }
}

#[derive(Debug, Default)]
pub struct Throttle {
    buckets: HashMap<(&'static str, String), Bucket>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// Below zero: a debt of requests that came although their client was told to wait.
    left: f64,
    at: f64,
    /// Until when callers were told to wait.
    told_until: f64,
}

impl Throttle {
    /// Takes `cost` from the budget that `who` draws on. `Ok` is what is left; `Err` the seconds until there is enough.
    pub fn take(&mut self, budget: Budget, who: &str, cost: f64, scale: f64, now: f64) -> Result<f64, f64> {
        if scale <= 0.0 {
            return Ok(budget.units);
        }
        let capacity = (budget.units * scale).max(1.0);
        let rate = capacity / budget.seconds;
        let bucket = self.buckets.entry((budget.name, who.to_owned())).or_insert(Bucket {
            left: capacity,
            at: now,
            told_until: 0.0,
        });
        bucket.left = (bucket.left + (now - bucket.at) * rate).min(capacity);
        bucket.at = now;
        let cost = cost.min(capacity);
        if bucket.left < cost {
            if now < bucket.told_until {
                // Requests during the wait count too (Graph: throttling), at most a second bucketful, so waiting helps.
                bucket.left = (bucket.left - cost).max(-capacity);
            }
            let wait = (cost - bucket.left) / rate;
            bucket.told_until = now + retry_after(wait);
            return Err(wait);
        }
        bucket.left -= cost;
        Ok(bucket.left)
    }
}

/// Whole seconds, as the header has them.
pub fn retry_after(wait: f64) -> f64 {
    wait.ceil().max(1.0)
}

/// Resource units of a Graph request: base cost, `$select` -1, `$expand` +1, `$top` below 20 -1, at least 1.
pub fn graph_cost(call: &Call) -> f64 {
    if call.is_write() && !call.raw_path.ends_with("getByIds") {
        return 1.0;
    }
    let parts: Vec<&str> = call.segments.iter().skip(1).map(String::as_str).collect();
    let base: f64 = match parts.as_slice() {
        ["users"] => 2.0,
        ["groups", _, "members", ..] | ["directoryObjects", "getByIds"] | ["subscribedSkus"] => 3.0,
        ["groups" | "users", _, "transitiveMembers" | "transitiveMemberOf", ..] => 5.0,
        _ => 1.0,
    };
    let mut cost = base;
    if call.parameter("$select").is_some() {
        cost -= 1.0;
    }
    if call.parameter("$expand").is_some() {
        cost += 1.0;
    }
    if call.parameter("$top").and_then(|top| top.parse::<u32>().ok()).is_some_and(|top| top < 20) {
        cost -= 1.0;
    }
    cost.max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_bucket_says_how_long_to_wait_and_refills() {
        let mut throttle = Throttle::default();
        for _ in 0..150 {
            throttle.take(INVITATIONS, "t", 1.0, 1.0, 10.0).unwrap();
        }
        let wait = throttle.take(INVITATIONS, "t", 1.0, 1.0, 10.0).unwrap_err();
        assert!(wait > 0.0 && wait < 0.1, "{wait}");
        throttle.take(INVITATIONS, "t", 1.0, 1.0, 10.0 + wait + 0.001).unwrap();
    }

    #[test]
    fn asking_on_before_the_time_makes_the_wait_longer_and_patience_ends_it() {
        let mut throttle = Throttle::default();
        let mut ask = |at: f64| throttle.take(INVITATIONS, "t", 1.0, 1.0, at);
        assert!((0..150).all(|_| ask(10.0).is_ok()));
        let told = ask(10.0).unwrap_err();
        let longer = ask(10.0).unwrap_err();
        assert!(longer > told, "{longer} {told}");
        assert!((0..1000).all(|_| ask(10.0).is_err()));
        let longest = ask(10.0).unwrap_err();
        assert!(longest < 6.0, "{longest}");
        assert!(ask(10.0 + longest + 0.001).is_ok());
    }
}
