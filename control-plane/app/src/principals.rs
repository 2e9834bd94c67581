//! Principals: who may call the API, with which role.

use entente_model::violation::Fault;
use entente_model::{PrincipalName, Timestamp, Violation};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::audit::Entry;
use crate::caller::{ApiRole, Caller};
use crate::error::AppError;
use crate::page::{Page, PageRequest};
use crate::pki::{PkiError, RequestedKey, Serial};
use crate::registry::RegistryChange;
use crate::replay::{Options, Request};
use crate::rows;
use crate::writer::Draft;

/// What is kept of a principal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PrincipalRow {
    pub(crate) role: ApiRole,
    pub(crate) created: Timestamp,
    /// Of the one certificate that counts.
    pub(crate) serial: Serial,
    pub(crate) expires: Timestamp,
}

/// A principal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    pub name: PrincipalName,
    pub role: ApiRole,
    pub created: Timestamp,
    pub expires: Timestamp,
    /// Its certificate and the CA's; empty but in the answer to its creation.
    pub certificate_pem: String,
}

impl Principal {
    fn of(name: &PrincipalName, row: &PrincipalRow) -> Self {
        let (role, created, expires) = (row.role, row.created, row.expires);
        Self { name: name.clone(), role, created, expires, certificate_pem: String::new() }
    }
}

impl App {
    /// Any principal.
    pub fn get_principal(&self, caller: &Caller, name: &PrincipalName) -> Result<Principal, AppError> {
        caller.needs(ApiRole::Viewer)?;
        let tables = self.inner.registry.tables();
        tables.principals.get(name).map(|row| Principal::of(name, row)).ok_or_else(|| AppError::not_found(name))
    }

    /// The caller.
    pub fn own_principal(&self, caller: &Caller) -> Result<Principal, AppError> {
        self.get_principal(caller, &caller.principal)
    }

    /// By name.
    pub fn list_principals(&self, caller: &Caller, page: &PageRequest) -> Result<Page<Principal>, AppError> {
        caller.needs(ApiRole::Admin)?;
        let after = page.after::<PrincipalName>()?;
        let tables = self.inner.registry.tables();
        let rows = tables.principals.iter().filter(|(name, _)| after.as_ref().is_none_or(|after| *name > after));
        Ok(Page::of(rows.map(|(name, row)| Principal::of(name, row)), page.limit(), |it| it.name.clone()))
    }

    /// Makes a principal and signs its certificate.
    pub async fn create_principal(
        &self,
        caller: &Caller,
        name: &PrincipalName,
        role: ApiRole,
        csr_pem: &str,
        options: &Options,
    ) -> Result<Principal, AppError> {
        caller.needs(ApiRole::Admin)?;
        let key = RequestedKey::from_csr_pem(csr_pem).map_err(|error| wrong_request(&error))?;
        let request = Request::of(caller, options, &(name, role, csr_pem));
        let (app, name, entry) = (self.clone(), name.clone(), entry(caller, options, name, "created"));
        let create = move |draft: &mut Draft<'_>| {
            if let Some(first) = request.first_answer(draft)? {
                return Ok(first);
            }
            if draft.view.get(&rows::principal(&name))?.is_some() {
                return Err(AppError::AlreadyExists { resource: name.to_string() });
            }
            let serial = Serial::random().map_err(AppError::internal)?;
            let lifetime = app.inner.config.principal_certificate;
            let issued =
                app.inner.ca.principal(&name, &key, serial, draft.now, lifetime).map_err(AppError::internal)?;
            let row = PrincipalRow { role, created: draft.now, serial, expires: issued.not_after };
            let answer = Principal { certificate_pem: issued.certificate_pem, ..Principal::of(&name, &row) };
            put(draft, &name, Some(row));
            draft.record(entry.clone());
            request.answered(draft, &answer);
            Ok(answer)
        };
        Ok(self.commit(create).await?.1)
    }

    /// Deletes a principal, unless it is the last admin.
    pub async fn delete_principal(
        &self,
        caller: &Caller,
        name: &PrincipalName,
        options: &Options,
    ) -> Result<(), AppError> {
        caller.needs(ApiRole::Admin)?;
        let request = Request::of(caller, options, name);
        let (name, entry) = (name.clone(), entry(caller, options, name, "deleted"));
        let delete = move |draft: &mut Draft<'_>| {
            if let Some(()) = request.first_answer(draft)? {
                return Ok(());
            }
            let key = rows::principal(&name);
            let row: PrincipalRow = draft.read(&key)?.ok_or_else(|| AppError::not_found(&name))?;
            if row.role == ApiRole::Admin && admins(draft)? == 1 {
                return Err(AppError::LastAdmin);
            }
            put(draft, &name, None);
            draft.record(entry.clone());
            request.answered(draft, &());
            Ok(())
        };
        self.commit(delete).await?;
        Ok(())
    }
}

/// What a person sees of a signing request that cannot be used.
pub(crate) fn wrong_request(error: &PkiError) -> AppError {
    AppError::Invalid(vec![Violation::new("csr_pem", Fault::Malformed, error.to_string())])
}

fn entry(caller: &Caller, options: &Options, name: &PrincipalName, verb: &str) -> Entry {
    Entry {
        actor: caller.principal.to_string(),
        method: options.method,
        request_id: options.request_id,
        resources: vec![name.to_string()],
        summary: format!("{name} {verb}"),
    }
}

fn put(draft: &mut Draft<'_>, name: &PrincipalName, row: Option<PrincipalRow>) {
    match &row {
        Some(row) => draft.put(rows::principal(name), rows::encode(row)),
        None => draft.delete(rows::principal(name)),
    }
    draft.register(RegistryChange::Principal(name.clone(), row));
}

fn admins(draft: &Draft<'_>) -> Result<usize, AppError> {
    let (mut count, mut after) = (0, None);
    loop {
        let page = draft.view.scan(rows::PRINCIPAL, after.as_deref(), entente_store::MAX_PAGE_ENTRIES)?;
        for (key, entry) in &page.entries {
            let row: PrincipalRow = rows::decode(key, &entry.value).map_err(AppError::internal)?;
            count += usize::from(row.role == ApiRole::Admin);
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(count),
        }
    }
}
