//! Events, the newest first: of one tenant, or of the fleet.

use entente_model::{TenantName, Timestamp};

use super::Reports;
use crate::caller::{ApiRole, Caller};
use crate::error::AppError;
use crate::history::{Event, EventKind, Location, of_tenant};
use crate::page::{Page, PageRequest};
use crate::rows;

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

    fn is_past(&self, time: Timestamp) -> bool {
        self.since.is_some_and(|since| time < since)
    }
}

impl Reports {
    /// What happened, the newest first.
    pub(crate) async fn list_events(
        &self,
        caller: &Caller,
        filter: &EventFilter,
        page: &PageRequest,
    ) -> Result<Page<Event>, AppError> {
        caller.needs(ApiRole::Viewer)?;
        if let Some(tenant) = &filter.tenant {
            self.history.world().needs_tenant("tenant", tenant)?;
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
                if filter.is_past(event.time) {
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
}

impl Reports {
    /// Some events after a place, each with its own, and whether these were the last.
    async fn batch(
        &self,
        filter: &EventFilter,
        after: Option<u64>,
        limit: usize,
    ) -> Result<(Vec<(u64, Option<Event>)>, bool), AppError> {
        let mut found = Vec::new();
        let Some(tenant) = &filter.tenant else {
            let start = after.map(rows::event_at);
            let page = self.history.store.scan(rows::EVENT_AT, start.as_deref(), limit).await?;
            for (key, entry) in &page.entries {
                let at: Location = rows::decode(key, &entry.value).map_err(AppError::internal)?;
                found.push((at.number, self.event(&at).await?));
            }
            return Ok((found, page.next.is_none()));
        };
        let start = after.map(|place| rows::event(tenant, place));
        let page = self.history.store.scan(&rows::events_of(tenant), start.as_deref(), limit).await?;
        for (key, entry) in &page.entries {
            let (place, event) = of_tenant(key, &entry.value).map_err(AppError::internal)?;
            found.push((place, Some(event)));
        }
        Ok((found, page.next.is_none()))
    }

    /// The event itself; none if it went meanwhile.
    pub(super) async fn event(&self, at: &Location) -> Result<Option<Event>, AppError> {
        let key = rows::event(&at.tenant, at.place);
        let Some(entry) = self.history.store.get(&key).await? else { return Ok(None) };
        let (_, event) = of_tenant(&key, &entry.value).map_err(AppError::internal)?;
        Ok((event.number == at.number).then_some(event))
    }
}
