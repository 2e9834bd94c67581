//! Real TLS over loopback, with certificates of the real authority. The service behind it is gRPC health: a call, and
//! a stream that stays open.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use entente_app::pki::{self, CertificateAuthority, RequestedKey, Serial, Who};
use entente_model::Timestamp;
use entente_proto::channel::{Identity, channel, client_config};
use entente_tasks::Tasks;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::service::Routes;
use tonic::transport::{Channel, Server};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::*;

mod strangers;

const DOMAIN: &str = "nordwall.example";
const DAY: Duration = Duration::from_secs(86_400);

/// Longer than anything here takes, so that what hangs fails.
const PATIENCE: Duration = Duration::from_secs(20);

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_unix(since.as_secs().try_into().unwrap())
}

fn authority() -> CertificateAuthority {
    let made = pki::create_ca(DOMAIN, now(), DAY).unwrap();
    CertificateAuthority::load(&made.certificate_pem, made.key_pem.expose(), DOMAIN).unwrap()
}

fn material(ca: &CertificateAuthority) -> Material {
    let (issued, key) = ca.server(&["localhost".into()], Serial::random().unwrap(), now(), DAY).unwrap();
    Material {
        certificate_pem: issued.certificate_pem.into(),
        key_pem: key.expose().into(),
        client_ca_pem: ca.pem().into(),
        trust_domain: DOMAIN.into(),
    }
}

/// A principal's certificate that ends a day after `begun`, and its key.
fn maya(ca: &CertificateAuthority, begun: Timestamp) -> (String, String) {
    let (key, csr) = pki::create_key_and_csr().unwrap();
    let key_of = RequestedKey::from_csr_pem(&csr).unwrap();
    let who = Who::Principal("principals/maya".parse().unwrap());
    let issued = ca.client(&who, &key_of, Serial::random().unwrap(), begun, DAY).unwrap();
    (issued.certificate_pem, key.expose().into())
}

/// An agent's certificate, likewise.
fn agent(ca: &CertificateAuthority, begun: Timestamp) -> (String, String) {
    let (key, csr) = pki::create_key_and_csr().unwrap();
    let key_of = RequestedKey::from_csr_pem(&csr).unwrap();
    let who = Who::Agent("tenants/contoso/agents/a1".parse().unwrap());
    let issued = ca.client(&who, &key_of, Serial::random().unwrap(), begun, DAY).unwrap();
    (issued.certificate_pem, key.expose().into())
}

/// The same for every port.
fn places(most: usize) -> Places {
    Places { api: most, agents: most, metrics: most }
}

struct Fixture {
    address: String,
    port: Port,
    ca: CertificateAuthority,
    tls: Arc<Tls>,
    connections: Arc<Connections>,
    tasks: Tasks,
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.tasks.stop.cancel();
    }
}

impl Fixture {
    async fn start(port: Port, limits: Limits) -> Self {
        let ca = authority();
        let tls = Arc::new(Tls::new(&material(&ca)).unwrap());
        let socket = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = format!("localhost:{}", socket.local_addr().unwrap().port());
        let (connections, tasks) = (Arc::<Connections>::default(), Tasks::default());
        let incoming = incoming(socket, port, tls.clone(), DOMAIN.into(), connections.clone(), limits, tasks.clone());
        let (_, health) = tonic_health::server::health_reporter();
        let ended = tasks.stop.clone();
        tokio::spawn(async move {
            let routes = Routes::new(health);
            let serve = Server::builder().add_routes(routes);
            serve.serve_with_incoming_shutdown(incoming, ended.cancelled()).await.unwrap();
        });
        Self { address, port, ca, tls, connections, tasks }
    }

    async fn api() -> Self {
        Self::start(Port::Api, Limits::default()).await
    }

    fn client(&self, certificate: Option<&(String, String)>) -> HealthClient<Channel> {
        self.client_that_trusts(self.ca.pem(), certificate)
    }

    fn client_that_trusts(&self, ca_pem: &str, certificate: Option<&(String, String)>) -> HealthClient<Channel> {
        let config = Arc::new(ArcSwap::from_pointee(config(ca_pem, certificate)));
        HealthClient::new(channel(&self.address, config).unwrap())
    }

    /// The server lets this one in, whatever happened before.
    async fn still_serves(&self) {
        let welcome = match self.port {
            Port::Agents => agent(&self.ca, now()),
            Port::Api | Port::Metrics => maya(&self.ca, now()),
        };
        assert!(check(&mut self.client(Some(&welcome))).await, "the server lets nobody in any more");
    }

