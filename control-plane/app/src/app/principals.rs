//! Principals: who may call the API, with which role.
//!
//! One may be tied to an operator, a person of the SOC. Then it decides nothing in that person's case
//! ([`crate::intent`]), and ends when the person leaves ([`identities::ending`]).

use std::collections::BTreeSet;

use entente_model::intent::{OperatorState, ResourceName};
use entente_model::violation::Fault;
use entente_model::{OperatorName, PrincipalName, Timestamp, Violation};
use serde::{Deserialize, Serialize};

use super::App;
use crate::api_role::ApiRole;
use crate::caller::{Caller, Options};
use crate::error::{AppError, Result};
use crate::history::{AuditEntry, Decision};
use crate::identities;
use crate::identity::{PrincipalRow, RegistryChange};
use crate::page::{Page, PageRequest};
use crate::pki::{PkiError, RequestedKey, Who};
use crate::rows;

/// Principals that are tied to one operator: a person has a laptop, a console and some scripts. It keeps small what a
/// leave ends in one commit.
const MAX_TIED: usize = 16;

/// A principal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    pub name: PrincipalName,
    pub role: ApiRole,
    pub created: Timestamp,
    pub expires: Timestamp,
    /// The person it is tied to.
    #[serde(default)]
    pub operator: Option<OperatorName>,
    /// Its certificate and the CA's; empty but in the answer to its creation.
    pub certificate_pem: String,
}

/// A principal to be made.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct NewPrincipal<'a> {
    pub name: &'a PrincipalName,
    pub role: ApiRole,
    /// The person it is tied to.
    pub operator: Option<&'a OperatorName>,
    pub csr_pem: &'a str,
}

impl Principal {
    fn of(name: &PrincipalName, row: &PrincipalRow) -> Self {
        let (role, created, expires, operator) = (row.role, row.created, row.expires, row.operator.clone());
        Self { name: name.clone(), role, created, expires, operator, certificate_pem: String::new() }
    }
}

impl App {
    /// Any principal.
    pub fn get_principal(&self, caller: &Caller, name: &PrincipalName) -> Result<Principal> {
        caller.needs(ApiRole::Viewer)?;
        let tables = self.inner.registry.tables();
        tables.principals.get(name).map(|row| Principal::of(name, row)).ok_or_else(|| AppError::not_found(name))
    }

    /// Returns when a principal has ended, since the last time that this was asked: the server then cuts its connections.
    pub async fn principal_gone(&self) {
        self.inner.dispatch.principal_gone.notified().await;
    }

