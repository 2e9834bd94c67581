//! Enrolment with a server of its own CA, over TLS.

use std::sync::Mutex;
use std::time::Duration;

use entente_proto::agent::v1::agent_service_server::{AgentService, AgentServiceServer};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tonic::{Request, Response, Status};

use super::*;
use crate::testing::{Spec, TENANT, World, root};
use entente_proto::proxy::Proxy;
use entente_simulator::connect_proxy::ConnectProxy;

/// The agents' port, as far as enrolment goes.
struct Port {
    ca_pem: String,
    root_key: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
    /// Public keys of the requests that came.
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
}

#[tonic::async_trait]
impl AgentService for Port {
    type ConnectStream = tokio_stream::Empty<Result<wire::ConnectResponse, Status>>;

    async fn enroll(&self, request: Request<wire::EnrollRequest>) -> Result<Response<wire::EnrollResponse>, Status> {
        let request = request.into_inner();
        if request.token != "t1.topsecret" {
            return Err(Status::permission_denied("not enrolled"));
        }
        let csr = rcgen::CertificateSigningRequestParams::from_pem(&request.csr_pem).unwrap();
        self.seen.lock().unwrap().push(rcgen::PublicKeyData::der_bytes(&csr.public_key).to_vec());
        let certificate = csr.signed_by(&self.issuer).unwrap();
        Ok(Response::new(wire::EnrollResponse {
            agent: "tenants/contoso/agents/a1".into(),
            certificate_pem: certificate.pem(),
            ca_pem: self.ca_pem.clone(),
            root_key: self.root_key.clone().into(),
        }))
    }

    async fn renew(&self, _: Request<wire::RenewRequest>) -> Result<Response<wire::RenewResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn connect(
        &self,
        _: Request<tonic::Streaming<wire::ConnectRequest>>,
    ) -> Result<Response<Self::ConnectStream>, Status> {
        Err(Status::unimplemented("not here"))
    }
}

/// A provider's port, and the customer that wants to enrol with it.
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) address: String,
    ca_sha256: String,
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Scene {
    /// A customer like that, enrolled.
    pub(crate) async fn enrolled(spec: Spec) -> Self {
        let scene = Self::with(spec, honest()).await;
        scene.enroll().await.unwrap();
        scene
    }

    async fn new(root_key: Vec<u8>) -> Self {
        Self::with(Spec::default(), root_key).await
    }

    async fn with(spec: Spec, root_key: Vec<u8>) -> Self {
        let world = World::of(spec).await;
        // The ledger comes with enrolment.
        std::fs::remove_dir_all(&world.config.state_dir).unwrap();
        let mut ca = CertificateParams::default();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_key = KeyPair::generate().unwrap();
        let certificate = ca.self_signed(&ca_key).unwrap();
        let (ca_pem, ca_der) = (certificate.pem(), certificate.der().clone());
        let issuer = Issuer::new(ca, ca_key);
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["localhost".into()]).unwrap().signed_by(&key, &issuer).unwrap();
        let mut tls = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(
                vec![leaf.der().clone(), ca_der.clone()],
                PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            )
            .unwrap();
        tls.alpn_protocols = vec![b"h2".to_vec()];
        let seen = Arc::default();
        let service = Port { ca_pem, root_key, issuer, seen: Arc::clone(&seen) };
        let port = serve(tls, service).await;
        let ca_sha256 = sha256_hex(&ca_der);
        Self { world, address: format!("localhost:{port}"), ca_sha256, seen }
    }

    fn token(&self, secret: &str) -> std::path::PathBuf {
        let path = self.world.config.guardrail.with_file_name("token.toml");
        let (address, ca, root) = (&self.address, &self.ca_sha256, root().id());
        let text = format!(
            "address = \"{address}\"\ntenant = \"tenants/contoso\"\nentra_tenant = \"{TENANT}\"\n\
             token = \"{secret}\"\nca_sha256 = \"{ca}\"\nroot_key = \"{root}\"\n"
        );
        std::fs::write(&path, text).unwrap();
        path
    }

    async fn enroll(&self) -> Result<Enrolled, EnrollError> {
        enroll(&self.world.config, &self.token("t1.topsecret")).await
    }

    fn has_identity(&self) -> bool {
        Identity::load(&self.world.config.state_dir, self.world.config.entra_tenant).is_ok()
    }
}

