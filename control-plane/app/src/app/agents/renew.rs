//! Renewal: a certificate that still counts for a newer one.

use std::time::Duration;

use entente_model::Timestamp;

use super::super::App;
use super::super::principals::wrong_request;
use crate::error::AppError;
use crate::history::{Decision, Entry};
use crate::identity::{AgentRow, Leaf, RegistryChange};
use crate::pki::{Peer, RequestedKey};
use crate::rows;

/// Between two renewals with one certificate. The answer to the first may have been lost, and then an agent comes back
/// after minutes; what asks more often is at fault, and each answer is a signature, a row and a record.
const RENEWAL_PAUSE: Duration = Duration::from_secs(60);

/// When a certificate is renewed: in the second half of its life, in which an agent has days of trying. One that could
/// be renewed at once would let its holder make certificates without an end.
fn renewable_from(peer: &Peer, row: &AgentRow) -> Timestamp {
    let half = peer.not_after.since(peer.not_before) / 2;
    let repeated = row.renewed.filter(|_| row.previous == Some(peer.serial));
    peer.not_before.plus(half).max(repeated.map_or(Timestamp::default(), |last| last.plus(RENEWAL_PAUSE)))
}

/// A newer certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewed {
    /// The agent's and the CA's.
    pub certificate_pem: String,
    pub ca_pem: String,
}

impl App {
    /// Exchanges a certificate that still counts for a newer one, in the second half of its life. It may be exchanged
    /// again, for an agent that lost the answer: the certificate from before then ends.
    pub async fn renew(&self, peer: &Peer, csr_pem: &str) -> Result<Renewed, AppError> {
        let name = self.check_agent(peer)?;
        let key = RequestedKey::from_csr_pem(csr_pem).map_err(|error| wrong_request(&error))?;
        let (app, peer) = (self.clone(), peer.clone());
        let renew = move |decision: &mut Decision<'_>| {
            let row: AgentRow = decision.read(&rows::agent(&name))?.ok_or(AppError::Unauthenticated)?;
            if !row.accepts(Leaf::from(&peer), app.inner.history.epoch_begun) {
                return Err(AppError::Unauthenticated);
            }
            let from = renewable_from(&peer, &row);
            if decision.now < from {
                return Err(AppError::RenewalEarly { from });
            }
            let lifetime = app.inner.config.agent_certificate;
            let issued = app.inner.issue(&peer.who, &key, decision.now, lifetime)?;
            // The one that was shown stays good beside the new one; any other ends here.
            let (previous, renewed, expires) = (Some(peer.serial), Some(decision.now), issued.not_after);
            let row = AgentRow { serial: issued.serial, previous, renewed, expires, awaited: false, ..row };
            decision.register(RegistryChange::Agent(name.clone(), Some(row)));
            decision.record(Entry::by_agent(&name, "Renew", "certificate renewed"));
            Ok(issued.certificate_pem)
        };
        let (_, certificate_pem) = self.commit(renew).await?;
        Ok(Renewed { certificate_pem, ca_pem: self.ca_pem().to_owned() })
    }
}
