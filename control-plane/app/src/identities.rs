//! Principals, agents and tokens within a decision: how their rows are read, written and ended.

use std::collections::BTreeSet;

use entente_model::intent::{Intent, OperatorState};
use entente_model::{AgentName, OperatorName, PrincipalName, TenantName, Timestamp};

use crate::api_role::ApiRole;
use crate::caller::Caller;
use crate::error::{AppError, Result};
use crate::history::Decision;
use crate::identity::{AgentRow, PrincipalRow, RegistryChange, TokenRow};
use crate::rows;

impl Decision<'_> {
    /// Whether the caller still is who it was when its call began: who has ended meanwhile decides nothing more.
    pub(crate) fn check(&self, caller: &Caller) -> Result<()> {
        let row: Option<PrincipalRow> = self.read(&rows::principal(&caller.principal))?;
        let same = row.is_some_and(|row| row.role >= caller.role && row.operator == caller.operator);
        if same { Ok(()) } else { Err(AppError::Unauthenticated) }
    }
}

/// All principals, by name.
pub(crate) type Principals = Vec<(PrincipalName, PrincipalRow)>;

pub(crate) fn principals(decision: &Decision<'_>) -> Result<Principals> {
    let name = |id: &str| PrincipalName::from_id(id).map_err(AppError::internal);
    decision.rows(rows::PRINCIPAL)?.into_iter().map(|(id, row)| Ok((name(&id)?, row))).collect()
}

/// Which principals end because a change names their operator, who works no more.
pub(crate) fn ending(all: &Principals, named: &BTreeSet<OperatorName>, after: &Intent) -> BTreeSet<PrincipalName> {
    let over = |name: &&OperatorName| named.contains(*name) && !works(after, name);
    let ends = |row: &PrincipalRow| row.operator.as_ref().filter(over).is_some();
    all.iter().filter(|(_, row)| ends(row)).map(|(name, _)| name.clone()).collect()
}

pub(crate) fn works(intent: &Intent, name: &OperatorName) -> bool {
    intent.operators.get(name).is_some_and(|operator| operator.state == OperatorState::Active)
}

/// Refuses to end the last admin who can still sign in: afterwards no principal could make another.
pub(crate) fn an_admin_stays(all: &Principals, ending: &BTreeSet<PrincipalName>, now: Timestamp) -> Result<()> {
    let is_admin = |row: &PrincipalRow| row.role == ApiRole::Admin && now < row.expires;
    let mut admins = all.iter().filter(|(_, row)| is_admin(row)).map(|(name, _)| name);
    let Some(last) = admins.clone().find(|name| ending.contains(*name)) else { return Ok(()) };
    if admins.any(|name| !ending.contains(name)) {
        return Ok(());
    }
    Err(AppError::LastAdmin { principal: last.clone() })
}

/// A tenant's agents, as they are stored.
pub(crate) type Agents = Vec<(AgentName, AgentRow)>;

pub(crate) fn agents_of(decision: &Decision<'_>, tenant: &TenantName) -> Result<Agents> {
    let rows = decision.rows::<AgentRow>(&format!("{}{}/", rows::AGENT, tenant.id()))?;
    let name = |id: &str| AgentName::new(tenant.clone(), id).map_err(AppError::internal);
    rows.into_iter().map(|(id, row)| Ok((name(&id)?, row))).collect()
}

/// The one that speaks for the tenant.
pub(crate) fn live_agent(all: &Agents, now: Timestamp) -> Option<&AgentName> {
    all.iter().find(|(_, row)| row.is_live(now)).map(|(name, _)| name)
}

/// Revokes whatever agents a tenant has: before another one enrols, and when the tenant goes.
pub(crate) fn revoke_agents(decision: &mut Decision<'_>, tenant: &TenantName) -> Result<()> {
    for (name, row) in agents_of(decision, tenant)? {
        if row.revoked.is_none() {
            let revoked = AgentRow { revoked: Some(decision.now), ..row };
            decision.register(RegistryChange::Agent(name, Some(revoked)));
        }
    }
    Ok(())
}

/// The principal that made it, if it is still there. Another one that was made later under its name is not.
pub(crate) fn maker_of(token: &TokenRow, decision: &Decision<'_>) -> Result<Option<PrincipalRow>> {
    let Some(by) = &token.by else { return Ok(None) };
    let maker: Option<PrincipalRow> = decision.read(&rows::principal(by))?;
    Ok(maker.filter(|maker| maker.created <= token.created))
}
