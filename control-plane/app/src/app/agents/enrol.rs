//! How an agent gets its certificate: by a token and a signing request, once, and later by the certificate that it has.

use std::time::Duration;

use entente_model::desired::Digest;
use entente_model::{AgentName, Timestamp, TokenName};

use super::super::principals::wrong_request;
use super::super::{App, tokens};
use crate::api_role::ApiRole;
use crate::error::{AppError, Result};
use crate::history::{AuditEntry, Decision, EventKind, Happening};
use crate::identities::{self, Agents};
use crate::identity::{AgentRow, Leaf, RegistryChange, TokenRow, Used};
use crate::pki::{Peer, RequestedKey, Who};
use crate::rows;

/// What an agent sends to enrol.
#[derive(Clone, Copy)]
pub struct EnrollRequest<'a> {
    pub token: &'a str,
    pub csr_pem: &'a str,
    pub entra_tenant: &'a str,
}

impl std::fmt::Debug for EnrollRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EnrollRequest({})", self.entra_tenant)
    }
}

/// What it gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolled {
    pub agent: AgentName,
    /// Its certificate and the CA's.
    pub certificate_pem: String,
    pub ca_pem: String,
    /// Ed25519.
    pub root_key: [u8; 32],
}

impl App {
    /// Exchanges a token and a signing request for a certificate. The same token and key get the same one again.
    pub async fn enroll(&self, request: &EnrollRequest<'_>) -> Result<Enrolled> {
        let key = RequestedKey::from_csr_pem(request.csr_pem).map_err(|error| wrong_request(&error))?;
        let Some((token, secret)) = tokens::parse_secret(request.token) else {
            return Err(self.refused("enrolment_malformed"));
        };
        // Looked up here first: any stranger may send anything, and all commits wait for the writer.
        let known = self.inner.registry.tables().tokens.get(&token).is_some_and(|row| row.secret == secret);
        if !known {
            return Err(self.refused("enrolment_unknown"));
        }
        let agent_id = tokens::random_text(4)?;
        let enrolment =
            Enrolment { app: self.clone(), key, token, secret, entra: request.entra_tenant.into(), agent_id };
        let (_, used) = self.commit(move |decision| enrolment.decide(decision)).await?;
        Ok(Enrolled {
            agent: used.agent,
            certificate_pem: used.certificate_pem,
            ca_pem: self.ca_pem().to_owned(),
            root_key: *self.inner.root_key.as_bytes(),
        })
    }

    fn refused(&self, reason: &'static str) -> AppError {
        self.count_refused(reason);
        AppError::EnrolmentRefused
    }
}

struct Enrolment {
    app: App,
    key: RequestedKey,
    token: TokenName,
    secret: Digest,
    entra: String,
    agent_id: String,
}

impl Enrolment {
    fn decide(&self, decision: &mut Decision<'_>) -> Result<Used> {
        let refused = |reason| self.app.refused(reason);
        let row: Option<TokenRow> = decision.read(&rows::token(&self.token))?;
        let row = row.filter(|row| row.secret == self.secret).ok_or_else(|| refused("enrolment_unknown"))?;
        if row.expires <= decision.now {
            return Err(refused("enrolment_expired"));
        }
        let tenant = decision.committed.snapshot.fleet.intent().tenants.get(&row.tenant).cloned();
        if tenant.is_none_or(|tenant| !tenant.entra_tenant.to_string().eq_ignore_ascii_case(&self.entra)) {
            return Err(refused("enrolment_other_tenant"));
        }
        match &row.used {
            Some(used) => self.again(decision, used),
            None => self.first(decision, row),
        }
    }

    fn again(&self, decision: &Decision<'_>, used: &Used) -> Result<Used> {
        let agent: Option<AgentRow> = decision.read(&rows::agent(&used.agent))?;
        let same = used.key.0 == *self.key.digest() && agent.is_some_and(|agent| agent.revoked.is_none());
        if same { Ok(used.clone()) } else { Err(self.app.refused("enrolment_other_key")) }
    }

