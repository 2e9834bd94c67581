//! `allow-again`: notes the people whom the customer allows to be invited again after deleting their account. The
//! planner acts on it (`path/deleted.rs` there).

use entente_model::desired::{Item, ItemBody, UserBody, Want};
use tracing::{info, warn};

use super::Steward;
use crate::memory::MemoryError;
use crate::status_file::{DeletedPerson, MAX_DELETED};

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
}
