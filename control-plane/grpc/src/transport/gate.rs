//! Who may pass a port's handshake: a peer whose certificate our CA signed, and whose kind the port is for.
//!
//! Refused in the handshake and not after it, so that the other end is told: TLS's `access_denied` alert (RFC 8446,
//! 6.2). Whether the certificate is revoked is asked later, and again and again, by `entente-app`.

use std::io;
use std::sync::Arc;

use entente_app::pki;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use tracing::debug;

use super::port::Port;

/// A verifier of chains, and the port that it stands before.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) chains: Arc<dyn ClientCertVerifier>,
    pub(super) port: Port,
    pub(super) trust_domain: Arc<str>,
}

/// Whether a handshake failed because of us here, and not for one of TLS's own reasons.
pub(super) fn refused(error: &io::Error) -> bool {
    let tls = error.get_ref().and_then(|error| error.downcast_ref::<Error>());
    matches!(tls, Some(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)))
}

impl ClientCertVerifier for Gate {
    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.chains.verify_client_cert(leaf, others, now)?;
        let port = self.port.word();
        match pki::Peer::read(leaf, &self.trust_domain) {
            Ok(peer) if self.port.is_for(&peer.who) => return Ok(verified),
            Ok(peer) => debug!(port, who = ?peer.who, "a certificate for another port"),
            Err(error) => debug!(port, %error, "a certificate without an identity of ours"),
        }
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn offer_client_auth(&self) -> bool {
        self.chains.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.chains.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chains.root_hint_subjects()
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.supported_verify_schemes()
    }
}
