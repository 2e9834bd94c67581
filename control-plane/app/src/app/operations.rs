//! Operations that one part carries out as it is asked, resources of intent as they are read, and who calls.

use std::sync::Arc;

use entente_model::AgentName;
use entente_model::intent::{Kind, ResourceName};

use super::App;
use crate::api_role::ApiRole;
use crate::caller::Caller;
use crate::channel::Refused;
use crate::error::{AppError, Result};
use crate::history::Stored;
use crate::identity::count_refused;
use crate::intent::Intents;
use crate::page::{Page, PageRequest};
use crate::pki::{Peer, Who};
use crate::removals::Removals;
use crate::reports::Reports;
use crate::stream::{Connected, Hello};

impl App {
    /// Changes of intent.
    pub fn intents(&self) -> &Arc<Intents> {
        &self.inner.intents
    }

    /// Removals, and the receipts of those that are proven.
    pub fn removals(&self) -> &Arc<Removals> {
        &self.inner.removals
    }

    /// How tenants stand, who has access, and what happened.
    pub fn reports(&self) -> &Arc<Reports> {
        &self.inner.reports
    }

    /// Admits an agent's stream, displacing an older one of the same tenant.
    pub async fn connect(&self, peer: &Peer, hello: Hello) -> Result<Connected, Refused> {
        self.inner.streams.connect(peer, hello).await
    }

    /// One resource.
    pub fn get(&self, caller: &Caller, name: &ResourceName) -> Result<Stored> {
        caller.needs(ApiRole::Viewer)?;
        let snapshot = self.snapshot();
        snapshot.stored(name).ok_or_else(|| snapshot.missing("name", name))
    }

    /// Resources of one kind, by name.
    pub fn list(&self, caller: &Caller, kind: Kind, page: &PageRequest) -> Result<Page<Stored>> {
        caller.needs(ApiRole::Viewer)?;
        let after = page.after::<ResourceName>()?;
        if after.as_ref().is_some_and(|after| after.kind() != kind) {
            return Err(PageRequest::wrong());
        }
        let snapshot = self.snapshot();
        let begun = |name: &ResourceName| name.kind() < kind || after.as_ref().is_some_and(|after| name <= after);
        let names = snapshot.metas.iter_from(begun).map(|(name, _)| name).take_while(|name| name.kind() == kind);
        let names = Page::of(names, page.limit(), |name| (*name).clone());
        Ok(names.map(|name| snapshot.stored(name).expect("a listed resource exists")))
    }

    /// Which agent connects, by the certificate of the connection.
    pub fn check_agent(&self, peer: &Peer) -> Result<AgentName> {
        self.admit_agent(peer).map_err(|_| AppError::Unauthenticated)
    }

    /// The same, and whether the agent is to come back: who was revoked, or replaced by what is known here, is not.
    pub fn admit_agent(&self, peer: &Peer) -> Result<AgentName, Refused> {
        self.inner.streams.admit_agent(peer)
    }

    /// Who calls, by the certificate of the connection. A refused caller is not told why.
    pub fn principal_of(&self, peer: &Peer) -> Result<Caller> {
        let Who::Principal(name) = &peer.who else { return Err(self.refuse("not_a_principal")) };
        let tables = self.inner.registry.tables();
        let row = tables.principals.get(name).ok_or_else(|| self.refuse("unknown_principal"))?;
        if row.serial != peer.serial {
            return Err(self.refuse("revoked_certificate"));
        }
        if self.now() >= peer.not_after {
            return Err(self.refuse("expired_certificate"));
        }
        Ok(Caller { principal: name.clone(), role: row.role, operator: row.operator.clone() })
    }

    fn refuse(&self, reason: &'static str) -> AppError {
        count_refused(reason);
        AppError::Unauthenticated
    }

    /// Counts a refused sign-in.
    pub fn count_refused(&self, reason: &'static str) {
        count_refused(reason);
    }
}
