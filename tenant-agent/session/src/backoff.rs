//! How long to wait before dialling again: doubling, with jitter, and never less than the control plane asks.

use std::time::Duration;

use crate::clock::Now;

/// After the first loss. Short, because most losses are a restart of one replica.
const FIRST: Duration = Duration::from_secs(1);

/// A leaver must be gone within five minutes, so an agent that is offline tries at least this often.
const LONGEST: Duration = Duration::from_secs(30);

/// Whatever the control plane asks, an agent comes back within this time.
const LONGEST_ASKED: Duration = Duration::from_secs(900);

/// A stream that lasted this long was good: the next loss counts as the first again.
const STEADY: Duration = Duration::from_secs(60);

/// Counts losses in a row.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Backoff {
    losses: u32,
}

impl Backoff {
    /// How long to wait after a stream that lasted `lasted`.
    pub fn after_loss(&mut self, lasted: Duration, asked: Option<Duration>, now: Now) -> Duration {
        self.losses = if lasted >= STEADY { 1 } else { self.losses.saturating_add(1) };
        let doubled = FIRST.saturating_mul(1 << (self.losses - 1).min(5)).min(LONGEST);
        let asked = asked.unwrap_or_default().min(LONGEST_ASKED);
        // Half fixed and half random, added to what was asked, so that no agent comes early.
        asked + doubled / 2 + spread(doubled / 2, now.dice)
    }
}

/// A random part of `span`.
fn spread(span: Duration, dice: u32) -> Duration {
    span.mul_f64(f64::from(dice) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use entente_model::Timestamp;
    use proptest::prelude::*;

    use super::*;

    fn rolled(dice: u32) -> Now {
        Now { wall: Timestamp::MIN, uptime: Duration::ZERO, dice }
    }

    #[test]
    fn waits_double_up_to_the_longest_and_start_over_after_a_good_stream() {
        let mut backoff = Backoff::default();
        let mut wait = |lasted| backoff.after_loss(Duration::from_secs(lasted), None, rolled(u32::MAX)).as_secs();
        let waits: Vec<_> = (0..7).map(|_| wait(0)).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(wait(60), 1);
    }

    proptest! {
        #[test]
        fn nobody_comes_earlier_than_asked_or_later_than_the_bound(asked in 0..2_000_u64, dice: u32, losses in 0..40_u32) {
            let mut backoff = Backoff { losses };
            let wait = backoff.after_loss(Duration::ZERO, Some(Duration::from_secs(asked)), rolled(dice));
            let asked = Duration::from_secs(asked).min(LONGEST_ASKED);
            prop_assert!(wait >= asked + FIRST / 2 && wait <= asked + LONGEST, "{wait:?}");
        }
    }
}
