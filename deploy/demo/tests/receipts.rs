//! The Python script accepts a receipt that the agent's own code states and signs, and refuses one with any bit
//! changed.
//!
//! This runs if `ENTENTE_PYTHON` names a Python with the package `cryptography`, as under `tests/run`.

#![allow(clippy::unwrap_used, reason = "a test that cannot make its files has failed")]

use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use entente_model::report::{AccountState, KnownAccount, RemovalProof};
use entente_model::{Guid, Timestamp};
use entente_seal::removal_statement;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};

const AGENT: &str = "tenants/contoso/agents/a1";

/// How a sample differs from a good one.
struct Sample {
    proof: RemovalProof,
    /// The agent in the certificate.
    certified: &'static str,
    /// Changes the statement after it was signed.
    altered: fn(String) -> String,
}

impl Sample {
    fn good() -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let now = i64::try_from(now.as_secs()).unwrap();
        let at = |seconds| Timestamp::from_unix(now + seconds);
        let account = |id, state| KnownAccount {
            id: Guid::from_u128(id),
            name: "sam_nordwall.example#EXT#@contoso.example".into(),
            state,
            owned: true,
        };
        let proof = RemovalProof {
            named: at(-200),
            first_empty_read: at(-180),
            second_empty_read: at(-100),
            blocked: Some(at(-190)),
            effective_by: at(5_200),
            // A name that JSON can write in more than one way.
            accounts: vec![account(1, AccountState::Blocked), account(2, AccountState::Gone)],
            unseen: vec!["Azure roles outside \"rg/sentinel\" \u{e9}\u{7f}\u{1}".into()],
            signed: None,
        };
        Self { proof, certified: AGENT, altered: |statement| statement }
    }

    /// Writes a receipt and the CA of its certificate.
    fn write(self, dir: &Path) {
        let ca_key = KeyPair::generate().unwrap();
        let mut ca = CertificateParams::default();
        ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        std::fs::write(dir.join("ca.pem"), ca.self_signed(&ca_key).unwrap().pem()).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut leaf = CertificateParams::default();
        let uri = format!("spiffe://nordwall.example/{}", self.certified);
        leaf.subject_alt_names = vec![SanType::URI(uri.try_into().unwrap())];
        let leaf = leaf.signed_by(&key, &Issuer::from_params(&ca, &ca_key)).unwrap();
        let item = "user/nordwall/0b0de000-0000-4000-8000-000000000005".parse().unwrap();
        let statement = removal_statement(Guid::from_u128(1), &AGENT.parse().unwrap(), &item, &self.proof);
        let dice = SystemRandom::new();
        let signer = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &key.serialize_der(), &dice).unwrap();
        let signature = signer.sign(&dice, statement.as_bytes()).unwrap();
        let text = |value: String| serde_json::Value::from(value).to_string();
        let receipt = format!(
            r#"{{"statement":{},"signature":{},"certificate":{}}}"#,
            text((self.altered)(statement)),
            text(STANDARD.encode(signature)),
            text(STANDARD.encode(leaf.der()))
        );
        std::fs::write(dir.join("contoso.json"), receipt).unwrap();
    }
}

/// The script's output for a sample. `None` if there is no Python.
fn checked(sample: Sample, more: &[&str]) -> Option<(bool, String)> {
    let Some(python) = std::env::var_os("ENTENTE_PYTHON") else {
        eprintln!("SKIPPED: ENTENTE_PYTHON names no Python with the package cryptography; tests/run does");
        return None;
    };
    let dir = tempfile::tempdir().unwrap();
    sample.write(dir.path());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("check_receipts.py");
    let output = Command::new(python).arg(script).arg(dir.path()).args(more).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8(said).unwrap()))
}

#[track_caller]
fn refused(sample: Sample, why: &str) {
    let Some((holds, said)) = checked(sample, &[]) else { return };
    assert!(!holds && said.contains(why), "{said}");
}

#[test]
fn a_receipt_holds_and_no_flipped_bit_of_it_does() {
    let Some((holds, said)) = checked(Sample::good(), &["--flip"]) else { return };
    assert!(holds && said.contains("each fails") && said.contains("1 receipt holds"), "{said}");
}

#[test]
fn what_was_signed_and_makes_no_sense_is_refused() {
    let with = |change: fn(&mut RemovalProof)| {
        let mut sample = Sample::good();
        change(&mut sample.proof);
        sample
    };
    refused(with(|proof| proof.accounts[1].state = AccountState::Enabled), "is not shut");
    refused(with(|proof| proof.accounts[1].state = AccountState::Unread), "is not shut");
    refused(with(|proof| proof.accounts[1].id = proof.accounts[0].id), "named twice");
    refused(with(|proof| proof.second_empty_read = proof.first_empty_read), "out of order");
    refused(with(|proof| proof.first_empty_read = Timestamp::from_unix(1)), "out of order");
    refused(with(|proof| proof.effective_by = proof.named), "too early");
}

#[test]
fn another_agents_key_and_another_spelling_are_refused() {
    refused(Sample { certified: "tenants/fabrikam/agents/a1", ..Sample::good() }, "the certificate is of");
    refused(Sample { certified: "tenants/contoso/agents/a11", ..Sample::good() }, "the certificate is of");
    let spaced = |statement: String| statement.replacen(':', ": ", 1);
    refused(Sample { altered: spaced, ..Sample::good() }, "not written canonically");
    let twice = |statement: String| statement.replacen("\"blocked\":", "\"blocked\":null,\"blocked\":", 1);
    refused(Sample { altered: twice, ..Sample::good() }, "not written canonically");
}
