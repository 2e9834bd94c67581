//! What the agent gave and the customer's file no longer allows. The agent reports it, and takes it away once a person
//! on the host confirms it (`entente-agent revoke --not-allowed`). The planner decides what it is
//! (`path/not_allowed.rs` there).
//!
//! It takes only what the person saw and the file still refuses, as the file may have changed since.

use std::collections::BTreeSet;
use std::time::Duration;

use entente_model::desired::ItemKey;
use entente_model::report::Reason;
use entente_planner::plan::NotAllowed;
use entente_session::Desired;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::farewell::people;
use super::{Found, Steward};
use crate::memory::MemoryError;
use crate::receipt::{About, Receipt};
use crate::status_file::{MAX_NOT_ALLOWED, NotAllowedItem, NotAllowedList};

impl Steward {
    /// Notes what a look found, and logs it if there is something new.
    pub(super) fn note_not_allowed(&mut self, guardrail: String, found: Vec<NotAllowed>) {
        let untaken = |all: &[NotAllowed]| -> BTreeSet<ItemKey> {
            all.iter().filter(|it| it.is_open()).map(|it| it.key.clone()).collect()
        };
        let now = untaken(&found);
        if !now.is_subset(&untaken(&self.not_allowed.found)) {
            let count = now.len();
            warn!(
                count,
                "what was given before is not allowed by the guardrail any more, and stays: `entente-agent revoke \
                 --not-allowed` lists it, and takes it away when a person says so"
            );
        }
        self.not_allowed = Found { guardrail, found };
    }

    pub(super) fn not_allowed_list(&self) -> NotAllowedList {
        let Found { guardrail, found } = &self.not_allowed;
        let untaken = found.iter().filter(|it| it.is_open()).take(MAX_NOT_ALLOWED);
        let items = untaken.map(|it| NotAllowedItem { key: it.key.clone(), reason: it.reason, what: it.what.clone() });
        NotAllowedList { guardrail: guardrail.clone(), items: items.collect() }
    }

    /// Lists it for a person while no agent runs.
    pub(crate) async fn list_not_allowed(&mut self) -> Result<NotAllowedList, String> {
        let Some(desired) = self.parts.view.borrow().desired.clone() else {
            return Err("the agent holds no desired state yet, so what is allowed is not known".into());
        };
        match &self.look(&desired).await.guardrail.content {
            Err(unreadable) => Err(unreadable.to_string()),
            Ok(_) => Ok(self.not_allowed_list()),
        }
    }

    /// Takes away what a person confirmed: one round. `None` if no person did, or the file cannot be read.
    pub(crate) async fn revoke(&mut self, cancel: &CancellationToken) -> Result<Option<Duration>, MemoryError> {
        let (asked, desired) = (self.switches.to_revoke(), self.parts.view.borrow().desired.clone());
        let (Some(asked), Some(desired)) = (asked, desired) else { return Ok(None) };
        let Some(Standing { keys, unread }) = self.still_refused(&desired, &asked).await else { return Ok(None) };
        let mut receipt = Receipt::begun(&self.parts.state_dir, About::NotAllowed, self.parts.clock.time())?;
        receipt.people =
            people(&self.ledger).filter(|(_, name)| keys.iter().any(|key| key.to_string() == *name)).collect();
        let (_, wait) = self.end(&mut receipt, Some((&keys, &unread)), cancel).await?;
        let judged = keys.union(&unread).cloned().collect();
        receipt.left.extend(self.kept(&asked, &judged));
        self.keep(&receipt)?;
        if receipt.is_complete() || receipt.stuck {
            self.switches.revoked()?;
            info!(
                complete = receipt.is_complete(),
                "the agent took away what the guardrail does not allow, as far as it may"
            );
        }
        Ok(wait)
    }

    /// What was confirmed, exists, and is no longer refused. It is not taken, and the receipt claims nothing of it.
    fn kept(&self, asked: &BTreeSet<ItemKey>, judged: &BTreeSet<ItemKey>) -> Vec<String> {
        let is_there = |key: &&ItemKey| self.ledger.get(*key).is_some_and(|entry| entry.thing.is_some());
        let kept = asked.difference(judged).filter(is_there);
        kept.map(|key| format!("{key} is allowed again, or no longer wanted: this did not take it")).collect()
    }

    /// Looks again at what was confirmed. `None` without a readable file.
    async fn still_refused(&mut self, desired: &Desired, asked: &BTreeSet<ItemKey>) -> Option<Standing> {
        let look = self.look(desired).await;
        look.guardrail.content.as_ref().ok()?;
        let asked = self.not_allowed.found.iter().filter(|it| asked.contains(&it.key));
        let (unread, refused): (Vec<_>, Vec<_>) = asked.partition(|it| it.reason == Reason::Unread);
        let keys = |all: Vec<&NotAllowed>| all.into_iter().map(|it| it.key.clone()).collect();
        Some(Standing { keys: keys(refused), unread: keys(unread) })
    }
}

/// Of the confirmed items, those that the file still refuses, and those of which it cannot be told.
struct Standing {
    keys: BTreeSet<ItemKey>,
    unread: BTreeSet<ItemKey>,
}
