//! The review of everyone who is connected, over a real application with a real store.

use std::sync::Arc;
use std::time::Duration;

use entente_app::pki::{self, CertificateAuthority, RequestedKey, Serial};
use entente_app::{ApiRole, App, Config, provision, system_clock};
use entente_model::Timestamp;
use entente_proto::channel::{Identity, client_config};
use entente_seal::{OnlineKey, RootKey, Statement, generate_pkcs8};
use entente_store::SledStore;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::transport::Material;

const DAY: Duration = Duration::from_secs(86_400);
const PATIENCE: Duration = Duration::from_secs(20);

struct Fixture {
    server: Server,
    ca: CertificateAuthority,
    now: Timestamp,
    api: std::net::SocketAddr,
    agents: std::net::SocketAddr,
    _dir: tempfile::TempDir,
}

/// A certificate and its key, PEM.
type Pair = (String, String);

fn certificate(ca: &CertificateAuthority, id: &str, now: Timestamp) -> (Pair, Serial) {
    let (key, csr) = pki::create_key_and_csr().unwrap();
    let key_of = RequestedKey::from_csr_pem(&csr).unwrap();
    let name = format!("principals/{id}").parse().unwrap();
    let issued = ca.principal(&name, &key_of, Serial::random().unwrap(), now, DAY).unwrap();
    ((issued.certificate_pem, key.expose().into()), issued.serial)
}

impl Fixture {
    /// Knows li. Looks at its connections often.
    async fn start() -> (Self, Pair) {
        let (dir, now) = (tempfile::tempdir().unwrap(), system_clock()());
        let made = pki::create_ca("nordwall.example", now, DAY).unwrap();
        let ca = CertificateAuthority::load(&made.certificate_pem, made.key_pem.expose(), "nordwall.example").unwrap();
        let (app, li) = app(dir.path(), &ca, now).await;
        let (issued, key) = ca.server(&["localhost".into()], Serial::random().unwrap(), now, DAY).unwrap();
        let material = Material {
            certificate_pem: issued.certificate_pem.into(),
            key_pem: key.expose().into(),
            client_ca_pem: ca.pem().into(),
        };
        let tls = Arc::new(Tls::new(&material).unwrap());
        let mut server = Server::new(app, tls, CancellationToken::new());
        server.review = Duration::from_millis(20);
        server.limits.anonymous_for = Duration::from_millis(100);
        let bind = || TcpListener::bind("127.0.0.1:0");
        let (api, agents) = (bind().await.unwrap(), bind().await.unwrap());
        let addresses = (api.local_addr().unwrap(), agents.local_addr().unwrap());
        let (a, b, c) = (server.clone(), server.clone(), server.clone());
        tokio::spawn(async move { a.serve_api(api).await.unwrap() });
        tokio::spawn(async move { b.serve_agents(agents).await.unwrap() });
        tokio::spawn(async move { c.review().await });
        (Self { server, ca, now, api: addresses.0, agents: addresses.1, _dir: dir }, li)
    }

    async fn open(&self, port: std::net::SocketAddr, pair: Option<&Pair>) -> TlsStream<TcpStream> {
        let identity = pair
            .map(|(certificate, key)| Identity { certificate_pem: certificate.as_bytes(), key_pem: key.as_bytes() });
        let config = client_config(self.ca.pem().as_bytes(), identity).unwrap();
        let tcp = TcpStream::connect(port).await.unwrap();
        TlsConnector::from(Arc::new(config)).connect("localhost".try_into().unwrap(), tcp).await.unwrap()
    }
}

async fn app(dir: &std::path::Path, ca: &CertificateAuthority, now: Timestamp) -> (App, Pair) {
    let store = SledStore::open(dir, uuid::Uuid::new_v4()).unwrap();
    let key = || generate_pkcs8(&ring::rand::SystemRandom::new()).unwrap();
    let (root, online) = (RootKey::from_pkcs8(key().expose()).unwrap(), OnlineKey::from_pkcs8(key().expose()).unwrap());
    let delegation =
        Statement::Delegation { key: online.public(), not_before: now, not_after: now.plus(DAY), serial: 1 };
    for statement in [delegation, Statement::Epoch { epoch: 1, reason: "test".into() }] {
        provision::import(&store, root.public(), &root.state(&statement)).await.unwrap();
    }
    let (li, serial) = certificate(ca, "li", now);
    let name = "principals/li".parse().unwrap();
    provision::put_principal(&store, &name, ApiRole::Viewer, serial, now.plus(DAY), now).await.unwrap();
    let config = Config::new("localhost:7444");
    (App::open(Arc::new(store), config, online, ca.clone(), system_clock()).await.unwrap(), li)
}

/// The server closes it, whatever it sends before.
async fn closes(mut stream: TlsStream<TcpStream>, whose: &str) {
    let end = tokio::time::timeout(PATIENCE, async { stream.read_to_end(&mut Vec::new()).await });
    let _ = end.await.unwrap_or_else(|_| panic!("{whose} stays open"));
}

#[tokio::test]
async fn whoever_is_no_longer_welcome_is_cut_and_the_others_stay() {
    let (fixture, li) = Fixture::start().await;
    let welcome = fixture.open(fixture.api, Some(&li)).await;
    let (unknown, _) = certificate(&fixture.ca, "maya", fixture.now);
    closes(fixture.open(fixture.api, Some(&unknown)).await, "an unknown principal").await;
    closes(fixture.open(fixture.agents, None).await, "one without a certificate").await;
    let peers = fixture.server.connections.peers();
    let names: Vec<_> = peers.iter().map(|peer| who(peer)).collect();
    assert_eq!(names, ["principals/li"]);
    drop(welcome);
    fixture.server.stop.cancel();
}
