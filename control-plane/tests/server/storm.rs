//! A fleet that comes back at once, while strangers sit on its port and the SOC works.
//!
//! The server is a process of its own, so that each side has its own descriptors. The agents are real clients over real
//! TLS, each with the agent's own session for when it dials again. `STORM=10000 cargo test --release -p
//! entente-control-plane --test server -- storm --nocapture` is the whole fleet, and prints its figures.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use entente_app::pki;
use entente_model::GoAwayReason;
use entente_proto::access::v1 as access;
use entente_proto::access::v1::access_service_client::AccessServiceClient;
use entente_proto::access::v1::admin_service_client::AdminServiceClient;
use entente_proto::agent::v1 as agent;
use entente_proto::agent::v1::agent_service_client::AgentServiceClient;
use entente_proto::agent::v1::connect_request::Message as Said;
use entente_proto::agent::v1::connect_response::Message;
use entente_proto::channel::{channel, client_config};
use entente_seal::PublicKey;
use entente_session::{Effect, Event, Inbound, Now, Session};
use futures::stream::{self, StreamExt};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;

use crate::process::Process;
use crate::support::*;

/// The fleet of every run. What ten thousand find out takes a minute.
const FLEET: usize = 500;

/// Strangers who each say one byte, and are there throughout; they come from another address than the fleet.
const STRANGERS: usize = 500;

/// How long the whole fleet may take, on a machine that it shares with the server: a leaver's five minutes, less those
/// that the removal itself takes.
const ALL_IN: Duration = Duration::from_secs(180);

/// The longest that the SOC waits for an answer over a new connection meanwhile.
const SOC_WAITS: Duration = Duration::from_secs(10);

/// Enrolments under way at a time, and the tenants in one request.
const ENROLLING: usize = 32;
const TENANTS: usize = 500;

fn entra(n: usize) -> String {
    format!("0c0de000-0000-4000-8000-{:012}", n + 1)
}

fn tenant(n: usize) -> Value {
    let mut tenant = contoso();
    tenant["name"] = format!("tenants/t{n}").into();
    tenant["customer"] = format!("t{n}").into();
    tenant["entraTenant"] = entra(n).into();
    let subscription = format!("/subscriptions/11111111-1111-4111-8111-{n:012}/resourceGroups/rg-sentinel");
    tenant["scopes"] = json!({"sentinel": [subscription]});
    tenant
}

struct Fleet {
    process: Process,
    ca: Vec<u8>,
    agents: Vec<(String, Credential, PublicKey)>,
}

impl Fleet {
    async fn enrolled(agents: usize) -> Self {
        let process = Process::start().await;
        let ca = std::fs::read(&process.made.ca_certificate).unwrap();
        let mut api = process.api(&ca, &process.admin());
        api.apply_intent(set(vec![home()])).await.unwrap();
        for first in (0..agents).step_by(TENANTS) {
            let tenants = (first..agents.min(first + TENANTS)).map(tenant).collect();
            api.apply_intent(set(tenants)).await.unwrap();
        }
        let mut fleet = Self { process, ca, agents: Vec::new() };
        let (admin, door) = (AdminServiceClient::new(fleet.soc()), AgentServiceClient::new(fleet.channel(None)));
        let enrolling = (0..agents).map(|n| enroll(n, admin.clone(), door.clone()));
        fleet.agents = stream::iter(enrolling).buffered(ENROLLING).collect().await;
        fleet
    }

    fn soc(&self) -> Channel {
        let config = client_config(&self.ca, Some(self.process.admin().identity())).unwrap();
        channel(&format!("localhost:{}", self.process.bound.api.port()), Arc::new(ArcSwap::from_pointee(config)))
            .unwrap()
    }

    fn channel(&self, credential: Option<&Credential>) -> Channel {
        let config = client_config(&self.ca, credential.map(Credential::identity)).unwrap();
        channel(&format!("localhost:{}", self.process.bound.agents.port()), Arc::new(ArcSwap::from_pointee(config)))
            .unwrap()
    }
}

async fn enroll(
    n: usize,
    mut admin: AdminServiceClient<Channel>,
    mut door: AgentServiceClient<Channel>,
) -> (String, Credential, PublicKey) {
    let asked = access::CreateEnrollmentTokenRequest { tenant: format!("tenants/t{n}"), ..Default::default() };
    let made = admin.create_enrollment_token(asked).await.unwrap().into_inner();
    let file: toml::Table = made.token_file.parse().unwrap();
    let (key, csr_pem) = pki::create_key_and_csr().unwrap();
    let token = file["token"].as_str().unwrap().to_owned();
    let request = agent::EnrollRequest { token, csr_pem, entra_tenant_id: entra(n) };
    let enrolled = door.enroll(request).await.unwrap().into_inner();
    let root = PublicKey::from_bytes(&enrolled.root_key).unwrap();
    (entra(n), Credential { certificate: enrolled.certificate_pem, key: key.expose().into() }, root)
}

/// Both of a test's limits: as many descriptors as it may have.
fn raise_descriptors() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
}

/// What becomes of one agent: when it was in, at which attempt, and its stream, which stays open.
struct In {
    after: Duration,
    attempt: u32,
    _stream: Stream,
}

/// When an attempt did not lead in.
enum Out {
    Sent { retry_after: Duration },
    Lost,
}

