//! The customer's switches within the loop. A report carries the switches as they are when it goes out, and one that is
//! turned is reported at once: a look that is under way may wait for Microsoft for long, and its writes check the switches
//! themselves (`steward/apply.rs`). `allow-again` is written to the ledger, and the planner acts on it
//! (`path/deleted.rs` there).

use std::convert::Infallible;
use std::sync::Arc;

use entente_model::Timestamp;
use entente_model::desired::{Item, ItemBody, UserBody, Want};
use entente_model::report::{RevokeAll, RevokeAllState, Standing};
use entente_session::Status;
use tracing::{info, warn};

use super::Steward;
use super::wake::GLANCE;
use crate::memory::MemoryError;
use crate::status_file::{DeletedPerson, MAX_DELETED};
use crate::switches::Switches;

impl Steward {
    /// Writes the ledger before it removes the switch's file, so that the permission is not lost.
    pub(super) async fn allow_again(&mut self) -> Result<(), MemoryError> {
        for person in self.switches.allowed_again() {
            match self.ledger.allow_again(person, self.parts.clock.time()) {
                Some(update) => {
                    self.remember(&[update]).await?;
                    info!(%person, "the customer allows one new invitation of a person whose account was deleted");
                }
                None => warn!(%person, "may be invited again, but the customer has deleted no account of this person"),
            }
            self.switches.noted(person)?;
        }
        Ok(())
    }

    /// People who are wanted and whose account the customer deleted. `allow-again` accepts these.
    pub(super) fn deleted(&self) -> Vec<DeletedPerson> {
        let Some(desired) = self.parts.view.borrow().desired.clone() else { return Vec::new() };
        desired.items.iter().filter_map(|item| self.deleted_person(item)).take(MAX_DELETED).collect()
    }

    fn deleted_person(&self, item: &Item) -> Option<DeletedPerson> {
        let ItemBody::User(UserBody { operator, mail, upn, .. }) = &item.body else { return None };
        let (_, person) = item.key.person().filter(|_| item.want == Want::Present)?;
        let deletion = self.ledger.deleted.get(&person)?;
        Some(DeletedPerson {
            person,
            operator: operator.id().into(),
            mail: mail.clone(),
            upn: upn.clone(),
            deleted: deletion.at,
            allowed: deletion.allowed,
        })
    }

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
