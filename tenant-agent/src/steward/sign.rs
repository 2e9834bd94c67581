//! Proofs are signed by the agent's enrolled key before anything is told of them: the control plane alone cannot make one.

use entente_model::report::ProofSignature;
use entente_planner::ledger::Update;
use entente_seal::removal_statement;
use tracing::error;

use super::{Look, Steward};

impl Steward {
    /// Signs each proof that this look has made, and keeps the signature with it.
    pub(super) fn sign(&self, look: &mut Look) {
        let signer = self.parts.signer.load();
        for update in look.sound.updates.iter_mut().chain(&mut look.plan.updates) {
            let Update::Put(key, entry) = update else { continue };
            let Some(proof) = entry.proof.as_mut().filter(|proof| proof.signed.is_none()) else { continue };
            let said = look.plan.reports.iter_mut().find(|report| report.key == *key);
            let signed = said.and_then(|report| report.proof.as_mut());
            if let Some(known) = signed.as_ref().and_then(|proof| proof.signed.clone()) {
                proof.signed = Some(known);
                continue;
            }
            let statement = removal_statement(self.parts.tenant, &self.parts.agent, key, proof);
            match signer.sign(statement.as_bytes()) {
                Ok(signature) => {
                    proof.signed = Some(ProofSignature { certificate: signer.certificate_base64(), signature });
                    if let Some(told) = signed {
                        told.signed.clone_from(&proof.signed);
                    }
                }
                Err(error) => error!(%key, %error, "a proof could not be signed; the control plane will not take it"),
            }
        }
    }
}
