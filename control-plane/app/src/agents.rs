//! Agents: what is kept of them, who may see it, revocation. A tenant has at most one that may connect. How one comes is in
//! [`enrol`], how it stays in [`renew`].

mod enrol;
mod renew;

use entente_model::{AgentName, PrincipalName, TenantName, Timestamp};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::audit::Entry;
use crate::caller::{ApiRole, Caller};
use crate::displacement::Vouch;
use crate::error::AppError;
use crate::events::{EventKind, Happening};
use crate::page::{Page, PageRequest};
use crate::pki::{Peer, Serial};
use crate::registry::RegistryChange;
use crate::replay::{Options, Request};
use crate::rows;
use crate::writer::Draft;

pub use enrol::{EnrollRequest, Enrolled};
pub use renew::Renewed;

/// What is kept of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AgentRow {
    pub(crate) enrolled: Timestamp,
    pub(crate) serial: Serial,
    /// Of the certificate before: an agent that stops before it has written the new one comes back with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) previous: Option<Serial>,
    /// When the certificate before was last exchanged for this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) renewed: Option<Timestamp>,
    pub(crate) expires: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revoked: Option<Timestamp>,
    /// It has enrolled, and has not been heard of yet. Rows from before this was kept count as heard of.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) awaited: bool,
    /// Who made the token that it enrolled with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) admitted_by: Option<PrincipalName>,
    /// The live agent whose place it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) displaced: Option<AgentName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) vouched: Option<Vouch>,
    /// An admin has seen that it took another's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) acknowledged: Option<Vouch>,
}

impl AgentRow {
    /// Whether it may speak for its tenant, and has: to put another in its place is to revoke it.
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && !self.awaited && now < self.expires
    }

    /// Whether it took the place of a live one, and no admin has said a word about it.
    pub(crate) fn is_alarm(&self) -> bool {
        self.displaced.is_some() && self.vouched.is_none() && self.acknowledged.is_none()
    }

    /// Whether a certificate is one of those that this row knows, or is younger than all of them and from before
    /// `begun`, when a person began the present epoch. Only this authority makes such a one, for an agent that showed one
    /// before it: a restored backup has forgotten it. Until the person has spoken, it is not known here.
    pub(crate) fn accepts(&self, leaf: Leaf, begun: Timestamp) -> bool {
        let is_named = self.serial == leaf.serial || self.previous == Some(leaf.serial);
        self.revoked.is_none() && (is_named || (self.is_forgotten(leaf) && leaf.not_before < begun))
    }

    /// Whether it was made after all that this row knows of. What is older was replaced, and has ended by that.
    pub(crate) fn is_forgotten(&self, leaf: Leaf) -> bool {
        self.revoked.is_none() && leaf.not_before > self.renewed.unwrap_or(self.enrolled)
    }
}

/// Of a certificate, what says whether it is accepted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leaf {
    pub(crate) serial: Serial,
    pub(crate) not_before: Timestamp,
}

impl From<&Peer> for Leaf {
    fn from(peer: &Peer) -> Self {
        Self { serial: peer.serial, not_before: peer.not_before }
    }
}

/// An enrolled agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    pub name: AgentName,
    pub enrolled: Timestamp,
    pub serial: Serial,
    pub expires: Timestamp,
    pub revoked: Option<Timestamp>,
    pub connected: bool,
    pub last_seen: Option<Timestamp>,
    /// Who made the token that it enrolled with.
    pub admitted_by: Option<PrincipalName>,
    /// The live agent whose place it took.
    pub displaced: Option<AgentName>,
    /// An admin says that it is the customer's.
    pub vouched: Option<Vouch>,
    /// An admin has seen that it took another's place.
    pub acknowledged: Option<Vouch>,
}

impl App {
    /// Any agent.
    pub fn get_agent(&self, caller: &Caller, name: &AgentName) -> Result<Agent, AppError> {
        caller.needs(ApiRole::Viewer)?;
        let row = self.inner.registry.tables().agents.get(name).cloned();
        row.map(|row| self.agent(name, &row)).ok_or_else(|| AppError::not_found(name))
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
        Ok(rows.map(|(name, row)| self.agent(&name, &row)))
    }

    fn agent(&self, name: &AgentName, row: &AgentRow) -> Agent {
        let presence = self.inner.desks.presence(name);
        Agent {
            name: name.clone(),
            enrolled: row.enrolled,
            serial: row.serial,
            expires: row.expires,
            revoked: row.revoked,
            connected: presence.connected,
            last_seen: presence.last_seen,
            admitted_by: row.admitted_by.clone(),
            displaced: row.displaced.clone(),
            vouched: row.vouched.clone(),
            acknowledged: row.acknowledged.clone(),
        }
    }

