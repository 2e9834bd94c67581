//! One agent's stream: `Hello` in, then two halves that do not wait for each other.
//!
//! What goes out is the response's body, polled by HTTP/2 as the agent's window allows, so that a slow reader costs
//! its own bytes and nothing else. What comes in is read by a task, which the body owns: when either half ends, so
//! does the other.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use entente_app::{App, AppError, Inbox, Outbox, Refused};
use entente_model::GoAwayReason;
use entente_model::violation::Fault;
use entente_proto::agent::v1::ConnectRequest;
use entente_proto::agent::v1::connect_request::Message as Said;
use futures::{FutureExt, Stream};
use http_body::{Body as HttpBody, Frame};
use metrics::counter;
use tokio::task::JoinHandle;
use tonic::body::Body;
use tonic::{Status, Streaming};
use tracing::{debug, info};

use super::admission::Admission;
use super::convert::{go_away, hello, incoming, welcome};
use super::frames::{Frames, frame, inbound, respond, trailers};
use crate::call::{CallId, peer, who};
use crate::parse::fault;
use crate::status::status;
use crate::transport::Peer;

/// An agent sends it with its request; one that has not by then will not.
const HELLO_TIMEOUT: Duration = Duration::from_secs(10);

/// An agent that cannot be understood will not be understood sooner for trying often.
const PROTOCOL_RETRY: Duration = Duration::from_secs(60);

/// Answers a `Connect`. An agent that is sent away gets a stream that holds one `GoAway`.
pub(super) async fn connect(
    app: App,
    admission: &Admission,
    request: http::Request<Body>,
) -> Result<http::Response<Body>, Status> {
    let call = *request.extensions().get::<CallId>().expect("every call goes through the layer");
    let peer = peer(request.extensions()).clone();
    let credential = peer.credential.as_ref().ok_or(AppError::Unauthenticated);
    let credential = credential.map_err(|error| status(&error, call))?;
    match app.admit_agent(credential) {
        Ok(_) => {}
        Err(refused) if refused.reason == GoAwayReason::NotKnown => return Ok(sent_away(&peer, &refused)),
        Err(_) => return Err(status(&AppError::Unauthenticated, call)),
    }
    if let Err(retry_after) = admission.enter(Instant::now(), rand::random()) {
        return Ok(sent_away(&peer, &Refused { reason: GoAwayReason::Overloaded, retry_after }));
    }
    let mut messages = inbound(request.into_body());
    let hello = first(&mut messages, call).await?;
    match app.connect(credential, hello).await {
        Err(refused) => Ok(sent_away(&peer, &refused)),
        Ok(connected) => {
            info!(agent = who(&peer), connection = peer.connection, "agent connected");
            let outgoing = Frames::one(&welcome(&connected.welcome));
            let inbound = app.tasks().spawn("agent stream", read(messages, connected.inbox, peer.clone()));
            Ok(respond(StreamBody {
                outgoing,
                outbox: connected.outbox,
                inbound: Some(inbound),
                peer,
                last: false,
                ended: false,
            }))
        }
    }
}

async fn first(messages: &mut Streaming<ConnectRequest>, call: CallId) -> Result<entente_app::Hello, Status> {
    let wrong = |reason, text: String| status(&fault("hello", reason, text), call);
    let missing = || wrong(Fault::Missing, "is missing; it is the first message of the stream".into());
    let message = tokio::time::timeout(HELLO_TIMEOUT, messages.message()).await.map_err(|_| missing())??;
    match message.and_then(|message| message.message) {
        Some(Said::Hello(said)) => hello(&said).map_err(|error| wrong(Fault::Malformed, error.to_string())),
        _ => Err(missing()),
    }
}

fn sent_away(peer: &Peer, refused: &Refused) -> http::Response<Body> {
    let reason = entente_convert::go_away_to_proto(refused.reason).as_str_name();
    counter!("entente_agents_sent_away_total", "reason" => reason).increment(1);
    debug!(agent = who(peer), reason, "agent sent away");
    let go_away = frame(&go_away(refused.reason, refused.retry_after));
    respond(Farewell { go_away: Some(go_away), ended: false })
}

/// How the inbound half ended.
enum Ended {
    /// The agent hung up, or its connection did.
    HungUp,
    /// It said what it must not: the outbox says so before it ends.
    Refused,
    /// It said what cannot be read.
    Unreadable,
}

async fn read(mut messages: Streaming<ConnectRequest>, inbox: Inbox, peer: Arc<Peer>) -> Ended {
    loop {
        let message = match messages.message().await {
            Ok(Some(message)) => message,
            Ok(None) => return Ended::HungUp,
            Err(status) => {
                debug!(agent = who(&peer), %status, "agent hung up");
                return Ended::HungUp;
            }
        };
        let message = match incoming(message) {
            Ok(message) => message,
            Err(error) => {
                info!(agent = who(&peer), %error, "an agent's message cannot be read");
                return Ended::Unreadable;
            }
        };
        if let Err(error) = inbox.on(message).await {
            info!(agent = who(&peer), %error, "an agent broke the protocol");
            return Ended::Refused;
        }
    }
}

/// The response of an admitted stream.
struct StreamBody {
    /// What is encoded next; comes before anything new from the outbox.
    outgoing: Frames,
    outbox: Outbox,
    inbound: Option<JoinHandle<Ended>>,
    peer: Arc<Peer>,
    /// Nothing comes after what is being sent.
    last: bool,
    /// The trailers are out.
    ended: bool,
}

impl StreamBody {
    /// How the inbound half has ended, said once.
    fn ended_inbound(&mut self, cx: &mut Context<'_>) -> Option<Ended> {
        let Poll::Ready(ended) = self.inbound.as_mut()?.poll_unpin(cx) else { return None };
        self.inbound = None;
        // A panic ends the stream like a lost connection.
        Some(ended.unwrap_or(Ended::HungUp))
    }

    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            if let Some(bytes) = self.outgoing.next() {
                return Poll::Ready(Some(bytes));
            }
            if self.last {
                return Poll::Ready(None);
            }
            match self.ended_inbound(cx) {
                Some(Ended::HungUp) => return Poll::Ready(None),
                Some(Ended::Unreadable) => {
                    self.last = true;
                    self.outgoing = Frames::one(&go_away(GoAwayReason::Protocol, PROTOCOL_RETRY));
                    continue;
                }
                Some(Ended::Refused) | None => {}
            }
            match ready!(Pin::new(&mut self.outbox).poll_next(cx)) {
                Some(outgoing) => self.outgoing = Frames::of(outgoing),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl HttpBody for StreamBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let bytes = ready!(self.poll_bytes(cx));
        self.ended = bytes.is_none();
        Poll::Ready(Some(Ok(bytes.map_or_else(trailers, Frame::data))))
    }
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        if let Some(inbound) = &self.inbound {
            inbound.abort();
        }
        info!(agent = who(&self.peer), connection = self.peer.connection, "agent disconnected");
    }
}

/// The response of a stream that is not admitted.
struct Farewell {
    go_away: Option<Bytes>,
    ended: bool,
}

impl HttpBody for Farewell {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        Poll::Ready(match this.go_away.take() {
            Some(bytes) => Some(Ok(Frame::data(bytes))),
            None if this.ended => None,
            None => {
                this.ended = true;
                Some(Ok(trailers()))
            }
        })
    }
}
