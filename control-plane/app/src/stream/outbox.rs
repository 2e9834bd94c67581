//! What a stream sends: the writer to the agent polls it when the agent can take more.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::Stream;

use super::Streams;
use crate::channel::{Channel, Connection, Outgoing};

/// The sending half of a stream. Dropping it ends the connection.
#[derive(Debug)]
pub struct Outbox {
    pub(super) streams: Arc<Streams>,
    pub(super) channel: Arc<Channel>,
    pub(super) connection: Arc<Connection>,
    /// Stopping the server waits for it.
    pub(super) _running: tokio_util::task::task_tracker::TaskTrackerToken,
}

impl Stream for Outbox {
    type Item = Outgoing;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Outgoing>> {
        // Before looking, so that what happens after looking wakes us.
        self.connection.waker.register(cx.waker());
        let now = self.streams.history.now();
        let channel = self.channel.lock();
        let mut slot = self.connection.slot();
        if slot.over {
            return Poll::Ready(None);
        }
        match slot.next(&channel.told(), channel.is_live(&self.connection), now) {
            Some(outgoing) => Poll::Ready(Some(outgoing)),
            None => Poll::Pending,
        }
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        let mut channel = self.channel.lock();
        self.connection.slot().over = true;
        if channel.is_live(&self.connection) {
            channel.live = None;
            channel.reported.last_seen = Some(self.streams.history.now());
        }
        if channel.displaced.as_ref().is_some_and(|older| Arc::ptr_eq(&older.connection, &self.connection)) {
            channel.displaced = None;
        }
        drop(channel);
        metrics::gauge!("entente_connected_agents").decrement(1.0);
        self.streams.channels.watchers.changed(&self.channel.tenant);
    }
}
