//! The server's side of TLS: three ports, one set of certificates, replaced as a whole while the server runs.
//!
//! TLS 1.3 only, and no resumption: a resumed session would carry an identity past the checks that follow a
//! handshake. A reload puts a new `ServerConfig` in place; only swapping the verifier inside one would let a revoked
//! client back in. Knows nothing of files: the caller reads them.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};

use super::gate::Gate;
use super::port::Port;

/// What a configuration is made of, all PEM.
#[derive(Clone)]
pub struct Material {
    /// The server's certificate and those above it.
    pub certificate_pem: Vec<u8>,
    /// Its private key.
    pub key_pem: Vec<u8>,
    /// The CA that issues to agents and principals. More than one certificate while it is being replaced.
    pub client_ca_pem: Vec<u8>,
    /// Of the identities in their certificates.
    pub trust_domain: String,
}

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Material(..)")
    }
}

/// Why certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("the server's certificate file holds no certificate; it must be PEM")]
    NoCertificate,
    #[error("the CA file holds no certificate; it must be PEM")]
    NoCa,
    #[error("the {what} cannot be read as PEM")]
    Pem { what: &'static str, source: rustls::pki_types::pem::Error },
    #[error("the server's certificate and its key cannot be used together")]
    Unusable(#[from] rustls::Error),
    #[error("the CA certificates cannot be used")]
    Ca(#[from] rustls::server::VerifierBuilderError),
}

/// The configurations of all ports. New connections see the newest; old ones go on with theirs.
#[derive(Debug)]
pub struct Tls {
    api: ArcSwap<ServerConfig>,
    agents: ArcSwap<ServerConfig>,
    metrics: ArcSwap<ServerConfig>,
}

impl Tls {
    pub fn new(material: &Material) -> Result<Self, TlsError> {
        let cell = |port| Ok::<_, TlsError>(ArcSwap::from_pointee(server_config(material, port)?));
        Ok(Self { api: cell(Port::Api)?, agents: cell(Port::Agents)?, metrics: cell(Port::Metrics)? })
    }

    /// Replaces all configurations, or none.
    pub fn reload(&self, material: &Material) -> Result<(), TlsError> {
        let next = Self::new(material)?;
        self.api.store(next.api.load_full());
        self.agents.store(next.agents.load_full());
        self.metrics.store(next.metrics.load_full());
        Ok(())
    }

    pub fn config(&self, port: Port) -> Arc<ServerConfig> {
        match port {
            Port::Api => self.api.load_full(),
            Port::Agents => self.agents.load_full(),
            Port::Metrics => self.metrics.load_full(),
        }
    }
}

fn server_config(material: &Material, port: Port) -> Result<ServerConfig, TlsError> {
    let chain = certificates(&material.certificate_pem, "server's certificate")?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate);
    }
    let key = PrivateKeyDer::from_pem_slice(&material.key_pem)
        .map_err(|source| TlsError::Pem { what: "server's key", source })?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(client_verifier(material, port)?)
        .with_single_cert(chain, key)?;
    config.alpn_protocols = port.protocols();
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

fn client_verifier(material: &Material, port: Port) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&material.client_ca_pem, "CA")? {
        roots.add(certificate)?;
    }
    if roots.is_empty() {
        return Err(TlsError::NoCa);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let chains = match port {
        Port::Agents => builder.allow_unauthenticated().build()?,
        Port::Api | Port::Metrics => builder.build()?,
    };
    Ok(Arc::new(Gate { chains, port, trust_domain: material.trust_domain.as_str().into() }))
}

fn certificates(pem: &[u8], what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|source| TlsError::Pem { what, source })
}
