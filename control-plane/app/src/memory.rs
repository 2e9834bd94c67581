//! What is known of people beyond intent: every account that agents ever reported of them, tenant by tenant, and
//! addresses that they had before.
//!
//! Gains and never loses while an operator has the account or a removal of it is open: a proof that somebody is gone is
//! held against it. Rows of accounts; addresses are kept beside the operator's resource.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use entente_compiler::Memory;
use entente_model::desired::{ItemKey, MAX_KNOWN, UserKey};
use entente_model::intent::{Identity, Operator, ResourceName};
use entente_model::report::{ItemReport, ItemState};
use entente_model::revocation::Known;
use entente_model::{AgentName, Guid, HomeName, OperatorName, TenantName, Timestamp};
use serde::{Deserialize, Serialize};

use crate::app::Inner;
use crate::desk::{Desk, Parked};
use crate::world::World;

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

/// Addresses that an operator's accounts had before, by account.
pub(crate) type Former = BTreeMap<String, BTreeSet<String>>;

/// What is former once a manifest takes the place of another.
pub(crate) fn former(former: &Former, before: &Operator, after: &Operator) -> Former {
    let mut kept = Former::new();
    for is in &after.identities {
        let mut all = former.get(&account_text(is)).cloned().unwrap_or_default();
        let was = before.identities.iter().filter(|was| account_text(was) == account_text(is));
        for address in was.flat_map(|was| [was.mail.to_ascii_lowercase(), was.upn.to_ascii_lowercase()]) {
            let is_now = address.eq_ignore_ascii_case(&is.mail) || address.eq_ignore_ascii_case(&is.upn);
            if !is_now && all.len() < MAX_KNOWN {
                all.insert(address);
            }
        }
        if !all.is_empty() {
            kept.insert(account_text(is), all);
        }
    }
    kept
}

fn account_text(identity: &Identity) -> String {
    format!("{}/{}", identity.home.id(), identity.object_id)
}

/// What the compiler asks when it names somebody for removal.
#[derive(Debug)]
pub(crate) struct Recollection {
    inner: Arc<Inner>,
    world: Arc<World>,
}

impl Recollection {
    pub(crate) fn of(inner: &Arc<Inner>, world: &Arc<World>) -> Option<Arc<dyn Memory>> {
        Some(Arc::new(Self { inner: inner.clone(), world: world.clone() }))
    }
}

impl Memory for Recollection {
    fn known(&self, tenant: &TenantName, home: &HomeName, object_id: Guid) -> Known {
        let desk = self.inner.desks.get(tenant);
        desk.map(|desk| desk.known(&(home.clone(), object_id))).unwrap_or_default()
    }

    fn was_enrolled(&self, tenant: &TenantName) -> bool {
        self.inner.was_enrolled(tenant)
    }

    fn former_addresses(&self, operator: &OperatorName, home: &HomeName, object_id: Guid) -> BTreeSet<String> {
        let meta = self.world.metas.get(&ResourceName::Operator(operator.clone()));
        let account = format!("{}/{object_id}", home.id());
        meta.and_then(|meta| meta.former.get(&account).cloned()).unwrap_or_default()
    }
}

impl Inner {
    /// Whether an agent was ever enrolled in a tenant: its row stays a while after its end, its reports stay longer.
    pub(crate) fn was_enrolled(&self, tenant: &TenantName) -> bool {
        let has_row = self.registry.tables().agents_of(tenant).next().is_some();
        let desk = self.desks.get(tenant);
        has_row || desk.is_some_and(|desk| desk.lock().has_enrolled())
    }

    /// An agent has shown a certificate of ours, and there is no row of it: it enrolled in a history that a restored
    /// backup has forgotten. That no agent ever was there is not so, whatever the store says.
    pub(crate) fn note_unknown(&self, tenant: &TenantName) {
        let Some(desk) = self.desks.get(tenant) else { return };
        let mut state = desk.lock();
        if !std::mem::replace(&mut state.forgotten_agent, true) {
            tracing::warn!(%tenant, "an agent with a certificate of ours is not known here: was a backup restored?");
            state.told = true;
            self.removals_told.notify_one();
        }
    }
}

impl Inner {
    /// An agent has come with a certificate that is younger than all that the store knows of it: the store was restored
    /// from a backup. Like its state, it waits for a person's word.
    pub(crate) fn note_forgotten(&self, agent: &AgentName, made: Timestamp) {
        let Some(desk) = self.desks.get(&agent.tenant) else { return };
        let text = format!(
            "{agent} comes with a certificate of {made} that this store does not know, as after a restored backup: restore \
             the right store, or begin a new epoch with `entente-control-plane new-epoch`, which accepts it"
        );
        let mut state = desk.lock();
        if state.parked.is_none() && !state.is_connected() {
            tracing::error!(tenant = %desk.tenant, reason = text, "tenant parked: unknown certificate");
            state.parked = Some(Parked::History(text));
            drop(state);
            self.watchers.changed(&agent.tenant);
        }
    }
}

impl Desk {
    fn known(&self, account: &Account) -> Known {
        self.lock().known.get(account).map(|row| row.known.clone()).unwrap_or_default()
    }
}
