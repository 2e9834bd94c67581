//! The signed assertion that a certificate credential sends instead of a secret.
//!
//! Entra: certificate credentials: PS256, with the certificate named by the SHA-256 of its DER. It does not know where
//! the assertion is sent.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{KeyPair, RSA_PSS_SHA256, RsaKeyPair};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::file::{read_bounded, unusable};
use crate::failure::TokenError;

/// Entra: certificate credentials: five to ten minutes. We use the shorter, plus the clock tolerance.
const LIFETIME: Duration = Duration::minutes(5);
const CLOCK_SKEW: Duration = Duration::minutes(2);

/// A certificate's key, and the certificate's name in a header.
pub(super) struct Signer {
    key: RsaKeyPair,
    thumbprint: String,
}

impl Signer {
    /// Reads both files. Refuses a key that does not belong to the certificate, before Entra would.
    pub(super) fn read(certificate_file: &Path, key_file: &Path) -> Result<Signer, TokenError> {
        let certificate = CertificateDer::from_pem_slice(&read_bounded(certificate_file)?)
            .map_err(|_| unusable(certificate_file, "contains no PEM certificate"))?;
        let key = PrivateKeyDer::from_pem_slice(&read_bounded(key_file)?)
            .map_err(|_| unusable(key_file, "contains no PEM private key"))?;
        let key = match &key {
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            _ => return Err(unusable(key_file, "is not an RSA key")),
        };
        let key = key.map_err(|e| unusable(key_file, format!("is not a usable RSA key ({e})")))?;
        let (_, parsed) = x509_parser::parse_x509_certificate(&certificate)
            .map_err(|_| unusable(certificate_file, "contains no X.509 certificate"))?;
        if parsed.public_key().subject_public_key.data.as_ref() != key.public_key().as_ref() {
            return Err(unusable(key_file, "is not the key of the certificate"));
        }
        Ok(Signer { key, thumbprint: URL_SAFE_NO_PAD.encode(digest(&SHA256, &certificate)) })
    }

    /// A JWT by `client_id` for `audience`, valid from shortly before `now`.
    pub(super) fn sign(&self, client_id: Uuid, audience: &str, now: OffsetDateTime) -> Result<String, TokenError> {
        let header = json!({"alg": "PS256", "typ": "JWT", "x5t#S256": self.thumbprint});
        let claims = json!({
            "aud": audience,
            "iss": client_id,
            "sub": client_id,
            "jti": Uuid::new_v4(),
            "iat": now.unix_timestamp(),
            "nbf": now.unix_timestamp() - CLOCK_SKEW.whole_seconds(),
            "exp": now.unix_timestamp() + LIFETIME.whole_seconds(),
        });
        let encode = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(header), encode(claims));
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(&RSA_PSS_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(|_| TokenError::Malformed("the certificate's key could not sign".to_owned()))?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

#[cfg(test)]
mod tests;
