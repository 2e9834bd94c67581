//! Carries out what a look allows, step by step: it writes the intent to disk, makes the call, and writes the outcome
//! to disk. While the disk is full, only removals are carried out, without the first write (`memory/owed.rs`).
//!
//! Before each step the loop compares everything that the plan was made from. If any of it changed, it drops the rest
//! of the plan and looks again.

use entente_model::report::Reason;
use entente_planner::ledger::Update;
use entente_planner::plan::Change;
use entente_planner::record::{self, Outcome};
use entente_planner::write::{Action, AzureWrite, DefenderWrite, EntraWrite, GroupWrite, MemberWrite, UserWrite};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::{Look, Steward};
use crate::act;
use crate::memory::{MemoryError, unless_full};

impl Steward {
    /// Carries out a look. Returns whether it tried anything.
    pub(super) async fn apply(&mut self, look: &Look, cancel: &CancellationToken) -> Result<bool, MemoryError> {
        self.apply_while(look, cancel, |it, look| it.basis(&it.guardrail()) == look.basis).await
    }

    /// The same while `holds` says that the plan is still valid.
    pub(super) async fn apply_while(
        &mut self,
        look: &Look,
        cancel: &CancellationToken,
        holds: impl Fn(&Self, &Look) -> bool,
    ) -> Result<bool, MemoryError> {
        let todo: Vec<&Change> = look.salvage.changes.iter().collect();
        let mut acted = false;
        for step in steps(&todo) {
            if cancel.is_cancelled() {
                return Ok(acted);
            }
            if !holds(self, look) {
                info!("something has changed: the rest of the plan is dropped");
                return Ok(true);
            }
            let outcomes = self.carry_out(step, look.plan.version.epoch).await?;
            acted = true;
            let done = step.iter().zip(&outcomes).filter(|(_, it)| matches!(it, Outcome::Done { .. }));
            let now = self.parts.clock.time();
            done.for_each(|(change, _)| self.drift.note_extra(change, &self.ledger, look.plan.made_at, now));
            // On a full disk, the next look that finds room writes it.
            unless_full(self.keep_drift().await)?;
        }
        Ok(acted)
    }

    pub(super) async fn carry_out(&mut self, step: &[&Change], epoch: u64) -> Result<Vec<Outcome>, MemoryError> {
        let now = self.parts.clock.time();
        let mut intents: Vec<Update> = Vec::new();
        for change in step {
            intents.extend(record::before(&self.ledger, change, epoch, now));
        }
        if step.iter().all(|change| may_be_owed(&change.action)) {
            self.remember_or_owe(&intents).await?;
        } else {
            self.remember(&intents).await?;
        }
        let actions: Vec<_> = step.iter().map(|change| &change.action).collect();
        let outcomes = self.parts.cloud.carry_out(&actions).await;
        self.hear_time();
        let now = self.parts.clock.time();
        let mut updates: Vec<Update> = Vec::new();
        for (change, outcome) in step.iter().zip(&outcomes) {
            tell(change, outcome);
            updates.extend(record::after(&self.ledger, change, outcome, &self.parts.settings, now));
        }
        // The calls were made, whether or not there is room to write it.
        self.remember_or_owe(&updates).await?;
        Ok(outcomes)
    }
}

/// Whether the write removes access by an id, may be repeated, and is safe without a written intent. Deleting an
/// account is not: only the ledger knows that the account existed.
fn may_be_owed(action: &Action) -> bool {
    match action {
        Action::User(UserWrite::Block { .. })
        | Action::User(UserWrite::RevokeSessions { .. })
        | Action::Member(MemberWrite::Remove { .. })
        | Action::Azure(AzureWrite::Delete { .. })
        | Action::Defender(DefenderWrite::DeleteAssignment { .. })
        | Action::Entra(EntraWrite::Remove { .. }) => true,
        Action::User(UserWrite::Invite { .. })
        | Action::Group(GroupWrite::Create { .. })
        | Action::Member(MemberWrite::Add { .. })
        | Action::Azure(AzureWrite::Put { .. })
        | Action::Entra(EntraWrite::Assign { .. })
        | Action::Defender(DefenderWrite::CreateRole { .. })
        | Action::Defender(DefenderWrite::UpdateRole { .. })
        | Action::Defender(DefenderWrite::CreateAssignment { .. })
        | Action::User(UserWrite::Unblock { .. })
        | Action::User(UserWrite::Delete { .. })
        | Action::Defender(DefenderWrite::DeleteRole { .. }) => false,
    }
}

/// Splits changes into steps: neighbours that may be carried out together, at most [`act::STEP`].
fn steps<'a, 'b>(todo: &'a [&'b Change]) -> Vec<&'a [&'b Change]> {
    let together = |a: &&Change, b: &&Change| act::go_together(&a.action, &b.action);
    todo.chunk_by(together).flat_map(|run| run.chunks(act::STEP)).collect()
}

/// Logs one line per write. An outcome's own text is not logged, as it may hold a link or a secret.
fn tell(change: &Change, outcome: &Outcome) {
    let (key, action) = (&change.key, &change.action);
    match outcome {
        Outcome::Done { .. } => info!(%key, %action, "done"),
        Outcome::Unknown { detail } => warn!(%key, %action, detail, "outcome unknown: it is looked up, not repeated"),
        // `steward/facts.rs` logs one line for all of them.
        Outcome::Failed { reason: Reason::CredentialRefused, .. } => debug!(%key, %action, "not done: no credential"),
        Outcome::Failed { reason, detail, .. } => {
            warn!(%key, %action, reason = reason.word(), detail, "not done");
        }
    }
}
