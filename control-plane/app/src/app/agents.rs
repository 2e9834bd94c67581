//! Agents: who may see them, their revocation, and the alarm after one displaced another.
//!
//! A tenant has at most one agent that may connect. [`enrol`] makes it and renews its certificate. The person who enrols an agent
//! controls what is reported for the tenant, so only an admin's token displaces a live agent; an admin then vouches for the new
//! agent, or acknowledges the alarm. [`crate::removals`] judges whose proofs count.

mod enrol;

use entente_model::violation::Fault;
use entente_model::{AgentName, TenantName, Timestamp, Violation};

use super::App;
use crate::api_role::ApiRole;
use crate::caller::{Caller, Options};
use crate::channel::Presence;
use crate::error::{AppError, Result};
use crate::history::{AuditEntry, Decision, EventKind, Happening};
use crate::identity::{AgentRow, RegistryChange, Vouch};
use crate::page::{Page, PageRequest};
use crate::rows;

pub use enrol::{EnrollRequest, Enrolled, Renewed};

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
    pub fn get_agent(&self, caller: &Caller, name: &AgentName) -> Result<Agent> {
        caller.needs(ApiRole::Viewer)?;
        let row = self.inner.registry.tables().agents.get(name).cloned();
        row.map(|row| self.agent(name.clone(), row)).ok_or_else(|| AppError::not_found(name))
    }

    /// Agents by name, of one tenant or of all; revoked ones included.
    pub fn list_agents(&self, caller: &Caller, tenant: Option<&TenantName>, page: &PageRequest) -> Result<Page<Agent>> {
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
            self.snapshot().needs_tenant("parent", tenant)?;
        }
        Ok(rows.map(|(name, row)| self.agent(name, row)))
    }

    fn agent(&self, name: AgentName, row: AgentRow) -> Agent {
        let Presence { connected, last_seen } = self.inner.channels.presence(&name);
        Agent { name, row, connected, last_seen }
    }

    /// Its certificates are refused from now on, and its stream is cut. Twice is the same as once. A person who revokes
    /// it has seen which agent it displaced.
    pub async fn revoke_agent(&self, caller: &Caller, name: &AgentName, options: &Options) -> Result<Agent> {
        caller.needs(ApiRole::Admin)?;
        let (wanted, entry) = (name.clone(), AuditEntry::by(caller, options, name, "revoked"));
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

/// What an admin says of an agent.
#[derive(Debug, Clone, Copy)]
enum Word {
    /// It is the customer's, and what it reports counts.
    Vouch,
    /// The displacement has been seen.
    Acknowledge,
}

impl App {
    /// Says that an agent is the customer's, so that what it reports counts also for accounts that were there before it
    /// enrolled. Twice is the same as once. Ends the alarm about a displacement.
    pub async fn vouch_agent(&self, caller: &Caller, name: &AgentName, options: &Options) -> Result<Agent> {
        self.say(caller, name, Word::Vouch, options).await
    }

    /// Ends the alarm about a displacement, and does not vouch for the agent.
    pub async fn acknowledge_displacement(
        &self,
        caller: &Caller,
        name: &AgentName,
        options: &Options,
    ) -> Result<Agent> {
        self.say(caller, name, Word::Acknowledge, options).await
    }

    async fn say(&self, caller: &Caller, name: &AgentName, word: Word, options: &Options) -> Result<Agent> {
        caller.needs(ApiRole::Admin)?;
        let verb = match word {
            Word::Vouch => "vouched for",
            Word::Acknowledge => "took the place of another: seen",
        };
        let (wanted, entry) = (name.clone(), AuditEntry::by(caller, options, name, verb));
        let say = move |decision: &mut Decision<'_>, by: &Caller| {
            let row: AgentRow = decision.read(&rows::agent(&wanted))?.ok_or_else(|| AppError::not_found(&wanted))?;
            not_their_own(decision, by, &wanted.tenant)?;
            if let Some(row) = said(decision, by, &wanted, row, word)? {
                decision.register(RegistryChange::Agent(wanted.clone(), Some(row)));
                decision.record(entry.clone());
            }
            Ok(())
        };
        self.inner.history.answer(caller, options, name, say).await?;
        // A proof of this agent's may count from now on.
        self.inner.channels.removals_told.notify_one();
        self.get_agent(caller, name)
    }
}

/// The row with what is said now; nothing if it was said already.
fn said(decision: &Decision<'_>, by: &Caller, name: &AgentName, row: AgentRow, word: Word) -> Result<Option<AgentRow>> {
    let now = Some(Vouch { by: by.principal.clone(), at: decision.now });
    let refused = |text: &str| AppError::Contradicts(vec![Violation::new(name.to_string(), Fault::Conflict, text)]);
    Ok(match word {
        Word::Vouch if row.revoked.is_some() => {
            return Err(refused("is revoked and cannot be vouched for; vouch for the agent that is enrolled now"));
        }
        Word::Acknowledge if row.displaced.is_none() => return Err(refused("has displaced no other agent")),
        Word::Vouch if row.vouched.is_none() => Some(AgentRow { vouched: now, ..row }),
        Word::Acknowledge if row.is_alarm() => Some(AgentRow { acknowledged: now, ..row }),
        _ => None,
    })
}

/// Refuses a principal whose person has an open removal there: this agent's proof may close it.
fn not_their_own(decision: &Decision<'_>, caller: &Caller, tenant: &TenantName) -> Result<()> {
    let Some(name) = &caller.operator else { return Ok(()) };
    let intent = decision.committed.snapshot.fleet.intent();
    let accounts = intent.operators.get(name).map(|operator| operator.identities.as_slice()).unwrap_or_default();
    let is_own = |row: &entente_model::revocation::Revocation| {
        let account = &row.identity;
        let same = accounts.iter().any(|own| own.home == account.home && own.object_id == account.object_id);
        row.tenants.contains_key(tenant) && (row.operator == *name || same)
    };
    if intent.revocations.values().any(|row| is_own(row)) {
        let text = format!("the removal of {name} in {tenant} is open, and what this agent says may close it");
        return Err(AppError::OwnCase { principal: caller.principal.clone(), text });
    }
    Ok(())
}
