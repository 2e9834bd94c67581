//! The signed roots, page by page, and the keys by which others verify them.

use std::collections::{BTreeSet, HashMap};

use entente_model::desired::Digest;
use entente_seal::{Checkpoint, KeyId, PublicKey, Root, Statement, verifier_key};

use super::App;
use crate::api_role::ApiRole;
use crate::caller::Caller;
use crate::error::AppError;
use crate::history::RootRow;
use crate::page::{Page, PageRequest};
use crate::rows;

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
    pub async fn roots(&self, caller: &Caller, page: &PageRequest) -> Result<Roots, AppError> {
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
