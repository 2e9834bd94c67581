//! Whether a report proves a removal: whose signature it carries, and what `entente_model::removal` says of the rest.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use entente_model::desired::MAX_KNOWN;
use entente_model::removal::{self, CLOCK_TOLERANCE, Case};
use entente_model::report::{ItemReport, ItemState, Reason, RemovalProof};
use entente_model::revocation::Known;
use entente_model::{AgentName, Guid, Timestamp};
use entente_seal::{removal_signature_holds, removal_statement};

use super::Removals;
use super::receipt::{Receipt, SignedStatement};
use super::status::OpenRemoval;
use crate::pki::{SignerError, Who};

/// Why a proof counts for nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProofRefused {
    #[error("the agent's proof is refused: it is not signed; update the agent")]
    Unsigned,
    #[error("the agent's proof is refused: its signature or certificate is not base64")]
    NotBase64,
    #[error("the agent's proof is refused: {0}")]
    Certificate(#[from] SignerError),
    #[error("the agent's proof is refused: it is signed by {0}, which is not the agent that reports here")]
    OtherAgent(String),
    #[error("the agent's proof is refused: it is signed by {0}, which is revoked")]
    Revoked(AgentName),
    #[error("the agent's proof is refused: its certificate ended {0}, before its second read")]
    Ended(Timestamp),
    #[error("the agent's proof is refused: its signature is of another statement")]
    Signature,
    #[error("the agent's proof is refused: {0}")]
    Fault(#[from] removal::Fault),
}

impl ProofRefused {
    pub(super) fn reason(&self) -> Reason {
        match self {
            Self::Fault(fault) => fault.reason(),
            _ => Reason::ProofRefused,
        }
    }
}

impl Removals {
    /// Makes a receipt of a report that says that the subject is gone.
    pub(super) fn receipt(
        &self,
        place: &OpenRemoval<'_>,
        report: &ItemReport,
    ) -> Option<Result<Receipt, ProofRefused>> {
        let proof = report.proof.as_ref().filter(|_| report.state == ItemState::Removed)?;
        let signed = self.judged(place, report, proof);
        Some(signed.map(|signed| Receipt {
            tenant: place.tenant.clone(),
            operator: place.row.operator.clone(),
            revocation: place.row.id.clone(),
            number: 0,
            subject: place.subject(),
            cause: place.row.cause,
            actor: place.row.actor.clone(),
            requested: place.row.time,
            detail: report.detail.clone(),
            proof: RemovalProof { signed: None, ..proof.clone() },
            recorded: Timestamp::default(),
            signed: Some(signed),
        }))
    }

    fn judged(
        &self,
        place: &OpenRemoval<'_>,
        report: &ItemReport,
        proof: &RemovalProof,
    ) -> Result<SignedStatement, ProofRefused> {
        let entra = place.entra_tenant.ok_or(ProofRefused::Signature)?;
        let signed = self.signed(place, report, proof, entra)?;
        let (known, seen_by_others) = self.known_of(place, &signed.agent);
        let case = Case {
            named: place.named,
            subject: &place.row.subject,
            known: &known.ids,
            // A list that is full may have lost one.
            has_more: known.has_more || place.row.addresses.len() >= MAX_KNOWN,
            reported: &report.accounts,
            seen_by_others,
            last_read: self.receipts.get(&place.row.id, place.tenant).map(|last| last.proof.second_empty_read),
            speaker: removal::Speaker { enrolled: signed.enrolled, vouched: signed.vouched.is_some() },
            now: self.history.time(),
        };
        removal::judge(proof, &case)?;
        Ok(signed)
    }

    /// The statement, if the agent that reports here signed it. Its certificate may be the one before a renewal.
    fn signed(
        &self,
        place: &OpenRemoval<'_>,
        report: &ItemReport,
        proof: &RemovalProof,
        entra: Guid,
    ) -> Result<SignedStatement, ProofRefused> {
        let signature = proof.signed.clone().ok_or(ProofRefused::Unsigned)?;
        let bytes = |text: &str| STANDARD.decode(text).map_err(|_| ProofRefused::NotBase64);
        let signer = self.ca.signer(&bytes(&signature.certificate)?)?;
        let Who::Agent(agent) = &signer.peer.who else { return Err(ProofRefused::OtherAgent("no agent".into())) };
        let reporter = self.channels.get(place.tenant).and_then(|channel| channel.lock().reported.reporter.clone());
        if reporter.as_ref() != Some(agent) {
            return Err(ProofRefused::OtherAgent(agent.to_string()));
        }
        let row = self.registry.tables().agents.get(agent).filter(|row| row.revoked.is_none()).cloned();
        let row = row.ok_or_else(|| ProofRefused::Revoked(agent.clone()))?;
        if signer.peer.not_after.plus(CLOCK_TOLERANCE) < proof.second_empty_read {
            return Err(ProofRefused::Ended(signer.peer.not_after));
        }
        let statement = removal_statement(entra, agent, &report.key, proof);
        if !removal_signature_holds(&statement, &signer.public_key, &bytes(&signature.signature)?) {
            return Err(ProofRefused::Signature);
        }
        Ok(SignedStatement {
            statement,
            signature: signature.signature,
            certificate: signature.certificate,
            agent: agent.clone(),
            enrolled: row.enrolled,
            displaced: row.displaced.map(|it| it.to_string()),
            vouched: row.vouched.map(|vouch| vouch.by.to_string()),
        })
    }

    /// Whether the agent whose receipt it is may speak, says the same, and named every account that is known by now.
    pub(super) fn is_said(&self, place: &OpenRemoval<'_>, receipt: &Receipt) -> bool {
        let Some(signed) = &receipt.signed else { return false };
        let report = self.reported(place).filter(|report| report.state == ItemState::Removed);
        let told = report.and_then(|report| report.proof);
        let is_same = told.is_some_and(|proof| RemovalProof { signed: None, ..proof } == receipt.proof);
        let (known, _) = self.known_of(place, &signed.agent);
        let is_named = |id: &Guid| receipt.proof.accounts.iter().any(|it| it.id == *id);
        let may_speak = self.registry.tables().agents.get(&signed.agent).is_some_and(|row| row.revoked.is_none());
        is_same && known.ids.iter().all(is_named) && may_speak
    }

    /// What is known of the person in that tenant, and when another agent than this one saw them.
    fn known_of(&self, place: &OpenRemoval<'_>, agent: &AgentName) -> (Known, Option<Timestamp>) {
        let mut known = place.it.known.clone();
        let row = self.channels.known(place.tenant, &place.account());
        row.iter().for_each(|row| known.merge(&row.known));
        (known, row.and_then(|row| row.seen_by_others(agent)))
    }
}
