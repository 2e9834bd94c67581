//! What wakes the loop: time, a nudge, a newer state, a lease that ends, a switch, and somebody who asks for a plan.

use std::time::Duration;

use entente_model::Timestamp;
use tokio_util::sync::CancellationToken;

use super::Steward;

/// How often the switches and the guardrail are looked at while nothing else happens: what a person takes for "at once".
pub(super) const GLANCE: Duration = Duration::from_millis(500);

impl Steward {
    /// How long until that instant.
    pub(super) fn until(&self, at: Timestamp) -> Duration {
        at.since(self.parts.clock.time()).min(self.parts.settings.resync.mul_f64(1.2))
    }

    /// No later than the credential is tried again: a person who has mended it waits for that.
    pub(super) fn until_credential(&self, next: Duration) -> Duration {
        self.parts.cloud.credential_refused().map_or(next, |(_, again)| next.min(again.max(Duration::from_secs(1))))
    }

    /// Waits until there is something to look for.
    pub(super) async fn wait(&mut self, until: Duration, cancel: &CancellationToken) {
        let due = tokio::time::Instant::now() + until;
        loop {
            tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                Some(ask) = self.parts.plans.recv() => {
                    let plan = self.preview().await;
                    // Whoever asked may have gone.
                    ask.send(plan).ok();
                }
                () = self.parts.nudge.notified() => return,
                Ok(()) = self.parts.view.changed() => {
                    // Whoever asks for `status` is not told of a stream that is gone until the next look.
                    let view = self.parts.view.borrow_and_update().clone();
                    self.hear(view.connected);
                    self.file.write_stream(&view, self.heard);
                }
                () = tokio::time::sleep_until(due.min(tokio::time::Instant::now() + GLANCE)) => {
                    // A lease that ended, a switch, another file: all of it is in the basis.
                    if tokio::time::Instant::now() >= due || Some(self.basis(&self.guardrail())) != self.seen {
                        return;
                    }
                }
            }
        }
    }
}