/// Dials when the agent's own session says so, until it is in.
async fn come_back(client: AgentServiceClient<Channel>, mut session: Session, begun: Instant) -> In {
    let dice = RandomState::new();
    let mut attempt = 0;
    let now = |attempt: u32| {
        let (wall, uptime) = (entente_app::system_clock()(), begun.elapsed());
        Now { wall, uptime, dice: dice.hash_one(attempt) as u32 }
    };
    loop {
        wait_until(begun, &session).await;
        let dials = session.on(Event::Timer, now(attempt)).iter().any(|effect| matches!(effect, Effect::Dial));
        assert!(dials, "an agent that waits dials");
        attempt += 1;
        session.on(Event::Opened { guardrail_digest: String::new() }, now(attempt));
        let out = tokio::select! {
            greeted = greet(client.clone()) => match greeted {
                Ok(stream) => return In { after: begun.elapsed(), attempt, _stream: stream },
                Err(out) => out,
            },
            () = wait_until(begun, &session) => Out::Lost,
        };
        let event = match out {
            Out::Lost => Event::Closed { error: String::new() },
            Out::Sent { retry_after } => {
                Event::Received(Inbound::GoAway { reason: GoAwayReason::Overloaded, retry_after })
            }
        };
        session.on(event, now(attempt));
    }
}

async fn wait_until(begun: Instant, session: &Session) {
    let wake = session.wake().expect("an agent that is not in has something to wait for");
    tokio::time::sleep_until((begun + wake).into()).await;
}

type Stream = (mpsc::Sender<agent::ConnectRequest>, tonic::Streaming<agent::ConnectResponse>);

async fn greet(mut client: AgentServiceClient<Channel>) -> Result<Stream, Out> {
    let (say, said) = mpsc::channel(1);
    say.try_send(agent::ConnectRequest { message: Some(Said::Hello(hello())) }).unwrap();
    let mut hear = client.connect(ReceiverStream::new(said)).await.map_err(|_| Out::Lost)?.into_inner();
    match hear.message().await.ok().flatten().and_then(|first| first.message) {
        Some(Message::Welcome(_)) => Ok((say, hear)),
        Some(Message::GoAway(away)) => {
            Err(Out::Sent { retry_after: Duration::from_millis(away.retry_after_milliseconds.into()) })
        }
        _ => Err(Out::Lost),
    }
}

/// Who says one byte and is silent, and comes again when it is closed. Ends when it is dropped.
fn strangers(port: u16) -> JoinSet<()> {
    let mut strangers = JoinSet::new();
    for _ in 0..STRANGERS {
        strangers.spawn(async move {
            loop {
                let socket = TcpSocket::new_v4().unwrap();
                socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
                if let Ok(mut stream) = socket.connect(([127, 0, 0, 1], port).into()).await {
                    let _ = stream.write_all(&[0x16]).await;
                    let _ = stream.readable().await;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
    }
    strangers
}

/// The longest that a call over a new connection took, until it is told to stop.
async fn soc(fleet: &Fleet, stop: &AtomicBool) -> (usize, Duration) {
    let (mut calls, mut longest) = (0, Duration::ZERO);
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        AccessServiceClient::new(fleet.soc()).list_operators(access::ListOperatorsRequest::default()).await.unwrap();
        (calls, longest) = (calls + 1, longest.max(begun.elapsed()));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    (calls, longest)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_that_comes_back_at_once_is_in_while_strangers_sit_on_its_port_and_the_soc_works() {
    let agents = std::env::var("STORM").map_or(FLEET, |agents| agents.parse().unwrap());
    raise_descriptors();
    let begun = Instant::now();
    let fleet = Fleet::enrolled(agents).await;
    println!("{agents} agents enrolled in {:.1} s", begun.elapsed().as_secs_f64());
    let _strangers = strangers(fleet.process.bound.agents.port());
    let stop = AtomicBool::new(false);
    let storm = async {
        let all = tokio::time::timeout(ALL_IN, everybody(&fleet)).await;
        stop.store(true, Ordering::Relaxed);
        all.expect("the whole fleet is in")
    };
    let (mut all, (calls, longest)) = tokio::join!(storm, soc(&fleet, &stop));
    assert_eq!(all.len(), agents);
    all.sort_by_key(|it| it.after);
    let at = |part: f64| all[((agents - 1) as f64 * part) as usize].after.as_secs_f64();
    let attempts: u32 = all.iter().map(|it| it.attempt).sum();
    println!("in after: half {:.1} s, 99 of 100 {:.1} s, all {:.1} s; {attempts} attempts", at(0.5), at(0.99), at(1.0));
    println!("meanwhile {calls} calls of the SOC's over new connections, the longest {:.2} s", longest.as_secs_f64());
    assert!(calls > 0 && longest < SOC_WAITS, "the SOC waited for {longest:?}");
}

/// All of them dial at the same moment, as after a restart of the server.
async fn everybody(fleet: &Fleet) -> Vec<In> {
    let begun = Instant::now();
    let mut coming = JoinSet::new();
    for (tenant, credential, root) in &fleet.agents {
        let config = entente_session::Config {
            entra_tenant: tenant.parse().unwrap(),
            root_key: *root,
            build: "test".into(),
            boot_id: uuid::Uuid::new_v4().to_string(),
            former: None,
        };
        let client = AgentServiceClient::new(fleet.channel(Some(credential)));
        coming.spawn(come_back(client, Session::new(config, Vec::new(), None).0, begun));
    }
    coming.join_all().await
}
