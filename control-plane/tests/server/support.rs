//! A server in a temporary folder, its clients, and an agent that does the least an agent must.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use entente_app::{pki, system_clock};
use entente_control_plane::{Bound, Config, Failure, Init, Initialised, Listen, Ready, Timing, init, run};
use entente_convert::access::manifest_to_proto;
use entente_convert::manifest::from_value;
use entente_model::Timestamp;
use entente_proto::access::v1 as access;
use entente_proto::access::v1::access_service_client::AccessServiceClient;
use entente_proto::access::v1::admin_service_client::AdminServiceClient;
use entente_proto::agent::v1 as agent;
use entente_proto::agent::v1::agent_service_client::AgentServiceClient;
use entente_proto::agent::v1::connect_request::Message as Said;
use entente_proto::agent::v1::connect_response::Message;
use entente_proto::channel::{Identity, channel, client_config};
use entente_seal::{Buckets, Held, PublicKey, Seal, SealedItem, Signed, Verified, Verifier};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Streaming;
use tonic::transport::Channel;

/// Longer than anything here takes on a loaded machine, so that what hangs fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub const CONTOSO: &str = "0c0de000-0000-4000-8000-000000000001";

/// Waits, but not for ever.
pub async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| panic!("{what} takes too long"))
}

/// Everything that `init` makes, for ports that the system chooses.
pub async fn make(dir: &Path) -> Initialised {
    make_at(dir, 0).await
}

/// The same, as it was made some days ago.
pub async fn make_at(dir: &Path, days_ago: i64) -> Initialised {
    let any = "127.0.0.1:0".parse().unwrap();
    let asked = Init {
        dir: dir.join("server"),
        hosts: vec!["localhost".into()],
        trust_domain: "nordwall.example".into(),
        admin: "jonas".into(),
        listen: Listen { api: any, agents: any, metrics: any },
        timing: Timing { drain_seconds: 5, clone_window_milliseconds: 500, ..Timing::default() },
    };
    let now = Timestamp::from_unix(system_clock()().as_unix() - days_ago * 86_400);
    init(&asked, now).await.unwrap()
}

/// A server inside this process.
pub struct Server {
    pub made: Initialised,
    pub bound: Bound,
    stop: CancellationToken,
    task: JoinHandle<Result<(), Failure>>,
    dir: tempfile::TempDir,
}

impl Server {
    pub async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let made = make(dir.path()).await;
        Self::start_again(dir, made).await
    }

    /// Starts what another one left.
    pub async fn start_again(dir: tempfile::TempDir, made: Initialised) -> Self {
        let config = Config::load(&made.config).unwrap();
        let (sender, ready) = tokio::sync::oneshot::channel();
        let stop = CancellationToken::new();
        let task = tokio::spawn(run(config, Ready { file: None, sender: Some(sender) }, stop.clone()));
        let Ok(bound) = soon("the start", ready).await else { panic!("{:?}", task.await) };
        Self { made, bound, stop, task, dir }
    }

    /// Stops it as a signal would, and leaves its folder.
    pub async fn stop(self) -> (tempfile::TempDir, Initialised) {
        self.stop.cancel();
        soon("the stop", self.task).await.unwrap().unwrap();
        (self.dir, self.made)
    }

    /// With a change to its configuration file.
    pub async fn restart_with(self, change: impl FnOnce(String) -> String) -> Self {
        let (dir, made) = self.stop().await;
        let text = std::fs::read_to_string(&made.config).unwrap();
        std::fs::write(&made.config, change(text)).unwrap();
        Self::start_again(dir, made).await
    }

    pub async fn restart(self) -> Self {
        let (dir, made) = self.stop().await;
        Self::start_again(dir, made).await
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn ca(&self) -> Vec<u8> {
        std::fs::read(&self.made.ca_certificate).unwrap()
    }

    /// To any port, with any certificate or none.
    pub fn channel(&self, port: u16, credential: Option<&Credential>) -> Channel {
        let config = client_config(&self.ca(), credential.map(Credential::identity)).unwrap();
        channel(&format!("localhost:{port}"), Arc::new(ArcSwap::from_pointee(config))).unwrap()
    }

    pub fn admin(&self) -> Credential {
        Credential::read(&self.made.admin_certificate, &self.made.admin_key)
    }

    /// To the API, as the first administrator.
    pub fn api(&self) -> Channel {
        self.channel(self.bound.api.port(), Some(&self.admin()))
    }

    pub fn access(&self) -> AccessServiceClient<Channel> {
        AccessServiceClient::new(self.api())
    }

    pub fn admin_service(&self) -> AdminServiceClient<Channel> {
        AdminServiceClient::new(self.api())
    }

    pub fn agents(&self, credential: Option<&Credential>) -> AgentServiceClient<Channel> {
        AgentServiceClient::new(self.channel(self.bound.agents.port(), credential))
    }

    /// Applies manifests in their written form.
    pub async fn apply(&self, manifests: Vec<Value>) -> access::ApplyIntentResponse {
        self.access().apply_intent(set(manifests)).await.unwrap().into_inner()
    }

    /// One customer, one operator, and what gives the second access to the first.
    pub async fn with_contoso(self) -> Self {
        self.apply(vec![home(), contoso(), maya(), nordic(), l1_analyst(), nordic_l1()]).await;
        self
    }

    /// Enrols an agent of contoso's with a new token, in the place of the one that may be there.
    pub async fn enroll(&self) -> Enrolled {
        let asked = access::CreateEnrollmentTokenRequest {
            tenant: "tenants/contoso".into(),
            replace: true,
            ..Default::default()
        };
        let made = self.admin_service().create_enrollment_token(asked).await.unwrap().into_inner();
        let file: toml::Table = made.token_file.parse().unwrap();
        let (key, csr_pem) = pki::create_key_and_csr().unwrap();
        let token = file["token"].as_str().unwrap().to_owned();
        let request = agent::EnrollRequest { token, csr_pem, entra_tenant_id: CONTOSO.into() };
        let enrolled = self.agents(None).enroll(request).await.unwrap().into_inner();
        assert_eq!(file["address"].as_str().unwrap(), format!("localhost:{}", self.bound.agents.port()));
        let root = PublicKey::from_bytes(&enrolled.root_key).unwrap();
        assert_eq!(root.id().to_string(), self.made.root_key_id);
        let credential = Credential { certificate: enrolled.certificate_pem, key: key.expose().into() };
        Enrolled { name: enrolled.agent, credential, root }
    }
}

