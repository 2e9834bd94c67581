//! Instants, dates and windows of access. This module reads no clock.
//!
//! Dates are UTC. `from` and `start` mean the beginning of the day; `until` and `end` mean its end, so the window
//! closes at the next midnight.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use crate::name::text_serde;

const SECONDS_PER_DAY: i64 = 86_400;

/// A second in UTC, counted from 1970. Always within the years 1970 to 9999, so it can be printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// 9999-12-31T23:59:59Z, the last second that RFC 3339 can spell.
const LAST_SECOND: i64 = 253_402_300_799;

impl Timestamp {
    pub const MIN: Self = Self(0);
    pub const MAX: Self = Self(LAST_SECOND);

    /// Clamped to the years 1970 to 9999.
    pub fn from_unix(seconds: i64) -> Self {
        Self(seconds.clamp(0, LAST_SECOND))
    }

    pub fn as_unix(self) -> i64 {
        self.0
    }

    /// Clamped, never wraps.
    pub fn plus(self, duration: std::time::Duration) -> Self {
        Self::from_unix(self.0.saturating_add(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)))
    }

    /// How long this is after `earlier`. Zero if it is not.
    pub fn since(self, earlier: Self) -> std::time::Duration {
        std::time::Duration::from_secs(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instant = OffsetDateTime::from_unix_timestamp(self.0).map_err(|_| fmt::Error)?;
        f.write_str(&instant.format(&Rfc3339).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Timestamp {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let wrong = || TimeError::Instant { text: text.into() };
        let instant = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| wrong())?;
        let seconds = instant.unix_timestamp();
        if (0..=LAST_SECOND).contains(&seconds) { Ok(Self(seconds)) } else { Err(wrong()) }
    }
}

text_serde!(Timestamp);

/// Why a text is not a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    #[error("{text:?} is not an instant: write 2027-03-31T12:00:00Z")]
    Instant { text: String },
    #[error("{text:?} is not a date: write 2027-03-31")]
    Date { text: String },
}

/// A day in UTC, as people write it: `2027-03-31`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(time::Date);

impl Date {
    /// The day's first second.
    pub fn begins(self) -> Timestamp {
        Timestamp::from_unix(self.0.midnight().assume_utc().unix_timestamp())
    }

    /// The first second that is no longer in the day.
    pub fn ends(self) -> Timestamp {
        Timestamp::from_unix(self.begins().as_unix() + SECONDS_PER_DAY)
    }
}

impl Timestamp {
    /// An end, as people write it: the last day, if it is at midnight; else the instant.
    pub fn as_end(self) -> String {
        let before = Self::from_unix(self.0.saturating_sub(1)).to_string();
        match before.split_once('T') {
            Some((day, _)) if self.0.rem_euclid(SECONDS_PER_DAY) == 0 => day.to_owned(),
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.0.year(), u8::from(self.0.month()), self.0.day())
    }
}

impl FromStr for Date {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let wrong = || TimeError::Date { text: text.into() };
        let format = format_description!("[year]-[month]-[day]");
        let date = time::Date::parse(text, format).map_err(|_| wrong())?;
        if (1970..=9999).contains(&date.year()) { Ok(Self(date)) } else { Err(wrong()) }
    }
}

text_serde!(Date);

/// A span of access, from `start` (inclusive) to `end` (exclusive). Without a start or an end, it is unlimited there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Window {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Timestamp>,
}

impl Window {
    /// No start and no end.
    pub const ALWAYS: Self = Self { start: None, end: None };

    /// The window of two dates as people write them.
    pub fn of_dates(start: Option<Date>, end: Option<Date>) -> Self {
        Self { start: start.map(Date::begins), end: end.map(Date::ends) }
    }

    /// What two windows share. `None` if they share nothing.
    pub fn intersect(self, other: Self) -> Option<Self> {
        let start = self.start.max(other.start);
        let end = match (self.end, other.end) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let window = Self { start, end };
        (!window.is_empty()).then_some(window)
    }

    pub fn is_empty(self) -> bool {
        matches!((self.start, self.end), (Some(start), Some(end)) if start >= end) || self.end == Some(Timestamp::MIN)
    }

    pub fn contains(self, now: Timestamp) -> bool {
        self.start.is_none_or(|start| start <= now) && self.end.is_none_or(|end| now < end)
    }

    /// Its length, if it has a start and an end.
    pub fn length(self) -> Option<std::time::Duration> {
        Some(self.end?.since(self.start?))
    }
}

/// Windows in order that neither overlap nor touch. No window means never.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Window>", into = "Vec<Window>")]
pub struct Windows(Vec<Window>);

/// Where an instant lies in relation to the windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Before a window, which opens then.
    Before(Timestamp),
    /// Inside a window, which ends then if it has an end.
    Open(Option<Timestamp>),
    /// After the last window.
    Over,
}

