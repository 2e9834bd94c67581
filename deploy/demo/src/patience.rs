//! How long the demo waits: as long as there is progress. A busy machine is slow; a broken run makes no progress.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::Instant;

/// How long nothing may change. Two steps of a removal can be a replication lag and a retry apart, each up to a minute,
/// on a machine that other programs keep busy.
const STANDSTILL: Duration = Duration::from_secs(600);

/// Waits for one thing.
#[derive(Debug)]
pub struct Patience {
    seen: String,
    since: Instant,
}

impl Patience {
    pub fn new() -> Self {
        Self { seen: String::new(), since: Instant::now() }
    }

    /// Takes the current progress. Fails if it has not changed for too long.
    pub fn with(&mut self, standing: String) -> Result<()> {
        self.at(standing, Instant::now())
    }

    fn at(&mut self, standing: String, now: Instant) -> Result<()> {
        if standing != self.seen {
            (self.seen, self.since) = (standing, now);
        } else if now.duration_since(self.since) > STANDSTILL {
            bail!("nothing has changed for {} s: {standing}", STANDSTILL.as_secs());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_is_waited_for_and_what_stands_still_is_not() {
        let (mut patience, mut now) = (Patience::new(), Instant::now());
        for step in 0..10 {
            now += STANDSTILL;
            patience.at(format!("{step} of 10"), now).unwrap();
        }
        patience.at("9 of 10".into(), now + STANDSTILL).unwrap();
        let late = now + STANDSTILL + Duration::from_secs(1);
        assert!(patience.at("9 of 10".into(), late).is_err());
    }
}
