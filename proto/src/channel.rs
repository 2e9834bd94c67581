//! The mutual-TLS channel that every client of the API uses: the CLI, the agent, and other tools written in Rust.
//!
//! The TLS configuration is in a cell, so a renewed certificate takes effect at the next reconnect of the same channel.
//! This file does not know what is called over it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint, Uri};
use tower::service_fn;

use crate::proxy::Proxy;

/// A handshake over the slowest known link takes some 2 s. One that takes longer is stuck.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Half of the 60 s after which common middleboxes forget an idle connection.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);

/// A peer that has not answered by then is gone.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// Why there is no channel.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    #[error("the CA file contains no certificate; it must be PEM")]
    NoCa,
    #[error("the certificate file contains no certificate; it must be PEM")]
    NoCertificate,
    #[error("cannot read PEM")]
    Pem(#[source] rustls::pki_types::pem::Error),
    #[error("the certificate and its key cannot be used")]
    Tls(#[from] rustls::Error),
    #[error("{0:?} is not an address: write HOST:PORT")]
    Address(String),
}

/// A client's certificate chain and private key, both PEM.
pub struct Identity<'a> {
    pub certificate_pem: &'a [u8],
    pub key_pem: &'a [u8],
}

impl std::fmt::Debug for Identity<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity(..)")
    }
}

/// A TLS configuration that trusts one CA and, if given an identity, presents it. Sessions are not resumed, because
/// identity is checked after each handshake.
pub fn client_config(ca_pem: &[u8], identity: Option<Identity<'_>>) -> Result<ClientConfig, ChannelError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca_pem) {
        roots.add(certificate.map_err(ChannelError::Pem)?)?;
    }
    if roots.is_empty() {
        return Err(ChannelError::NoCa);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let chain: Vec<_> = CertificateDer::pem_slice_iter(identity.certificate_pem)
                .collect::<Result<_, _>>()
                .map_err(ChannelError::Pem)?;
            if chain.is_empty() {
                return Err(ChannelError::NoCertificate);
            }
            let key = PrivateKeyDer::from_pem_slice(identity.key_pem).map_err(ChannelError::Pem)?;
            builder.with_client_auth_cert(chain, key)?
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    config.resumption = rustls::client::Resumption::disabled();
    Ok(config)
}

/// A channel to `HOST:PORT`. It connects at first use, and again when needed.
pub fn channel(address: &str, tls: Arc<ArcSwap<ClientConfig>>) -> Result<Channel, ChannelError> {
    channel_through(address, tls, Proxy::default())
}

/// The same, through a proxy if the proxy applies to that host.
pub fn channel_through(address: &str, tls: Arc<ArcSwap<ClientConfig>>, proxy: Proxy) -> Result<Channel, ChannelError> {
    let wrong = || ChannelError::Address(address.into());
    // `http`, so that tonic does not add its own TLS: the connector below uses TLS on every connection.
    let uri: Uri = format!("http://{address}").parse().map_err(|_| wrong())?;
    let (host, port) = (uri.host().ok_or_else(wrong)?.to_owned(), uri.port_u16().ok_or_else(wrong)?);
    let server = ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).map_err(|_| wrong())?;
    let endpoint = Endpoint::from(uri)
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .keep_alive_while_idle(true);
    Ok(endpoint.connect_with_connector_lazy(service_fn(move |_: Uri| {
        let (connector, server) = (TlsConnector::from(tls.load_full()), server.clone());
        let (proxy, host) = (proxy.clone(), host.clone());
        async move {
            let tcp = proxy.connect(&host, port).await?;
            tcp.set_nodelay(true)?;
            let opened = connector.connect(server, tcp).await.map(TokioIo::new);
            opened.map_err(|error| inspected(&host, port, error))
        }
    })))
}

/// Tests that `HOST:PORT` is reachable and presents a trusted certificate, with one connection and no request.
pub async fn handshake(address: &str, tls: Arc<ClientConfig>, proxy: &Proxy) -> io::Result<()> {
    let wrong = || io::Error::other(ChannelError::Address(address.into()));
    let uri: Uri = format!("http://{address}").parse().map_err(|_| wrong())?;
    let (host, port) = (uri.host().ok_or_else(wrong)?, uri.port_u16().ok_or_else(wrong)?);
    let server = ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).map_err(|_| wrong())?;
    let meet = async {
        let tcp = proxy.connect(host, port).await?;
        let met = TlsConnector::from(tls).connect(server, tcp).await;
        met.map(drop).map_err(|error| inspected(host, port, error))
    };
    tokio::time::timeout(CONNECT_TIMEOUT, meet).await?
}

/// The error for a person whose network inspects TLS: the certificate is not of the pinned CA, or the peer does not
/// speak TLS 1.3.
fn inspected(host: &str, port: u16, error: io::Error) -> io::Error {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    let what = match cause {
        Some(rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer)) => {
            "presents a certificate that is not of the pinned CA"
        }
        Some(rustls::Error::PeerIncompatible(_))
        | Some(rustls::Error::AlertReceived(rustls::AlertDescription::ProtocolVersion)) => "does not speak TLS 1.3",
        _ => return error,
    };
    io::Error::other(format!(
        "{host}:{port} {what}: it is another server, or TLS inspection stands in between (a proxy or firewall that opens \
         connections); exempt {host}:{port} from inspection ({error})"
    ))
}
