//! What time does to streams: pings, silence, certificates that end, states that may be tried again.
//!
//! One task looks at all of them, because a timer for each of ten thousand streams would cost more than the looking.

use std::sync::Arc;
use std::time::Duration;

use entente_model::{GoAwayReason, Timestamp};

use super::Streams;
use crate::channel::{Connection, LONG_RETRY};

/// Pings without an answer after which a stream is dead.
const MISSED: u32 = 3;

impl Streams {
    /// Looks at every stream once. Cheap: a few comparisons for each.
    pub(crate) fn pulse(&self) {
        let (now, mut parked) = (self.history.now(), 0);
        for channel in self.channels.all() {
            let mut state = channel.lock();
            parked += u32::from(state.parked.is_some());
            if let Some(live) = state.live.clone()
                && self.is_dead(&live, now)
            {
                // It may never be polled again, so it is not waited for.
                state.live = None;
                self.channels.watchers.changed(&channel.tenant);
            }
            if state.review_turns(now) {
                self.channels.watchers.changed(&channel.tenant);
            }
            if let Some(older) = state.displaced.take_if(|older| older.until <= now) {
                older.connection.send_away(GoAwayReason::Displaced, Duration::ZERO);
            }
        }
        metrics::gauge!("entente_parked_tenants").set(f64::from(parked));
    }

    /// Whether a stream is dead. One that may not go on is sent away, and ends when it is polled.
    fn is_dead(&self, connection: &Arc<Connection>, now: Timestamp) -> bool {
        let row = self.registry.tables().agents.get(&connection.agent).cloned();
        if row.is_none_or(|row| !row.accepts(connection.leaf, self.history.epoch_begun)) {
            connection.send_away(GoAwayReason::Revoked, Duration::ZERO);
            return false;
        }
        // It has ended by itself: an agent that has a newer one comes with that.
        if now >= connection.not_after {
            connection.send_away(GoAwayReason::NotKnown, LONG_RETRY);
            return false;
        }
        let slot = connection.slot();
        let (silent, since_ping) = (now.since(slot.heard), now.since(slot.pinged));
        let retry = slot.retry_is_due(now);
        drop(slot);
        if silent > self.config.ping * MISSED {
            connection.send_away(GoAwayReason::Overloaded, Duration::ZERO);
            return true;
        }
        if since_ping >= self.config.ping {
            connection.ask_ping(now);
        }
        if retry {
            connection.wake();
        }
        false
    }
}
