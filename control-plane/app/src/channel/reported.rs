//! What one tenant's agent has said, in memory as in the rows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use entente_model::desired::{Digest, ItemKey, UserKey, Version};
use entente_model::report::{Accepted, ItemReport, ItemState, Standing};
use entente_model::word::Word;
use entente_model::{AgentName, Guid, HomeName, Timestamp};
use serde::{Deserialize, Serialize};

use super::room;
use crate::rows::as_hex;
use crate::tenant_phase::TenantPhase;

/// What one tenant's agent has said.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reported {
    /// By the key's text, which is the order in which people see them.
    pub(crate) items: BTreeMap<Arc<str>, Arc<ItemReport>>,
    /// Of the items' texts ([`room::weight`]).
    pub(crate) bytes: usize,
    pub(crate) standing: Option<Arc<Standing>>,
    /// The state that the agent holds.
    pub(crate) accepted: Option<Accepted>,
    pub(crate) last_seen: Option<Timestamp>,
    /// Rows of it that could not be read at start-up: everything is asked for again, and then they are dropped.
    pub(crate) unreadable: Vec<String>,
    /// Two agents answered under one identity, and no person has ended that alarm.
    pub(crate) clone: Option<String>,
    /// Who reported last. Another agent is asked to report everything anew.
    pub(crate) reporter: Option<AgentName>,
    /// The phase that events tell of last.
    pub(crate) phase: Option<TenantPhase>,
    /// What the last report with mended drift had of it: the same again is nothing new.
    pub(crate) mended: BTreeSet<String>,
}

/// The row of a tenant's agent; items have rows of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StandingRow {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    standing: Option<Standing>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    accepted: Option<AcceptedRow>,
    last_seen: Option<Timestamp>,
    reporter: Option<AgentName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    clone: Option<String>,
    /// A word, so that one of a later version makes no row unreadable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phase: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    mended: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AcceptedRow {
    epoch: u64,
    revision: u64,
    #[serde(with = "as_hex::digest")]
    root: Digest,
    #[serde(with = "as_hex::digest")]
    digest: Digest,
}

/// Items of the fleet by state, as reported. What states there are is not the agents' to say here.
fn in_state(state: ItemState, change: f64) {
    let word = if let ItemState::Later(_) = state { Word::OTHER.as_str() } else { state.word() };
    metrics::gauge!("entente_items", "state" => word).increment(change);
}

impl Reported {
    /// Whether an account is, or may be, still there.
    pub(crate) fn shows(&self, home: &HomeName, object_id: Guid) -> bool {
        let person = ItemKey::User(UserKey { home: home.clone(), object_id }).to_string();
        // The user comes before any membership, so one look-up answers; a membership alone is never reported.
        self.items.get(person.as_str()).is_some_and(|item| item.state != ItemState::Removed)
    }

    pub(crate) fn put(&mut self, key: Arc<str>, item: Arc<ItemReport>) {
        in_state(item.state, 1.0);
        self.bytes += room::weight(&item);
        if let Some(former) = self.items.insert(key, item) {
            self.out(&former);
        }
    }

    pub(crate) fn remove(&mut self, key: &str) {
        if let Some(former) = self.items.remove(key) {
            self.out(&former);
        }
    }

    fn out(&mut self, former: &ItemReport) {
        in_state(former.state, -1.0);
        self.bytes = self.bytes.saturating_sub(room::weight(former));
    }

    /// What was read at start-up is counted.
    pub(crate) fn count(&mut self) {
        self.items.values().for_each(|item| in_state(item.state, 1.0));
        self.bytes = self.items.values().map(|item| room::weight(item)).sum();
    }

    /// A copy without the deleted items and with the new ones, to derive a phase from. Its bytes are not counted.
    pub(crate) fn after(&self, deletes: &[Arc<str>], puts: &BTreeMap<Arc<str>, Arc<ItemReport>>) -> Self {
        let mut after = self.clone();
        deletes.iter().for_each(|key| drop(after.items.remove(key)));
        after.items.extend(puts.iter().map(|(key, item)| (key.clone(), item.clone())));
        after
    }

    pub(crate) fn row(&self) -> StandingRow {
        let accepted = self.accepted.as_ref().map(|accepted| AcceptedRow {
            epoch: accepted.version.epoch,
            revision: accepted.version.revision,
            root: accepted.root,
            digest: accepted.digest,
        });
        let standing = self.standing.as_deref().cloned();
        let (last_seen, reporter, clone) = (self.last_seen, self.reporter.clone(), self.clone.clone());
        let phase = self.phase.map(|phase| phase.word().to_owned());
        StandingRow { standing, accepted, last_seen, reporter, clone, phase, mended: self.mended.clone() }
    }

    pub(crate) fn with_row(mut self, row: StandingRow) -> Self {
        self.standing = row.standing.map(Arc::new);
        self.accepted = row.accepted.map(|row| Accepted {
            version: Version { epoch: row.epoch, revision: row.revision },
            root: row.root,
            digest: row.digest,
        });
        self.last_seen = row.last_seen;
        self.reporter = row.reporter;
        self.clone = row.clone;
        self.phase = row.phase.as_deref().and_then(TenantPhase::of);
        self.mended = row.mended;
        self
    }
}
