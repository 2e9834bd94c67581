//! The review of everyone who is connected.

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::testing::{Fixture, PATIENCE, principal};

/// The server closes it, whatever it sends before.
async fn closes(mut stream: TlsStream<TcpStream>, whose: &str) {
    let end = tokio::time::timeout(PATIENCE, async { stream.read_to_end(&mut Vec::new()).await });
    let _ = end.await.unwrap_or_else(|_| panic!("{whose} stays open"));
}

#[tokio::test]
async fn whoever_is_no_longer_welcome_is_cut_and_the_others_stay() {
    let fixture = Fixture::start(|server| {
        server.review = Duration::from_millis(20);
        server.limits.anonymous_for = Duration::from_millis(100);
    });
    let fixture = fixture.await;
    let welcome = fixture.open(fixture.api, Some(&fixture.li)).await;
    let (unknown, _) = principal(&fixture.ca, "sam", fixture.now);
    closes(fixture.open(fixture.api, Some(&unknown)).await, "an unknown principal").await;
    closes(fixture.open(fixture.agents, None).await, "one without a certificate").await;
    let peers = fixture.server.connections.peers();
    let names: Vec<_> = peers.iter().map(|peer| who(peer)).collect();
    assert_eq!(names, ["principals/li"]);
    drop(welcome);
}
