//! What an agent signs to prove that a person's access is gone.
//!
//! It is a JSON text with its fields in a fixed order, so both sides, and a reader with only the receipt, make the same
//! bytes of the same proof. It names tenant, agent and item, so a proof of one cannot pass for a proof of another. The
//! control plane knows the certificates and decides whose key it is.

use entente_model::desired::ItemKey;
use entente_model::report::{KnownAccount, RemovalProof};
use entente_model::{AgentName, Guid, Timestamp};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use serde::Serialize;

/// Tells these bytes from others that the same key signs: it also signs TLS handshakes.
const PURPOSE: &str = "entente removal proof, version 1";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Statement<'a> {
    statement: &'static str,
    entra_tenant: Guid,
    agent: &'a AgentName,
    item: &'a ItemKey,
    named: Timestamp,
    blocked: Option<Timestamp>,
    first_empty_read: Timestamp,
    second_empty_read: Timestamp,
    effective_by: Timestamp,
    accounts: &'a [KnownAccount],
    unseen: &'a [String],
}

/// The signed text.
pub fn removal_statement(entra_tenant: Guid, agent: &AgentName, item: &ItemKey, proof: &RemovalProof) -> String {
    let statement = Statement {
        statement: PURPOSE,
        entra_tenant,
        agent,
        item,
        named: proof.named,
        blocked: proof.blocked,
        first_empty_read: proof.first_empty_read,
        second_empty_read: proof.second_empty_read,
        effective_by: proof.effective_by,
        accounts: &proof.accounts,
        unseen: &proof.unseen,
    };
    serde_json::to_string(&statement).expect("a statement is texts, times and lists")
}

/// Whether a signature of the statement is by that key: an uncompressed P-256 point, as in a certificate.
pub fn removal_signature_holds(statement: &str, public_key: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, public_key).verify(statement.as_bytes(), signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use entente_model::report::AccountState;
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};

    fn proof() -> RemovalProof {
        RemovalProof {
            named: Timestamp::from_unix(10),
            first_empty_read: Timestamp::from_unix(20),
            second_empty_read: Timestamp::from_unix(90),
            blocked: Some(Timestamp::from_unix(12)),
            effective_by: Timestamp::from_unix(5_412),
            accounts: vec![KnownAccount {
                id: Guid::from_u128(1),
                name: "sam_nordwall.example#EXT#@contoso.example".into(),
                state: AccountState::Blocked,
                owned: true,
            }],
            unseen: vec!["the recycle bin".into()],
            signed: None,
        }
    }

    fn text(tenant: u128, proof: &RemovalProof) -> String {
        let item = "user/nordwall/0b0de000-0000-4000-8000-000000000005".parse().unwrap();
        removal_statement(Guid::from_u128(tenant), &"tenants/contoso/agents/a1".parse().unwrap(), &item, proof)
    }

    #[test]
    fn a_flipped_byte_is_another_statement() {
        let dice = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let key = EcdsaKeyPair::generate_pkcs8(algorithm, &dice).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &dice).unwrap();
        let (statement, public) = (text(1, &proof()), key.public_key().as_ref());
        let signature = key.sign(&dice, statement.as_bytes()).unwrap();
        assert!(removal_signature_holds(&statement, public, signature.as_ref()));
        for at in 0..statement.len() {
            let mut bytes = statement.clone().into_bytes();
            bytes[at] ^= 1;
            let Ok(flipped) = String::from_utf8(bytes) else { continue };
            assert!(!removal_signature_holds(&flipped, public, signature.as_ref()), "byte {at}");
        }
        for at in 0..signature.as_ref().len() {
            let mut flipped = signature.as_ref().to_vec();
            flipped[at] ^= 1;
            assert!(!removal_signature_holds(&statement, public, &flipped), "byte {at} of the signature");
        }
    }

    #[test]
    fn every_field_of_a_proof_is_signed() {
        let others = [
            RemovalProof { named: Timestamp::from_unix(11), ..proof() },
            RemovalProof { first_empty_read: Timestamp::from_unix(21), ..proof() },
            RemovalProof { second_empty_read: Timestamp::from_unix(91), ..proof() },
            RemovalProof { blocked: None, ..proof() },
            RemovalProof { effective_by: Timestamp::from_unix(1), ..proof() },
            RemovalProof { accounts: Vec::new(), ..proof() },
            RemovalProof { unseen: Vec::new(), ..proof() },
        ];
        for other in others {
            assert_ne!(text(1, &other), text(1, &proof()), "{other:?}");
        }
        assert_ne!(text(2, &proof()), text(1, &proof()));
    }
}
