//! The status of tenants, told again whenever it changes.

use std::collections::{BTreeSet, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use entente_model::intent::ResourceName;
use entente_model::{PrincipalName, TenantName};
use futures::Stream;
use futures::task::AtomicWaker;

use super::Reports;
use super::view::TenantStatus;
use crate::api_role::ApiRole;
use crate::caller::Caller;
use crate::channel::{MAX_WATCHERS, Watcher};
use crate::error::{AppError, Result};
use crate::sync::lock;

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

/// The status of each tenant, and again whenever it changes. Ends when the server stops, or its principal is deleted.
#[derive(Debug)]
pub struct StatusWatch {
    reports: Arc<Reports>,
    watcher: Arc<Watcher>,
    principal: PrincipalName,
    /// Not yet said for the first time; then the end of that.
    initial: Option<VecDeque<TenantName>>,
}

impl Reports {
    /// Watches some tenants, or all.
    pub fn watch_tenant_statuses(self: &Arc<Self>, caller: &Caller, only: Vec<TenantName>) -> Result<StatusWatch> {
        caller.needs(ApiRole::Viewer)?;
        let only: BTreeSet<TenantName> = only.into_iter().collect();
        let watcher = Arc::new(Watcher { only, changed: Mutex::default(), waker: AtomicWaker::new() });
        // Before anything is looked up, so that no change falls in between.
        if !self.channels.watchers.add(&watcher) {
            return Err(AppError::TooLarge { what: "watches at once", limit: MAX_WATCHERS });
        }
        let snapshot = self.history.snapshot();
        let tenants = &snapshot.fleet.intent().tenants;
        if let Some(unknown) = watcher.only.iter().find(|name| !tenants.contains_key(*name)) {
            return Err(snapshot.missing("tenants", &ResourceName::Tenant(unknown.clone())));
        }
        let wanted = |name: &&TenantName| watcher.only.is_empty() || watcher.only.contains(*name);
        let initial = tenants.keys().filter(wanted).cloned().collect();
        let principal = caller.principal.clone();
        Ok(StatusWatch { reports: self.clone(), watcher, principal, initial: Some(initial) })
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
            match self.reports.status(&name) {
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
        let may_go_on = self.reports.registry.tables().principals.contains_key(&self.principal);
        if self.reports.history.running.stop.is_cancelled() || !may_go_on {
            return Poll::Ready(None);
        }
        self.next_now().map_or(Poll::Pending, |event| Poll::Ready(Some(event)))
    }
}