    /// What a handshake with this certificate ends with, for a client that says nothing after it.
    async fn handshake(&self, certificate: &(String, String)) -> String {
        let tcp = TcpStream::connect(&self.address).await.unwrap();
        let connector = TlsConnector::from(Arc::new(config(self.ca.pem(), Some(certificate))));
        let end = async {
            let mut tls = connector.connect("localhost".try_into().unwrap(), tcp).await?;
            // In TLS 1.3 the client is done before the server has seen its certificate.
            tls.read_u8().await
        };
        // The server of one that is let in begins with its settings.
        let end: std::io::Result<u8> = tokio::time::timeout(PATIENCE, end).await.expect("an answer");
        end.map_or_else(|error| error.to_string(), |_| "let in".into())
    }
}

fn config(ca_pem: &str, certificate: Option<&(String, String)>) -> rustls::ClientConfig {
    let identity = certificate
        .map(|(certificate, key)| Identity { certificate_pem: certificate.as_bytes(), key_pem: key.as_bytes() });
    client_config(ca_pem.as_bytes(), identity).unwrap()
}

async fn check(client: &mut HealthClient<Channel>) -> bool {
    let answer = client.check(HealthCheckRequest::default());
    tokio::time::timeout(PATIENCE, answer).await.expect("an answer, or a refusal").is_ok()
}

#[tokio::test]
async fn a_principal_of_our_ca_comes_in_and_is_known_by_its_certificate() {
    let server = Fixture::api().await;
    let mut client = server.client(Some(&maya(&server.ca, now())));
    assert!(check(&mut client).await);
    let peers = server.connections.peers();
    let credential = peers[0].credential.as_ref().unwrap();
    assert_eq!(credential.who, Who::Principal("principals/maya".parse().unwrap()));
    drop((client, peers));
    let gone = async {
        while server.connections.count() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("a closed connection leaves the list");
}

#[tokio::test]
async fn a_stop_waits_for_the_accept_loop_and_for_handshakes_which_end_at_once() {
    let server = Fixture::api().await;
    let mut silent = TcpStream::connect(&server.address).await.unwrap();
    let both_run = async {
        while server.tasks.count() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, both_run).await.expect("the accept loop and a handshake are counted");
    server.tasks.stop.cancel();
    assert!(server.tasks.ended(PATIENCE).await && server.tasks.count() == 0);
    assert_eq!(silent.read(&mut [0]).await.unwrap(), 0, "the silent connection is closed");
}

#[tokio::test]
async fn without_a_certificate_or_with_a_wrong_one_nobody_comes_in() {
    let server = Fixture::api().await;
    let (other, yesterday) = (authority(), Timestamp::from_unix(now().as_unix() - 2 * 86_400));
    assert!(!check(&mut server.client(None)).await, "no certificate");
    assert!(!check(&mut server.client(Some(&maya(&other, now())))).await, "another authority's");
    assert!(!check(&mut server.client(Some(&maya(&server.ca, yesterday)))).await, "one that has ended");
    let (server_certificate, key) =
        server.ca.server(&["localhost".into()], Serial::random().unwrap(), now(), DAY).unwrap();
    let names_nobody = (server_certificate.certificate_pem, key.expose().to_owned());
    assert!(!check(&mut server.client(Some(&names_nobody))).await, "one that names nobody");
    assert_eq!(server.connections.count(), 0);
    server.still_serves().await;
}

#[tokio::test]
async fn a_certificate_of_another_trust_domain_is_refused_though_our_ca_signed_it() {
    let server = Fixture::api().await;
    let made = pki::create_ca("tailspin.example", now(), DAY).unwrap();
    let tailspin =
        CertificateAuthority::load(&made.certificate_pem, made.key_pem.expose(), "tailspin.example").unwrap();
    let both = Material { client_ca_pem: [server.ca.pem(), tailspin.pem()].concat().into(), ..material(&server.ca) };
    server.tls.reload(&both).unwrap();
    assert!(!check(&mut server.client(Some(&maya(&tailspin, now())))).await);
    server.still_serves().await;
}

#[tokio::test]
async fn a_certificate_for_another_port_is_told_so_in_the_handshake() {
    for port in [Port::Api, Port::Metrics, Port::Agents] {
        let server = Fixture::start(port, Limits::default()).await;
        let (maya, agent) = (maya(&server.ca, now()), agent(&server.ca, now()));
        let wrong = if port == Port::Agents { maya } else { agent };
        assert_eq!(server.handshake(&wrong).await, "received fatal alert: AccessDenied", "{port:?}");
        assert_eq!(server.connections.count(), 0);
        server.still_serves().await;
    }
}

#[tokio::test]
async fn on_the_agents_port_a_certificate_may_be_missing_but_not_be_wrong() {
    let server = Fixture::start(Port::Agents, Limits::default()).await;
    let mut enrolling = server.client(None);
    assert!(check(&mut enrolling).await);
    assert!(server.connections.peers()[0].credential.is_none());
    assert!(!check(&mut server.client(Some(&maya(&authority(), now())))).await);
}

#[tokio::test]
async fn garbage_is_closed_and_silence_is_not_waited_for() {
    let limits = Limits { hello_timeout: Duration::from_millis(200), ..Limits::default() };
    let server = Fixture::start(Port::Api, limits).await;
    let mut ends = Vec::new();
    for said in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0], &[0; 64], b""] {
        let mut stream = TcpStream::connect(&server.address).await.unwrap();
        stream.write_all(said).await.unwrap();
        ends.push(tokio::time::timeout(PATIENCE, async move {
            // Closed or reset, and at most an alert before.
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            answer.len()
        }));
    }
    for end in futures::future::join_all(ends).await {
        assert!(end.expect("the server closes the connection") < 16);
    }
    assert_eq!(server.connections.count(), 0);
    server.still_serves().await;
}