    /// By name.
    pub fn list_principals(&self, caller: &Caller, page: &PageRequest) -> Result<Page<Principal>> {
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
        new: NewPrincipal<'_>,
        options: &Options,
    ) -> Result<Principal> {
        caller.needs(ApiRole::Admin)?;
        let key = RequestedKey::from_csr_pem(new.csr_pem).map_err(|error| wrong_request(&error))?;
        let (role, operator) = (new.role, new.operator.cloned());
        let tie = operator.as_ref().map(|operator| format!(", tied to {operator}")).unwrap_or_default();
        let entry = AuditEntry::by(caller, options, new.name, &format!("created as {}{tie}", role.word()));
        let (app, name) = (self.clone(), new.name.clone());
        let create = move |decision: &mut Decision<'_>, _: &Caller| {
            if decision.view.get(&rows::principal(&name))?.is_some() {
                return Err(AppError::AlreadyExists { resource: name.to_string() });
            }
            operator.as_ref().map_or(Ok(()), |operator| may_be_tied(decision, operator))?;
            let lifetime = app.inner.config.principal_certificate;
            let issued = app.inner.issue(&Who::Principal(name.clone()), &key, decision.now, lifetime)?;
            let (created, expires, operator) = (decision.now, issued.not_after, operator.clone());
            let row = PrincipalRow { role, created, serial: issued.serial, expires, operator };
            let answer = Principal { certificate_pem: issued.certificate_pem, ..Principal::of(&name, &row) };
            decision.register(RegistryChange::Principal(name.clone(), Some(row)));
            decision.record(entry.clone());
            Ok(answer)
        };
        self.inner.history.answer(caller, options, &new, create).await
    }

    /// Ties a principal to an operator, or removes the tie. A principal may not change its own tie, or it could untie itself.
    pub async fn tie_principal(
        &self,
        caller: &Caller,
        name: &PrincipalName,
        operator: Option<&OperatorName>,
        options: &Options,
    ) -> Result<Principal> {
        caller.needs(ApiRole::Admin)?;
        let asked = (name, operator);
        let verb = operator.map_or_else(|| "tied to nobody".into(), |operator| format!("tied to {operator}"));
        let entry = AuditEntry::by(caller, options, name, &verb);
        let (name, operator) = (name.clone(), operator.cloned());
        let tie = move |decision: &mut Decision<'_>, by: &Caller| {
            let row: PrincipalRow =
                decision.read(&rows::principal(&name))?.ok_or_else(|| AppError::not_found(&name))?;
            let own = by.operator.is_some() && (row.operator == by.operator || name == by.principal);
            if own && row.operator != operator {
                let text = format!("{name} is tied to the same person");
                return Err(AppError::OwnCase { principal: by.principal.clone(), text });
            }
            let is_new = row.operator != operator;
            let row = PrincipalRow { operator: operator.clone(), ..row };
            let answer = Principal::of(&name, &row);
            if is_new {
                operator.as_ref().map_or(Ok(()), |operator| may_be_tied(decision, operator))?;
                decision.register(RegistryChange::Principal(name.clone(), Some(row)));
                decision.record(entry.clone());
            }
            Ok(answer)
        };
        self.inner.history.answer(caller, options, &asked, tie).await
    }

    /// Deletes a principal, unless it is the last admin.
    pub async fn delete_principal(&self, caller: &Caller, name: &PrincipalName, options: &Options) -> Result<()> {
        caller.needs(ApiRole::Admin)?;
        let (wanted, entry) = (name.clone(), AuditEntry::by(caller, options, name, "deleted"));
        let delete = move |decision: &mut Decision<'_>, _: &Caller| {
            let all = identities::principals(decision)?;
            if !all.iter().any(|(other, _)| *other == wanted) {
                return Err(AppError::not_found(&wanted));
            }
            identities::an_admin_stays(&all, &BTreeSet::from([wanted.clone()]), decision.now)?;
            decision.register(RegistryChange::Principal(wanted.clone(), None));
            decision.record(entry.clone());
            Ok(())
        };
        self.inner.history.answer(caller, options, name, delete).await
    }
}

/// A new tie must be to an active operator: a tie to one who has left would end at once.
fn may_be_tied(decision: &Decision<'_>, operator: &OperatorName) -> Result<()> {
    let snapshot = &decision.committed.snapshot;
    let stored_operator = snapshot.fleet.intent().operators.get(operator);
    let missing = || snapshot.missing("principal.operator", &ResourceName::Operator(operator.clone()));
    let state = stored_operator.ok_or_else(missing)?.state;
    let refused = |text| AppError::Contradicts(vec![Violation::new("principal.operator", Fault::Conflict, text)]);
    if state != OperatorState::Active {
        return Err(refused(format!("{operator} is {}, and only who works has principals", state.word())));
    }
    let tied =
        identities::principals(decision)?.iter().filter(|(_, row)| row.operator.as_ref() == Some(operator)).count();
    if tied >= MAX_TIED {
        return Err(refused(format!("{operator} has {tied} principals already; delete one of them")));
    }
    Ok(())
}

/// What a person sees of a signing request that cannot be used.
pub(crate) fn wrong_request(error: &PkiError) -> AppError {
    AppError::Invalid(vec![Violation::new("csr_pem", Fault::Malformed, error.to_string())])
}
