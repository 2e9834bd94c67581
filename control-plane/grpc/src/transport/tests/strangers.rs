//! What anybody can do who reaches the port, from an address of their own, and what it does to those who belong here.
//!
//! The whole of 127.0.0.0/8 is ours: strangers come from 127.0.0.2, and the others from 127.0.0.1.

use std::net::SocketAddr;

use rustls::ClientConnection;
use tokio::net::TcpSocket;
use tokio::task::JoinSet;
use tokio_rustls::client::TlsStream;

use super::*;

/// Some hundreds of connections a second, as was seen to be enough to keep everybody out.
const ATTACK_PERIOD: Duration = Duration::from_millis(2);

/// How many calls, each over a new connection, have to get through.
const CALLS: usize = 20;

async fn stranger(server: &Fixture) -> TcpStream {
    stranger_from(server, 2).await
}

async fn stranger_from(server: &Fixture, last: u8) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, last], 0))).unwrap();
    let port = server.address.rsplit(':').next().unwrap().parse().unwrap();
    socket.connect(SocketAddr::from(([127, 0, 0, 1], port))).await.unwrap()
}

/// A hello as our own clients say it.
fn hello_bytes(server: &Fixture) -> Vec<u8> {
    let config = Arc::new(config(server.ca.pem(), None));
    let mut client = ClientConnection::new(config, "localhost".try_into().unwrap()).unwrap();
    let mut said = Vec::new();
    client.write_tls(&mut said).unwrap();
    said
}

/// A stranger's connection on which the handshake is done, without a certificate.
async fn nameless(server: &Fixture) -> TlsStream<TcpStream> {
    let connector = TlsConnector::from(Arc::new(config(server.ca.pem(), None)));
    let mut tls = connector.connect("localhost".try_into().unwrap(), stranger(server).await).await.unwrap();
    // It is let in once the server's settings come.
    tls.read_u8().await.unwrap();
    tls
}

/// Whether the server closes it, rather than going on waiting.
async fn is_closed(stream: &mut (impl AsyncReadExt + Unpin)) -> bool {
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await.is_ok()
}

/// Opens connections, says the same on each, and is silent then. Ends when it is dropped.
async fn attack(server: &Fixture, said: Vec<u8>) -> JoinSet<()> {
    let port = server.address.rsplit(':').next().unwrap().parse().unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    // As many as stand after seconds of it, so that what they hold is held when the first honest one comes.
    let mut attackers = JoinSet::new();
    let mut opened = Vec::new();
    for _ in 0..500 {
        let mut stream = stranger(server).await;
        stream.write_all(&said).await.unwrap();
        opened.push(stream);
    }
    attackers.spawn(async move {
        let mut period = tokio::time::interval(ATTACK_PERIOD);
        loop {
            period.tick().await;
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
            // Kept open, and silent, for longer than anybody is waited for.
            if let Ok(mut stream) = socket.connect(address).await
                && stream.write_all(&said).await.is_ok()
            {
                opened.push(stream);
            }
            let excess = opened.len().saturating_sub(4_000);
            opened.drain(..excess);
        }
    });
    attackers
}

