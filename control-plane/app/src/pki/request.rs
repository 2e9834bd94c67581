//! Signing requests: only the public key is taken, and only if its owner has signed.

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, SubjectPublicKeyInfo};
use rustls_pki_types::CertificateSigningRequestDer;
use rustls_pki_types::pem::PemObject;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::oid_registry::{OID_KEY_TYPE_EC_PUBLIC_KEY, OID_SIG_ED25519};
use x509_parser::prelude::FromDer;

use super::{KeyPem, PkiError};

/// Largest signing request in bytes: one for a P-256 key with every usual extension takes some 1.5 KiB.
const MAX_REQUEST_BYTES: usize = 16 * 1024;

/// A public key whose owner has shown that it holds the private one.
pub struct RequestedKey {
    pub(super) key: SubjectPublicKeyInfo,
    digest: [u8; 32],
}

impl std::fmt::Debug for RequestedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RequestedKey({})", hex::encode(self.digest))
    }
}

impl RequestedKey {
    pub fn from_csr_pem(pem: &str) -> Result<Self, PkiError> {
        if pem.len() > MAX_REQUEST_BYTES {
            return Err(PkiError::Request);
        }
        let der = CertificateSigningRequestDer::from_pem_slice(pem.as_bytes()).map_err(|_| PkiError::Request)?;
        let (_, request) = X509CertificationRequest::from_der(&der).map_err(|_| PkiError::Request)?;
        request.verify_signature().map_err(|_| PkiError::Request)?;
        let info = &request.certification_request_info.subject_pki;
        if ![OID_KEY_TYPE_EC_PUBLIC_KEY, OID_SIG_ED25519].contains(&info.algorithm.algorithm) {
            return Err(PkiError::KeyKind);
        }
        let key = SubjectPublicKeyInfo::from_der(info.raw).map_err(|_| PkiError::KeyKind)?;
        let digest = ring::digest::digest(&ring::digest::SHA256, info.raw);
        Ok(Self { key, digest: digest.as_ref().try_into().expect("SHA-256 has 32 bytes") })
    }

    /// SHA-256 of the public key.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
}

/// A new P-256 key and the request to sign it, for those who keep their key themselves.
pub fn create_key_and_csr() -> Result<(KeyPem, String), PkiError> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(PkiError::Issue)?;
    let request = CertificateParams::default().serialize_request(&key).map_err(PkiError::Issue)?;
    Ok((KeyPem(key.serialize_pem()), request.pem().map_err(PkiError::Issue)?))
}
