//! Drift that is over and that the control plane has not acknowledged: one row, small and bounded.

use entente_model::report::Mended;
use entente_store::Commit;
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::{Memory, MemoryError, from_json, to_json};

const MENDED: &str = "mended";

/// What is to be told, and the number of the last that ever was.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Notes {
    pub last: u64,
    /// The oldest first.
    pub all: Vec<Mended>,
}

impl Memory {
    /// A row that does not read is no reason not to start: nothing in the tenant hangs on it.
    pub async fn mended(&self) -> Result<Notes, MemoryError> {
        let rows = self.rows(MENDED).await?;
        let Some((key, row)) = rows.first() else { return Ok(Notes::default()) };
        Ok(from_json(key, row).unwrap_or_else(|error| {
            warn!(error = crate::guardrail_file::chain(&error), "what was mended and not told is forgotten");
            Notes::default()
        }))
    }

    pub async fn keep_mended(&self, notes: &Notes) -> Result<(), MemoryError> {
        self.commit(Commit::new().put(MENDED, to_json(notes))).await
    }
}