    fn first(&self, decision: &mut Decision<'_>, row: TokenRow) -> Result<Used> {
        let present = identities::agents_of(decision, &row.tenant)?;
        let displaced = self.may_enrol(decision, &row, &present)?;
        let name = AgentName::new(row.tenant.clone(), &self.agent_id).expect("hexadecimal digits make an id");
        let lifetime = self.app.inner.config.agent_certificate;
        let issued = self.app.inner.issue(&Who::Agent(name.clone()), &self.key, decision.now, lifetime)?;
        let entry = enrolment(&name, &self.token, &row, &present, displaced.as_ref());
        identities::revoke_agents(decision, &row.tenant)?;
        decision.happens(&row.tenant, Happening::new(EventKind::AgentEnrolled, &format!("{name}: {}", entry.summary)));
        if let Some(displaced) = &displaced {
            let text =
                format!("{name} took the place of the live agent {displaced}; an admin looks whether that is right");
            decision.happens(&row.tenant, Happening::new(EventKind::AgentDisplaced, &text));
        }
        let agent = AgentRow {
            displaced,
            admitted_by: row.by.clone(),
            ..AgentRow::new(issued.serial, decision.now, issued.not_after)
        };
        decision.register(RegistryChange::Agent(name.clone(), Some(agent)));
        let (time, key) = (decision.now, Digest(*self.key.digest()));
        let used = Used { time, agent: name, key, certificate_pem: issued.certificate_pem };
        let row = TokenRow { used: Some(used.clone()), ..row };
        decision.register(RegistryChange::Token(self.token.clone(), Some(row)));
        decision.record(entry);
        Ok(used)
    }

    /// Decided again here, whatever held when the token was made: its maker may have gone, or another agent come. Says
    /// which live agent is displaced.
    fn may_enrol(&self, decision: &Decision<'_>, row: &TokenRow, present: &Agents) -> Result<Option<AgentName>> {
        let maker = identities::maker_of(row, decision)?;
        if row.by.is_some() && maker.is_none() {
            return Err(self.app.refused("enrolment_maker_gone"));
        }
        let Some(live) = identities::live_agent(present, decision.now) else { return Ok(None) };
        if !row.replaces || maker.is_none_or(|maker| maker.role < ApiRole::Admin) {
            tracing::warn!(token = %self.token, agent = %live, "refused: this token may not displace a live agent");
            return Err(self.app.refused("enrolment_displaces"));
        }
        Ok(Some(live.clone()))
    }
}

/// In the audit log, an enrolment names the agent that loses its place by it.
fn enrolment(
    name: &AgentName,
    token: &TokenName,
    row: &TokenRow,
    present: &Agents,
    displaced: Option<&AgentName>,
) -> AuditEntry {
    let mut entry = AuditEntry::by_agent(name, "Enroll", &format!("enrolled with {token}"));
    if let Some(by) = &row.by {
        entry.summary.push_str(&format!(", made by {by}"));
        entry.resources.push(by.to_string());
    }
    for (former, _) in present.iter().filter(|(_, row)| row.revoked.is_none()) {
        let what = if displaced == Some(former) { "displaced the live agent" } else { "took the place of" };
        entry.summary.push_str(&format!("; {what} {former}"));
        entry.resources.push(former.to_string());
    }
    if displaced.is_some() {
        entry.resources.push(name.tenant.to_string());
    }
    entry
}

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
    pub async fn renew(&self, peer: &Peer, csr_pem: &str) -> Result<Renewed> {
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
            decision.record(AuditEntry::by_agent(&name, "Renew", "certificate renewed"));
            Ok(issued.certificate_pem)
        };
        let (_, certificate_pem) = self.commit(renew).await?;
        Ok(Renewed { certificate_pem, ca_pem: self.ca_pem().to_owned() })
    }
}
