//! Which agents are let in.

use entente_model::{AgentName, GoAwayReason};

use super::Streams;
use crate::channel::{LONG_RETRY, Refused};
use crate::error::AppError;
use crate::history::Decision;
use crate::identity::count_refused;
use crate::identity::{AgentRow, RegistryChange};
use crate::pki::{Peer, Who};
use crate::rows;

impl Streams {
    /// Which agent connects; or, if it is refused, whether it is to come back: an agent that was revoked, or replaced, is not.
    pub(crate) fn admit_agent(&self, peer: &Peer) -> Result<AgentName, Refused> {
        let revoked = Refused { reason: GoAwayReason::Revoked, retry_after: LONG_RETRY };
        let not_known = Refused { reason: GoAwayReason::NotKnown, ..revoked };
        let refused = |reason, refused| {
            count_refused(reason);
            Err(refused)
        };
        let Who::Agent(name) = &peer.who else { return refused("not_an_agent", revoked) };
        let row = self.registry.tables().agents.get(name).cloned();
        match row {
            None => {
                self.channels.note_unknown(&name.tenant);
                refused("unknown_agent", not_known)
            }
            Some(row) if row.accepts(peer.into(), self.history.epoch_begun) => {
                let is_over = self.history.now() >= peer.not_after;
                if is_over { refused("expired_certificate", not_known) } else { Ok(name.clone()) }
            }
            Some(row) if row.is_forgotten(peer.into()) => {
                self.channels.note_forgotten(name, peer.not_before);
                refused("unknown_certificate", not_known)
            }
            Some(_) => refused("revoked_certificate", revoked),
        }
    }

    /// Notes that an agent has come for the first time: from now on only an admin puts another in its place. Durable
    /// before it is let in, so that no restart takes a live agent for one that never came.
    pub(crate) async fn note_first_sight(&self, name: &AgentName) -> Result<(), AppError> {
        if !self.registry.tables().agents.get(name).is_some_and(|row| row.awaited) {
            return Ok(());
        }
        let name = name.clone();
        let note = move |decision: &mut Decision<'_>| {
            let row: AgentRow = decision.read(&rows::agent(&name))?.ok_or(AppError::Unauthenticated)?;
            if row.revoked.is_some() {
                return Err(AppError::Unauthenticated);
            }
            if row.awaited {
                let row = AgentRow { awaited: false, ..row };
                decision.register(RegistryChange::Agent(name.clone(), Some(row)));
            }
            Ok(())
        };
        self.history.commit(note).await?;
        Ok(())
    }
}
