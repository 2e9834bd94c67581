//! Who a certificate says it is. The handshake checks that our CA signed it, the registry that it is not revoked.

use entente_model::{AgentName, PrincipalName, Timestamp};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use super::Serial;

/// What a leaf certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    pub who: Who,
    pub serial: Serial,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
}

/// The holder of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Who {
    Agent(AgentName),
    Principal(PrincipalName),
}

/// Why a certificate names no peer of ours. The other end is not told.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    #[error("the certificate cannot be read")]
    Unreadable,
    #[error("the certificate has {0} URI names; it must have one")]
    Names(usize),
    #[error("{0:?} is not an identity of this trust domain")]
    Identity(String),
    #[error("the serial number is not of this CA's kind")]
    Serial,
}

impl Peer {
    /// From the leaf's DER. Exactly one URI, of this trust domain.
    pub fn read(leaf_der: &[u8], trust_domain: &str) -> Result<Self, PeerError> {
        let (_, leaf) = X509Certificate::from_der(leaf_der).map_err(|_| PeerError::Unreadable)?;
        let uris = uris(&leaf)?;
        let [uri] = uris.as_slice() else { return Err(PeerError::Names(uris.len())) };
        let serial = leaf.raw_serial().try_into().map_err(|_| PeerError::Serial)?;
        Ok(Self {
            who: Who::of_uri(uri, trust_domain).ok_or_else(|| PeerError::Identity((*uri).into()))?,
            serial: Serial(serial),
            not_before: Timestamp::from_unix(leaf.validity().not_before.timestamp()),
            not_after: Timestamp::from_unix(leaf.validity().not_after.timestamp()),
        })
    }
}

fn uris<'a>(leaf: &'a X509Certificate<'_>) -> Result<Vec<&'a str>, PeerError> {
    let names = leaf.subject_alternative_name().map_err(|_| PeerError::Unreadable)?;
    let names = names.map(|extension| extension.value.general_names.as_slice()).unwrap_or_default();
    let uri = |name: &'a GeneralName<'_>| match name {
        GeneralName::URI(uri) => Some(*uri),
        _ => None,
    };
    Ok(names.iter().filter_map(uri).collect())
}

impl Who {
    pub(super) fn uri(&self, trust_domain: &str) -> String {
        match self {
            Self::Agent(name) => format!("spiffe://{trust_domain}/{name}"),
            Self::Principal(name) => format!("spiffe://{trust_domain}/{name}"),
        }
    }

    fn of_uri(uri: &str, trust_domain: &str) -> Option<Self> {
        let path = uri.strip_prefix("spiffe://")?.strip_prefix(trust_domain)?.strip_prefix('/')?;
        path.parse().map(Self::Agent).or_else(|_| path.parse().map(Self::Principal)).ok()
    }
}
