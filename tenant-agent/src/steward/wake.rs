//! Wakes the loop: at a time, and for a nudge, a newer state, the end of a lease, a switch, or a request for a plan.

use std::time::Duration;

use entente_model::Timestamp;
use tokio_util::sync::CancellationToken;

use super::Steward;

/// How often the loop checks the switches and the guardrail while it waits: soon enough for a person to call it at
/// once.
pub(super) const GLANCE: Duration = Duration::from_millis(500);

impl Steward {
    /// How long until an instant.
    pub(super) fn until(&self, at: Timestamp) -> Duration {
        at.since(self.parts.clock.time()).min(self.parts.settings.resync.mul_f64(1.2))
    }

    /// At the latest when the credential is tried again, as a person who has mended it waits for that.
    pub(super) fn until_credential(&self, next: Duration) -> Duration {
        self.parts.cloud.credential_refused().map_or(next, |(_, again)| next.min(again.max(Duration::from_secs(1))))
    }

    /// Waits until there is a reason to look.
    pub(super) async fn wait(&mut self, until: Duration, cancel: &CancellationToken) {
        let due = tokio::time::Instant::now() + until;
        loop {
            tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                Some(ask) = self.parts.plans.recv() => {
                    let plan = self.preview().await;
                    // The receiver may be gone.
                    ask.send(plan).ok();
                }
                () = self.parts.nudge.notified() => return,
                Ok(()) = self.parts.view.changed() => {
                    // `status` shows a lost connection before the next look.
                    let view = self.parts.view.borrow_and_update().clone();
                    self.hear(view.connected);
                    self.file.write_stream(&view, self.heard);
                }
                () = tokio::time::sleep_until(due.min(tokio::time::Instant::now() + GLANCE)) => {
                    // The basis covers a lease that ended, a switch and another file.
                    if tokio::time::Instant::now() >= due || Some(self.basis(&self.guardrail())) != self.seen {
                        return;
                    }
                }
            }
        }
    }
}
