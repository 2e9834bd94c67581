//! Enrolment: exchanges a one-time token for a certificate of a key that is made here.
//!
//! It compares what it can before it sends the token: the guardrail's `stateKey` with the token file's root key, and
//! the server's CA with the hash in the token file. Enrolling twice with one token is the same as once.

mod pinned_ca;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use entente_proto::agent::v1 as wire;
use entente_proto::agent::v1::agent_service_client::AgentServiceClient;
use entente_proto::channel::{self, ChannelError};
use entente_seal::{KeyId, PublicKey};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::config::Config;
use crate::files::{self, FileError};
use crate::guardrail_file::{self, GuardrailFile, sha256_hex};
use crate::identity::{Identity, IdentityError, Pinned};
use crate::memory::{Memory, MemoryError};
use crate::token_file::{TokenFile, TokenFileError};

/// Time for three slow handshakes and a commit.
const PATIENCE: Duration = Duration::from_secs(30);

/// How enrolment ended.
#[derive(Debug)]
pub enum Enrolled {
    Now(Identity),
    /// It was enrolled before, by this token.
    Already(Identity),
}

/// Why the agent was not enrolled. Running the same command again continues.
#[derive(Debug, thiserror::Error)]
pub enum EnrollError {
    #[error(transparent)]
    Token(#[from] TokenFileError),
    #[error("{0}")]
    Guardrail(entente_planner::guardrail::Unreadable),
    #[error("the token file is for the Entra tenant {token}, the configuration names {configured}")]
    Tenant { token: entente_model::Guid, configured: entente_model::Guid },
    #[error(
        "the token file names the root key {token}, the guardrail's provider.stateKey is {guardrail}: do not enrol; ask the provider over another channel which one is right"
    )]
    RootKey { token: KeyId, guardrail: String },
    #[error("{address} shows no certificate whose SHA-256 is the token file's ca_sha256, or cannot be reached")]
    Unreachable { address: String, source: Box<tonic::Status> },
    #[error("the control plane refuses the token: it is unknown, expired or used by another key; ask for a new one")]
    Refused,
    #[error("the control plane's answer does not match the token file: {0}; nothing was written")]
    Answer(&'static str),
    #[error("a key or a signing request could not be made")]
    Key(#[from] rcgen::Error),
    #[error(transparent)]
    Channel(#[from] ChannelError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    Memory(#[from] MemoryError),
}

/// Enrols the agent, unless this token already did.
pub async fn enroll(config: &Config, token_path: &Path) -> Result<Enrolled, EnrollError> {
    let token = TokenFile::load(token_path)?;
    if token.entra_tenant != config.entra_tenant {
        return Err(EnrollError::Tenant { token: token.entra_tenant, configured: config.entra_tenant });
    }
    check_guardrail(config, &token)?;
    let token_sha256 = sha256_hex(token.token.reveal().as_bytes());
    match Identity::load(&config.state_dir, config.entra_tenant) {
        Ok(identity) if identity.pinned.token_sha256 == token_sha256 => return Ok(Enrolled::Already(identity)),
        Ok(_) | Err(IdentityError::NotEnrolled | IdentityError::Damaged(_)) => {}
        Err(error) => return Err(error.into()),
    }
    files::make_private_dir(&config.state_dir)?;
    let pending = config.state_dir.join("enrolling.pem");
    let key_pem = pending_key(&pending)?;
    let answer = ask(config, &token, &key_pem).await?;
    let root_key = check_answer(&token, &answer)?;
    let ledger = Memory::create(&config.state_dir)?;
    let pinned = Pinned {
        agent: answer.agent.parse().map_err(|_| EnrollError::Answer("the agent's name is malformed"))?,
        entra_tenant: config.entra_tenant,
        address: token.address.clone(),
        root_key: hex::encode(root_key.as_bytes()),
        ledger,
        token_sha256,
    };
    let identity = Identity::new(pinned, root_key, answer.ca_pem, &key_pem, &answer.certificate_pem);
    identity.client_config()?;
    identity.save(&config.state_dir)?;
    files::remove(&pending)?;
    Ok(Enrolled::Now(identity))
}

fn check_guardrail(config: &Config, token: &TokenFile) -> Result<(), EnrollError> {
    let (_, text) = guardrail_file::read_text(&config.guardrail).map_err(EnrollError::Guardrail)?;
    let guardrail =
        entente_planner::guardrail::Guardrail::load(&text, config.entra_tenant).map_err(EnrollError::Guardrail)?;
    let key = guardrail.provider.state_key;
    if key.parse() == Ok(token.root_key) {
        // Again as `run` reads it.
        return GuardrailFile::read(&config.guardrail, config.entra_tenant, token.root_key)
            .content
            .map(drop)
            .map_err(EnrollError::Guardrail);
    }
    Err(EnrollError::RootKey { token: token.root_key, guardrail: key })
}

/// The key of an enrolment that was begun, or a new one. A token works with one key only.
fn pending_key(path: &Path) -> Result<String, EnrollError> {
    if let Some(pem) = files::read_text(path, 8 << 10)? {
        return Ok(pem);
    }
    let pem = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?.serialize_pem();
    files::write_private(path, pem.as_bytes())?;
    Ok(pem)
}

/// Makes a signing request. The control plane uses its public key and nothing else.
pub(crate) fn signing_request(key_pem: &str) -> Result<String, rcgen::Error> {
    let key = rcgen::KeyPair::from_pem(key_pem)?;
    rcgen::CertificateParams::default().serialize_request(&key)?.pem()
}

async fn ask(config: &Config, token: &TokenFile, key_pem: &str) -> Result<wire::EnrollResponse, EnrollError> {
    let address = config.address.clone().unwrap_or_else(|| token.address.clone());
    let tls = Arc::new(ArcSwap::from_pointee(pinned_ca::client_config(token.ca_sha256)));
    let mut client = AgentServiceClient::new(channel::channel_through(&address, tls, config.proxy.clone())?);
    let request = wire::EnrollRequest {
        token: token.token.reveal().to_owned(),
        csr_pem: signing_request(key_pem)?,
        entra_tenant_id: token.entra_tenant.to_string(),
    };
    let answer = tokio::time::timeout(PATIENCE, client.enroll(request)).await;
    match answer.unwrap_or_else(|_| Err(tonic::Status::deadline_exceeded("no answer in time"))) {
        Ok(answer) => Ok(answer.into_inner()),
        Err(status) if status.code() == tonic::Code::PermissionDenied => Err(EnrollError::Refused),
        Err(status) => Err(EnrollError::Unreachable { address, source: Box::new(status) }),
    }
}

fn check_answer(token: &TokenFile, answer: &wire::EnrollResponse) -> Result<PublicKey, EnrollError> {
    let root = PublicKey::from_bytes(&answer.root_key).map_err(|_| EnrollError::Answer("its root key is malformed"))?;
    if root.id() != token.root_key {
        return Err(EnrollError::Answer("its root key differs"));
    }
    let ca = CertificateDer::pem_slice_iter(answer.ca_pem.as_bytes()).next();
    let hash = |der: CertificateDer<'_>| ring::digest::digest(&ring::digest::SHA256, &der).as_ref() == token.ca_sha256;
    match ca {
        Some(Ok(ca)) if hash(ca.clone()) => Ok(root),
        _ => Err(EnrollError::Answer("its CA differs")),
    }
}

#[cfg(test)]
pub(crate) mod tests;
