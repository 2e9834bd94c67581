//! Proofs are signed by the agent's enrolled key before anything is told of them: the control plane alone cannot make one.

use entente_model::desired::ItemKey;
use entente_model::report::{ProofSignature, RemovalProof};
use entente_planner::ledger::{Ledger, LedgerEntry, Update};
use entente_seal::removal_statement;
use tracing::error;

use super::{Look, Steward};

impl Steward {
    /// Signs each proof that does not carry a signature of the present certificate, and keeps the signature with it. The
    /// control plane takes a proof from the agent that is enrolled now and from no other: one of before a new enrolment
    /// is signed anew. So is one of before a renewal, whose certificate may have ended before the proof's second read.
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

/// Puts a signed proof into what is remembered of its item.
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
