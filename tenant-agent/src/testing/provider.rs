//! A service provider for tests: seals states and leases as the real one does, and answers one agent's stream.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use entente_convert::{seal, time};
use entente_model::desired::{Header, Item, Lease, Version};
use entente_model::{Guid, Timestamp};
use entente_proto::agent::v1 as wire;
use entente_proto::agent::v1::agent_service_server::{AgentService, AgentServiceServer};
use entente_proto::agent::v1::connect_request::Message as Heard;
use entente_proto::agent::v1::connect_response::Message as Said;
use entente_seal::{
    Buckets, OnlineKey, Root, RootKind, Seal, SealedItem, Signed, Statement, Tree, encode_header, encode_lease,
};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status, Streaming};

use crate::clock;

use crate::testing::{ROOT_PKCS8, TENANT, root};

fn online() -> OnlineKey {
    let mut pkcs8 = ROOT_PKCS8;
    pkcs8[47] ^= 1;
    OnlineKey::from_pkcs8(&pkcs8).unwrap()
}

/// What the root key has stated.
pub fn statements() -> Vec<Signed> {
    let delegation = Statement::Delegation {
        key: online().public(),
        not_before: Timestamp::MIN,
        not_after: Timestamp::MAX,
        serial: 1,
    };
    vec![root().state(&delegation), root().state(&Statement::Epoch { epoch: 1, reason: "a test".into() })]
}

pub fn buckets(items: &[Item]) -> Buckets {
    Buckets::from_items(items.iter().map(SealedItem::seal))
}

pub fn version(revision: u64) -> Version {
    Version { epoch: 1, revision }
}

fn tenant() -> Guid {
    TENANT.parse().unwrap()
}

pub fn seal_state(revision: u64, items: &Buckets) -> Seal {
    let (version, digest, count) = (version(revision), items.digest(), items.len());
    let header = Header { entra_tenant: tenant(), version, compiler: 1, digest, count };
    seal(RootKind::States, version, encode_header(&header))
}

pub fn seal_lease(revision: u64, items: &Buckets) -> Seal {
    let (version, fresh_until) = (version(revision), clock::wall().plus(Duration::from_secs(3_600)));
    let lease = Lease { entra_tenant: tenant(), version, digest: items.digest(), fresh_until };
    seal(RootKind::Leases, version, encode_lease(&lease))
}

fn seal(kind: RootKind, version: Version, leaf: Vec<u8>) -> Seal {
    let tree = Tree::of([leaf.clone()]);
    let (signer, size) = (online().id(), tree.size());
    let (previous, audit_head) = Default::default();
    let root = Root { kind, version, compiler: 1, signer, previous, tree: tree.root(), size, audit_head };
    Seal { note: root.sign(&online(), &mut entente_seal::Log::default()), leaf: leaf.into(), path: tree.path(0) }
}

/// What came in, over all streams.
pub type Log = Arc<Mutex<Vec<Heard>>>;

/// A control plane on a port of its own, without TLS: that is tried elsewhere.
pub struct ControlPlane {
    pub log: Log,
    pub address: SocketAddr,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl ControlPlane {
    /// Sends this state to whoever connects.
    pub async fn start(revision: u64, items: &[Item]) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), Log::default(), revision, items).await
    }

    pub async fn start_at(address: SocketAddr, log: Log, revision: u64, items: &[Item]) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let service = Service { log: log.clone(), revision, items: buckets(items), stop: stop.clone() };
        let server = Server::builder().add_service(AgentServiceServer::new(service));
        let stopped = stop.clone().cancelled_owned();
        let serve = server.serve_with_incoming_shutdown(TcpListenerStream::new(listener), stopped);
        let task = tokio::spawn(async move { serve.await.unwrap() });
        Self { log, address, stop, task }
    }

    pub fn channel(&self) -> Channel {
        Endpoint::from_shared(format!("http://{}", self.address)).unwrap().connect_lazy()
    }

    /// Cuts every stream, and frees the port.
    pub async fn stop(self) -> (SocketAddr, Log) {
        self.stop.cancel();
        self.task.await.unwrap();
        (self.address, self.log)
    }

    /// What was heard so far and fits.
    pub fn heard<T>(&self, fits: impl Fn(&Heard) -> Option<T>) -> Vec<T> {
        self.log.lock().unwrap().iter().filter_map(fits).collect()
    }
}

struct Service {
    log: Log,
    revision: u64,
    items: Buckets,
    stop: CancellationToken,
}

#[tonic::async_trait]
impl AgentService for Service {
    type ConnectStream = ReceiverStream<Result<wire::ConnectResponse, Status>>;

    async fn enroll(&self, _: Request<wire::EnrollRequest>) -> Result<Response<wire::EnrollResponse>, Status> {
        Err(Status::permission_denied("no token is known"))
    }

    async fn renew(&self, _: Request<wire::RenewRequest>) -> Result<Response<wire::RenewResponse>, Status> {
        Err(Status::permission_denied("nobody is renewed"))
    }

    async fn connect(
        &self,
        request: Request<Streaming<wire::ConnectRequest>>,
    ) -> Result<Response<Self::ConnectStream>, Status> {
        let (out, answers) = mpsc::channel(16);
        let talk = Talk { log: self.log.clone(), revision: self.revision, items: self.items.clone(), out };
        let stop = self.stop.clone();
        tokio::spawn(async move { stop.run_until_cancelled(talk.run(request.into_inner())).await });
        Ok(Response::new(ReceiverStream::new(answers)))
    }
}

struct Talk {
    log: Log,
    revision: u64,
    items: Buckets,
    out: mpsc::Sender<Result<wire::ConnectResponse, Status>>,
}

impl Talk {
    async fn run(self, mut incoming: Streaming<wire::ConnectRequest>) {
        while let Ok(Some(message)) = incoming.message().await {
            let Some(message) = message.message else { continue };
            self.log.lock().unwrap().push(message.clone());
            for answer in self.answers(message) {
                let answer = wire::ConnectResponse { message: Some(answer) };
                if self.out.send(Ok(answer)).await.is_err() {
                    return;
                }
            }
        }
    }

    fn answers(&self, message: Heard) -> Vec<Said> {
        match message {
            Heard::Hello(hello) if hello.digest == self.items.digest().0[..] => vec![self.welcome(), self.lease()],
            Heard::Hello(_) => vec![self.welcome(), self.snapshot()],
            Heard::Ack(ack) if ack.stage() == wire::AckStage::Accepted => vec![self.lease()],
            Heard::Report(report) => vec![Said::ReportAck(wire::ReportAck { number: report.number })],
            _ => Vec::new(),
        }
    }

    fn welcome(&self) -> Said {
        Said::Welcome(wire::Welcome {
            protocol: 1,
            epoch: 1,
            head: self.revision,
            server_time: Some(time::to_proto(clock::wall())),
            statements: statements().iter().map(seal::signed_to_proto).collect(),
            ping_seconds: 60,
            report_batch: 100,
            report_milliseconds: 50,
            ..wire::Welcome::default()
        })
    }

    fn snapshot(&self) -> Said {
        let item = |item: &SealedItem| wire::Item { key: item.key().into(), content: item.bytes().clone() };
        Said::SnapshotChunk(wire::SnapshotChunk {
            nonce: "1".into(),
            items: self.items.sorted().iter().map(item).collect(),
            last: true,
            seal: Some(seal::seal_to_proto(&seal_state(self.revision, &self.items))),
        })
    }

    fn lease(&self) -> Said {
        Said::Lease(wire::Lease { seal: Some(seal::seal_to_proto(&seal_lease(self.revision, &self.items))) })
    }
}
