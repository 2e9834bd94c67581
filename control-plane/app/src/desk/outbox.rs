//! What a stream sends: polled by whoever writes to the agent, when the agent can take more.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use entente_model::desired::Digest;
use entente_seal::{Buckets, Delta, Seal};
use futures::Stream;

use super::connection::Connection;
use super::{AwayReason, Desk, DeskState};
use crate::app::Inner;

/// One message to an agent.
#[derive(Debug)]
pub enum Outgoing {
    /// A whole state; `items.sorted()` is the order of its parts.
    Snapshot {
        nonce: u64,
        items: Buckets,
        seal: Seal,
    },
    /// The same while the tenant is parked, for the leavers in it alone. Not answered.
    Leavers {
        nonce: u64,
        items: Buckets,
        seal: Seal,
    },
    /// What changed since the state `from`.
    Delta {
        nonce: u64,
        from: Digest,
        delta: Delta,
        seal: Seal,
    },
    Lease(Seal),
    PlanRequest {
        nonce: u64,
    },
    Compare,
    ReportAck {
        number: u64,
    },
    Ping {
        number: u64,
    },
    /// The last message.
    GoAway {
        reason: AwayReason,
        retry_after: Duration,
    },
}

/// The sending half of a stream. Dropping it ends the connection.
#[derive(Debug)]
pub struct Outbox {
    pub(super) inner: Arc<Inner>,
    pub(super) desk: Arc<Desk>,
    pub(super) connection: Arc<Connection>,
    /// Stopping the server waits for it.
    pub(super) _running: tokio_util::task::task_tracker::TaskTrackerToken,
}

impl Stream for Outbox {
    type Item = Outgoing;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Outgoing>> {
        // Before looking, so that what happens after looking wakes us.
        self.connection.waker.register(cx.waker());
        let now = self.inner.now();
        let desk = self.desk.lock();
        let mut slot = self.connection.slot();
        if slot.over {
            return Poll::Ready(None);
        }
        match slot.next(&desk, desk.is_live(&self.connection), now) {
            Some(outgoing) => Poll::Ready(Some(outgoing)),
            None => Poll::Pending,
        }
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        let mut desk = self.desk.lock();
        self.connection.slot().over = true;
        if desk.is_live(&self.connection) {
            desk.live = None;
            desk.reported.last_seen = Some(self.inner.now());
        }
        if desk.displaced.as_ref().is_some_and(|older| Arc::ptr_eq(&older.connection, &self.connection)) {
            desk.displaced = None;
        }
        drop(desk);
        metrics::gauge!("entente_connected_agents").decrement(1.0);
        self.inner.watchers.changed(&self.desk.tenant);
    }
}

impl DeskState {
    pub(super) fn is_live(&self, connection: &Arc<Connection>) -> bool {
        self.live.as_ref().is_some_and(|live| Arc::ptr_eq(live, connection))
    }

    /// Sends every stream of the tenant away.
    pub(crate) fn cut(&self, reason: AwayReason, retry_after: Duration) {
        let displaced = self.displaced.iter().map(|older| &older.connection);
        for connection in self.live.iter().chain(displaced) {
            connection.send_away(reason, retry_after);
        }
    }

    /// Sends the streams of one agent away.
    pub(super) fn cut_agent(&self, agent: &entente_model::AgentName, reason: AwayReason) {
        let displaced = self.displaced.iter().map(|older| &older.connection);
        for connection in self.live.iter().chain(displaced).filter(|connection| connection.agent == *agent) {
            connection.send_away(reason, Duration::ZERO);
        }
    }
}
