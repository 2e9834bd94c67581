//! Operations that one part carries out as it is asked, resources of intent as they are read, and who calls.

use entente_model::intent::{Kind, ResourceName};
use entente_model::report::ItemState;
use entente_model::{AgentName, OperatorName, TenantName, Timestamp};

use super::App;
use crate::api_role::ApiRole;
use crate::caller::{Caller, Options};
use crate::channel::Refused;
use crate::error::AppError;
use crate::history::{Event, Stored};
use crate::identity::count_refused;
use crate::intent::{Applied, Change};
use crate::page::{Page, PageRequest};
use crate::pki::{Peer, Who};
use crate::removals::Removal;
use crate::reports::{
    Access, AccessFilter, EventFilter, EventStart, EventWatch, ItemStatus, StatusWatch, TenantSelection, TenantStatus,
};
use crate::stream::{Connected, Hello};

impl App {
    /// Puts and deletes resources of intent, all or none.
    pub async fn change(&self, caller: &Caller, change: Change, options: &Options) -> Result<Applied, AppError> {
        self.inner.intents.change(caller, change, options).await
    }

    /// Ends an operator's access everywhere. Twice is the same as once.
    pub async fn leave_operator(
        &self,
        caller: &Caller,
        name: &OperatorName,
        options: &Options,
    ) -> Result<Applied, AppError> {
        self.inner.intents.leave_operator(caller, name, options).await
    }

    /// Takes back an operator's leaving.
    pub async fn rejoin_operator(
        &self,
        caller: &Caller,
        name: &OperatorName,
        options: &Options,
    ) -> Result<Applied, AppError> {
        self.inner.intents.rejoin_operator(caller, name, options).await
    }

    /// Removals of one operator, ended ones included; or all that are not complete. By tenant.
    pub async fn list_removals(
        &self,
        caller: &Caller,
        operator: Option<&OperatorName>,
        page: &PageRequest,
    ) -> Result<Page<Removal>, AppError> {
        self.inner.removals.list_removals(caller, operator, page).await
    }

    /// By tenant, then operator, then role.
    pub fn list_access(
        &self,
        caller: &Caller,
        filter: &AccessFilter,
        page: &PageRequest,
    ) -> Result<Page<Access>, AppError> {
        self.inner.reports.list_access(caller, filter, page)
    }

    /// How one tenant stands.
    pub fn tenant_status(&self, caller: &Caller, tenant: &TenantName) -> Result<TenantStatus, AppError> {
        self.inner.reports.tenant_status(caller, tenant)
    }

    /// Those that are selected, by name. A name that no tenant has is an error, and not an empty answer.
    pub fn list_tenant_statuses(
        &self,
        caller: &Caller,
        selected: &TenantSelection,
        page: &PageRequest,
    ) -> Result<Page<TenantStatus>, AppError> {
        self.inner.reports.list_tenant_statuses(caller, selected, page)
    }

    /// Items of one tenant by key: the desired ones, and what is reported beyond them.
    pub fn list_item_statuses(
        &self,
        caller: &Caller,
        tenant: &TenantName,
        states: &[ItemState],
        page: &PageRequest,
    ) -> Result<Page<ItemStatus>, AppError> {
        self.inner.reports.list_item_statuses(caller, tenant, states, page)
    }

    /// Watches some tenants, or all.
    pub fn watch_tenant_statuses(&self, caller: &Caller, only: Vec<TenantName>) -> Result<StatusWatch, AppError> {
        self.inner.reports.watch_tenant_statuses(caller, only)
    }

    /// What happened, the newest first.
    pub async fn list_events(
        &self,
        caller: &Caller,
        filter: &EventFilter,
        page: &PageRequest,
    ) -> Result<Page<Event>, AppError> {
        self.inner.reports.list_events(caller, filter, page).await
    }

    /// Watches what happens in one tenant, or in all.
    pub async fn watch_events(
        &self,
        caller: &Caller,
        filter: EventFilter,
        start: EventStart,
    ) -> Result<EventWatch, AppError> {
        self.inner.reports.watch_events(caller, filter, start).await
    }

    /// Admits an agent's stream, displacing an older one of the same tenant.
    pub async fn connect(&self, peer: &Peer, hello: Hello) -> Result<Connected, Refused> {
        self.inner.streams.connect(peer, hello).await
    }
}

impl App {
    /// One resource.
    pub fn get(&self, caller: &Caller, name: &ResourceName) -> Result<Stored, AppError> {
        caller.needs(ApiRole::Viewer)?;
        let world = self.world();
        world.stored(name).ok_or_else(|| world.missing("name", name))
    }

    /// Resources of one kind, by name.
    pub fn list(&self, caller: &Caller, kind: Kind, page: &PageRequest) -> Result<Page<Stored>, AppError> {
        caller.needs(ApiRole::Viewer)?;
        let after = page.after::<ResourceName>()?;
        if after.as_ref().is_some_and(|after| after.kind() != kind) {
            return Err(PageRequest::wrong());
        }
        let world = self.world();
        let begun = |name: &ResourceName| name.kind() < kind || after.as_ref().is_some_and(|after| name <= after);
        let names = world.metas.iter_from(begun).map(|(name, _)| name).take_while(|name| name.kind() == kind);
        let names = Page::of(names, page.limit(), |name| (*name).clone());
        Ok(names.map(|name| world.stored(name).expect("a listed resource exists")))
    }
}

impl App {
    /// Which agent connects, by the certificate of the connection.
    pub fn check_agent(&self, peer: &Peer) -> Result<AgentName, AppError> {
        self.inner.streams.check_agent(peer)
    }

    /// The same, and whether the agent is to come back: who was revoked, or replaced by what is known here, is not.
    pub fn admit_agent(&self, peer: &Peer) -> Result<AgentName, Refused> {
        self.inner.streams.admit_agent(peer)
    }

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

    fn check_time(&self, not_after: Timestamp) -> Result<(), AppError> {
        if self.now() < not_after { Ok(()) } else { Err(self.refuse("expired_certificate")) }
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
