//! A credential that Microsoft refuses: told once and then hourly, not item by item and look by look.

use std::time::Duration;

use entente_model::Plane;
use entente_model::report::{Finding, Reason};
use tracing::{info, warn};

use super::Steward;

/// How often the log says it again: often enough for who looks at a log, seldom enough to be read.
const AGAIN: Duration = Duration::from_secs(60 * 60);

/// What was told, and when, in uptime.
pub(super) type Told = Option<(String, Duration)>;

impl Steward {
    /// For `status`; the log hears of it when it is new.
    pub(super) fn credential_alarm(&mut self) -> Option<String> {
        let now = self.parts.clock.now().uptime;
        let refused = self.parts.cloud.credential_refused().map(|(text, _)| text);
        match (&refused, &self.told_credential) {
            // Another number is other news; another request id is not.
            (Some(text), Some((before, at))) if head(text) == head(before) && now < *at + AGAIN => {}
            (Some(text), _) => {
                warn!(reason = Reason::CredentialRefused.word(), "{text}");
                self.told_credential = Some((text.clone(), now));
            }
            (None, Some(_)) => {
                info!("Microsoft takes the agent's credential again");
                self.told_credential = None;
            }
            (None, None) => {}
        }
        refused
    }

    pub(super) fn credential_finding(&self) -> Option<Finding> {
        let (detail, _) = self.parts.cloud.credential_refused()?;
        Some(Finding { plane: Plane::Users.into(), reason: Reason::CredentialRefused, detail })
    }

    /// No later than the credential is tried again: a person who has mended it waits for that.
    pub(super) fn until_credential(&self, next: Duration) -> Duration {
        self.parts.cloud.credential_refused().map_or(next, |(_, again)| next.min(again.max(Duration::from_secs(1))))
    }
}

pub(super) fn head(text: &str) -> &str {
    text.split(':').next().unwrap_or(text)
}
