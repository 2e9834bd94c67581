//! The alarm after a live agent was replaced, until an admin has looked.

use entente_model::{AgentName, PrincipalName, TenantName, Timestamp};

use crate::identity::{AgentRow, Tables};

/// Most alarms that a tenant's status lists, the newest first: each took an admin's token, and one says it all.
const MAX_ALARMS: usize = 10;

/// A live agent lost its place, and no admin has said yet that this is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Displacement {
    pub agent: AgentName,
    pub displaced: AgentName,
    /// Who made the token.
    pub principal: Option<PrincipalName>,
    pub time: Timestamp,
}

impl Displacement {
    fn of(name: &AgentName, row: &AgentRow) -> Option<Self> {
        let displaced = row.displaced.clone().filter(|_| row.is_alarm())?;
        Some(Self { agent: name.clone(), displaced, principal: row.admitted_by.clone(), time: row.enrolled })
    }

    /// For people, with what ends it.
    pub(crate) fn text(&self) -> String {
        let Self { agent, displaced, principal, time } = self;
        let maker = principal.as_ref().map_or_else(|| "somebody".into(), ToString::to_string);
        format!(
            "{agent} took the place of the live agent {displaced} on {time}, with a token of {maker}; \
             an admin looks, and says `entente agents vouch {agent}` or `entente agents acknowledge {agent}`"
        )
    }
}

impl Tables {
    /// The newest first.
    pub(crate) fn displacements(&self, tenant: &TenantName) -> Vec<Displacement> {
        let alarms = self.agents_of(tenant).filter_map(|(name, row)| Displacement::of(name, row));
        let mut alarms: Vec<_> = alarms.collect();
        alarms.sort_by(|one, other| (other.time, &other.agent).cmp(&(one.time, &one.agent)));
        alarms.truncate(MAX_ALARMS);
        alarms
    }
}
