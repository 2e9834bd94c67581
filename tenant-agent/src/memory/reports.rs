//! The last report of each item, so that a restart knows since when it has its state; and, in one small bounded row,
//! mended drift that the control plane has not acknowledged.

use std::collections::BTreeMap;

use entente_model::desired::ItemKey;
use entente_model::report::{ItemReport, Mended};
use entente_store::Commit;
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::{Batched, Memory, MemoryError, from_json, hashed, to_json};

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
        let mut reports = BTreeMap::new();
        for (key, row) in self.rows(REPORT).await? {
            let report: ItemReport = from_json(&key, &row)?;
            reports.insert(report.key.clone(), report);
        }
        Ok(reports)
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
