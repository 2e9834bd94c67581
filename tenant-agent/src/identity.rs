//! The agent's identity: the files that enrolment writes to the state directory.
//!
//! `identity.pem` holds the key and the certificate, so that a renewal replaces both or neither. `ca.pem` is the CA of
//! the control plane's certificate. `agent.toml` holds what enrolment pinned. The key never leaves this machine.

use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine};
use entente_model::{AgentName, Guid, Timestamp};
use entente_proto::channel::{self, ChannelError};
use entente_seal::PublicKey;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::files::{self, FileError};

/// Room for a chain of a few certificates and a key.
const MAX_PEM: usize = 64 << 10;

/// What enrolment pinned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pinned {
    pub agent: AgentName,
    pub entra_tenant: Guid,
    /// `HOST:PORT`.
    pub address: String,
    /// The provider's root key, in hex.
    pub root_key: String,
    /// Id of this agent's ledger. If the ledger is missing or has another id, it is lost.
    pub ledger: Uuid,
    /// SHA-256 of the token that enrolled it, in hex.
    pub token_sha256: String,
}

/// What the agent needs to connect.
#[derive(Clone)]
pub struct Identity {
    pub pinned: Pinned,
    pub root_key: PublicKey,
    pub ca_pem: String,
    /// The key and the certificates.
    pem: String,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("pinned", &self.pinned).finish_non_exhaustive()
    }
}

/// Why the identity cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    #[error("this agent is not enrolled: run `entente-agent enroll --token FILE`")]
    NotEnrolled,
    #[error("{0} does not hold what enrolment wrote: enrol again with a new token")]
    Damaged(PathBuf),
    #[error("this state directory belongs to the tenant {found}, the configuration names {configured}")]
    OtherTenant { found: Guid, configured: Guid },
    #[error(transparent)]
    File(#[from] FileError),
    #[error("the certificate of this agent cannot be used")]
    Tls(#[from] ChannelError),
}

impl Identity {
    pub fn new(pinned: Pinned, root_key: PublicKey, ca_pem: String, key_pem: &str, chain_pem: &str) -> Self {
        Self { pinned, root_key, ca_pem, pem: format!("{key_pem}\n{chain_pem}") }
    }

    pub fn load(state_dir: &Path, tenant: Guid) -> Result<Self, IdentityError> {
        let read = |name: &str| files::read_text(&state_dir.join(name), MAX_PEM);
        // `save` writes it last, so if it exists, all of the files do.
        let pem = read("identity.pem")?.ok_or(IdentityError::NotEnrolled)?;
        let damaged = |name: &str| IdentityError::Damaged(state_dir.join(name));
        let ca_pem = read("ca.pem")?.ok_or_else(|| damaged("ca.pem"))?;
        let pinned = read("agent.toml")?.ok_or_else(|| damaged("agent.toml"))?;
        let pinned: Pinned = toml::from_str(&pinned).map_err(|_| damaged("agent.toml"))?;
        if pinned.entra_tenant != tenant {
            return Err(IdentityError::OtherTenant { found: pinned.entra_tenant, configured: tenant });
        }
        let root_key = hex::decode(&pinned.root_key).ok().and_then(|bytes| PublicKey::from_bytes(&bytes).ok());
        let root_key = root_key.ok_or_else(|| damaged("agent.toml"))?;
        Ok(Self { pinned, root_key, ca_pem, pem })
    }

    pub fn save(&self, state_dir: &Path) -> Result<(), FileError> {
        files::make_private_dir(state_dir)?;
        let pinned = toml::to_string(&self.pinned).expect("a flat table of texts is TOML");
        files::write_private(&state_dir.join("agent.toml"), pinned.as_bytes())?;
        files::write_private(&state_dir.join("ca.pem"), self.ca_pem.as_bytes())?;
        files::write_private(&state_dir.join("identity.pem"), self.pem.as_bytes())
    }

    pub fn client_config(&self) -> Result<ClientConfig, ChannelError> {
        let pem = self.pem.as_bytes();
        let identity = channel::Identity { certificate_pem: pem, key_pem: pem };
        channel::client_config(self.ca_pem.as_bytes(), Some(identity))
    }

    /// Makes the signer of proofs.
    pub fn signer(&self) -> Result<Signer, SignerError> {
        Signer::of(&self.pem)
    }

    /// The validity of the certificate, from and until.
    pub fn validity(&self) -> Option<(Timestamp, Timestamp)> {
        validity(&self.pem)
    }
}

/// Signs proofs with the enrolled key.
pub struct Signer {
    key: EcdsaKeyPair,
    certificate: Vec<u8>,
    dice: SystemRandom,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer(..)")
    }
}

/// Why the key cannot sign.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    #[error("identity.pem holds no key and certificate that sign: enrol again with a new token")]
    Damaged,
    #[error("the key does not sign")]
    Refused,
}

impl Signer {
    pub fn of(pem: &str) -> Result<Self, SignerError> {
        let damaged = |_| SignerError::Damaged;
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(damaged)?.to_vec();
        let key = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).map_err(damaged)?;
        let dice = SystemRandom::new();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key.secret_pkcs8_der(), &dice);
        Ok(Self { key: key.map_err(|_| SignerError::Damaged)?, certificate, dice })
    }

    /// Returns the signature in base64.
    pub fn sign(&self, statement: &[u8]) -> Result<String, SignerError> {
        let signature = self.key.sign(&self.dice, statement).map_err(|_| SignerError::Refused)?;
        Ok(BASE64_STANDARD.encode(signature.as_ref()))
    }

    pub fn certificate_base64(&self) -> String {
        BASE64_STANDARD.encode(&self.certificate)
    }
}

/// The validity of the first certificate in a PEM.
pub fn validity(pem: &str) -> Option<(Timestamp, Timestamp)> {
    let der = CertificateDer::pem_slice_iter(pem.as_bytes()).next()?.ok()?;
    let (_, certificate) = x509_parser::parse_x509_certificate(&der).ok()?;
    let validity = certificate.validity();
    Some((Timestamp::from_unix(validity.not_before.timestamp()), Timestamp::from_unix(validity.not_after.timestamp())))
}
