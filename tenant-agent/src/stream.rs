//! The stream to the control plane: carries out what the session decides. It dials, sends, writes to disk and tells the
//! loop.

pub mod wire;

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use entente_model::plan::PlannedChange;
use entente_proto::agent::v1 as proto;
use entente_proto::agent::v1::agent_service_client::AgentServiceClient;
use entente_seal::Signed;
use entente_session::{Effect, Event, Session, Status, View};
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Streaming;
use tonic::transport::Channel;
use tracing::{debug, info, warn};

use crate::clock::Clock;
use crate::guardrail_file::{chain, read_text};
use crate::memory::{Memory, MemoryError};

/// Room for outgoing messages. There are at most a report, an answer and a few acknowledgements at a time; a full queue
/// means that the control plane has stopped reading.
const OUTGOING: usize = 64;

/// Largest message accepted: parts of snapshots and deltas are far smaller.
const MAX_MESSAGE_BYTES: usize = 8 << 20;

/// Asks the loop for a plan of what it would do now.
pub type PlanRequest = oneshot::Sender<Result<Vec<PlannedChange>, String>>;

/// The stream and what it is connected to.
#[derive(Debug)]
pub struct Stream {
    pub session: Session,
    pub channel: Channel,
    pub memory: Memory,
    pub clock: Clock,
    pub guardrail: PathBuf,
    /// Tells the loop what the session holds.
    pub view: watch::Sender<View>,
    /// Wakes the loop.
    pub nudge: Arc<Notify>,
    /// What the loop found.
    pub status: watch::Receiver<Option<Arc<Status>>>,
    pub plans: mpsc::Sender<PlanRequest>,
    pub asked: Asked,
    /// Notified when there is a new certificate.
    pub renewed: Arc<Notify>,
    /// Statements that could not be written to disk yet.
    pub statements: Option<Vec<Signed>>,
}

type Dial = Pin<Box<dyn Future<Output = Result<Streaming<proto::ConnectResponse>, tonic::Status>> + Send>>;

/// The connection, as far as it is open.
#[derive(Default)]
struct Line {
    dialling: Option<Dial>,
    incoming: Option<Streaming<proto::ConnectResponse>>,
    outgoing: Option<mpsc::Sender<proto::ConnectRequest>>,
}

/// Plans that the control plane asked for and the loop has not answered, each with its nonce.
pub type Asked = FuturesUnordered<BoxFuture<'static, (String, Result<Vec<PlannedChange>, String>)>>;

impl Stream {
    /// Runs until it is cancelled or the disk cannot be written any more.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), MemoryError> {
        let mut line = Line::default();
        self.status.mark_changed();
        loop {
            let wake = self.session.wake().map(|uptime| self.clock.instant(uptime));
            let event = tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                event = line.next() => event,
                Some((nonce, result)) = self.asked.next() => Event::Planned { nonce, result },
                () = self.renewed.notified() => Event::Renewed,
                Ok(()) = self.status.changed() => match self.status.borrow_and_update().clone() {
                    Some(status) => Event::Observed(status),
                    None => continue,
                },
                () = sleep_until(wake) => Event::Timer,
            };
            self.handle(event, &mut line).await?;
            let view = self.session.view(self.clock.now());
            self.view.send_if_modified(|shown| {
                let differs = *shown != view;
                *shown = view;
                differs
            });
        }
    }

    /// Passes an event to the session and carries out its effects, until there are no more.
    async fn handle(&mut self, event: Event, line: &mut Line) -> Result<(), MemoryError> {
        // The last attempt may have failed on a full disk.
        self.keep_statements().await?;
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            log(&event);
            for effect in self.session.on(event, self.clock.now()) {
                if let Some(event) = self.perform(effect, line).await? {
                    events.push(event);
                }
            }
        }
        Ok(())
    }

    async fn perform(&mut self, effect: Effect, line: &mut Line) -> Result<Option<Event>, MemoryError> {
        match effect {
            Effect::Dial => {
                *line = Line::dial(self.channel.clone());
                let guardrail_digest = read_text(&self.guardrail).map(|(digest, _)| digest).unwrap_or_default();
                return Ok(Some(Event::Opened { guardrail_digest }));
            }
            Effect::HangUp => *line = Line::default(),
            Effect::Send(message) => return Ok(line.send(wire::outbound(message))),
            Effect::Keep(kept) => return self.keep(&kept).await.map(Some),
            // Without the lease, the state is merely not fresh after a restart.
            Effect::KeepLease(kept) => drop(unless_full(self.memory.keep_lease(&kept).await)?),
            Effect::KeepStatements(statements) => {
                self.statements = Some(statements);
                self.keep_statements().await?;
            }
            Effect::Nudge => self.nudge.notify_one(),
            Effect::Plan { nonce } => self.ask_for_plan(nonce),
            Effect::Alarm(alarm) => warn!(%alarm, "needs a person"),
        }
        Ok(None)
    }

    /// Writes a state to disk. After a commit that certainly failed, the last state stays in place; one that may have
    /// happened is read again at the next start. On a full disk the control plane sends the state again, and it is
    /// written once there is room.
    async fn keep(&mut self, kept: &entente_session::Kept) -> Result<Event, MemoryError> {
        match self.memory.keep_state(kept).await {
            Ok(()) => Ok(Event::Kept),
            Err(error @ MemoryError::Full(_)) => Ok(Event::KeepFailed { error: chain(&error) }),
            Err(MemoryError::Commit(error)) if error.nothing_applied() => {
                Ok(Event::KeepFailed { error: chain(&error) })
            }
            Err(error) => Err(error),
        }
    }

    /// Writes the statements, now or at the next event. The list holds all of them.
    async fn keep_statements(&mut self) -> Result<(), MemoryError> {
        let Some(statements) = &self.statements else { return Ok(()) };
        if unless_full(self.memory.keep_statements(statements).await)? {
            self.statements = None;
        }
        Ok(())
    }

    fn ask_for_plan(&self, nonce: String) {
        let (ask, answer) = oneshot::channel();
        // If the queue is full, the question is dropped, which ends the wait for its answer.
        self.plans.try_send(ask).ok();
        let busy = |_| Err("the agent is busy or stopping: ask again".to_owned());
        self.asked.push(answer.map(move |answer| (nonce, answer.unwrap_or_else(busy))).boxed());
    }
}

