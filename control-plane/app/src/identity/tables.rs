//! Who may connect and who may ask, as it is looked up on every call: principals, agents and tokens in memory.
//!
//! The rows decide; this follows them once they are durable. Knows nothing about how rows come to be.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use bytes::Bytes;
use entente_model::{AgentName, PrincipalName, TenantName, TokenName};

use super::row::{AgentRow, PrincipalRow, TokenRow};
use crate::rows;

#[derive(Debug, Default)]
pub(crate) struct Registry(RwLock<Tables>);

#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) principals: BTreeMap<PrincipalName, PrincipalRow>,
    pub(crate) agents: BTreeMap<AgentName, AgentRow>,
    pub(crate) tokens: BTreeMap<TokenName, TokenRow>,
}

/// One row, as it is now.
#[derive(Debug, Clone)]
pub(crate) enum RegistryChange {
    Principal(PrincipalName, Option<PrincipalRow>),
    Agent(AgentName, Option<AgentRow>),
    Token(TokenName, Option<TokenRow>),
}

impl RegistryChange {
    /// The key, and what is kept under it.
    pub(crate) fn row(&self) -> (String, Option<Bytes>) {
        match self {
            Self::Principal(name, row) => (rows::principal(name), row.as_ref().map(rows::encode)),
            Self::Agent(name, row) => (rows::agent(name), row.as_ref().map(rows::encode)),
            Self::Token(name, row) => (rows::token(name), row.as_ref().map(rows::encode)),
        }
    }
}

impl Tables {
    pub(crate) fn apply(&mut self, change: RegistryChange) {
        match change {
            RegistryChange::Principal(name, row) => replace(&mut self.principals, name, row),
            RegistryChange::Agent(name, row) => replace(&mut self.agents, name, row),
            RegistryChange::Token(name, row) => replace(&mut self.tokens, name, row),
        }
    }

    /// The agents of one tenant, revoked ones included.
    pub(crate) fn agents_of(&self, tenant: &TenantName) -> impl Iterator<Item = (&AgentName, &AgentRow)> {
        let first = AgentName::new(tenant.clone(), "0").expect("0 is the least id that there is");
        self.agents.range(first..).take_while(move |(name, _)| name.tenant == *tenant)
    }

    /// The one that may connect.
    pub(crate) fn agent_of(&self, tenant: &TenantName) -> Option<(&AgentName, &AgentRow)> {
        self.agents_of(tenant).find(|(_, row)| row.revoked.is_none())
    }

    fn consequence(&self, change: &RegistryChange) -> Consequence {
        match change {
            // A renewed agent was there before, and nothing changes for it.
            RegistryChange::Agent(name, Some(row)) if row.revoked.is_none() => {
                let is_new = !self.agents.contains_key(name);
                let tenant = name.tenant.clone();
                if is_new { Consequence::Enrolled(tenant) } else { Consequence::Shown(tenant) }
            }
            RegistryChange::Agent(name, _) => Consequence::Revoked(name.clone()),
            RegistryChange::Principal(_, None) => Consequence::PrincipalGone,
            RegistryChange::Principal(_, Some(_)) => Consequence::Nothing,
            RegistryChange::Token(_, Some(row)) => Consequence::Shown(row.tenant.clone()),
            RegistryChange::Token(name, None) => {
                self.tokens.get(name).map_or(Consequence::Nothing, |row| Consequence::Shown(row.tenant.clone()))
            }
        }
    }
}

fn replace<K: Ord, V>(table: &mut BTreeMap<K, V>, key: K, value: Option<V>) {
    match value {
        Some(value) => drop(table.insert(key, value)),
        None => drop(table.remove(&key)),
    }
}

impl Registry {
    pub(crate) fn of(tables: Tables) -> Self {
        Self(RwLock::new(tables))
    }

    pub(crate) fn tables(&self) -> RwLockReadGuard<'_, Tables> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows a row that is durable now. Says what that means for others.
    pub(crate) fn apply(&self, change: RegistryChange) -> Consequence {
        let mut tables = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let consequence = tables.consequence(&change);
        tables.apply(change);
        consequence
    }
}

/// What a row means for those who are here.
#[derive(Debug)]
pub(crate) enum Consequence {
    /// Another agent may connect to this tenant.
    Enrolled(TenantName),
    /// The agent may connect no more.
    Revoked(AgentName),
    PrincipalGone,
    /// The tenant's status shows its agent, and whether an enrolment token is unused.
    Shown(TenantName),
    Nothing,
}
