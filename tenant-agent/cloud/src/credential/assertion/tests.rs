//! An assertion as Entra ID would check it.

use super::*;
use ring::signature::{RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::pkcs8::{EncodePrivateKey, LineEnding};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::LazyLock;

struct Files {
    _folder: tempfile::TempDir,
    certificate: PathBuf,
    pkcs8: PathBuf,
    pkcs1: PathBuf,
    der: Vec<u8>,
}

/// Two sets, made once: a key of 2048 bits takes an unoptimised build some seconds.
static FILES: LazyLock<[Files; 2]> = LazyLock::new(|| [files(), files()]);

fn files() -> Files {
    let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
    let pem = key.to_pkcs8_pem(LineEnding::LF).unwrap();
    let pair = rcgen::KeyPair::from_pem(&pem).unwrap();
    let params = rcgen::CertificateParams::new(vec!["agent.contoso.example".into()]).unwrap();
    let certificate = params.self_signed(&pair).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    Files {
        certificate: write("agent.pem", &certificate.pem()),
        pkcs8: write("agent.key", &pem),
        pkcs1: write("agent.rsa.key", &key.to_pkcs1_pem(LineEnding::LF).unwrap()),
        der: certificate.der().to_vec(),
        _folder: folder,
    }
}

fn part(jwt: &str, index: usize) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(jwt.split('.').nth(index).unwrap()).unwrap()
}

#[test]
fn the_assertion_is_ps256_verifies_and_says_what_entra_asks() {
    let [files, _] = &*FILES;
    let client = Uuid::from_u128(7);
    let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
    for key in [&files.pkcs8, &files.pkcs1] {
        let signer = Signer::read(&files.certificate, key).unwrap();
        let jwt = signer.sign(client, "https://login.example/token", now).unwrap();

        let (signed, _) = jwt.rsplit_once('.').unwrap();
        let public = signer.key.public_key().as_ref();
        let verifier = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, public);
        verifier.verify(signed.as_bytes(), &part(&jwt, 2)).unwrap();
        assert!(verifier.verify(b"something else", &part(&jwt, 2)).is_err());

        let header: Value = serde_json::from_slice(&part(&jwt, 0)).unwrap();
        let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, &files.der));
        assert_eq!(header, json!({"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint}));
        let claims: Value = serde_json::from_slice(&part(&jwt, 1)).unwrap();
        assert_eq!(claims["aud"], "https://login.example/token");
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!(client), &json!(client)));
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
        assert!(claims["nbf"].as_i64() < claims["iat"].as_i64());
    }
}

#[test]
fn a_key_of_another_certificate_is_refused_before_anything_is_sent() {
    let [one, other] = &*FILES;
    let error = Signer::read(&one.certificate, &other.pkcs8).err().unwrap();
    assert!(error.to_string().contains("is not the key of the certificate"), "{error}");
}

#[test]
fn files_that_hold_something_else_are_named_in_the_error() {
    let [files, _] = &*FILES;
    let error = Signer::read(&files.pkcs8, &files.pkcs8).err().unwrap();
    assert!(error.to_string().contains("agent.key"), "{error}");
    assert!(Signer::read(&files.certificate, &files.certificate).is_err());
    assert!(Signer::read(std::path::Path::new("/nowhere/agent.pem"), &files.pkcs8).is_err());
}
