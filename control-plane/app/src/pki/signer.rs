//! Whose signature something carries: the holder of a certificate of ours, and the key in it.

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use x509_parser::certificate::X509Certificate;
use x509_parser::oid_registry::{OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY};
use x509_parser::prelude::FromDer;

use super::{CertificateAuthority, Peer, PeerError};

/// An uncompressed point: 0x04 and two coordinates (SEC 1, 2.3.3).
const POINT_BYTES: usize = 65;

/// Who may have signed, and with what.
#[derive(Debug, Clone)]
pub struct Signer {
    pub peer: Peer,
    /// P-256, an uncompressed point.
    pub public_key: Vec<u8>,
}

/// Why a certificate is not accepted as a signer's.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    #[error("the certificate cannot be read")]
    Unreadable,
    #[error("the certificate is not signed by this control plane's CA")]
    NotOurs,
    #[error("the certificate's key is not a P-256 key")]
    KeyKind,
    #[error(transparent)]
    Peer(#[from] PeerError),
}

impl CertificateAuthority {
    /// From the leaf's DER. The caller, which knows the time of signing, checks expiry and revocation.
    pub fn signer(&self, leaf_der: &[u8]) -> Result<Signer, SignerError> {
        let ca = CertificateDer::from_pem_slice(self.pem().as_bytes()).map_err(|_| SignerError::NotOurs)?;
        let (_, ca) = X509Certificate::from_der(&ca).map_err(|_| SignerError::NotOurs)?;
        let (rest, leaf) = X509Certificate::from_der(leaf_der).map_err(|_| SignerError::Unreadable)?;
        if !rest.is_empty() {
            return Err(SignerError::Unreadable);
        }
        leaf.verify_signature(Some(ca.public_key())).map_err(|_| SignerError::NotOurs)?;
        Ok(Signer { peer: Peer::read(leaf_der, self.trust_domain())?, public_key: p256(&leaf)? })
    }
}

fn p256(leaf: &X509Certificate<'_>) -> Result<Vec<u8>, SignerError> {
    let info = leaf.public_key();
    let curve = info.algorithm.parameters.as_ref().and_then(|it| it.as_oid().ok());
    let point = &info.subject_public_key.data;
    let is_p256 = info.algorithm.algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY && curve == Some(OID_EC_P256);
    let is_point = point.len() == POINT_BYTES && point[0] == 4;
    if is_p256 && is_point { Ok(point.to_vec()) } else { Err(SignerError::KeyKind) }
}
