//! Who wants to know when a tenant's status changes. Each watcher has a set of names: a change that comes twice before
//! it is read is one, so a slow reader costs a name for each tenant and delays no other reader.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use entente_model::TenantName;
use futures::task::AtomicWaker;

use crate::sync::lock;

/// Most watchers at once: each change costs each of them a little, and a SOC has some ten screens.
pub(crate) const MAX_WATCHERS: usize = 256;

#[derive(Debug, Default)]
pub(crate) struct Watchers {
    /// How many there are, so that a change without any costs one load.
    count: AtomicUsize,
    all: Mutex<Vec<Weak<Watcher>>>,
}

#[derive(Debug)]
pub(crate) struct Watcher {
    /// Nothing means all.
    pub(crate) only: BTreeSet<TenantName>,
    pub(crate) changed: Mutex<BTreeSet<TenantName>>,
    pub(crate) waker: AtomicWaker,
}

impl Watchers {
    pub(crate) fn changed(&self, tenant: &TenantName) {
        if self.count.load(Ordering::Acquire) == 0 {
            return;
        }
        for watcher in lock(&self.all).iter().filter_map(Weak::upgrade) {
            if watcher.only.is_empty() || watcher.only.contains(tenant) {
                lock(&watcher.changed).insert(tenant.clone());
                watcher.waker.wake();
            }
        }
    }

    pub(crate) fn wake_all(&self) {
        lock(&self.all).iter().filter_map(Weak::upgrade).for_each(|watcher| watcher.waker.wake());
    }

    /// Says whether there was room.
    pub(crate) fn add(&self, watcher: &Arc<Watcher>) -> bool {
        let mut all = lock(&self.all);
        all.retain(|other| other.strong_count() > 0);
        if all.len() >= MAX_WATCHERS {
            return false;
        }
        all.push(Arc::downgrade(watcher));
        self.count.store(all.len(), Ordering::Release);
        true
    }
}
