//! What a change is refused for because of who makes it, and which principals end by it.

use std::collections::BTreeSet;

use entente_compiler::{Advance, Edit};
use entente_model::intent::{Manifest, ResourceName};
use entente_model::{AgentName, OperatorName, PrincipalName, TenantName, Timestamp};

use super::own;
use crate::api_role::ApiRole;
use crate::caller::Caller;
use crate::error::{AppError, Result};
use crate::history::{Decision, Snapshot};
use crate::identities::{self, Principals};
use crate::identity::Registry;

/// Who may call and connect: as the commit will find it, or as it is published.
pub(super) enum Books<'a, 'd> {
    Decision(&'a Decision<'d>),
    Published(&'a Registry),
}

impl Books<'_, '_> {
    fn principals(&self) -> Result<Principals> {
        match self {
            Self::Decision(decision) => identities::principals(decision),
            Self::Published(registry) => {
                let tables = registry.tables();
                Ok(tables.principals.iter().map(|(name, row)| (name.clone(), row.clone())).collect())
            }
        }
    }

    fn live_agent(&self, tenant: &TenantName, now: Timestamp) -> Result<Option<AgentName>> {
        match self {
            Self::Decision(decision) => {
                Ok(identities::live_agent(&identities::agents_of(decision, tenant)?, now).cloned())
            }
            Self::Published(registry) => {
                let tables = registry.tables();
                let live = tables.agents_of(tenant).find(|(_, row)| row.is_live(now));
                Ok(live.map(|(name, _)| name.clone()))
            }
        }
    }
}

/// Refuses what the caller may not do, and says which principals end.
pub(super) fn guard(
    books: &Books<'_, '_>,
    caller: &Caller,
    before: &Snapshot,
    edit: &Edit,
    advance: &Advance,
) -> Result<BTreeSet<PrincipalName>> {
    own::refuse(caller, &before.fleet, advance)?;
    for tenant in advance.batch.gone.iter().filter(|_| caller.role < ApiRole::Admin) {
        if let Some(agent) = books.live_agent(tenant, edit.now)? {
            return Err(AppError::RevokesAgent { tenant: tenant.clone(), agent });
        }
    }
    let named = operators(edit);
    let intent = advance.fleet.intent();
    if named.iter().all(|name| identities::works(intent, name)) {
        return Ok(BTreeSet::new());
    }
    let all = books.principals()?;
    let ending = identities::ending(&all, &named, intent);
    identities::an_admin_stays(&all, &ending, edit.now)?;
    Ok(ending)
}

/// The operators that the change names, also where it changes nothing: a second leave ends what the first one left.
fn operators(edit: &Edit) -> BTreeSet<OperatorName> {
    let put = edit.puts.iter().filter_map(|manifest| match manifest {
        Manifest::Operator(operator) => Some(operator.name.clone()),
        _ => None,
    });
    let deleted = edit.deletes.iter().filter_map(|name| match name {
        ResourceName::Operator(name) => Some(name.clone()),
        _ => None,
    });
    put.chain(deleted).collect()
}
