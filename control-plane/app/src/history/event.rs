//! What happened in tenants, and its rows: each tenant's events by their number in it, counted down, and all events by their number
//! in the fleet.
//!
//! The first lets the oldest events of one tenant go, the second lists and follows the fleet. Both are written in the commit of what
//! they are about.

use std::collections::BTreeMap;

use bytes::Bytes;
use entente_model::report::bounds::bounded;
use entente_model::{TenantName, Timestamp};
use entente_store::{Commit, ReadError, View};
use serde::{Deserialize, Serialize};

use crate::rows::{self, RowError};
use crate::tenant_phase::TenantPhase;

/// Most events of one tenant, the oldest go: weeks of a quiet tenant, and a night of one in which everything breaks. An agent
/// that reports nonsense pushes out only what is its own tenant's.
pub(super) const MAX_EVENTS: u64 = 1_000;

/// Longest text, in bytes: a sentence, with a name and a text of the agent's.
pub(crate) const MAX_EVENT_BYTES: usize = 480;

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
    pub(crate) kind: EventKind,
    pub(crate) happened: Option<Timestamp>,
    pub(crate) text: String,
    pub(crate) item: Option<String>,
    pub(crate) from: Option<TenantPhase>,
    pub(crate) to: Option<TenantPhase>,
}

impl Happening {
    /// Much of a text may be an agent's: it is bounded, and ends up on terminals.
    pub(crate) fn new(kind: EventKind, text: &str) -> Self {
        let text = bounded(text.replace(char::is_control, " "), MAX_EVENT_BYTES);
        Self { kind, happened: None, text, item: None, from: None, to: None }
    }

    pub(crate) fn at(self, happened: Timestamp) -> Self {
        Self { happened: Some(happened), ..self }
    }

    pub(crate) fn of_item(self, key: String) -> Self {
        Self { item: Some(key).filter(|key| key.len() <= MAX_ITEM_BYTES), ..self }
    }
}

/// Where an event is, by its number in the fleet.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Location {
    pub(crate) number: u64,
    pub(crate) tenant: TenantName,
    pub(crate) place: u64,
    pub(crate) time: Timestamp,
}

/// The newest of all.
fn newest(view: &dyn View) -> Result<Option<Location>, ReadError> {
    first(view, rows::EVENT_AT)
}

/// The first row below a prefix. One that a later version wrote counts as none: nothing waits for its number.
fn first<T: serde::de::DeserializeOwned>(view: &dyn View, prefix: &str) -> Result<Option<T>, ReadError> {
    let page = view.scan(prefix, None, 1)?;
    Ok(page.entries.first().and_then(|(key, entry)| rows::decode(key, &entry.value).ok()))
}

/// The place of an event in its tenant, from its key.
fn place(key: &str) -> Option<u64> {
    key.rsplit('/').next()?.parse::<u64>().ok().map(|down| u64::MAX - down)
}

pub(crate) fn of_tenant(key: &str, value: &[u8]) -> Result<(u64, Event), RowError> {
    let event = rows::decode(key, value)?;
    Ok((place(key).unwrap_or_default(), event))
}

/// Adds what happened to a commit, and lets the oldest go. The number of the newest, if anything happened.
pub(crate) fn write(
    view: &dyn View,
    commit: Commit,
    happened: &[(TenantName, Happening)],
    now: Timestamp,
) -> Result<(Commit, Option<u64>), ReadError> {
    if happened.is_empty() {
        return Ok((commit, None));
    }
    let newest = newest(view)?;
    let (mut number, since) = newest.map_or((0, Timestamp::MIN), |it| (it.number, it.time));
    // Whatever the clock does.
    let time = now.max(since);
    let mut written: BTreeMap<String, Option<Bytes>> = BTreeMap::new();
    let mut places: BTreeMap<&TenantName, u64> = BTreeMap::new();
    for (tenant, it) in happened {
        if !places.contains_key(tenant) {
            let page = view.scan(&rows::events_of(tenant), None, 1)?;
            places.insert(tenant, page.entries.first().and_then(|(key, _)| place(key)).unwrap_or_default());
        }
        let place = places.get_mut(tenant).map_or(1, |place| {
            *place += 1;
            *place
        });
        number += 1;
        let location = Location { number, tenant: tenant.clone(), place, time };
        written.insert(rows::event(tenant, place), Some(rows::encode(&event(location.clone(), it))));
        written.insert(rows::event_at(number), Some(rows::encode(&location)));
        if let Some(oldest) = place.checked_sub(MAX_EVENTS).filter(|oldest| *oldest > 0) {
            let key = rows::event(tenant, oldest);
            let entry = view.get(&key)?;
            let former = entry.and_then(|entry| of_tenant(&key, &entry.value).ok());
            written.extend(former.map(|(_, event)| (rows::event_at(event.number), None)));
            written.insert(key, None);
        }
    }
    Ok((written.into_iter().fold(commit, |commit, (key, value)| commit.set(key, value)), Some(number)))
}

fn event(at: Location, it: &Happening) -> Event {
    let word = |phase: crate::tenant_phase::TenantPhase| phase.word().to_owned();
    Event {
        number: at.number,
        tenant: at.tenant,
        kind: it.kind,
        time: at.time,
        // An agent's word, which is not taken for what is to come, nor for a time that it has not said.
        happened: it.happened.filter(|happened| Timestamp::default() < *happened && *happened <= at.time),
        text: it.text.clone(),
        item: it.item.clone(),
        from: it.from.map(word),
        to: it.to.map(word),
    }
}

/// Keys of what is known of a tenant's events, from a page of its rows.
pub(crate) fn forget(key: &str, value: &[u8]) -> impl Iterator<Item = String> {
    let at = of_tenant(key, value).ok().map(|(_, event)| rows::event_at(event.number));
    std::iter::once(key.to_owned()).chain(at)
}