impl Server {
    /// An agent's certificate as it would be some days after it enrolled.
    pub fn aged(&self, enrolled: &Enrolled, days: u32) -> Credential {
        let day = Duration::from_secs(86_400);
        let ca = std::fs::read_to_string(&self.made.ca_certificate).unwrap();
        let ca_key = std::fs::read_to_string(self.made.ca_certificate.with_extension("key")).unwrap();
        let ca = pki::CertificateAuthority::load(&ca, &ca_key, "nordwall.example").unwrap();
        let leaf = CertificateDer::from_pem_slice(enrolled.credential.certificate.as_bytes()).unwrap();
        let serial = pki::Peer::read(&leaf, "nordwall.example").unwrap().serial;
        let (key, csr) = pki::create_key_and_csr().unwrap();
        let key_of = pki::RequestedKey::from_csr_pem(&csr).unwrap();
        let enrolled_at = Timestamp::from_unix(system_clock()().as_unix() - (day * days).as_secs() as i64);
        let issued = ca
            .client(&pki::Who::Agent(enrolled.name.parse().unwrap()), &key_of, serial, enrolled_at, 30 * day)
            .unwrap();
        Credential { certificate: issued.certificate_pem, key: key.expose().into() }
    }
}

/// A client certificate and its key, PEM.
pub struct Credential {
    pub certificate: String,
    pub key: String,
}

impl Credential {
    pub fn read(certificate: &Path, key: &Path) -> Self {
        let read = |path| std::fs::read_to_string(path).unwrap();
        Self { certificate: read(certificate), key: read(key) }
    }

    pub fn identity(&self) -> Identity<'_> {
        Identity { certificate_pem: self.certificate.as_bytes(), key_pem: self.key.as_bytes() }
    }
}

pub struct Enrolled {
    pub name: String,
    pub credential: Credential,
    pub root: PublicKey,
}

/// One agent's stream.
pub struct Agent {
    say: mpsc::Sender<agent::ConnectRequest>,
    hear: Streaming<agent::ConnectResponse>,
    pub welcome: agent::Welcome,
    verifier: Verifier,
}

pub fn hello() -> agent::Hello {
    agent::Hello { protocol_min: 1, protocol_max: 1, boot_id: uuid::Uuid::new_v4().to_string(), ..Default::default() }
}

/// Begins a stream, with the first message that came.
pub async fn connect(
    server: &Server,
    credential: &Credential,
    first: agent::ConnectRequest,
) -> Result<(mpsc::Sender<agent::ConnectRequest>, Streaming<agent::ConnectResponse>), tonic::Status> {
    let (say, said) = mpsc::channel(16);
    say.send(first).await.unwrap();
    let hear = server.agents(Some(credential)).connect(ReceiverStream::new(said)).await?.into_inner();
    Ok((say, hear))
}

impl Agent {
    /// Says `Hello`, as one who holds nothing, and takes the root key's statements from `Welcome`.
    pub async fn connect(server: &Server, enrolled: &Enrolled) -> Self {
        let first = agent::ConnectRequest { message: Some(Said::Hello(hello())) };
        let (say, mut hear) = connect(server, &enrolled.credential, first).await.unwrap();
        let Message::Welcome(welcome) = next(&mut hear).await.unwrap() else { panic!("Welcome comes first") };
        let mut verifier = Verifier::new(enrolled.root);
        for signed in &welcome.statements {
            let (statement, signature) = (signed.statement.to_vec(), signed.signature.to_vec());
            verifier.accept(&Signed { statement, signature }).unwrap();
        }
        Self { say, hear, welcome, verifier }
    }