async fn calls_get_through_during_an_attack_with(server: &Fixture, said: Vec<u8>) {
    let attackers = attack(server, said).await;
    let calls = async {
        for _ in 0..CALLS {
            server.still_serves().await;
        }
    };
    tokio::time::timeout(PATIENCE, calls).await.expect("calls get through while strangers fill the port");
    drop(attackers);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_says_one_byte_and_is_silent_holds_up_nobody() {
    for port in [Port::Api, Port::Agents] {
        let server = Fixture::start(port, Limits::default()).await;
        calls_get_through_during_an_attack_with(&server, vec![0x16]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_says_hello_and_never_answers_holds_up_nobody() {
    let server = Fixture::api().await;
    let said = hello_bytes(&server);
    calls_get_through_during_an_attack_with(&server, said).await;
}

#[tokio::test]
async fn those_who_say_nothing_take_no_handshakes_turn() {
    let server = Fixture::start(Port::Api, Limits { handshakes: 1, ..Limits::default() }).await;
    let mut silent = Vec::new();
    for _ in 0..16 {
        silent.push(TcpStream::connect(&server.address).await.unwrap());
    }
    let served = tokio::time::timeout(Duration::from_secs(4), server.still_serves());
    served.await.expect("before the silent ones time out");
}

#[tokio::test]
async fn a_handshakes_clock_starts_at_its_turn() {
    // One turn, which a stranger holds for as long as a turn lasts; all of the others wait for longer than their clock.
    let limits = Limits { handshakes: 1, handshake_timeout: Duration::from_millis(60), ..Limits::default() };
    let server = Fixture::start(Port::Api, limits).await;
    let said = hello_bytes(&server);
    let mut strangers = Vec::new();
    for _ in 0..4 {
        // From the same address, so that nobody's turn comes before theirs.
        let mut stream = TcpStream::connect(&server.address).await.unwrap();
        stream.write_all(&said).await.unwrap();
        strangers.push(stream);
    }
    server.still_serves().await;
}

#[tokio::test]
async fn when_all_places_are_taken_the_silent_make_room_and_the_known_stay() {
    let server = Fixture::start(Port::Api, Limits { places: places(8), ..Limits::default() }).await;
    let maya = maya(&server.ca, now());
    let mut known = server.client(Some(&maya));
    assert!(check(&mut known).await);
    let mut silent = Vec::new();
    // From several addresses, each within its bound.
    for at in 0..30 {
        silent.push(stranger_from(&server, 2 + at % 3).await);
    }
    server.still_serves().await;
    for stream in &mut silent[..20] {
        assert!(is_closed(stream).await, "an older one is gone");
    }
    assert!(check(&mut known).await, "who is known is not displaced");
}

#[tokio::test]
async fn a_hello_without_an_end_is_not_kept() {
    let limits = Limits { hello_timeout: PATIENCE * 2, ..Limits::default() };
    let server = Fixture::start(Port::Api, limits).await;
    let mut stream = stranger(&server).await;
    // A record of 16 KiB that begins a hello of 60 KiB.
    stream.write_all(&[0x16, 3, 1, 0x40, 0, 1, 0, 0xf0, 0]).await.unwrap();
    // Refused part of the way, perhaps.
    let _ = stream.write_all(&[0; 12 << 10]).await;
    assert!(is_closed(&mut stream).await, "it is closed before its time is over");
    server.still_serves().await;
}

#[tokio::test]
async fn those_without_a_certificate_do_not_take_the_fleets_places() {
    let limits = Limits { places: places(4), anonymous: 2, ..Limits::default() };
    let server = Fixture::start(Port::Agents, limits).await;
    let mut held = Vec::new();
    for _ in 0..9 {
        held.push(nameless(&server).await);
    }
    for older in &mut held[..7] {
        assert!(is_closed(older).await, "an older one makes room");
    }
    server.still_serves().await;
}

#[tokio::test]
async fn one_address_without_a_certificate_keeps_no_other_from_enrolling() {
    let limits = Limits { anonymous: 4, anonymous_of_one_source: 3, ..Limits::default() };
    let server = Fixture::start(Port::Agents, limits).await;
    let mut enrolling = server.client(None);
    assert!(check(&mut enrolling).await);
    let mut held = Vec::new();
    for _ in 0..12 {
        held.push(nameless(&server).await);
    }
    let nameless_peers = || server.connections.peers().iter().filter(|peer| peer.credential.is_none()).count();
    let settled = async {
        while nameless_peers() > 4 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, settled).await.expect("the strangers' older ones end");
    assert!(check(&mut enrolling).await, "the first one goes on");
    assert!(check(&mut server.client(None)).await, "and the next one gets in");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_that_comes_back_at_once_through_one_address_comes_in_whole() {
    const FLEET: usize = 400;
    // As many places beside it as the default's, and few turns.
    let limits = Limits { places: places(FLEET * 3 / 2), handshakes: 4, ..Limits::default() };
    let server = Arc::new(Fixture::start(Port::Agents, limits).await);
    let agents: Vec<_> = (0..16).map(|_| agent(&server.ca, now())).collect();
    let mut fleet = JoinSet::new();
    for at in 0..FLEET {
        let mut client = server.client(Some(&agents[at % agents.len()]));
        fleet.spawn(async move { check(&mut client).await.then_some(client) });
    }
    let all = fleet.join_all().await;
    assert_eq!(all.iter().flatten().count(), FLEET);
    assert_eq!(server.connections.count(), FLEET);
}
