//! What one tenant's agents have said, in memory as in the rows, and every account that they ever reported of our people.
//!
//! Known accounts are only ever added while an operator has the account or a removal of it is open: a proof that somebody is gone is
//! held against them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use entente_model::desired::{Digest, ItemKey, UserKey, Version};
use entente_model::report::{Accepted, ItemReport, ItemState, Standing};
use entente_model::revocation::Known;
use entente_model::word::Word;
use entente_model::{AgentName, Guid, HomeName, Timestamp};
use serde::{Deserialize, Serialize};

use super::room;
use crate::history::Snapshot;
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

/// How many agents are remembered as having seen an account: the current one and the one before.
const MAX_SEEN: usize = 2;

/// An account at home.
pub(crate) type Account = (HomeName, Guid);

/// What agents of one tenant have reported of one person's account at home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KnownRow {
    /// Of the user.
    pub(crate) key: ItemKey,
    #[serde(flatten)]
    pub(crate) known: Known,
    /// The latest last.
    seen: Vec<Seen>,
}

/// An agent that saw an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Seen {
    agent: AgentName,
    /// For the first time.
    time: Timestamp,
}

impl KnownRow {
    fn of((home, object_id): &Account) -> Self {
        let key = ItemKey::User(UserKey { home: home.clone(), object_id: *object_id });
        Self { key, known: Known::default(), seen: Vec::new() }
    }

    fn gain(&mut self, item: &ItemReport, agent: Option<&AgentName>, now: Timestamp) {
        let ids = accounts(item);
        let sees = item.state != ItemState::Removed && !ids.is_empty();
        self.known.add(ids);
        let Some(agent) = agent.filter(|agent| sees && self.seen.iter().all(|it| it.agent != **agent)) else { return };
        self.seen.push(Seen { agent: agent.clone(), time: now });
        if self.seen.len() > MAX_SEEN {
            self.seen.remove(0);
        }
    }

    /// When an agent other than this one first saw an account.
    pub(crate) fn seen_by_others(&self, agent: &AgentName) -> Option<Timestamp> {
        self.seen.iter().filter(|it| it.agent != *agent).map(|it| it.time).max()
    }
}

/// Accounts in the customer's tenant that a report names.
fn accounts(item: &ItemReport) -> BTreeSet<Guid> {
    let object = item.object_id.as_deref().filter(|_| matches!(item.key, ItemKey::User(_)));
    let object = object.and_then(|id| id.parse().ok());
    let proven = item.proof.iter().flat_map(|proof| &proof.accounts);
    object.into_iter().chain(item.accounts.iter().chain(proven).map(|it| it.id)).collect()
}

/// What a tenant's agents have reported, by account.
pub(crate) type KnownAccounts = HashMap<Account, Arc<KnownRow>>;

/// Rows that gain by a report. Only of our people's accounts, so that an agent cannot make rows without an end.
pub(crate) fn gained<'i>(
    known: &KnownAccounts,
    snapshot: &Snapshot,
    items: impl Iterator<Item = &'i ItemReport>,
    agent: Option<&AgentName>,
    now: Timestamp,
) -> KnownAccounts {
    let mut gained = KnownAccounts::new();
    for item in items {
        let Some((home, object_id)) = item.key.person() else { continue };
        if accounts(item).is_empty() || !snapshot.fleet.has_account(home, object_id) {
            continue;
        }
        let account = (home.clone(), object_id);
        let former = gained.get(&account).or_else(|| known.get(&account));
        let mut row = former.map_or_else(|| KnownRow::of(&account), |row| KnownRow::clone(row));
        row.gain(item, agent, now);
        if former.is_none_or(|former| **former != row) {
            gained.insert(account, Arc::new(row));
        }
    }
    gained
}
