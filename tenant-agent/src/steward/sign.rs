//! Signs proofs with the agent's enrolled key before they are reported, so that the control plane cannot make one by
//! itself.

use entente_model::desired::ItemKey;
use entente_model::report::{ProofSignature, RemovalProof};
use entente_planner::ledger::{Ledger, LedgerEntry, Update};
use entente_seal::removal_statement;
use tracing::error;

use super::{Look, Steward};

impl Steward {
    /// Signs each proof that has no signature of the present certificate, and keeps the signature with it. The control
    /// plane takes proofs only from the agent that is enrolled now, so a proof from before an enrolment or a renewal is
    /// signed again.
    pub(super) fn sign(&self, look: &mut Look) {
        let signer = self.parts.signer.load();
        let certificate = signer.certificate_base64();
        let is_signed = |proof: &RemovalProof| proof.signed.as_ref().is_some_and(|it| it.certificate == certificate);
        for report in &mut look.plan.reports {
            let Some(proof) = report.proof.as_mut().filter(|proof| !is_signed(proof)) else { continue };
            let statement = removal_statement(self.parts.tenant, &self.parts.agent, &report.key, proof);
            match signer.sign(statement.as_bytes()) {
                Ok(signature) => {
                    proof.signed = Some(ProofSignature { certificate: certificate.clone(), signature });
                    keep(&mut look.salvage.updates, &self.ledger, &report.key, proof);
                }
                Err(error) => {
                    let key = &report.key;
                    error!(%key, %error, "a proof could not be signed; the control plane will not take it");
                }
            }
        }
    }
}

/// Adds a signed proof to the updates of its item.
fn keep(updates: &mut Vec<Update>, ledger: &Ledger, key: &ItemKey, proof: &RemovalProof) {
    let of_item =
        |update: &&mut Update| matches!(update, Update::Put(of, _) | Update::Forget(of) if of.item() == Some(key));
    match updates.iter_mut().find(of_item) {
        Some(Update::Put(_, entry)) => entry.proof = Some(proof.clone()),
        Some(_) => {}
        None => {
            let entry = ledger.get(key).filter(|entry| entry.proof.is_some());
            let signed = entry.map(|entry| LedgerEntry { proof: Some(proof.clone()), ..entry.clone() });
            updates.extend(signed.map(|entry| Update::Put(key.into(), Box::new(entry))));
        }
    }
}
