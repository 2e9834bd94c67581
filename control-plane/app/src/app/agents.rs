//! Agents: what is kept of them, who may see it, revocation. A tenant has at most one that may connect. How one comes is in
//! [`enrol`], how it stays in [`renew`].

mod enrol;
mod renew;

use entente_model::{AgentName, TenantName, Timestamp};

use super::App;
use crate::api_role::ApiRole;
use crate::caller::{Caller, Options};
use crate::channel::Presence;
use crate::error::AppError;
use crate::history::{Decision, Entry, EventKind, Happening};
use crate::identity::{AgentRow, RegistryChange, Vouch};
use crate::page::{Page, PageRequest};
use crate::rows;

pub use enrol::{EnrollRequest, Enrolled};
pub use renew::Renewed;

/// An enrolled agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    pub name: AgentName,
    pub row: AgentRow,
    pub connected: bool,
    pub last_seen: Option<Timestamp>,
}

impl App {
    /// Any agent.
    pub fn get_agent(&self, caller: &Caller, name: &AgentName) -> Result<Agent, AppError> {
        caller.needs(ApiRole::Viewer)?;
        let row = self.inner.registry.tables().agents.get(name).cloned();
        row.map(|row| self.agent(name.clone(), row)).ok_or_else(|| AppError::not_found(name))
    }

    /// Agents by name, of one tenant or of all; revoked ones included.
    pub fn list_agents(
        &self,
        caller: &Caller,
        tenant: Option<&TenantName>,
        page: &PageRequest,
    ) -> Result<Page<Agent>, AppError> {
        caller.needs(ApiRole::Viewer)?;
        let after = page.after::<AgentName>()?;
        let rows = {
            let tables = self.inner.registry.tables();
            let all = tables.agents.iter().filter(|(name, _)| {
                after.as_ref().is_none_or(|after| *name > after) && tenant.is_none_or(|tenant| name.tenant == *tenant)
            });
            Page::of(all.map(|(name, row)| (name.clone(), row.clone())), page.limit(), |(name, _)| name.clone())
        };
        // Revoked agents stay listed after the tenant of which they were.
        if let Some(tenant) = tenant.filter(|_| rows.items.is_empty()) {
            self.world().needs_tenant("parent", tenant)?;
        }
        Ok(rows.map(|(name, row)| self.agent(name, row)))
    }

    fn agent(&self, name: AgentName, row: AgentRow) -> Agent {
        let Presence { connected, last_seen } = self.inner.channels.presence(&name);
        Agent { name, row, connected, last_seen }
    }

    /// Its certificates are refused from now on, and its stream is cut. Twice is the same as once. A person who revokes
    /// it has seen which agent it displaced.
    pub async fn revoke_agent(&self, caller: &Caller, name: &AgentName, options: &Options) -> Result<Agent, AppError> {
        caller.needs(ApiRole::Admin)?;
        let (wanted, entry) = (name.clone(), Entry::by(caller, options, name, "revoked"));
        let revoke = move |decision: &mut Decision<'_>, by: &Caller| {
            let row: AgentRow = decision.read(&rows::agent(&wanted))?.ok_or_else(|| AppError::not_found(&wanted))?;
            if row.revoked.is_none() {
                let seen = row.is_alarm().then(|| Vouch { by: by.principal.clone(), at: decision.now });
                let acknowledged = row.acknowledged.clone().or(seen);
                let row = AgentRow { revoked: Some(decision.now), acknowledged, ..row };
                decision.register(RegistryChange::Agent(wanted.clone(), Some(row)));
                let text = format!("{wanted} was revoked by {}", by.principal);
                decision.happens(&wanted.tenant, Happening::new(EventKind::AgentRevoked, &text));
                decision.record(entry.clone());
            }
            Ok(())
        };
        self.inner.history.answer(caller, options, name, revoke).await?;
        self.get_agent(caller, name)
    }
}
