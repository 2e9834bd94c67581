//! Channels that may need a lease soon. A channel that gets a new state or a new stream is put on the list.

use std::collections::BTreeSet;
use std::sync::Mutex;

use entente_model::TenantName;
use tokio::sync::Notify;

use crate::sync::lock;

/// Channels that may need a lease soon.
#[derive(Debug, Default)]
pub(crate) struct LeaseList {
    due: Mutex<BTreeSet<TenantName>>,
    pub(crate) nudge: Notify,
}

impl LeaseList {
    pub(crate) fn add(&self, tenant: &TenantName) {
        lock(&self.due).insert(tenant.clone());
        self.nudge.notify_one();
    }

    /// What was put on it since this was last asked.
    pub(crate) fn take(&self) -> BTreeSet<TenantName> {
        std::mem::take(&mut *lock(&self.due))
    }
}
