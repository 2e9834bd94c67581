//! What happened in each tenant, in words: a record of its own beside how things stand, so that a night has a history.
//!
//! [`said`] derives what happened from two reports, pure; [`rows`] keeps it, in the commit of what it is about; [`list`]
//! and [`watch`] show it. Not among it is OFFLINE: a stream that breaks and comes back writes nothing.

mod list;
mod rows;
pub(crate) mod said;
mod watch;

use std::sync::Arc;

use entente_model::report::bounds::bounded;
use entente_model::{TenantName, Timestamp};
use entente_store::{Commit, CommitWithError, ReadError, StoreExt};
use serde::{Deserialize, Serialize};

use crate::app::Inner;
use crate::desk::Desk;
use crate::status::phase::TenantPhase;
use crate::status::report::ReportError;

pub use list::EventFilter;
pub use watch::{EventStart, EventWatch};

pub(crate) use rows::{Location, forget, of_tenant, write};
pub(crate) use watch::MAX_WATCHES;

/// Most events of one tenant, the oldest go: weeks of a quiet tenant, and a night of one in which everything breaks. An agent
/// that reports nonsense pushes out only what is its own tenant's.
const MAX_EVENTS: u64 = 1_000;

/// Longest text, in bytes: a sentence, with a name and what somebody else said.
const MAX_EVENT_BYTES: usize = 480;

/// Longest key of an item that is kept beside: those that are compiled here are shorter.
const MAX_ITEM_BYTES: usize = 1_024;

/// Kinds of event. The list is closed; a row of a later version's kind is read as [`EventKind::Later`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EventKind {
    PhaseChanged,
    GuardrailChanged,
    ItemRefused,
    DriftFound,
    DriftMended,
    AccountCameBack,
    AgentEnrolled,
    AgentDisplaced,
    AgentRevoked,
    TenantParked,
    RevokeAllBegun,
    RevokeAllDone,
    #[serde(other)]
    Later,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Counts up over all tenants; greater is later.
    pub number: u64,
    pub tenant: TenantName,
    pub kind: EventKind,
    /// When it was recorded here. Never before that of a lesser number.
    pub time: Timestamp,
    /// When it happened, by the agent's word, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub happened: Option<Timestamp>,
    /// For people.
    pub text: String,
    /// The item's key, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// The phases' words, of PHASE_CHANGED. The first has none before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// An event before it has a number and a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Happening {
    kind: EventKind,
    happened: Option<Timestamp>,
    text: String,
    item: Option<String>,
    from: Option<TenantPhase>,
    to: Option<TenantPhase>,
}

impl Happening {
    /// Much of a text may be an agent's: it is bounded, and ends up on terminals.
    pub(crate) fn new(kind: EventKind, text: &str) -> Self {
        let text = bounded(text.replace(char::is_control, " "), MAX_EVENT_BYTES);
        Self { kind, happened: None, text, item: None, from: None, to: None }
    }

    fn at(self, happened: Timestamp) -> Self {
        Self { happened: Some(happened), ..self }
    }

    fn of_item(self, key: String) -> Self {
        Self { item: Some(key).filter(|key| key.len() <= MAX_ITEM_BYTES), ..self }
    }
}

/// Why something is not kept.
#[derive(Debug, thiserror::Error)]
enum NotKept {
    #[error("the tenant is gone")]
    Gone,
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl Inner {
    /// Commits what is about a tenant, with what happened; unless the tenant is gone: one that was made anew under its name has
    /// nothing to do with what was on its way. Looked at where commits are made one after the other, so that the cleanup
    /// comes either before and is seen, or after.
    pub(crate) async fn keep_of(
        self: &Arc<Self>,
        desk: &Arc<Desk>,
        commit: Commit,
        happened: Vec<Happening>,
    ) -> Result<(), ReportError> {
        let (here, of, now) = (Arc::downgrade(self), desk.clone(), self.time());
        let is_here = move || {
            let desk = here.upgrade().and_then(|inner| inner.desks.get(&of.tenant));
            desk.is_some_and(|desk| Arc::ptr_eq(&desk, &of))
        };
        let tenant = desk.tenant.clone();
        let happened: Vec<_> = happened.into_iter().map(|it| (tenant.clone(), it)).collect();
        let kept = self.store.commit_with(move |view, _| {
            if !is_here() {
                return Err(NotKept::Gone);
            }
            write(view, commit.clone(), &happened, now).map_err(NotKept::Read)
        });
        match kept.await {
            Ok((_, newest)) => {
                self.tell_events(newest);
                Ok(())
            }
            Err(CommitWithError::Refused(NotKept::Gone)) => Err(ReportError::Gone),
            Err(CommitWithError::Refused(NotKept::Read(error))) => Err(ReportError::NotKept(error.into())),
            Err(CommitWithError::Commit(error)) => Err(ReportError::NotKept(error.into())),
        }
    }

    /// Something that happened beside any report.
    pub(crate) async fn note(self: &Arc<Self>, desk: &Arc<Desk>, happened: Happening) {
        if let Err(error) = self.keep_of(desk, Commit::new(), vec![happened]).await {
            tracing::error!(tenant = %desk.tenant, ?error, "an event could not be kept");
        }
    }

    /// Events up to that number are durable.
    pub(crate) fn tell_events(&self, newest: Option<u64>) {
        if let Some(newest) = newest {
            self.events.send_if_modified(|told| std::mem::replace(told, newest.max(*told)) < newest);
        }
    }
}
