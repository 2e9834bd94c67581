//! Reports the customer's switches: as they are when a report goes out, and at once when one is turned. A look that is
//! under way may wait for Microsoft for long; its writes check the switches themselves (`steward/apply.rs`).

use std::convert::Infallible;
use std::sync::Arc;

use entente_model::Timestamp;
use entente_model::report::{RevokeAll, RevokeAllState, Standing};
use entente_session::Status;

use super::Steward;
use super::wake::GLANCE;
use crate::switches::Switches;

impl Steward {
    /// Sends the status to the session, with the switches as they are now.
    pub(super) fn send(&self, status: Status) {
        let turned = turned(&status.standing, &self.switches, self.parts.clock.time());
        let standing = turned.unwrap_or_else(|| status.standing.clone());
        self.parts.status.send_replace(Some(Arc::new(Status { standing, ..status })));
    }

    /// Reports a switch that is turned. Runs beside the loop.
    pub(super) fn tell_switches(&self) -> impl Future<Output = Infallible> + use<> {
        let (switches, clock) = (self.switches.clone(), self.parts.clock.clone());
        let told = self.parts.status.clone();
        async move {
            loop {
                tokio::time::sleep(GLANCE).await;
                told.send_if_modified(|told| {
                    let Some(status) = told.as_ref() else { return false };
                    let Some(standing) = turned(&status.standing, &switches, clock.time()) else { return false };
                    *told = Some(Arc::new(Status { standing, ..Status::clone(status) }));
                    true
                });
            }
        }
    }
}

/// The standing with the switches as they are now; `None` if it already says so.
fn turned(told: &Standing, switches: &Switches, now: Timestamp) -> Option<Standing> {
    let positions = switches.positions();
    let paused = positions.paused || positions.revoke_all;
    let begun = || RevokeAll { state: RevokeAllState::Running.into(), since: now };
    let revoke_all = positions.revoke_all.then(|| told.revoke_all.clone().unwrap_or_else(begun));
    if (told.paused, &told.revoke_all) == (paused, &revoke_all) {
        return None;
    }
    let paused_since = positions.paused.then(|| switches.paused_since()).flatten();
    Some(Standing { paused, paused_since, revoke_all, ..told.clone() })
}
