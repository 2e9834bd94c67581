//! What the root key has stated, as it is in force; and taking up something new without a restart.

use std::time::Duration;

use entente_model::{GoAwayReason, Timestamp};

use super::App;
use super::open::{OpenError, check_statements};
use crate::provision;

/// Agents hear statements when they connect. So many of them come back in each second after something was stated anew;
/// a fleet of ten thousand is back within a minute and a half.
const COME_BACK_PER_SECOND: usize = 128;

/// Why what was stated anew is not taken up; the old stays in force.
#[derive(Debug, thiserror::Error)]
pub enum RestateError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("the root key has stated epoch {0}: restart the server")]
    OtherEpoch(u64),
}

impl App {
    /// Takes up what was imported into the store meanwhile. If there is anything new, agents are sent away for a moment,
    /// because they hear statements when they connect. Gives until when the online key may sign.
    pub async fn restate(&self) -> Result<Timestamp, RestateError> {
        let inner = &self.inner;
        let statements = provision::statements(&*inner.history.store).await.map_err(OpenError::from)?.into();
        let stated = check_statements(inner.root_key, statements, inner.history.online.public(), self.now())?;
        if stated.epoch != inner.history.epoch {
            return Err(RestateError::OtherEpoch(stated.epoch));
        }
        let until = stated.delegated_until;
        if stated.statements != inner.history.stated().statements {
            inner.history.restate(stated);
            for (number, channel) in inner.channels.all().into_iter().enumerate() {
                let seconds = 1 + number / COME_BACK_PER_SECOND;
                channel.lock().cut(GoAwayReason::Shutdown, Duration::from_secs(seconds as u64));
            }
        }
        Ok(until)
    }
}