async fn serve(tls: ServerConfig, service: Port) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (acceptor, service) = (TlsAcceptor::from(Arc::new(tls)), AgentServiceServer::new(service));
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let (acceptor, service) = (acceptor.clone(), service.clone());
            tokio::spawn(async move {
                // A client that does not trust us ends the handshake.
                let Ok(stream) = acceptor.accept(tcp).await else { return };
                let service = TowerToHyperService::new(service);
                Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await.ok();
            });
        }
    });
    port
}

fn honest() -> Vec<u8> {
    root().public().as_bytes().to_vec()
}

#[tokio::test]
async fn a_token_becomes_an_identity_once_and_twice_is_the_same() {
    let scene = Scene::new(honest()).await;
    let Enrolled::Now(identity) = scene.enroll().await.unwrap() else { panic!("it is the first time") };
    assert_eq!(identity.pinned.agent.to_string(), "tenants/contoso/agents/a1");
    assert!(matches!(scene.enroll().await.unwrap(), Enrolled::Already(_)));
    assert_eq!(scene.seen.lock().unwrap().len(), 1);
    let ledger = identity.pinned.ledger;
    drop(Memory::open(&scene.world.config.state_dir, ledger).unwrap());
    // What it left is its owner's alone, and the token is nowhere.
    for file in std::fs::read_dir(&scene.world.config.state_dir).unwrap().map(|file| file.unwrap().path()) {
        if file.is_file() {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o077, 0, "{file:?}");
            assert!(!std::fs::read_to_string(&file).unwrap().contains("topsecret"), "{file:?}");
        }
    }
}

#[tokio::test]
async fn an_enrolment_that_was_cut_off_goes_on_with_the_same_key() {
    let scene = Scene::new(honest()).await;
    scene.enroll().await.unwrap();
    // As if it had been killed before the answer was on disk.
    let dir = &scene.world.config.state_dir;
    let pem = std::fs::read_to_string(dir.join("identity.pem")).unwrap();
    let key = pem.split_inclusive("-----END PRIVATE KEY-----").next().unwrap();
    std::fs::write(dir.join("enrolling.pem"), key).unwrap();
    std::fs::remove_file(dir.join("identity.pem")).unwrap();
    assert!(matches!(scene.enroll().await.unwrap(), Enrolled::Now(_)));
    let seen = scene.seen.lock().unwrap();
    assert!(seen.len() == 2 && seen[0] == seen[1]);
}

#[tokio::test]
async fn a_root_key_that_the_guardrail_does_not_pin_is_refused_before_the_token_is_sent() {
    let scene = Scene::new(honest()).await;
    let other = format!("ed25519:{}", "ab".repeat(32));
    let text = crate::testing::guardrail("manage").replace(&root().id().to_string(), &other);
    scene.world.write_guardrail(&text);
    assert!(matches!(scene.enroll().await, Err(EnrollError::RootKey { .. })));
    assert!(scene.seen.lock().unwrap().is_empty() && !scene.has_identity());
}

#[tokio::test]
async fn a_server_with_another_ca_never_sees_the_token() {
    let mut scene = Scene::new(honest()).await;
    scene.ca_sha256 = "00".repeat(32);
    assert!(matches!(scene.enroll().await, Err(EnrollError::Unreachable { .. })));
    assert!(scene.seen.lock().unwrap().is_empty() && !scene.has_identity());
}

