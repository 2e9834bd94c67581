//! People who have left and whom an agent still reports. The report may come after the leave.

use std::collections::BTreeSet;
use std::sync::Arc;

use entente_compiler::{Edit, Sighting};

use super::handles::Removals;
use super::parts::{ACTOR, MAX_AT_ONCE, Parts};
use crate::error::AppError;
use crate::history::Entry;
use crate::recollection::Recollection;

impl Removals {
    pub(super) async fn name_unexpected(self: &Arc<Self>) -> Result<(), AppError> {
        let unexpected_accounts = self.unexpected_accounts();
        let mut parts = Parts::of(&unexpected_accounts, MAX_AT_ONCE);
        while let Some(part) = parts.next() {
            parts.tried(part, self.name_seen(part).await);
        }
        parts.end()
    }

    /// Those who have left. Sightings of people who work are dropped here, and the writer is not asked; but only while no
    /// change is decided or on its way, because a leave among them did not know the sighting.
    fn unexpected_accounts(&self) -> Vec<Sighting> {
        let all = self.channels.unexpected_accounts();
        if all.is_empty() {
            return all;
        }
        let settled = self.history.settled();
        let world = settled.clone().unwrap_or_else(|| self.history.world());
        let has_left = |it: &Sighting| world.fleet.has_left(&it.home, it.object_id);
        let (left, work): (Vec<_>, Vec<_>) = all.into_iter().partition(has_left);
        if settled.is_some() {
            self.channels.forget_unexpected(&work);
        }
        left
    }

    /// Decided by the writer, so that a leave which is being written is known.
    async fn name_seen(self: &Arc<Self>, seen: &[Sighting]) -> Result<(), AppError> {
        let (removals, still_there) = (self.clone(), seen.to_vec());
        self.history
            .commit(move |decision| {
                let edit = Edit {
                    still_there: still_there.clone(),
                    memory: Recollection::of(&removals.registry, &removals.channels, &decision.committed.world),
                    actor: ACTOR.into(),
                    now: decision.now,
                    number: decision.revision,
                    ..Edit::default()
                };
                let advance = decision.committed.world.fleet.advance(&edit).map_err(AppError::of_whole)?;
                if advance.revocation_puts.is_empty() {
                    return Ok(());
                }
                let operators: BTreeSet<_> =
                    advance.revocation_puts.iter().map(|row| row.operator.to_string()).collect();
                decision.record(Entry {
                    actor: ACTOR.into(),
                    method: "NameRemovals",
                    request_id: None,
                    resources: operators.into_iter().collect(),
                    summary: format!(
                        "{} removals of people who had left, seen by agents",
                        advance.revocation_puts.len()
                    ),
                });
                decision.install(advance);
                Ok(())
            })
            .await?;
        self.channels.forget_unexpected(seen);
        Ok(())
    }
}
