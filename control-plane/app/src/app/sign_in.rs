//! Who calls.

use entente_model::{AgentName, Timestamp};

use super::App;
use crate::caller::Caller;
use crate::channel::Refused;
use crate::error::AppError;
use crate::pki::{Peer, Who};
use crate::refusals::count_refused;

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
