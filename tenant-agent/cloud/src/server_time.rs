//! What time it is to the services, from the `Date` of their answers.
//!
//! The machine's own clock may be minutes off, and steps. It is asked in one place, for the first token, before which no
//! service has said anything.

use std::sync::Mutex;
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
pub(crate) struct ServerClock(Mutex<Option<ServerTime>>);

impl ServerClock {
    /// Takes a date unless it is older than one that is known: services stand on many machines, and answers overtake
    /// each other.
    pub(crate) fn learn(&self, date: OffsetDateTime) {
        let mut newest = self.0.lock().expect("nothing panics while it holds the time");
        if newest.is_none_or(|known| known.date <= date) {
            *newest = Some(ServerTime { date, at: Instant::now() });
        }
    }

    pub(crate) fn read(&self) -> Option<ServerTime> {
        *self.0.lock().expect("nothing panics while it holds the time")
    }

    /// For what must carry a time: the services' own, or before their first answer this machine's. An assertion that is
    /// refused for its time is answered with a date, and the next one is right.
    pub(crate) fn now_or_machine(&self) -> OffsetDateTime {
        self.read().map_or_else(|| SystemTime::now().into(), ServerTime::now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_newest_date_counts_and_never_goes_back() {
        let clock = ServerClock::default();
        assert_eq!(clock.read(), None);
        let date = OffsetDateTime::from_unix_timestamp(1_795_428_000).unwrap();
        clock.learn(date);
        let first = clock.read().unwrap();
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(first.now(), date + Duration::from_secs(10));
        clock.learn(date - Duration::from_secs(1));
        assert_eq!(clock.read(), Some(first));
        clock.learn(date);
        assert_eq!(clock.now_or_machine(), date, "whatever this machine's clock says");
        let later = clock.read().unwrap();
        assert_eq!((later.date, later.at), (date, first.at + Duration::from_secs(10)));
        let end = crate::transport::http_date("Fri, 31 Dec 9999 23:59:59 GMT").unwrap();
        clock.learn(end);
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(clock.now_or_machine() >= end, "without a panic");
    }
}
