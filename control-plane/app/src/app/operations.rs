//! Operations that one of the parts carries out as they are asked.

use entente_model::report::ItemState;
use entente_model::{OperatorName, TenantName};

use super::App;
use crate::caller::{Caller, Options};
use crate::channel::Refused;
use crate::error::AppError;
use crate::history::Event;
use crate::intent::{Applied, Change};
use crate::page::{Page, PageRequest};
use crate::pki::Peer;
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
