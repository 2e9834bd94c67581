//! What was last reported of each item: so that a restart does not forget since when something is as it is.

use std::collections::BTreeMap;

use entente_model::desired::ItemKey;
use entente_model::report::ItemReport;

use super::{Batched, Memory, MemoryError, from_json, hashed, to_json};

const REPORT: &str = "report/";

impl Memory {
    pub async fn reports(&self) -> Result<BTreeMap<ItemKey, ItemReport>, MemoryError> {
        let mut reports = BTreeMap::new();
        for (key, row) in self.rows(REPORT).await? {
            let report: ItemReport = from_json(&key, &row)?;
            reports.insert(report.key.clone(), report);
        }
        Ok(reports)
    }

    /// Writes the rows that say something else than before. The revision alone is nothing else.
    pub async fn keep_reports(
        &self,
        before: &BTreeMap<ItemKey, ItemReport>,
        now: &BTreeMap<ItemKey, ItemReport>,
    ) -> Result<(), MemoryError> {
        let mut batch = Batched::of(self);
        for (key, report) in now {
            let same = |old: &ItemReport| *old == ItemReport { revision: old.revision, ..report.clone() };
            if !before.get(key).is_some_and(same) {
                batch.put(hashed(REPORT, &key.to_string()), to_json(report)).await?;
            }
        }
        for key in before.keys().filter(|key| !now.contains_key(key)) {
            batch.delete(hashed(REPORT, &key.to_string())).await?;
        }
        batch.finish().await
    }
}
