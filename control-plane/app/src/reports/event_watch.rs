//! Events as they come, each once and in order. A reader follows by the number that it saw last, so that a slow one misses
//! nothing that is still kept, and delays no other reader.

use std::sync::Arc;

use entente_model::violation::Fault;
use entente_model::{PrincipalName, Timestamp, Violation};
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::Reports;
use super::event_list::EventFilter;
use crate::caller::{ApiRole, Caller};
use crate::error::AppError;
use crate::history::{Event, Location};
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
    pub(crate) async fn watch_events(
        self: &Arc<Self>,
        caller: &Caller,
        filter: EventFilter,
        start: EventStart,
    ) -> Result<EventWatch, AppError> {
        caller.needs(ApiRole::Viewer)?;
        if let Some(tenant) = &filter.tenant {
            self.history.world().needs_tenant("tenant", tenant)?;
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
}

impl Reports {
    /// The number after which everything was recorded since then.
    async fn before(&self, since: Timestamp, last: u64) -> Result<u64, AppError> {
        let (mut at, mut after) = (last, None);
        loop {
            let page =
                self.history.store.scan(rows::EVENT_AT, after.as_deref(), entente_store::MAX_PAGE_ENTRIES).await?;
            for (key, entry) in &page.entries {
                let it: Location = rows::decode(key, &entry.value).map_err(AppError::internal)?;
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

    /// Where the event of that number is, if it is kept.
    async fn location(&self, number: u64) -> Result<Option<Location>, AppError> {
        let key = rows::event_at(number);
        let Some(entry) = self.history.store.get(&key).await? else { return Ok(None) };
        rows::decode(&key, &entry.value).map(Some).map_err(AppError::internal)
    }
}

impl EventWatch {
    /// The next event, once it is there; none when the watch is over.
    pub async fn next(&mut self) -> Option<Result<Event, AppError>> {
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
            if self.reports.running.stop.is_cancelled() || !may_go_on || self.newest.changed().await.is_err() {
                return None;
            }
        }
    }

    /// The event of the number that is looked at, if it is kept and asked for.
    async fn at_its_place(&self) -> Result<Option<Event>, AppError> {
        let Some(at) = self.reports.location(self.at).await? else { return Ok(None) };
        if self.filter.tenant.as_ref().is_some_and(|tenant| *tenant != at.tenant) {
            return Ok(None);
        }
        Ok(self.reports.event(&at).await?.filter(|event| self.filter.takes(event)))
    }
}