#[tokio::test]
async fn an_answer_with_another_root_key_and_a_refused_token_leave_no_identity() {
    let scene = Scene::new(vec![7; 32]).await;
    assert!(matches!(scene.enroll().await, Err(EnrollError::Answer(_))));
    let unknown = scene.token("t1.other");
    let refused = tokio::time::timeout(Duration::from_secs(60), enroll(&scene.world.config, &unknown)).await.unwrap();
    assert!(matches!(refused, Err(EnrollError::Refused)));
    assert!(!scene.has_identity());
}

#[tokio::test]
async fn field_kind_16_enrolment_goes_through_the_proxy_with_its_password_and_past_it_if_exempt() {
    let proxy = ConnectProxy::start().await.unwrap();
    let with_password = format!("http://agent:pass@{}", proxy.address);
    let mut scene = Scene::new(honest()).await;
    scene.world.config.proxy = Proxy::new(&with_password, "").unwrap();
    scene.enroll().await.unwrap();
    let asked = proxy.asked();
    assert_eq!((asked.len(), &asked[0].target), (1, &scene.address));
    assert_eq!(asked[0].authorization, "Basic YWdlbnQ6cGFzcw==");
    let mut scene = Scene::new(honest()).await;
    scene.world.config.proxy = Proxy::new(&with_password, "localhost").unwrap();
    scene.enroll().await.unwrap();
    assert_eq!(proxy.asked().len(), 1);
}

#[tokio::test]
async fn field_kind_16_tls_inspection_is_named_at_enrolment_and_at_the_stream() {
    let proxy = ConnectProxy::inspecting().await.unwrap();
    let mut scene = Scene::new(honest()).await;
    let Enrolled::Now(identity) = scene.enroll().await.unwrap() else { panic!("it is the first time") };
    let inspected = Proxy::new(&proxy.url(), "").unwrap();
    scene.world.config.proxy = inspected.clone();
    std::fs::remove_dir_all(&scene.world.config.state_dir).unwrap();
    let says = |text: String| assert!(text.contains("TLS inspection") && text.contains(&scene.address), "{text}");
    says(guardrail_file::chain(&scene.enroll().await.unwrap_err()));
    let tls = Arc::new(ArcSwap::from_pointee(identity.client_config().unwrap()));
    let mut client = AgentServiceClient::new(channel::channel_through(&scene.address, tls, inspected).unwrap());
    let refused = client.connect(tokio_stream::empty()).await.unwrap_err();
    says(guardrail_file::chain(&refused));
    assert_eq!(scene.seen.lock().unwrap().len(), 1, "the token went to nobody else");
}

#[tokio::test]
async fn field_kind_10_the_guardrails_review_and_a_certificate_that_was_not_renewed_are_told_before_they_end() {
    use crate::endings::endings;
    let mut scene = Scene::new(honest()).await;
    let Enrolled::Now(identity) = scene.enroll().await.unwrap() else { panic!("it is the first time") };
    scene.world.config.credential_expires = Some(entente_model::Timestamp::MAX);
    let (config, day) = (&scene.world.config, Duration::from_secs(86_400));
    let told = |at: i64| {
        let all = endings(config, Some(&identity), entente_model::Timestamp::from_unix(at));
        all.into_iter().map(|it| it.what).collect::<Vec<_>>()
    };
    let guardrail = GuardrailFile::read(&config.guardrail, config.entra_tenant, root().id()).content.unwrap();
    let review = guardrail.review_by.ends().as_unix();
    let two_weeks = day.as_secs() as i64 * 14;
    assert!(told(review - two_weeks - 60).is_empty(), "{:?}", told(review - two_weeks - 60));
    assert_eq!(told(review - two_weeks + 60), ["guardrail"]);
    let (begins, ends) = identity.validity().map(|(begins, ends)| (begins.as_unix(), ends.as_unix())).unwrap();
    assert_eq!(told(ends - (ends - begins) / 4 + 60), ["certificate", "guardrail"]);
}
