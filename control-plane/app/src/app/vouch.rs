//! The alarm after a live agent was replaced, and how an admin confirms the new agent.
//!
//! The person who enrols an agent controls what is reported for the tenant. So only an admin's token displaces a live
//! agent, decided in [`super::agents`]; what is said of it afterwards is here. Whose proofs count is [`crate::removals`]'s to judge.

use entente_model::violation::Fault;
use entente_model::{AgentName, TenantName, Violation};

use super::App;
use super::agents::Agent;
use crate::api_role::ApiRole;
use crate::caller::{Caller, Options};
use crate::error::AppError;
use crate::history::{Decision, Entry};
use crate::identity::{AgentRow, RegistryChange, Vouch};
use crate::rows;

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
    pub async fn vouch_agent(&self, caller: &Caller, name: &AgentName, options: &Options) -> Result<Agent, AppError> {
        self.say(caller, name, Word::Vouch, options).await
    }

    /// Ends the alarm about a displacement, and vouches for nobody.
    pub async fn acknowledge_displacement(
        &self,
        caller: &Caller,
        name: &AgentName,
        options: &Options,
    ) -> Result<Agent, AppError> {
        self.say(caller, name, Word::Acknowledge, options).await
    }

    async fn say(&self, caller: &Caller, name: &AgentName, word: Word, options: &Options) -> Result<Agent, AppError> {
        caller.needs(ApiRole::Admin)?;
        let verb = match word {
            Word::Vouch => "vouched for",
            Word::Acknowledge => "took the place of another: seen",
        };
        let (wanted, entry) = (name.clone(), Entry::by(caller, options, name, verb));
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
fn said(
    decision: &Decision<'_>,
    by: &Caller,
    name: &AgentName,
    row: AgentRow,
    word: Word,
) -> Result<Option<AgentRow>, AppError> {
    let now = Some(Vouch { by: by.principal.clone(), at: decision.now });
    let refused = |text: &str| AppError::Contradicts(vec![Violation::new(name.to_string(), Fault::Conflict, text)]);
    Ok(match word {
        Word::Vouch if row.revoked.is_some() => {
            return Err(refused("is revoked, and nobody can vouch for it; vouch for the agent that is there now"));
        }
        Word::Acknowledge if row.displaced.is_none() => return Err(refused("has displaced no other agent")),
        Word::Vouch if row.vouched.is_none() => Some(AgentRow { vouched: now, ..row }),
        Word::Acknowledge if row.is_alarm() => Some(AgentRow { acknowledged: now, ..row }),
        _ => None,
    })
}

/// Nobody vouches for the agent that will say that they are gone.
fn not_their_own(decision: &Decision<'_>, caller: &Caller, tenant: &TenantName) -> Result<(), AppError> {
    let Some(name) = &caller.operator else { return Ok(()) };
    let intent = decision.committed.world.fleet.intent();
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
