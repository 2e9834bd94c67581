//! A server over a real application with a real store, and the clients that it knows. For tests.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use entente_app::pki::{self, CertificateAuthority, RequestedKey, Serial, Who};
use entente_app::{ApiRole, App, Config, provision, system_clock};
use entente_model::Timestamp;
use entente_proto::channel::{Identity, channel, client_config};
use entente_seal::{OnlineKey, RootKey, Statement, generate_pkcs8};
use entente_store_embedded::{Sizes, SledStore};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use crate::server::Server;
use crate::transport::{Material, Tls};

const DAY: Duration = Duration::from_secs(86_400);

/// Longer than anything here takes, so that what hangs fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A certificate and its key, PEM.
pub(crate) type Pair = (String, String);

/// Ends with the test.
pub(crate) struct Fixture {
    pub(crate) server: Server,
    pub(crate) ca: CertificateAuthority,
    pub(crate) now: Timestamp,
    pub(crate) api: SocketAddr,
    pub(crate) agents: SocketAddr,
    /// A viewer.
    pub(crate) li: Pair,
    /// An admin.
    pub(crate) maya: Pair,
    _dir: tempfile::TempDir,
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.server.tasks.stop.cancel();
    }
}

pub(crate) fn principal(ca: &CertificateAuthority, id: &str, now: Timestamp) -> (Pair, Serial) {
    let (key, csr) = pki::create_key_and_csr().unwrap();
    let key_of = RequestedKey::from_csr_pem(&csr).unwrap();
    let who = Who::Principal(format!("principals/{id}").parse().unwrap());
    let issued = ca.client(&who, &key_of, Serial::random().unwrap(), now, DAY).unwrap();
    ((issued.certificate_pem, key.expose().into()), issued.serial)
}

impl Fixture {
    /// `set` changes what is to be other than usual.
    pub(crate) async fn start(set: impl FnOnce(&mut Server)) -> Self {
        let (dir, now) = (tempfile::tempdir().unwrap(), system_clock()());
        let made = pki::create_ca("nordwall.example", now, DAY).unwrap();
        let ca = CertificateAuthority::load(&made.certificate_pem, made.key_pem.expose(), "nordwall.example").unwrap();
        let (app, li, maya) = app(dir.path(), &ca, now).await;
        let (issued, key) = ca.server(&["localhost".into()], Serial::random().unwrap(), now, DAY).unwrap();
        let material = Material {
            certificate_pem: issued.certificate_pem.into(),
            key_pem: key.expose().into(),
            client_ca_pem: ca.pem().into(),
            trust_domain: ca.trust_domain().into(),
        };
        let tls = Arc::new(Tls::new(&material).unwrap());
        let mut server = Server::new(app, tls, CancellationToken::new());
        set(&mut server);
        let bind = || TcpListener::bind("127.0.0.1:0");
        let (api_socket, agents_socket) = (bind().await.unwrap(), bind().await.unwrap());
        let (api, agents) = (api_socket.local_addr().unwrap(), agents_socket.local_addr().unwrap());
        let (a, b, c) = (server.clone(), server.clone(), server.clone());
        tokio::spawn(async move { a.serve_api(api_socket).await.unwrap() });
        tokio::spawn(async move { b.serve_agents(agents_socket).await.unwrap() });
        tokio::spawn(async move { c.review().await });
        Self { server, ca, now, api, agents, li, maya, _dir: dir }
    }

    fn tls(&self, pair: Option<&Pair>) -> rustls::ClientConfig {
        let identity = pair
            .map(|(certificate, key)| Identity { certificate_pem: certificate.as_bytes(), key_pem: key.as_bytes() });
        client_config(self.ca.pem().as_bytes(), identity).unwrap()
    }

    /// A connection, and nothing said on it yet.
    pub(crate) async fn open(&self, port: SocketAddr, pair: Option<&Pair>) -> TlsStream<TcpStream> {
        let tcp = TcpStream::connect(port).await.unwrap();
        let connector = TlsConnector::from(Arc::new(self.tls(pair)));
        connector.connect("localhost".try_into().unwrap(), tcp).await.unwrap()
    }

    /// For a client of any service.
    pub(crate) fn channel(&self, port: SocketAddr, pair: &Pair) -> Channel {
        self.channel_with(port, Some(pair))
    }

    /// For a client without a certificate.
    pub(crate) fn anonymous(&self, port: SocketAddr) -> Channel {
        self.channel_with(port, None)
    }

    fn channel_with(&self, port: SocketAddr, pair: Option<&Pair>) -> Channel {
        let tls = Arc::new(ArcSwap::from_pointee(self.tls(pair)));
        channel(&format!("localhost:{}", port.port()), tls).unwrap()
    }
}

/// Knows li and maya.
async fn app(dir: &Path, ca: &CertificateAuthority, now: Timestamp) -> (App, Pair, Pair) {
    let store = SledStore::open(dir, uuid::Uuid::new_v4(), Sizes::SMALL).unwrap();
    let key = || generate_pkcs8(&ring::rand::SystemRandom::new()).unwrap();
    let (root, online) = (RootKey::from_pkcs8(key().expose()).unwrap(), OnlineKey::from_pkcs8(key().expose()).unwrap());
    let delegation =
        Statement::Delegation { key: online.public(), not_before: now, not_after: now.plus(DAY), serial: 1 };
    for statement in [delegation, Statement::Epoch { epoch: 1, reason: "test".into() }] {
        provision::import(&store, root.public(), &root.state(&statement)).await.unwrap();
    }
    let mut pairs = Vec::new();
    for (id, role) in [("li", ApiRole::Viewer), ("maya", ApiRole::Admin)] {
        let (pair, serial) = principal(ca, id, now);
        let name = format!("principals/{id}").parse().unwrap();
        provision::put_principal(&store, &name, role, serial, now.plus(DAY), now).await.unwrap();
        pairs.push(pair);
    }
    let app = App::open(Arc::new(store), Config::new("localhost:7444"), online, ca.clone(), system_clock());
    let [li, maya] = pairs.try_into().unwrap();
    (app.await.unwrap(), li, maya)
}
