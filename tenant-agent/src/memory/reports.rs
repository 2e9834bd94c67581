//! The last report of each item, so that a restart knows since when it has its state; and, in one small bounded row,
//! mended drift that the control plane has not acknowledged.

use std::collections::BTreeMap;

use entente_model::desired::ItemKey;
use entente_model::report::{ItemReport, Mended};
use entente_store::Commit;
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::{Batched, Memory, MemoryError, hashed, to_json};

const REPORT: &str = "report/";
const MENDED: &str = "mended";

/// Mended drift that is still to be reported, and the number of the last note ever made.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Notes {
    pub last: u64,
    /// The oldest first.
    pub all: Vec<Mended>,
}

impl Memory {
    pub async fn reports(&self) -> Result<BTreeMap<ItemKey, ItemReport>, MemoryError> {
        let reports: Vec<ItemReport> = self.parsed(REPORT).await?;
        Ok(reports.into_iter().map(|report| (report.key.clone(), report)).collect())
    }

    /// Writes the reports that changed. A new revision alone is no change.
    pub async fn keep_reports(
        &self,
        before: &BTreeMap<ItemKey, ItemReport>,
        now: &BTreeMap<ItemKey, ItemReport>,
    ) -> Result<(), MemoryError> {
        let mut batch = Batched::of(self);
        for (key, report) in now {
            let same = |old: &ItemReport| *old == ItemReport { revision: old.revision, ..report.clone() };
            if !before.get(key).is_some_and(same) {
                batch.write(hashed(REPORT, &key.to_string()), Some(to_json(report))).await?;
            }
        }
        for key in before.keys().filter(|key| !now.contains_key(key)) {
            batch.write(hashed(REPORT, &key.to_string()), None).await?;
        }
        batch.finish().await
    }

    /// A row that cannot be read does not keep the agent from starting: nothing in the tenant depends on it.
    pub async fn mended(&self) -> Result<Notes, MemoryError> {
        let read = match self.parsed::<Notes>(MENDED).await {
            Err(error @ MemoryError::Row { .. }) => {
                warn!(error = crate::guardrail_file::chain(&error), "mended drift that was not reported is forgotten");
                None
            }
            read => read?.pop(),
        };
        Ok(read.unwrap_or_default())
    }

    pub async fn keep_mended(&self, notes: &Notes) -> Result<(), MemoryError> {
        self.commit(Commit::new().put(MENDED, to_json(notes))).await
    }
}