impl Line {
    /// Opens the stream. Hello goes out with the call, as the server answers only after it.
    fn dial(channel: Channel) -> Self {
        let (outgoing, requests) = mpsc::channel(OUTGOING);
        let mut client = AgentServiceClient::new(channel).max_decoding_message_size(MAX_MESSAGE_BYTES);
        let call = async move { client.connect(ReceiverStream::new(requests)).await.map(tonic::Response::into_inner) };
        Self { dialling: Some(Box::pin(call)), incoming: None, outgoing: Some(outgoing) }
    }

    /// Waits for the next event.
    async fn next(&mut self) -> Event {
        if let Some(dial) = &mut self.dialling {
            let answer = dial.await;
            self.dialling = None;
            match answer {
                Ok(incoming) => self.incoming = Some(incoming),
                Err(status) => return self.closed(&status),
            }
        }
        let Some(incoming) = &mut self.incoming else { return std::future::pending().await };
        match incoming.message().await {
            Ok(Some(message)) => Event::Received(wire::inbound(message)),
            Ok(None) => self.closed(&tonic::Status::ok("the control plane closed the stream")),
            Err(status) => self.closed(&status),
        }
    }

    fn closed(&mut self, status: &tonic::Status) -> Event {
        *self = Self::default();
        Event::Closed { error: chain(status) }
    }

    fn send(&mut self, message: proto::ConnectRequest) -> Option<Event> {
        let outgoing = self.outgoing.as_ref()?;
        match outgoing.try_send(message) {
            Ok(()) => None,
            // The other end has closed; `next` returns the reason.
            Err(mpsc::error::TrySendError::Closed(_)) => None,
            Err(mpsc::error::TrySendError::Full(_)) => {
                *self = Self::default();
                Some(Event::Closed { error: "the control plane stopped reading".into() })
            }
        }
    }
}

/// Whether it was written. A full disk is no error.
fn unless_full(kept: Result<(), MemoryError>) -> Result<bool, MemoryError> {
    match kept {
        Ok(()) => Ok(true),
        Err(error @ MemoryError::Full(_)) => {
            warn!(error = chain(&error), "not kept");
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

async fn sleep_until(at: Option<tokio::time::Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Logs what an operator of the agent follows, and never content.
fn log(event: &Event) {
    match event {
        Event::Closed { error } if error.contains("TLS inspection") => warn!(error, "the stream cannot be opened"),
        Event::Closed { error } => info!(error, "the stream is closed"),
        Event::Received(entente_session::Inbound::Welcome(welcome)) => {
            info!(epoch = welcome.epoch, parked = welcome.parked, "connected");
        }
        Event::Received(entente_session::Inbound::GoAway { reason, retry_after }) => {
            info!(?reason, ?retry_after, "the control plane closes the stream");
        }
        Event::Kept => info!("a state was accepted"),
        Event::KeepFailed { error } => warn!(error, "a state could not be kept"),
        Event::Renewed => info!("the certificate was renewed"),
        _ => debug!("an event of the stream"),
    }
}

#[cfg(test)]
mod tests;
