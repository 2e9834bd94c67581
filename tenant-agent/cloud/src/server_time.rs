//! The services' current time, from the `Date` of their answers.
//!
//! The machine's own clock may be minutes off, and may jump. It is used only for the first token, before any service
//! has answered.

use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use time::OffsetDateTime;
use tokio::time::Instant;

use crate::call::Service;

/// A `Date` from a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerTime {
    pub date: OffsetDateTime,
    /// When it came, by a clock that never jumps.
    pub at: Instant,
}

impl ServerTime {
    /// The current time: that date plus the time since.
    pub fn now(self) -> OffsetDateTime {
        // A far-future date is possible like any other.
        self.date.saturating_add(self.at.elapsed().try_into().unwrap_or(time::Duration::MAX))
    }

    fn tells_same(self, other: Self) -> bool {
        let (own, other) = (self.now().unix_timestamp(), other.now().unix_timestamp());
        own.abs_diff(other) <= CLOCKS_APART.as_secs()
    }
}

/// How far two answers may differ and still agree. The services' machines are seconds apart. It is less than the five
/// minutes that a proof may be ahead of the control plane, so a shift by a single answer never leads to a refusal
/// there.
pub const CLOCKS_APART: Duration = Duration::from_secs(120);

/// How long one service alone has to report another time before it counts, with no other service confirming the known
/// one. One bad machine of a service is asked only a few times in a row. (The monotonic clock stops while a machine
/// sleeps, so a real jump looks the same.)
const LASTING: Duration = Duration::from_secs(60);

/// The time of Graph, ARM and the login service together, because they belong to one company.
///
/// It takes two answers to set a time; one alone sets neither the first time nor a different one. Time goes back only if
/// the known one is refuted. A difference of at most [`CLOCKS_APART`] never turns it back.
#[derive(Debug, Default)]
pub(crate) struct ServerClock(Mutex<Dates>);

#[derive(Debug, Default)]
struct Dates {
    /// The accepted time.
    known: Option<ServerTime>,
    /// Another time, which one service reported and none has confirmed or contradicted.
    claim: Option<(Service, ServerTime)>,
    /// The last answer's date: one wrong answer spoils no more than the next token.
    last: Option<ServerTime>,
}

impl ServerClock {
    pub(crate) fn learn(&self, service: Service, date: OffsetDateTime) {
        let told = ServerTime { date, at: Instant::now() };
        let mut dates = self.lock();
        dates.last = Some(told);
        match (dates.known, dates.claim) {
            (Some(known), _) if known.tells_same(told) => {
                dates.claim = None;
                // A slightly older date does not set the time back, because answers overtake each other.
                if told.date >= known.date {
                    dates.known = Some(told);
                }
            }
            (known, Some((of, claim))) if claim.tells_same(told) => {
                if known.is_none() || of != service || claim.at.elapsed() >= LASTING {
                    let newest = if told.date >= claim.date { told } else { claim };
                    (dates.known, dates.claim) = (Some(newest), None);
                }
            }
            _ => dates.claim = Some((service, told)),
        }
    }

    /// The newest accepted time.
    pub(crate) fn newest(&self) -> Option<ServerTime> {
        self.lock().known
    }

    /// The time for requests that need one: the services' own, or this machine's before their first answer. If an
    /// assertion is refused for its time, the refusal has a date, and the next one is right.
    pub(crate) fn now_or_machine(&self) -> OffsetDateTime {
        let last = self.lock().last;
        last.map_or_else(|| SystemTime::now().into(), ServerTime::now)
    }

    fn lock(&self) -> MutexGuard<'_, Dates> {
        self.0.lock().expect("nothing panics while it holds the time")
    }
}

#[cfg(test)]
mod tests {
    use super::Service::{Arm, Graph, Login};
    use super::*;

    const START: i64 = 1_795_428_000;
    const YEARS: i64 = 10 * 365 * 86_400;

    /// Answers of several services in turn, each this many seconds off the true time, one second apart.
    async fn told(clock: &ServerClock, answers: &[(Service, i64)]) -> Option<i64> {
        let start = Instant::now();
        for (service, off) in answers {
            tokio::time::advance(Duration::from_secs(1)).await;
            let passed = start.elapsed().as_secs() as i64;
            clock.learn(*service, OffsetDateTime::from_unix_timestamp(START + passed + off).unwrap());
        }
        let passed = start.elapsed().as_secs() as i64;
        clock.newest().map(|time| time.now().unix_timestamp() - START - passed)
    }

    async fn check(answers: &[(Service, i64)], expected: Option<i64>) {
        assert_eq!(told(&ServerClock::default(), answers).await, expected, "{answers:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_from_far_in_the_future_moves_nothing_wherever_it_stands() {
        let good = [(Login, 0), (Graph, 0), (Arm, 0), (Graph, 0), (Graph, 0)];
        for far in [YEARS, 86_400, 600, 121, -600, -YEARS] {
            for at in 0..good.len() {
                for service in [Login, Graph, Arm] {
                    let mut answers = good;
                    answers[at] = (service, far);
                    check(&answers, Some(0)).await;
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_answer_alone_tells_no_time_and_two_that_agree_do() {
        check(&[(Login, YEARS)], None).await;
        check(&[(Login, YEARS), (Graph, 0)], None).await;
        check(&[(Login, YEARS), (Graph, 0), (Graph, 0)], Some(0)).await;
        check(&[(Graph, 0), (Graph, 0)], Some(0)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_bad_machine_that_answers_some_times_in_a_row_moves_nothing() {
        let mut answers = vec![(Login, 0), (Graph, 0)];
        answers.extend([(Graph, YEARS); 50]);
        check(&answers, Some(0)).await;
        // Nor one that reports it forever while another reports the true time.
        for _ in 0..20 {
            answers.push((Arm, 0));
            answers.extend([(Graph, YEARS); 30]);
        }
        check(&answers, Some(0)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_leap_that_others_or_a_minute_confirm_is_believed_and_one_that_is_refuted_is_taken_back() {
        let slept = [(Login, 0), (Graph, 0), (Graph, 3_600), (Arm, 3_600)];
        check(&slept, Some(3_600)).await;
        let mut alone = vec![(Login, 0), (Graph, 0)];
        alone.extend([(Graph, 3_600); 62]);
        check(&alone, Some(3_600)).await;
        alone.extend([(Graph, 0), (Arm, 0)]);
        check(&alone, Some(0)).await;
        check(&[(Login, YEARS), (Graph, YEARS), (Graph, 0), (Arm, 0)], Some(0)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn answers_that_overtake_each_other_turn_nothing_back() {
        check(&[(Login, 0), (Graph, 30), (Arm, 0), (Graph, -60), (Graph, 0)], Some(30)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_dated_by_the_last_answer_and_the_end_of_time_panics_nowhere() {
        let clock = ServerClock::default();
        told(&clock, &[(Login, 0), (Graph, 0), (Graph, -1)]).await;
        assert_eq!(clock.now_or_machine().unix_timestamp(), START + 2, "whatever this machine's clock says");
        let end = crate::transport::http_date("Fri, 31 Dec 9999 23:59:59 GMT").unwrap();
        for service in [Login, Graph, Arm] {
            clock.learn(service, end);
            tokio::time::advance(Duration::from_secs(100)).await;
        }
        assert!(clock.now_or_machine() >= end);
    }
}
