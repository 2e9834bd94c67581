//! A control plane of a later version, for one agent: it takes the real one's place, with its keys, and signs what no
//! version knows yet. It keeps the last report of each item.

use std::collections::BTreeMap;
use std::path::Path as FilePath;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use entente_model::desired::{Header, Lease, Version};
use entente_model::{Guid, Timestamp};
use entente_proto::agent::v1 as wire;
use entente_proto::agent::v1::agent_service_server::{AgentService, AgentServiceServer};
use entente_proto::agent::v1::connect_request::Message as Heard;
use entente_proto::agent::v1::connect_response::Message as Said;
use entente_seal::{Buckets, Log, OnlineKey, Root, RootKind, SealedItem, Tree, encode_header, encode_lease};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

/// By the item's key.
type Reports = Arc<Mutex<BTreeMap<String, wire::ItemReport>>>;

/// A revision, and the items in it.
type State = (u64, Buckets);

#[derive(Debug)]
pub struct LaterControlPlane {
    state: watch::Sender<State>,
    reports: Reports,
    server: tokio::task::JoinHandle<()>,
}

impl LaterControlPlane {
    /// Listens at the address of the server of this folder, which must have ended.
    pub async fn start(dir: &FilePath, address: &str, tenant: &str, items: Vec<SealedItem>) -> Result<Self> {
        let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen at {address}"))?;
        let tls = acceptor(dir)?;
        // Far above the revision of the real one.
        let (state, reports) = (watch::Sender::new((1_000_000, Buckets::from_items(items))), Reports::default());
        let key = PrivatePkcs8KeyDer::from_pem_file(dir.join("signing.key"))?;
        let signer = Arc::new(OnlineKey::from_pkcs8(key.secret_pkcs8_der())?);
        let service = Service { signer, tenant: tenant.parse()?, state: state.subscribe(), reports: reports.clone() };
        let (accepted, incoming) = mpsc::channel(1);
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                // A client that gives up the handshake comes again.
                let Ok(mut tls) = tls.accept(tcp).await else { continue };
                let (mut near, far) = tokio::io::duplex(64 << 10);
                if accepted.send(Ok::<_, std::io::Error>(far)).await.is_err() {
                    return;
                }
                tokio::spawn(async move { tokio::io::copy_bidirectional(&mut tls, &mut near).await });
            }
        });
        let server = Server::builder().add_service(AgentServiceServer::new(service));
        let server = tokio::spawn(async move {
            if let Err(error) = server.serve_with_incoming(ReceiverStream::new(incoming)).await {
                eprintln!("the later control plane ended: {error}");
            }
        });
        Ok(Self { state, reports, server })
    }

    /// Signs and sends these items from now on.
    pub fn say(&self, items: Vec<SealedItem>) {
        self.state.send_modify(|(revision, state)| {
            *revision += 1;
            *state = Buckets::from_items(items);
        });
    }

    /// The last report of an item.
    pub fn report(&self, key: &str) -> Option<wire::ItemReport> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }
}

impl Drop for LaterControlPlane {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn acceptor(dir: &FilePath) -> Result<TlsAcceptor> {
    let chain = CertificateDer::pem_file_iter(dir.join("server.crt"))?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(dir.join("server.key"))?;
    let mut config = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

struct Service {
    signer: Arc<OnlineKey>,
    tenant: Guid,
    state: watch::Receiver<State>,
    reports: Reports,
}

#[tonic::async_trait]
impl AgentService for Service {
    type ConnectStream = ReceiverStream<Result<wire::ConnectResponse, Status>>;

    async fn enroll(&self, _: Request<wire::EnrollRequest>) -> Result<Response<wire::EnrollResponse>, Status> {
        Err(Status::unimplemented("nobody enrols here"))
    }

    async fn renew(&self, _: Request<wire::RenewRequest>) -> Result<Response<wire::RenewResponse>, Status> {
        Err(Status::unimplemented("nobody is renewed here"))
    }