#[tokio::test]
async fn past_the_bound_connections_are_closed_at_once() {
    let server = Fixture::start(Port::Api, Limits { places: places(1), ..Limits::default() }).await;
    let maya = maya(&server.ca, now());
    let mut first = server.client(Some(&maya));
    assert!(check(&mut first).await);
    assert!(!check(&mut server.client(Some(&maya))).await);
    assert!(check(&mut first).await, "the first one stays");
}

#[tokio::test]
async fn one_certificate_does_not_take_the_places_of_all_and_its_oldest_connection_makes_room() {
    let limits = Limits { places: places(4), of_one_certificate: 2, ..Limits::default() };
    let server = Fixture::start(Port::Agents, limits).await;
    let agent = agent(&server.ca, now());
    let mut streams = Vec::new();
    for _ in 0..9 {
        let mut client = server.client(Some(&agent));
        let mut stream = client.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
        assert!(stream.message().await.unwrap().is_some());
        streams.push(stream);
        let settled = async {
            while server.connections.count() > 2 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, settled).await.expect("the oldest one ends");
    }
    let older = async {
        for stream in &mut streams[..7] {
            assert!(stream.message().await.is_err(), "an older one is cut");
        }
    };
    tokio::time::timeout(PATIENCE, older).await.expect("the older ones end");
    let mut left: Vec<_> = server.connections.peers().iter().map(|peer| peer.connection).collect();
    left.sort();
    assert_eq!(left, [7, 8], "the newest two stay");
    let mut enrolling = server.client(None);
    assert!(check(&mut enrolling).await, "there is room for others");
}

#[tokio::test]
async fn a_cut_ends_an_open_stream_that_is_idle() {
    let server = Fixture::api().await;
    let mut client = server.client(Some(&maya(&server.ca, now())));
    let mut stream = client.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert!(stream.message().await.unwrap().is_some());
    assert_eq!(server.connections.cut_where(|peer| peer.credential.is_none()), 0);
    assert_eq!(server.connections.cut_where(|_| true), 1);
    let end = tokio::time::timeout(PATIENCE, stream.message()).await.expect("the stream ends");
    assert!(end.is_err(), "{end:?}");
}

#[tokio::test]
async fn a_reload_counts_for_new_connections_and_leaves_old_ones() {
    let server = Fixture::api().await;
    let mut old = server.client(Some(&maya(&server.ca, now())));
    assert!(check(&mut old).await);
    let next = authority();
    server.tls.reload(&material(&next)).unwrap();
    assert!(check(&mut old).await, "an old connection goes on");
    assert!(!check(&mut server.client(Some(&maya(&server.ca, now())))).await, "the old CA is gone");
    assert!(check(&mut server.client_that_trusts(next.pem(), Some(&maya(&next, now())))).await);
}

#[tokio::test]
async fn what_cannot_be_used_is_not_reloaded() {
    let server = Fixture::api().await;
    let good = material(&server.ca);
    let refused = |material: Material| server.tls.reload(&material).unwrap_err().to_string();
    assert!(refused(Material { certificate_pem: vec![], ..good.clone() }).contains("no certificate"));
    assert!(refused(Material { client_ca_pem: b"none".to_vec(), ..good.clone() }).contains("CA"));
    let other_key = material(&server.ca).key_pem;
    assert!(refused(Material { key_pem: other_key, ..good }).contains("cannot be used together"));
    server.still_serves().await;
}
