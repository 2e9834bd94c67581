//! Events, listed from the newest or followed as they come, each once and in order.
//!
//! A reader follows by the number that it saw last, so a slow one misses no event that is still kept, and delays no other reader.

use std::sync::Arc;

use entente_model::violation::Fault;
use entente_model::{PrincipalName, TenantName, Timestamp, Violation};
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::Reports;
use crate::api_role::ApiRole;
use crate::caller::Caller;
use crate::error::{AppError, Result};
use crate::history::{Event, EventKind, Location, of_tenant};
use crate::page::{Page, PageRequest};
use crate::rows;

/// Most readers at once: each event costs each of them a look-up, and a SOC has some ten screens and a few collectors.
pub(crate) const MAX_WATCHES: usize = 256;

/// Where a watch begins.
#[derive(Debug, Clone, Copy, Default)]
pub enum EventStart {
    /// With what comes.
    #[default]
    Now,
    /// After the event of that number.
    After(u64),
    /// With what was recorded since then.
    Since(Timestamp),
}

/// Events, the oldest first. Ends when the server stops, or its principal is deleted.
#[derive(Debug)]
pub struct EventWatch {
    reports: Arc<Reports>,
    filter: EventFilter,
    principal: PrincipalName,
    /// The number that was looked at last.
    at: u64,
    newest: watch::Receiver<u64>,
    _place: OwnedSemaphorePermit,
}

impl Reports {
    /// Watches what happens in one tenant, or in all.
    pub async fn watch_events(
        self: &Arc<Self>,
        caller: &Caller,
        filter: EventFilter,
        start: EventStart,
    ) -> Result<EventWatch> {
        caller.needs(ApiRole::Viewer)?;
        if let Some(tenant) = &filter.tenant {
            self.history.snapshot().needs_tenant("tenant", tenant)?;
        }
        let place = self.event_watches.clone().try_acquire_owned();
        let place = place.map_err(|_| AppError::TooLarge { what: "watches of events at once", limit: MAX_WATCHES })?;
        let newest = self.history.events.subscribe();
        let last = *newest.borrow();
        let at = match start {
            EventStart::Now => last,
            EventStart::After(number) if number > last => {
                let text = format!("is {number}, and the newest event is {last}; was a backup restored? Leave it out");
                return Err(AppError::Invalid(vec![Violation::new("after_number", Fault::Malformed, text)]));
            }
            EventStart::After(number) => number,
            EventStart::Since(since) => self.before(since, last).await?,
        };
        let principal = caller.principal.clone();
        Ok(EventWatch { reports: self.clone(), filter, principal, at, newest, _place: place })
    }

    /// The number after which everything was recorded since then.
    async fn before(&self, since: Timestamp, last: u64) -> Result<u64> {
        let (mut at, mut after) = (last, None);
        loop {
            let page =
                self.history.store.scan(rows::EVENT_AT, after.as_deref(), entente_store::MAX_PAGE_ENTRIES).await?;
            for (key, entry) in &page.entries {
                let it: Location = rows::decode(key, &entry.value)?;
                if it.time < since {
                    return Ok(at);
                }
                at = at.min(it.number.saturating_sub(1));
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(at),
            }
        }
    }

    /// What happened, the newest first.
    pub async fn list_events(&self, caller: &Caller, filter: &EventFilter, page: &PageRequest) -> Result<Page<Event>> {
        caller.needs(ApiRole::Viewer)?;
        if let Some(tenant) = &filter.tenant {
            self.history.snapshot().needs_tenant("tenant", tenant)?;
        }
        let mut after = page.after::<u64>()?;
        let (mut items, mut scanned) = (Vec::new(), 0);
        loop {
            let (batch, is_last) = self.batch(filter, after, page.limit()).await?;
            for (place, event) in batch {
                if items.len() == page.limit() || scanned >= MAX_SCANNED {
                    return Ok(Page { items, next: after.map(|at| at.to_string()).unwrap_or_default() });
                }
                (after, scanned) = (Some(place), scanned + 1);
                // One that went meanwhile is none.
                let Some(event) = event else { continue };
                if filter.since.is_some_and(|since| event.time < since) {
                    return Ok(Page { items, next: String::new() });
                }
                if filter.takes(&event) {
                    items.push(event);
                }
            }
            if is_last {
                return Ok(Page { items, next: String::new() });
            }
        }
    }

    /// Some events after a place, each with its own, and whether these were the last.
    async fn batch(
        &self,
        filter: &EventFilter,
        after: Option<u64>,
        limit: usize,
    ) -> Result<(Vec<(u64, Option<Event>)>, bool)> {
        let mut found = Vec::new();
        let Some(tenant) = &filter.tenant else {
            let start = after.map(rows::event_at);
            let page = self.history.store.scan(rows::EVENT_AT, start.as_deref(), limit).await?;
            for (key, entry) in &page.entries {
                let at: Location = rows::decode(key, &entry.value)?;
                found.push((at.number, self.event(&at).await?));
            }
            return Ok((found, page.next.is_none()));
        };
        let start = after.map(|place| rows::event(tenant, place));
        let page = self.history.store.scan(&rows::events_of(tenant), start.as_deref(), limit).await?;
        for (key, entry) in &page.entries {
            let (place, event) = of_tenant(key, &entry.value)?;
            found.push((place, Some(event)));
        }
        Ok((found, page.next.is_none()))
    }

    /// The event itself; none if it went meanwhile.
    pub(super) async fn event(&self, at: &Location) -> Result<Option<Event>> {
        let key = rows::event(&at.tenant, at.place);
        let event: Option<Event> = rows::get(&*self.history.store, &key).await?;
        Ok(event.filter(|event| event.number == at.number))
    }
}

impl EventWatch {
    /// The next event, once it is there; none when the watch is over.
    pub async fn next(&mut self) -> Option<Result<Event>> {
        loop {
            let newest = *self.newest.borrow_and_update();
            while self.at < newest {
                self.at += 1;
                match self.at_its_place().await {
                    Ok(Some(event)) => return Some(Ok(event)),
                    Ok(None) => {}
                    Err(error) => return Some(Err(error)),
                }
            }
            let may_go_on = self.reports.registry.tables().principals.contains_key(&self.principal);
            if self.reports.history.running.stop.is_cancelled() || !may_go_on || self.newest.changed().await.is_err() {
                return None;
            }
        }
    }

    /// The event of the number that is looked at, if it is kept and asked for.
    async fn at_its_place(&self) -> Result<Option<Event>> {
        let at: Option<Location> = rows::get(&*self.reports.history.store, &rows::event_at(self.at)).await?;
        let Some(at) = at else { return Ok(None) };
        if self.filter.tenant.as_ref().is_some_and(|tenant| *tenant != at.tenant) {
            return Ok(None);
        }
        Ok(self.reports.event(&at).await?.filter(|event| self.filter.takes(event)))
    }
}

/// Which events.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Of this tenant; none means of all.
    pub tenant: Option<TenantName>,
    /// Recorded since then; none means all that are kept.
    pub since: Option<Timestamp>,
    /// Of these kinds; empty means of any.
    pub kinds: Vec<EventKind>,
}

/// Rows that are looked at for one page: bounds the time of a call. The page is then short, and its token goes on.
const MAX_SCANNED: usize = 10_000;

impl EventFilter {
    pub(super) fn takes(&self, event: &Event) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&event.kind)
    }
}
