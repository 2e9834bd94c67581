//! The audit log and the signed roots, page by page, and the keys by which others verify the roots.

use std::collections::{BTreeSet, HashMap};

use entente_model::desired::Digest;
use entente_model::intent::ResourceName;
use entente_seal::{Checkpoint, KeyId, PublicKey, Root, Statement, verifier_key};

use super::App;
use crate::api_role::ApiRole;
use crate::caller::Caller;
use crate::error::{AppError, Result};
use crate::history::{AuditRecord, RootRow};
use crate::page::{Page, PageRequest};
use crate::rows;

/// Rows that are looked at for one page when only one resource is asked for: bounds the time of a call. The page is
/// then short, and its token goes on.
const MAX_SCANNED: usize = 10_000;

/// Bytes of rows after which a page ends, as its answer is bounded: half of what a message takes.
const MAX_PAGE_BYTES: usize = 2 << 20;

/// Where a page goes on, and whether one before it had something: `417`, or `417-` while nothing was found.
#[derive(Debug, PartialEq, Eq)]
struct Cursor {
    after: Option<u64>,
    found: bool,
}

impl Cursor {
    fn of(page: &PageRequest) -> Result<Self> {
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
    ) -> Result<Page<AuditRecord>> {
        caller.needs(ApiRole::Viewer)?;
        let wanted = resource.map(ToString::to_string);
        let Cursor { mut after, found } = Cursor::of(page)?;
        let (mut items, mut scanned, mut bytes) = (Vec::new(), 0, 0);
        loop {
            let start = after.map(rows::audit);
            let batch = self.inner.history.store.scan(rows::AUDIT, start.as_deref(), page.limit()).await?;
            for (key, entry) in &batch.entries {
                if items.len() == page.limit() || scanned == MAX_SCANNED || bytes > MAX_PAGE_BYTES {
                    let found = found || !items.is_empty();
                    return Ok(Page { items, next: Cursor { after, found }.token() });
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

/// Signed roots, the newest first.
#[derive(Debug)]
pub struct Roots {
    /// Each with the checkpoint of its log once it was in it.
    pub notes: Page<String>,
    /// Of those who signed them, as verifiers of signed notes take them, each once.
    pub verifier_keys: Vec<String>,
}

impl App {
    /// The roots of states, back through all logs to the first: each names the one before it.
    pub async fn roots(&self, caller: &Caller, page: &PageRequest) -> Result<Roots> {
        caller.needs(ApiRole::Viewer)?;
        let mut next = match page.token.as_str() {
            "" => self.inner.history.published().head.root,
            token => Digest(hex::decode(token).ok().and_then(|it| it.try_into().ok()).ok_or_else(PageRequest::wrong)?),
        };
        let keys = self.signers();
        let (mut items, mut verifier_keys) = (Vec::new(), BTreeSet::new());
        while items.len() < page.limit() && next != Digest::default() {
            let key = rows::root(next);
            let Some(RootRow { note }) = rows::get(&*self.inner.history.store, &key).await? else {
                let is_asked_for = items.is_empty() && !page.token.is_empty();
                let missing = || AppError::internal(format!("{key} is not in the store"));
                return Err(if is_asked_for { PageRequest::wrong() } else { missing() });
            };
            if note.is_empty() {
                next = Digest::default();
                break;
            }
            let checkpoint = Checkpoint::read(note.as_bytes()).map_err(AppError::internal)?;
            let root = Root::decode(&checkpoint.root).map_err(AppError::internal)?;
            verifier_keys.extend(keys.get(&root.signer).map(|key| verifier_key(&checkpoint.origin, key)));
            next = root.previous;
            items.push(note);
        }
        let next = if next == Digest::default() { String::new() } else { next.to_string() };
        Ok(Roots { notes: Page { items, next }, verifier_keys: verifier_keys.into_iter().collect() })
    }

    /// Every key that the root key ever let sign.
    fn signers(&self) -> HashMap<KeyId, PublicKey> {
        let stated = self.inner.history.stated();
        let keys = stated.statements.iter().filter_map(|signed| match Statement::decode(&signed.statement) {
            Ok(Statement::Delegation { key, .. }) => Some((key.id(), key)),
            Ok(Statement::Revocation { .. } | Statement::Epoch { .. }) | Err(_) => None,
        });
        keys.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_says_whether_something_was_found_before_it() {
        for (after, found, token) in [(Some(417), true, "417"), (Some(417), false, "417-"), (None, false, "")] {
            assert_eq!(Cursor { after, found }.token(), token);
            let page = PageRequest { size: 0, token: token.into() };
            assert_eq!(Cursor::of(&page).unwrap(), Cursor { after, found });
        }
        assert!(Cursor::of(&PageRequest { size: 0, token: "x-".into() }).is_err());
    }
}
