//! When a table that is watched is drawn again.

use std::time::Duration;

use tokio::time::Instant;

/// Changes that come together are drawn together.
const CALM: Duration = Duration::from_millis(150);

/// Longest that a table stands: ages go on while nothing is said, and a steady flow is never calm.
const STALE: Duration = Duration::from_secs(1);

/// What there is to draw, and since when.
#[derive(Debug, Default)]
pub(super) struct Pace {
    drawn: Option<Instant>,
    /// The first change that is not drawn yet, and the last.
    changed: Option<(Instant, Instant)>,
}

impl Pace {
    pub(super) fn change(&mut self, now: Instant) {
        let first = self.changed.map_or(now, |(first, _)| first);
        self.changed = Some((first, now));
    }

    pub(super) fn draw(&mut self, now: Instant) {
        (self.drawn, self.changed) = (Some(now), None);
    }

    /// None while there is nothing to draw.
    pub(super) fn due(&self) -> Option<Instant> {
        let calm = self.changed.map(|(_, last)| last + CALM);
        let stale = self.drawn.or(self.changed.map(|(first, _)| first)).map(|since| since + STALE);
        calm.into_iter().chain(stale).min()
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.due().is_some_and(|due| due <= now)
    }

    pub(super) fn has_changed(&self) -> bool {
        self.changed.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_drawn_when_it_is_calm_and_each_second_whatever_comes() {
        let (start, ms) = (Instant::now(), Duration::from_millis);
        let mut pace = Pace::default();
        assert_eq!(pace.due(), None, "nothing is known yet");
        pace.change(start);
        assert_eq!(pace.due(), Some(start + CALM));
        // A steady flow before the first table, and after it.
        for _ in 0..2 {
            let begun = pace.drawn.unwrap_or(start);
            (1..10).for_each(|at| pace.change(begun + ms(100 * at)));
            assert!(!pace.is_due(begun + ms(999)) && pace.is_due(begun + STALE));
            pace.draw(begun + STALE);
        }
        // Silence: the ages go on.
        let drawn = pace.drawn.unwrap();
        assert_eq!((pace.due(), pace.has_changed()), (Some(drawn + STALE), false));
    }
}