impl Windows {
    pub fn always() -> Self {
        Self(vec![Window::ALWAYS])
    }

    pub fn as_slice(&self) -> &[Window] {
        &self.0
    }

    pub fn is_never(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a window. Merges windows that overlap or touch.
    pub fn insert(&mut self, window: Window) {
        let mut all = std::mem::take(&mut self.0);
        all.push(window);
        *self = all.into();
    }

    /// Everything that is in either.
    pub fn union(&self, other: &Self) -> Self {
        self.0.iter().chain(&other.0).copied().collect::<Vec<_>>().into()
    }

    /// An instant between two windows counts as before the next.
    pub fn phase(&self, now: Timestamp) -> Phase {
        for window in &self.0 {
            if window.contains(now) {
                return Phase::Open(window.end);
            }
            if let Some(start) = window.start.filter(|start| now < *start) {
                return Phase::Before(start);
            }
        }
        Phase::Over
    }

    /// The next instant at which [`Self::phase`] changes.
    pub fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        match self.phase(now) {
            Phase::Before(at) => Some(at),
            Phase::Open(end) => end,
            Phase::Over => None,
        }
    }
}

impl From<Vec<Window>> for Windows {
    fn from(mut windows: Vec<Window>) -> Self {
        windows.retain(|window| !window.is_empty());
        windows.sort();
        let mut merged: Vec<Window> = Vec::with_capacity(windows.len());
        for window in windows {
            match merged.last_mut() {
                Some(last) if last.end.is_none_or(|end| window.start.is_none_or(|start| start <= end)) => {
                    last.end = match (last.end, window.end) {
                        (Some(a), Some(b)) => Some(a.max(b)),
                        _ => None,
                    };
                }
                _ => merged.push(window),
            }
        }
        Self(merged)
    }
}

impl From<Windows> for Vec<Window> {
    fn from(windows: Windows) -> Self {
        windows.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bound() -> impl Strategy<Value = Option<Timestamp>> {
        proptest::option::of((1..60_i64).prop_map(Timestamp::from_unix))
    }

    fn window() -> impl Strategy<Value = Window> {
        (bound(), bound()).prop_map(|(start, end)| Window { start, end })
    }

    proptest! {
        #[test]
        fn merging_keeps_every_instant_and_adds_none(all in proptest::collection::vec(window(), 0..6), now in 0..70_i64) {
            let now = Timestamp::from_unix(now);
            let merged = Windows::from(all.clone());
            let inside = all.iter().any(|window| window.contains(now));
            prop_assert_eq!(matches!(merged.phase(now), Phase::Open(_)), inside);
            for pair in merged.as_slice().windows(2) {
                prop_assert!(pair[0].end < pair[1].start, "{:?}", merged);
            }
        }

        #[test]
        fn the_intersection_is_what_both_contain(a in window(), b in window(), now in 0..70_i64) {
            let now = Timestamp::from_unix(now);
            let both = a.intersect(b).is_some_and(|shared| shared.contains(now));
            prop_assert_eq!(both, a.contains(now) && b.contains(now));
        }

        #[test]
        fn the_phase_holds_until_its_next_change(all in proptest::collection::vec(window(), 0..6), now in 0..70_i64) {
            let (windows, now) = (Windows::from(all), Timestamp::from_unix(now));
            let open = |at| matches!(windows.phase(at), Phase::Open(_));
            let until = windows.next_change(now).map_or(80, Timestamp::as_unix);
            for second in now.as_unix()..until {
                prop_assert_eq!(open(Timestamp::from_unix(second)), open(now));
            }
        }
    }

    #[test]
    fn a_last_day_is_included() {
        let window = Window::of_dates(Some("2026-12-01".parse().unwrap()), Some("2026-12-01".parse().unwrap()));
        assert!(window.contains("2026-12-01T00:00:00Z".parse().unwrap()));
        assert!(window.contains("2026-12-01T23:59:59Z".parse().unwrap()));
        assert!(!window.contains("2026-12-02T00:00:00Z".parse().unwrap()));
    }

    #[test]
    fn odd_dates_are_refused() {
        for text in ["2026-02-30", "26-01-01", "2026-1-1", "1969-12-31", "tomorrow", "2026-12-01T00:00:00Z"] {
            assert!(text.parse::<Date>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_end_is_shown_as_the_last_day_or_as_an_instant() {
        let end = |text: &str| text.parse::<Timestamp>().unwrap().as_end();
        assert_eq!(end("2027-01-01T00:00:00Z"), "2026-12-31");
        assert_eq!(end("2027-01-01T00:00:01Z"), "2027-01-01T00:00:01Z");
    }
}
