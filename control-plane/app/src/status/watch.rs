//! Who wants to know when a tenant's status changes. Each watcher has a set of names: a change that comes twice before
//! it is read is one, so a slow reader costs a name for each tenant and holds up nobody.

use std::collections::{BTreeSet, VecDeque};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll};

use entente_model::intent::ResourceName;
use entente_model::{PrincipalName, TenantName};
use futures::Stream;
use futures::task::AtomicWaker;

use super::view::TenantStatus;
use crate::app::{App, Inner, lock};
use crate::caller::{ApiRole, Caller};
use crate::error::AppError;

/// Most watchers at once: each change costs each of them a little, and a SOC has some ten screens.
const MAX_WATCHERS: usize = 256;

/// What a watch yields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchEvent {
    /// A tenant as it stands now.
    Status(Box<TenantStatus>),
    /// Once, after the first status of every tenant.
    InitialComplete,
    /// It was deleted.
    Gone(TenantName),
}

#[derive(Debug, Default)]
pub(crate) struct Watchers {
    /// How many there are, so that a change without any costs one load.
    count: AtomicUsize,
    all: Mutex<Vec<Weak<Watcher>>>,
}

#[derive(Debug)]
struct Watcher {
    /// Nothing means all.
    only: BTreeSet<TenantName>,
    changed: Mutex<BTreeSet<TenantName>>,
    waker: AtomicWaker,
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

    fn add(&self, watcher: &Arc<Watcher>) -> bool {
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

/// The status of each tenant, and again whenever it changes. Ends when the server stops, or its principal is deleted.
#[derive(Debug)]
pub struct StatusWatch {
    inner: Arc<Inner>,
    watcher: Arc<Watcher>,
    principal: PrincipalName,
    /// Not yet said for the first time; then the end of that.
    initial: Option<VecDeque<TenantName>>,
}

impl App {
    /// Watches some tenants, or all.
    pub fn watch_tenant_statuses(&self, caller: &Caller, only: Vec<TenantName>) -> Result<StatusWatch, AppError> {
        caller.needs(ApiRole::Viewer)?;
        let only: BTreeSet<TenantName> = only.into_iter().collect();
        let watcher = Arc::new(Watcher { only, changed: Mutex::default(), waker: AtomicWaker::new() });
        // Before anything is looked up, so that no change falls in between.
        if !self.inner.watchers.add(&watcher) {
            return Err(AppError::TooLarge { what: "watches at once", limit: MAX_WATCHERS });
        }
        let world = self.world();
        let tenants = &world.fleet.intent().tenants;
        if let Some(unknown) = watcher.only.iter().find(|name| !tenants.contains_key(*name)) {
            return Err(world.missing("tenants", &ResourceName::Tenant(unknown.clone())));
        }
        let wanted = |name: &&TenantName| watcher.only.is_empty() || watcher.only.contains(*name);
        let initial = tenants.keys().filter(wanted).cloned().collect();
        let principal = caller.principal.clone();
        Ok(StatusWatch { inner: self.inner.clone(), watcher, principal, initial: Some(initial) })
    }
}

impl StatusWatch {
    fn next_now(&mut self) -> Option<WatchEvent> {
        loop {
            let name = match &mut self.initial {
                Some(initial) => match initial.pop_front() {
                    Some(name) => name,
                    None => {
                        self.initial = None;
                        return Some(WatchEvent::InitialComplete);
                    }
                },
                None => lock(&self.watcher.changed).pop_first()?,
            };
            match self.inner.status(&name) {
                Some(status) => return Some(WatchEvent::Status(Box::new(status))),
                // It may have been told before: what is shown of it is true no more.
                None if self.initial.is_none() => return Some(WatchEvent::Gone(name)),
                None => {}
            }
        }
    }
}

impl Stream for StatusWatch {
    type Item = WatchEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<WatchEvent>> {
        self.watcher.waker.register(cx.waker());
        let may_go_on = self.inner.registry.tables().principals.contains_key(&self.principal);
        if self.inner.tasks.is_stopping() || !may_go_on {
            return Poll::Ready(None);
        }
        self.next_now().map_or(Poll::Pending, |event| Poll::Ready(Some(event)))
    }
}
