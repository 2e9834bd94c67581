//! Certificates: whose they are, and making them. The only place that knows `rcgen` and X.509.
//!
//! Identity is one URI, `spiffe://{trust domain}/...`, in the certificate's subject alternative name. Keys are P-256,
//! chains two long: both are what a handshake costs (RSA-2048 costs 1.8 times as much). Knows nothing about who is
//! revoked: see [`crate::identity`].

mod authority;
mod peer;
mod request;
mod signer;

use std::fmt;
use std::str::FromStr;

use ring::rand::SecureRandom;
use serde::{Deserialize, Serialize};

pub use authority::{CertificateAuthority, Issued, NewCa, create_ca};
pub use peer::{Peer, PeerError, Who};
pub use request::{RequestedKey, create_key_and_csr};
pub use signer::{Signer, SignerError};

/// Why a certificate could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    #[error("the CA's certificate cannot be read; it must be one PEM certificate")]
    CaCertificate(#[source] rcgen::Error),
    #[error("the CA's key cannot be read; it must be a PKCS #8 PEM of a P-256 key")]
    CaKey(#[source] rcgen::Error),
    #[error("the CA's key does not belong to its certificate")]
    OtherCaKey,
    #[error("{0:?} is not a trust domain: write lower-case letters, digits, dots and hyphens")]
    TrustDomain(String),
    #[error("{0:?} is neither a DNS name nor an IP address")]
    ServerName(String),
    #[error("the signing request cannot be read; it must be a PKCS #10 PEM, signed by its own key")]
    Request,
    #[error("the signing request's key is not of a kind that is taken; use P-256 or Ed25519")]
    KeyKind,
    #[error("the certificate could not be made")]
    Issue(#[source] rcgen::Error),
    #[error("the system gives no randomness")]
    Randomness,
}

/// A certificate's serial number: random, so that it names one certificate for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial([u8; 16]);

impl Serial {
    /// Positive and of full length, as RFC 5280 (4.1.2.2) wants it, whatever bytes are given.
    pub fn new(mut bytes: [u8; 16]) -> Self {
        bytes[0] = bytes[0] & 0x7f | 0x40;
        Self(bytes)
    }

    pub fn random() -> Result<Self, PkiError> {
        let mut bytes = [0; 16];
        ring::rand::SystemRandom::new().fill(&mut bytes).map_err(|_| PkiError::Randomness)?;
        Ok(Self::new(bytes))
    }

    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl FromStr for Serial {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

impl Serialize for Serial {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Serial {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'_, str>>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A private key, PEM. Shown by no log.
#[derive(Clone)]
pub struct KeyPem(String);

impl KeyPem {
    /// For the file that it goes into, and nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for KeyPem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyPem(..)")
    }
}

#[cfg(test)]
mod tests;
