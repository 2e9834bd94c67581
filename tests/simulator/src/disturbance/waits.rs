//! Clients that were told to wait and ask again too early: that counts against them (Graph: throttling).
//!
//! Remembers every Retry-After that left, whether a budget or a fault sent it.

use std::collections::HashMap;
use std::sync::Mutex;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::clock::Now;
use crate::http::Answer;
use crate::lock::locked;

/// Requests remembered; far more than a client has under way, and what is over goes first.
const KEPT: usize = 10_000;

#[derive(Debug, Default)]
pub struct Waits(Mutex<HashMap<String, f64>>);

impl Waits {
    /// Whether this request was told to wait until later than now.
    pub fn asks_early(&self, request: &str, now: Now) -> bool {
        locked(&self.0).get(request).is_some_and(|until| now.seconds < *until)
    }

    /// Notes what an answer says; one without Retry-After ends the wait.
    pub fn note(&self, request: &str, answer: Option<&Answer>, now: Now) {
        let header = answer.and_then(|answer| {
            answer.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("Retry-After")).map(|(_, value)| value)
        });
        let mut waits = locked(&self.0);
        match header.and_then(|value| seconds(value, now)) {
            None => drop(waits.remove(request)),
            Some(wait) => {
                if waits.len() >= KEPT {
                    waits.retain(|_, until| now.seconds < *until);
                }
                if waits.len() < KEPT {
                    waits.insert(request.to_owned(), now.seconds + wait);
                }
            }
        }
    }
}

/// Seconds, or a date (RFC 9110, 10.2.3).
fn seconds(text: &str, now: Now) -> Option<f64> {
    let by_date = || OffsetDateTime::parse(text, &Rfc2822).ok().map(|at| (at - now.wall).as_seconds_f64());
    text.trim().parse().ok().or_else(by_date)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn a_wait_is_as_long_as_the_header_says_and_ends_with_an_answer() {
        let (waits, now) = (Waits::default(), Clock::start().now());
        let told = |value: &str| Answer::empty(429).header("Retry-After", value);
        let in_a_minute = now.later(60.0).wall.format(&Rfc2822).unwrap().replace("+0000", "GMT");
        for value in ["60", in_a_minute.as_str()] {
            waits.note("GET /users", Some(&told(value)), now);
            assert!(waits.asks_early("GET /users", now.later(58.0)), "{value}");
            assert!(!waits.asks_early("GET /users", now.later(61.0)) && !waits.asks_early("GET /groups", now));
        }
        waits.note("GET /users", Some(&Answer::empty(200)), now);
        assert!(!waits.asks_early("GET /users", now));
    }
}
