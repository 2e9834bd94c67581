//! Who may connect and who may ask, as it is looked up on every call: principals, agents and tokens in memory.
//!
//! The rows decide; this follows them once they are durable. Knows nothing about how rows come to be: see
//! [`crate::principals`], [`crate::agents`], [`crate::tokens`].

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use entente_model::{AgentName, PrincipalName, TenantName, Timestamp, TokenName};

use crate::agents::AgentRow;
use crate::app::{App, Inner};
use crate::caller::Caller;
use crate::desk::{AwayReason, LONG_RETRY, Refused};
use crate::error::AppError;
use crate::pki::{Peer, Who};
use crate::principals::PrincipalRow;
use crate::tokens::TokenRow;

#[derive(Debug, Default)]
pub(crate) struct Registry(RwLock<Tables>);

#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) principals: BTreeMap<PrincipalName, PrincipalRow>,
    pub(crate) agents: BTreeMap<AgentName, AgentRow>,
    pub(crate) tokens: BTreeMap<TokenName, TokenRow>,
}

/// One row, as it is now.
#[derive(Debug)]
pub(crate) enum RegistryChange {
    Principal(PrincipalName, Option<PrincipalRow>),
    Agent(AgentName, Option<AgentRow>),
    Token(TokenName, Option<TokenRow>),
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

    /// Follows rows that are durable now, and cuts the streams of agents that may not connect any more.
    pub(crate) fn apply(&self, changes: Vec<RegistryChange>, inner: &Inner) {
        for change in changes {
            let agent = self.affected(&change);
            let principal_gone = matches!(change, RegistryChange::Principal(_, None));
            let tenant = match &change {
                RegistryChange::Agent(name, _) => Some(name.tenant.clone()),
                RegistryChange::Token(_, Some(row)) => Some(row.tenant.clone()),
                RegistryChange::Token(name, None) => self.tables().tokens.get(name).map(|row| row.tenant.clone()),
                RegistryChange::Principal(..) => None,
            };
            self.0.write().unwrap_or_else(PoisonError::into_inner).apply(change);
            match agent {
                Some((name, Fate::Enrolled)) => inner.desks.enrolled(&name.tenant, inner),
                Some((name, Fate::Revoked)) => inner.desks.revoked(&name, inner),
                None if principal_gone => {
                    inner.watchers.wake_all();
                    inner.events.send_modify(|_| {});
                    inner.principal_gone.notify_one();
                }
                // The tenant's status shows its agent, and whether an enrolment token is unused.
                None => tenant.iter().for_each(|tenant| inner.watchers.changed(tenant)),
            }
        }
    }

    fn affected(&self, change: &RegistryChange) -> Option<(AgentName, Fate)> {
        let RegistryChange::Agent(name, row) = change else { return None };
        let fate = match row {
            Some(row) if row.revoked.is_none() => {
                // A renewed one was there before, and nothing changes for it.
                let is_new = !self.tables().agents.contains_key(name);
                is_new.then_some(Fate::Enrolled)?
            }
            _ => Fate::Revoked,
        };
        Some((name.clone(), fate))
    }
}

/// What a row means for its agent.
enum Fate {
    Enrolled,
    Revoked,
}

impl App {
    /// Who calls, by the certificate of the connection. Says nothing of why somebody is refused.
    pub fn principal_of(&self, peer: &Peer) -> Result<Caller, AppError> {
        let Who::Principal(name) = &peer.who else { return Err(self.refuse("not_a_principal")) };
        let tables = self.inner.registry.tables();
        let row = tables.principals.get(name).ok_or_else(|| self.refuse("unknown_principal"))?;
        if row.serial != peer.serial {
            return Err(self.refuse("revoked_certificate"));
        }
        self.check_time(peer.not_after)?;
        Ok(Caller { principal: name.clone(), role: row.role, operator: row.operator.clone() })
    }

    /// Which agent connects, likewise.
    pub fn check_agent(&self, peer: &Peer) -> Result<AgentName, AppError> {
        self.admit_agent(peer).map_err(|_| AppError::Unauthenticated)
    }

    /// The same, and whether the agent is to come back: who was revoked, or replaced by what is known here, is not.
    pub fn admit_agent(&self, peer: &Peer) -> Result<AgentName, Refused> {
        let revoked = Refused { reason: AwayReason::Revoked, retry_after: LONG_RETRY };
        let not_known = Refused { reason: AwayReason::NotKnown, ..revoked };
        let refused = |reason, refused| {
            self.count_refused(reason);
            Err(refused)
        };
        let Who::Agent(name) = &peer.who else { return refused("not_an_agent", revoked) };
        let row = self.inner.registry.tables().agents.get(name).cloned();
        match row {
            None => {
                self.inner.note_unknown(&name.tenant);
                refused("unknown_agent", not_known)
            }
            Some(row) if row.accepts(peer.into(), self.inner.epoch_begun) => {
                let is_over = self.now() >= peer.not_after;
                if is_over { refused("expired_certificate", not_known) } else { Ok(name.clone()) }
            }
            Some(row) if row.is_forgotten(peer.into()) => {
                self.inner.note_forgotten(name, peer.not_before);
                refused("unknown_certificate", not_known)
            }
            Some(_) => refused("revoked_certificate", revoked),
        }
    }

    fn check_time(&self, not_after: Timestamp) -> Result<(), AppError> {
        if self.now() < not_after { Ok(()) } else { Err(self.refuse("expired_certificate")) }
    }

    fn refuse(&self, reason: &'static str) -> AppError {
        self.count_refused(reason);
        AppError::Unauthenticated
    }

    /// Counts a refused sign-in. Reasons are literals, so the metric is bounded; refusals have no rows, because
    /// anybody can cause them.
    pub fn count_refused(&self, reason: &'static str) {
        metrics::counter!("entente_refused_sign_ins_total", "reason" => reason).increment(1);
    }
}
