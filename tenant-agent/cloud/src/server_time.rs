//! What time it is to the services, from the `Date` of their answers.
//!
//! The machine's own clock may be minutes off, and steps. It is asked in one place, for the first token, before which no
//! service has said anything.

use std::sync::{Mutex, MutexGuard};
use std::time::SystemTime;

use time::OffsetDateTime;
use tokio::time::Instant;

/// The newest `Date` that a service sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerTime {
    pub date: OffsetDateTime,
    /// When it came, by a clock that never steps.
    pub at: Instant,
}

impl ServerTime {
    /// What time it is now, by that date and the time since.
    pub fn now(self) -> OffsetDateTime {
        // A date at the end of time is a header like any other.
        self.date.saturating_add(self.at.elapsed().try_into().unwrap_or(time::Duration::MAX))
    }
}

/// Of Graph, ARM and the login service together: they are one company's, with one time.
#[derive(Debug, Default)]
pub(crate) struct ServerClock(Mutex<Dates>);

#[derive(Debug, Default)]
struct Dates {
    newest: Option<ServerTime>,
    /// What the last answer said, which may be older: one answer with a wrong date spoils no more than the next token.
    last: Option<ServerTime>,
}

impl ServerClock {
    /// A date that is older than one that is known does not set the time back: services stand on many machines, and
    /// answers overtake each other.
    pub(crate) fn learn(&self, date: OffsetDateTime) {
        let time = ServerTime { date, at: Instant::now() };
        let mut dates = self.lock();
        dates.last = Some(time);
        if dates.newest.is_none_or(|known| known.date <= date) {
            dates.newest = Some(time);
        }
    }

    pub(crate) fn newest(&self) -> Option<ServerTime> {
        self.lock().newest
    }

    /// For what must carry a time: the services' own, or before their first answer this machine's. An assertion that is
    /// refused for its time is answered with a date, and the next one is right.
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
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_newest_date_counts_and_never_goes_back() {
        let clock = ServerClock::default();
        assert_eq!(clock.newest(), None);
        let date = OffsetDateTime::from_unix_timestamp(1_795_428_000).unwrap();
        clock.learn(date);
        let first = clock.newest().unwrap();
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(first.now(), date + Duration::from_secs(10));
        let earlier = date - Duration::from_secs(1);
        clock.learn(earlier);
        assert_eq!(clock.now_or_machine(), earlier, "of the last answer, whatever this machine's clock says");
        assert_eq!(clock.newest(), Some(first));
        clock.learn(date);
        let later = clock.newest().unwrap();
        assert_eq!((later.date, later.at), (date, first.at + Duration::from_secs(10)));
        let end = crate::transport::http_date("Fri, 31 Dec 9999 23:59:59 GMT").unwrap();
        clock.learn(end);
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(clock.now_or_machine() >= end, "without a panic");
    }
}