    /// Notes that an agent has come for the first time: from now on only an admin puts another in its place. Durable
    /// before it is let in, so that no restart takes a live agent for one that never came.
    pub(crate) async fn note_first_sight(&self, name: &AgentName) -> Result<(), AppError> {
        if !self.inner.registry.tables().agents.get(name).is_some_and(|row| row.awaited) {
            return Ok(());
        }
        let name = name.clone();
        let note = move |draft: &mut Draft<'_>| {
            let row: AgentRow = draft.read(&rows::agent(&name))?.ok_or(AppError::Unauthenticated)?;
            if row.revoked.is_some() {
                return Err(AppError::Unauthenticated);
            }
            if row.awaited {
                put(draft, &name, AgentRow { awaited: false, ..row });
            }
            Ok(())
        };
        self.commit(note).await?;
        Ok(())
    }

    /// Its certificates are refused from now on, and its stream is cut. Twice is the same as once. Whoever revokes it
    /// has seen whom it displaced.
    pub async fn revoke_agent(&self, caller: &Caller, name: &AgentName, options: &Options) -> Result<Agent, AppError> {
        caller.needs(ApiRole::Admin)?;
        let (wanted, request) = (name.clone(), Request::of(caller, options, name));
        let entry = Entry {
            actor: caller.principal.to_string(),
            method: options.method,
            request_id: options.request_id,
            resources: vec![name.to_string()],
            summary: format!("{name} revoked"),
        };
        let by = caller.clone();
        let revoke = move |draft: &mut Draft<'_>| {
            draft.check(&by)?;
            if let Some(()) = request.first_answer(draft)? {
                return Ok(());
            }
            let row: AgentRow = draft.read(&rows::agent(&wanted))?.ok_or_else(|| AppError::not_found(&wanted))?;
            if row.revoked.is_none() {
                let seen = row.is_alarm().then(|| Vouch { by: by.principal.clone(), at: draft.now });
                let acknowledged = row.acknowledged.clone().or(seen);
                put(draft, &wanted, AgentRow { revoked: Some(draft.now), acknowledged, ..row });
                let text = format!("{wanted} was revoked by {}", by.principal);
                draft.happens(&wanted.tenant, Happening::new(EventKind::AgentRevoked, &text));
                draft.record(entry.clone());
            }
            request.answered(draft, &());
            Ok(())
        };
        self.commit(revoke).await?;
        self.get_agent(caller, name)
    }
}

impl AgentRow {
    fn new(serial: Serial, enrolled: Timestamp, expires: Timestamp) -> Self {
        let (previous, renewed, revoked, awaited) = (None, None, None, true);
        let (admitted_by, displaced, vouched, acknowledged) = (None, None, None, None);
        Self {
            enrolled,
            serial,
            previous,
            renewed,
            expires,
            revoked,
            awaited,
            admitted_by,
            displaced,
            vouched,
            acknowledged,
        }
    }
}

fn by_agent(name: &AgentName, method: &'static str, summary: &str) -> Entry {
    let (actor, resources) = (name.to_string(), vec![name.to_string()]);
    Entry { actor, method, request_id: None, resources, summary: summary.to_owned() }
}

pub(crate) fn put(draft: &mut Draft<'_>, name: &AgentName, row: AgentRow) {
    draft.put(rows::agent(name), rows::encode(&row));
    draft.register(RegistryChange::Agent(name.clone(), Some(row)));
}

/// A tenant's agents, as they are stored.
pub(crate) type Present = Vec<(AgentName, AgentRow)>;

pub(crate) fn present(draft: &Draft<'_>, tenant: &TenantName) -> Result<Present, AppError> {
    let rows = draft.rows::<AgentRow>(&format!("{}{}/", rows::AGENT, tenant.id()))?;
    let name = |id: &str| AgentName::new(tenant.clone(), id).map_err(AppError::internal);
    rows.into_iter().map(|(id, row)| Ok((name(&id)?, row))).collect()
}

/// The one that speaks for the tenant.
pub(crate) fn live(present: &Present, now: Timestamp) -> Option<&AgentName> {
    present.iter().find(|(_, row)| row.is_live(now)).map(|(name, _)| name)
}

/// Revokes whatever agents a tenant has: before another one enrols, and when the tenant goes.
pub(crate) fn revoke_all(draft: &mut Draft<'_>, tenant: &TenantName) -> Result<(), AppError> {
    for (name, row) in present(draft, tenant)? {
        if row.revoked.is_none() {
            put(draft, &name, AgentRow { revoked: Some(draft.now), ..row });
        }
    }
    Ok(())
}
