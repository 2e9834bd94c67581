//! The audit log, page by page.

use entente_model::desired::Digest;
use entente_model::intent::ResourceName;

use super::App;
use crate::api_role::ApiRole;
use crate::caller::Caller;
use crate::error::AppError;
use crate::history::AuditRecord;
use crate::page::{Page, PageRequest};
use crate::rows;

/// Rows that are looked at for one page when only one resource is asked for: bounds the time of a call. The page is
/// then short, and its token goes on.
const MAX_SCANNED: usize = 10_000;

/// Bytes of rows after which a page ends, as its answer is bounded: half of what a message takes.
const MAX_PAGE_BYTES: usize = 2 << 20;

/// Where a page goes on, and whether one before it had something: `417`, or `417-` while nothing was found.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    after: Option<u64>,
    found: bool,
}

impl Place {
    fn of(page: &PageRequest) -> Result<Self, AppError> {
        let nothing = page.token.strip_suffix('-');
        let token = nothing.unwrap_or(&page.token).to_owned();
        let found = nothing.is_none() && !token.is_empty();
        Ok(Self { after: PageRequest { size: page.size, token }.after()?, found })
    }

    fn token(&self) -> String {
        let mark = if self.found { "" } else { "-" };
        self.after.map(|at| format!("{at}{mark}")).unwrap_or_default()
    }
}

impl App {
    /// The digest of the newest record, as far as it is durable; none before the first.
    pub fn audit_head(&self) -> Option<Digest> {
        Some(self.inner.history.published().head.audit).filter(|digest| *digest != Digest::default())
    }

    /// Records, the newest first; of one resource, or of all.
    pub async fn audit(
        &self,
        caller: &Caller,
        page: &PageRequest,
        resource: Option<&ResourceName>,
    ) -> Result<Page<AuditRecord>, AppError> {
        caller.needs(ApiRole::Viewer)?;
        let wanted = resource.map(ToString::to_string);
        let Place { mut after, found } = Place::of(page)?;
        let (mut items, mut scanned, mut bytes) = (Vec::new(), 0, 0);
        loop {
            let start = after.map(rows::audit);
            let batch = self.inner.history.store.scan(rows::AUDIT, start.as_deref(), page.limit()).await?;
            for (key, entry) in &batch.entries {
                if items.len() == page.limit() || scanned == MAX_SCANNED || bytes > MAX_PAGE_BYTES {
                    let found = found || !items.is_empty();
                    return Ok(Page { items, next: Place { after, found }.token() });
                }
                let record: AuditRecord = rows::decode(key, &entry.value)?;
                (after, scanned) = (Some(record.revision), scanned + 1);
                if wanted.as_ref().is_none_or(|name| record.resources.contains(name)) {
                    bytes += entry.value.len();
                    items.push(record);
                }
            }
            if batch.next.is_none() {
                // What was deleted is in its records; a name that is in none, of any page, and that nothing has is misspelt.
                if let Some(name) = resource.filter(|_| items.is_empty() && !found) {
                    self.get(caller, name)?;
                }
                return Ok(Page { items, next: String::new() });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_says_whether_something_was_found_before_it() {
        for (after, found, token) in [(Some(417), true, "417"), (Some(417), false, "417-"), (None, false, "")] {
            assert_eq!(Place { after, found }.token(), token);
            let page = PageRequest { size: 0, token: token.into() };
            assert_eq!(Place::of(&page).unwrap(), Place { after, found });
        }
        assert!(Place::of(&PageRequest { size: 0, token: "x-".into() }).is_err());
    }
}
