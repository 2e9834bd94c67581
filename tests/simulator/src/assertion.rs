//! Certificate credentials: the assertion that a client signs instead of sending a secret.
//!
//! Accepts PS256 with `x5t#S256` (Entra: certificate-credentials) and RS256 with `x5t` (what Azure SDKs send).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde_json::Value;
use x509_parser::prelude::{FromDer, X509Certificate};

/// A certificate registered with an application.
#[derive(Debug, Clone)]
pub struct Certificate {
    sha256: String,
    sha1: String,
    /// PKCS#1 RSA public key, as ring reads it.
    rsa_key: Vec<u8>,
}

/// Why an assertion is refused; the number is Entra's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("AADSTS50027: JWT token is invalid or malformed.")]
    Malformed,
    #[error(
        "AADSTS700027: The certificate with identifier used to sign the client assertion is not registered on application."
    )]
    UnknownKey,
    #[error("AADSTS700027: Client assertion contains an invalid signature.")]
    BadSignature,
    #[error("AADSTS5002738: The signing algorithm of the client assertion is not allowed.")]
    Algorithm,
    #[error("AADSTS700024: Client assertion is not within its valid time range.")]
    Time,
    #[error("AADSTS700021: Client assertion application identifier doesn't match 'client_id' parameter.")]
    Issuer,
    #[error("AADSTS700023: Client assertion audience claim does not match Realm issuer.")]
    Audience,
}

impl Refusal {
    /// The number in the text.
    pub fn number(self) -> u64 {
        match self {
            Refusal::Malformed => 50027,
            Refusal::UnknownKey | Refusal::BadSignature => 700027,
            Refusal::Algorithm => 5002738,
            Refusal::Time => 700024,
            Refusal::Issuer => 700021,
            Refusal::Audience => 700023,
        }
    }
}

/// What an assertion is judged by.
#[derive(Debug)]
pub struct Expected<'a> {
    pub client_id: &'a str,
    pub certificates: &'a [Certificate],
    /// Unix time, seconds.
    pub unix_now: i64,
    /// Tenant id or domain, one of which the audience's path must start with.
    pub tenant_names: [&'a str; 2],
    pub allow_rs256: bool,
}

impl Certificate {
    pub fn from_pem(pem: &str) -> Result<Self, String> {
        let der = CertificateDer::from_pem_slice(pem.as_bytes())
            .map_err(|error| format!("not a PEM certificate: {error:?}"))?;
        let (_, parsed) =
            X509Certificate::from_der(&der).map_err(|error| format!("not an X.509 certificate: {error}"))?;
        let thumbprint = |algorithm| URL_SAFE_NO_PAD.encode(digest::digest(algorithm, &der));
        Ok(Self {
            sha256: thumbprint(&digest::SHA256),
            sha1: thumbprint(&digest::SHA1_FOR_LEGACY_USE_ONLY),
            rsa_key: parsed.public_key().subject_public_key.data.to_vec(),
        })
    }
}

/// Checks an assertion: key, signature, times, issuer and audience.
pub fn verify(assertion: &str, expected: &Expected<'_>) -> Result<(), Refusal> {
    let (signed, signature) = assertion.rsplit_once('.').ok_or(Refusal::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(Refusal::Malformed)?;
    let (header, claims) = (part(header)?, part(claims)?);
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Refusal::Malformed)?;
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().trim_end_matches('=').to_owned();
    let algorithm: &dyn VerificationAlgorithm = match text(&header, "alg").as_str() {
        "PS256" => &RSA_PSS_2048_8192_SHA256,
        "RS256" if expected.allow_rs256 => &RSA_PKCS1_2048_8192_SHA256,
        _ => return Err(Refusal::Algorithm),
    };
    let (sha256, sha1) = (text(&header, "x5t#S256"), text(&header, "x5t"));
    let named =
        |one: &&Certificate| (!sha256.is_empty() && one.sha256 == sha256) || (!sha1.is_empty() && one.sha1 == sha1);
    let certificate = expected.certificates.iter().find(named).ok_or(Refusal::UnknownKey)?;
    let key = UnparsedPublicKey::new(algorithm, &certificate.rsa_key);
    key.verify(signed.as_bytes(), &signature).map_err(|_| Refusal::BadSignature)?;
    judge(&claims, expected)
}

fn judge(claims: &Value, expected: &Expected<'_>) -> Result<(), Refusal> {
    // NumericDate may have a fraction (RFC 7519, section 2), and MSAL for Python sends one.
    let time = |name: &str| claims[name].as_f64().map(|seconds| seconds as i64);
    // Entra allows five minutes of clock skew.
    let skew = 300;
    let live = time("exp").is_some_and(|exp| exp + skew > expected.unix_now);
    if !live || time("nbf").is_some_and(|nbf| nbf - skew > expected.unix_now) {
        return Err(Refusal::Time);
    }
    let is_client = |name: &str| claims[name].as_str().is_some_and(|id| id.eq_ignore_ascii_case(expected.client_id));
    if !is_client("iss") || !is_client("sub") {
        return Err(Refusal::Issuer);
    }
    // The endpoint may be reached under several host names; the tenant in its path is what binds it.
    let path = claims["aud"].as_str().and_then(|aud| aud.split_once("://")).and_then(|(_, rest)| rest.split_once('/'));
    let tenant = path.map(|(_, path)| path.split('/').next().unwrap_or_default());
    if tenant.is_some_and(|tenant| expected.tenant_names.iter().any(|name| name.eq_ignore_ascii_case(tenant))) {
        Ok(())
    } else {
        Err(Refusal::Audience)
    }
}

fn part(text: &str) -> Result<Value, Refusal> {
    let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_| Refusal::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| Refusal::Malformed)
}
