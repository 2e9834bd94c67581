//! What the root key has stated, as it is in force; and taking up something new without a restart.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use entente_model::Timestamp;
use entente_seal::Signed;

use crate::app::{App, Inner};
use crate::desk::AwayReason;
use crate::error::AppError;
use crate::open::{OpenError, check_statements};
use crate::provision;

/// Agents hear statements when they connect. So many of them come back in each second after something was stated anew;
/// a fleet of ten thousand is back within a minute and a half.
const COME_BACK_PER_SECOND: usize = 128;

#[derive(Debug)]
pub(crate) struct Stated {
    /// Of the history that is the one now.
    pub(crate) epoch: u64,
    pub(crate) delegated_from: Timestamp,
    /// When the online key's delegation ends.
    pub(crate) delegated_until: Timestamp,
    /// All that agents need to verify a root.
    pub(crate) statements: Arc<[Signed]>,
}

/// Why what was stated anew is not taken up; the old stays in force.
#[derive(Debug, thiserror::Error)]
pub enum RestateError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("the root key has stated epoch {0}: restart the server")]
    OtherEpoch(u64),
}

impl Inner {
    pub(crate) fn stated(&self) -> Arc<Stated> {
        self.stated.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Agents take nothing that is signed after the delegation's end: a change that could not reach them is refused.
    pub(crate) fn ensure_signs(&self) -> Result<(), AppError> {
        let ended = self.stated().delegated_until;
        if ended <= self.now() { Err(AppError::CannotSign { ended }) } else { Ok(()) }
    }
}

impl App {
    /// Takes up what was imported into the store meanwhile. If there is anything new, agents are sent away for a moment,
    /// because they hear statements when they connect. Gives until when the online key may sign.
    pub async fn restate(&self) -> Result<Timestamp, RestateError> {
        let inner = &self.inner;
        let statements = provision::statements(&*inner.store).await.map_err(OpenError::from)?.into();
        let stated = check_statements(inner.root_key, statements, inner.online.public(), self.now())?;
        if stated.epoch != inner.epoch {
            return Err(RestateError::OtherEpoch(stated.epoch));
        }
        let until = stated.delegated_until;
        let is_new = stated.statements != inner.stated().statements;
        if is_new {
            *inner.stated.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(stated);
            for (number, desk) in inner.desks.all().into_iter().enumerate() {
                let seconds = 1 + number / COME_BACK_PER_SECOND;
                desk.lock().cut(AwayReason::Shutdown, Duration::from_secs(seconds as u64));
            }
        }
        Ok(until)
    }
}
