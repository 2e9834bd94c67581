//! What a stream hears.

use std::sync::Arc;
use std::time::{Duration, Instant};

use entente_model::GoAwayReason;
use entente_model::plan::PlannedChange;
use entente_model::report::{Accepted, Report};

use super::Streams;
use crate::channel::{Channel, Connection, Parked, UnknownNonce, pace};
use crate::history::{EventKind, Happening};
use crate::reports::{ReportError, keep};
use crate::sync::lock;

/// How long both of two clones stay away: long enough for a person to see the alarm.
const CLONE_RETRY: Duration = Duration::from_secs(60);

/// An agent that broke the protocol will break it again; not at once.
const PROTOCOL_RETRY: Duration = Duration::from_secs(60);

/// Why the tenant is parked then.
const CLONE: &str = "two agents answered under one identity: find the copy, revoke the agent, and enrol a new one";

/// One message of an agent, after its `Hello`.
#[derive(Debug)]
pub enum Incoming {
    Received { nonce: u64 },
    Accepted { nonce: u64 },
    Nack { nonce: u64, permanent: bool, errors: Vec<String> },
    Report { report: Report, full: bool },
    PlanResult { nonce: u64, result: Result<Vec<PlannedChange>, String> },
    Pong { number: u64 },
}

/// Why a stream ends from our side.
#[derive(Debug, thiserror::Error)]
pub enum ProtocolError {
    #[error(transparent)]
    Nonce(#[from] UnknownNonce),
    #[error("a report cannot be taken")]
    Report(#[from] ReportError),
    #[error("the agent reports, and does not read what is sent to it")]
    Unread,
    #[error("the stream is over")]
    Over,
}

/// The hearing half of a stream.
#[derive(Debug)]
pub struct Inbox {
    pub(super) streams: Arc<Streams>,
    pub(super) channel: Arc<Channel>,
    pub(super) connection: Arc<Connection>,
}

impl Inbox {
    /// Hears one message. A report has been kept when this returns. After an error the stream is to be ended: the
    /// outbox says `GoAway` by itself.
    pub async fn on(&self, incoming: Incoming) -> Result<(), ProtocolError> {
        if self.connection.slot().over {
            return Err(ProtocolError::Over);
        }
        self.connection.slot().heard = self.streams.history.now();
        if !self.channel.lock().is_live(&self.connection) {
            self.answered_though_displaced(&incoming).await;
            return Ok(());
        }
        let heard = match incoming {
            Incoming::Report { report, full } => self.report(report, full).await,
            Incoming::Received { nonce } => self.connection.slot().received(nonce).map_err(Into::into),
            Incoming::Accepted { nonce } => self.accepted(nonce),
            Incoming::Nack { nonce, permanent, errors } => self.nack(nonce, permanent, &errors).await,
            Incoming::PlanResult { nonce, result } => {
                self.connection.slot().planned(nonce, &result);
                Ok(())
            }
            Incoming::Pong { .. } => Ok(()),
        };
        if let Err(error) = &heard {
            tracing::warn!(agent = %self.connection.agent, %error, "stream ended");
            self.connection.send_away(GoAwayReason::Protocol, PROTOCOL_RETRY);
        }
        heard
    }

    fn accepted(&self, nonce: u64) -> Result<(), ProtocolError> {
        let mut channel = self.channel.lock();
        let Some(state) = self.connection.slot().accepted(nonce)? else { return Ok(()) };
        let root = state.root();
        channel.reported.accepted = Some(Accepted { version: state.version, root, digest: state.digest });
        if channel.needs_lease(self.streams.history.now(), self.streams.config.lease / 2) {
            self.streams.channels.leases.add(&self.channel.tenant);
        }
        drop(channel);
        self.connection.wake();
        self.streams.channels.watchers.changed(&self.channel.tenant);
        Ok(())
    }

    async fn nack(&self, nonce: u64, permanent: bool, errors: &[String]) -> Result<(), ProtocolError> {
        if let Some(parked) = self.refused(nonce, permanent, errors)? {
            let parked = Happening::new(EventKind::TenantParked, &parked);
            self.streams.reports.note(&self.channel, parked).await;
        }
        Ok(())
    }

    /// Why the tenant is parked by it, if that is news.
    fn refused(&self, nonce: u64, permanent: bool, errors: &[String]) -> Result<Option<String>, ProtocolError> {
        metrics::counter!("entente_refused_states_total").increment(1);
        let mut channel = self.channel.lock();
        let mut slot = self.connection.slot();
        if !permanent {
            let until = self.streams.history.now().plus(self.streams.config.retry_backoff);
            tracing::warn!(agent = %self.connection.agent, ?errors, "a state is postponed");
            slot.postponed(nonce, until)?;
            return Ok(None);
        }
        let Some(parked) = slot.refused(nonce, errors)? else { return Ok(None) };
        tracing::error!(agent = %self.connection.agent, reason = parked.reason(), "tenant parked");
        // Something newer may be wanted already, and that has not been refused.
        let newer = matches!(&parked, Parked::Refused { digest, .. } if *digest != channel.wanted.digest);
        let news = channel.news_of(&parked);
        if !newer {
            channel.parked = Some(parked);
        }
        drop((slot, channel));
        self.connection.wake();
        self.streams.channels.watchers.changed(&self.channel.tenant);
        Ok(news)
    }

    async fn report(&self, report: Report, full: bool) -> Result<(), ProtocolError> {
        let number = report.number;
        let wait = lock(&self.channel.pace).count(pace::cost(&report), Instant::now());
        if !wait.is_zero() {
            tracing::warn!(agent = %self.connection.agent, seconds = wait.as_secs(), "an agent reports too much; it waits");
            metrics::counter!("entente_slowed_reports_total").increment(1);
            tokio::time::sleep(wait).await;
        }
        let (streams, channel, agent) = (self.streams.clone(), self.channel.clone(), self.connection.agent.clone());
        // In a task of its own: a connection that goes away in the middle must not part the rows from what is seen.
        let keep = async move { keep::keep(&streams.reports, &channel, &agent, report, full).await };
        let kept = self.streams.history.running.spawn("report", keep);
        kept.await.map_err(|panic| ReportError::NotKept(panic.into()))??;
        metrics::counter!("entente_reports_total").increment(1);
        if self.connection.acknowledge(number) { Ok(()) } else { Err(ProtocolError::Unread) }
    }

    /// Only the answer to the ping that followed its displacement counts: anything else may have been on its way.
    async fn answered_though_displaced(&self, incoming: &Incoming) {
        if !self.raise_clone(incoming) {
            return;
        }
        self.streams.channels.watchers.changed(&self.channel.tenant);
        let happened = Happening::new(EventKind::TenantParked, CLONE);
        if let Err(error) = keep::keep_standing(&self.streams.reports, &self.channel, happened).await {
            tracing::error!(agent = %self.connection.agent, ?error, "a restart will forget that alarm");
        }
    }

    fn raise_clone(&self, incoming: &Incoming) -> bool {
        let mut channel = self.channel.lock();
        let asked = self.connection.slot().last_ping;
        let answers = matches!(incoming, Incoming::Pong { number } if *number == asked);
        let is_older = channel.displaced.as_ref().is_some_and(|older| Arc::ptr_eq(&older.connection, &self.connection));
        if !(answers && is_older) {
            return false;
        }
        tracing::error!(agent = %self.connection.agent, "two agents answer under one identity; both are cut");
        metrics::counter!("entente_clones_total").increment(1);
        channel.parked = Some(Parked::Clone(CLONE.into()));
        channel.reported.clone = Some(CLONE.into());
        channel.cut(GoAwayReason::Clone, CLONE_RETRY);
        true
    }
}