    pub async fn next(&mut self) -> Option<Message> {
        next(&mut self.hear).await
    }

    pub async fn say(&self, message: Said) {
        self.say.send(agent::ConnectRequest { message: Some(message) }).await.unwrap();
    }

    /// The next whole state, verified and accepted. Leases and pings that come before it are passed over.
    pub async fn state(&mut self) -> (Buckets, Verified) {
        let mut items = Vec::new();
        loop {
            let chunk = match self.next().await.expect("a state before the end") {
                Message::SnapshotChunk(chunk) => chunk,
                Message::Delta(_) => panic!("a change came where a whole state is due"),
                _ => continue,
            };
            let received = |item: &agent::Item| SealedItem::received(&item.key, item.content.clone()).unwrap();
            items.extend(chunk.items.iter().map(received));
            if chunk.last {
                let items = Buckets::from_items(items);
                let verified = self.verify(&items, &chunk.seal.unwrap());
                self.ack(chunk.nonce, agent::AckStage::Accepted).await;
                return (items, verified);
            }
        }
    }

    fn verify(&self, items: &Buckets, seal: &agent::Seal) -> Verified {
        let sibling = |bytes: &[u8]| entente_model::desired::Digest(bytes.try_into().unwrap());
        let path = entente_seal::Path {
            index: seal.index,
            size: seal.size,
            siblings: seal.path.iter().map(|bytes| sibling(bytes)).collect(),
        };
        let seal = Seal { note: seal.note.clone(), leaf: seal.leaf.clone(), path };
        let held: Option<Held> = None;
        self.verifier.verify_state(&seal, CONTOSO.parse().unwrap(), items, held, system_clock()()).unwrap()
    }

    pub async fn ack(&self, nonce: String, stage: agent::AckStage) {
        self.say(Said::Ack(agent::Ack { nonce, stage: stage.into() })).await;
    }

    /// Everything that comes until the stream ends; says whether its end was an orderly one.
    pub async fn rest(mut self) -> (Vec<Message>, bool) {
        let mut messages = Vec::new();
        loop {
            match soon("the stream's end", self.hear.message()).await {
                Ok(Some(message)) => messages.push(message.message.unwrap()),
                Ok(None) => return (messages, true),
                Err(_) => return (messages, false),
            }
        }
    }
}

pub async fn next(hear: &mut Streaming<agent::ConnectResponse>) -> Option<Message> {
    soon("a message", hear.message()).await.unwrap().map(|message| message.message.unwrap())
}

/// Why the agent is sent away, if the last message says so.
pub fn away(messages: &[Message]) -> Option<agent::GoAwayReason> {
    match messages.last() {
        Some(Message::GoAway(away)) => Some(away.reason()),
        _ => None,
    }
}

pub fn set(manifests: Vec<Value>) -> access::ApplyIntentRequest {
    let manifest = |value| manifest_to_proto(&from_value(value).unwrap());
    access::ApplyIntentRequest { manifests: manifests.into_iter().map(manifest).collect(), ..Default::default() }
}

pub fn home() -> Value {
    json!({"kind": "HomeTenant", "name": "homeTenants/nordwall", "entraTenant": "0b0de000-0000-4000-8000-000000000001"})
}

pub fn contoso() -> Value {
    json!({
        "kind": "Tenant", "name": "tenants/contoso", "customer": "contoso", "entraTenant": CONTOSO, "state": "ACTIVE",
        "home": "homeTenants/nordwall", "labels": {"region": "nordic"},
        "scopes": {"sentinel": ["/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg-sentinel"]},
    })
}

pub fn maya() -> Value {
    json!({
        "kind": "Operator", "name": "operators/maya", "displayName": "Maya Berg",
        "identities": [{
            "home": "homeTenants/nordwall", "objectId": "0b0de000-0000-4000-8000-000000000003",
            "upn": "maya@nordwall.example", "mail": "maya@nordwall.example",
        }],
    })
}

pub fn nordic() -> Value {
    json!({
        "kind": "Squad", "name": "squads/nordic", "owner": "operators/maya",
        "members": [{"operator": "operators/maya"}],
    })
}

pub fn l1_analyst() -> Value {
    json!({
        "kind": "SocRole", "name": "socRoles/l1-analyst", "version": 1,
        "items": [{"plane": "azureRoles", "roles": ["Microsoft Sentinel Responder"], "at": "sentinel"}],
    })
}

pub fn nordic_l1() -> Value {
    json!({
        "kind": "Assignment", "name": "assignments/nordic-l1", "squad": "squads/nordic", "role": "socRoles/l1-analyst@1",
        "tenants": {"labels": {"region": "nordic"}}, "justification": "Nordic L1 service", "owner": "operators/maya",
    })
}
