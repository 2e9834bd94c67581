//! Every account that a tenant's agents ever reported of our people.
//!
//! Gains and never loses while an operator has the account or a removal of it is open: a proof that somebody is gone is
//! held against it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use entente_model::desired::{ItemKey, UserKey};
use entente_model::report::{ItemReport, ItemState};
use entente_model::revocation::Known;
use entente_model::{AgentName, Guid, HomeName, Timestamp};
use serde::{Deserialize, Serialize};

use crate::history::World;

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
    world: &World,
    items: impl Iterator<Item = &'i ItemReport>,
    agent: Option<&AgentName>,
    now: Timestamp,
) -> KnownAccounts {
    let mut gained = KnownAccounts::new();
    for item in items {
        let Some((home, object_id)) = item.key.person() else { continue };
        if accounts(item).is_empty() || !world.fleet.has_account(home, object_id) {
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