    async fn connect(
        &self,
        request: Request<Streaming<wire::ConnectRequest>>,
    ) -> Result<Response<Self::ConnectStream>, Status> {
        let (out, answers) = mpsc::channel(16);
        let talk = Talk {
            signer: self.signer.clone(),
            tenant: self.tenant,
            state: self.state.clone(),
            reports: self.reports.clone(),
            epoch: 0,
            out,
        };
        tokio::spawn(talk.run(request.into_inner()));
        Ok(Response::new(ReceiverStream::new(answers)))
    }
}

/// One agent's stream.
struct Talk {
    signer: Arc<OnlineKey>,
    tenant: Guid,
    state: watch::Receiver<State>,
    reports: Reports,
    epoch: u64,
    out: mpsc::Sender<Result<wire::ConnectResponse, Status>>,
}

impl Talk {
    async fn run(mut self, mut incoming: Streaming<wire::ConnectRequest>) {
        loop {
            let answers = tokio::select! {
                message = incoming.message() => match message {
                    Ok(Some(message)) => message.message.map(|message| self.answers(message)).unwrap_or_default(),
                    _ => return,
                },
                Ok(()) = self.state.changed() => vec![self.snapshot()],
            };
            for answer in answers {
                if self.out.send(Ok(wire::ConnectResponse { message: Some(answer) })).await.is_err() {
                    return;
                }
            }
        }
    }

    fn answers(&mut self, message: Heard) -> Vec<Said> {
        match message {
            Heard::Hello(hello) => {
                self.epoch = hello.epoch;
                vec![self.welcome(), self.snapshot()]
            }
            Heard::Ack(ack) if ack.stage() == wire::AckStage::Accepted => vec![self.lease()],
            Heard::Report(report) => {
                let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
                reports.extend(report.items.into_iter().map(|item| (item.key.clone(), item)));
                vec![Said::ReportAck(wire::ReportAck { number: report.number })]
            }
            _ => Vec::new(),
        }
    }

    /// The agent knows the statements from the real one.
    fn welcome(&self) -> Said {
        let server_time = Some(prost_types::Timestamp { seconds: now().as_unix(), nanos: 0 });
        let head = self.state.borrow().0;
        let (protocol, epoch, ping_seconds) = (1, self.epoch, 60);
        let (report_batch, report_milliseconds) = (100, 100);
        Said::Welcome(wire::Welcome {
            protocol,
            epoch,
            head,
            server_time,
            ping_seconds,
            report_batch,
            report_milliseconds,
            ..Default::default()
        })
    }

    fn snapshot(&self) -> Said {
        let (revision, items) = self.state.borrow().clone();
        let (version, digest, count) = (Version { epoch: self.epoch, revision }, items.digest(), items.len());
        let header = Header { entra_tenant: self.tenant, version, compiler: 1, digest, count };
        let seal = Some(self.seal(RootKind::States, version, encode_header(&header)));
        let item = |item: &SealedItem| wire::Item { key: item.key().into(), content: item.bytes().clone() };
        let items = items.sorted().iter().map(item).collect();
        Said::SnapshotChunk(wire::SnapshotChunk { nonce: revision.to_string(), items, last: true, seal })
    }

    fn lease(&self) -> Said {
        let (revision, items) = self.state.borrow().clone();
        let version = Version { epoch: self.epoch, revision };
        let fresh_until = now().plus(Duration::from_secs(3_600));
        let lease = Lease { entra_tenant: self.tenant, version, digest: items.digest(), fresh_until };
        Said::Lease(wire::Lease { seal: Some(self.seal(RootKind::Leases, version, encode_lease(&lease))) })
    }

    fn seal(&self, kind: RootKind, version: Version, leaf: Vec<u8>) -> wire::Seal {
        let tree = Tree::of([leaf.clone()]);
        let (signer, size) = (self.signer.id(), tree.size());
        let (previous, audit_head) = Default::default();
        let root = Root { kind, version, compiler: 1, signer, previous, tree: tree.root(), size, audit_head };
        let (index, path) = (0, Vec::new());
        // An agent does not look at the log.
        let note = root.sign(&self.signer, &mut Log::default());
        wire::Seal { note, leaf: leaf.into(), index, size, path }
    }
}

fn now() -> Timestamp {
    Timestamp::from_unix(OffsetDateTime::now_utc().unix_timestamp())
}
