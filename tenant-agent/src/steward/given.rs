//! What a plan is made from, owned, so that plans are made off the runtime's workers: ten thousand items take long enough to
//! hold up the stream and every call to Microsoft.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use entente_model::desired::{Item, ItemKey, Version};
use entente_planner::ledger::Ledger;
use entente_planner::moment::Moment;
use entente_planner::observed::Observed;
use entente_planner::plan::{Input, Settings};

use crate::guardrail_file::GuardrailFile;

/// The same as [`Input`].
#[derive(Debug)]
pub(super) struct Given {
    pub version: Version,
    pub items: BTreeMap<ItemKey, Item>,
    pub observed: Observed,
    pub ledger: Arc<Ledger>,
    pub guardrail: Arc<GuardrailFile>,
    pub paused: bool,
    pub revoke_all: bool,
    pub lease_fresh: bool,
    pub permissions: Option<BTreeSet<String>>,
    pub settings: Settings,
    pub now: Moment,
}

impl Given {
    pub fn input(&self) -> Input<'_> {
        Input {
            version: self.version,
            items: &self.items,
            observed: &self.observed,
            ledger: &self.ledger,
            guardrail: self.guardrail.content.as_ref(),
            paused: self.paused,
            revoke_all: self.revoke_all,
            lease_fresh: self.lease_fresh,
            permissions: self.permissions.as_ref(),
            settings: &self.settings,
            now: self.now,
        }
    }
}

/// Runs on a thread that may block. A panic of `work` goes on here.
pub(super) async fn off_the_workers<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await.map_err(tokio::task::JoinError::try_into_panic) {
        Ok(done) => done,
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        // Only a runtime that shuts down cancels it, and this task with it.
        Err(Err(_)) => std::future::pending().await,
    }
}
