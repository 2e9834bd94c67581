//! Connections without a certificate, by where they come from: they may only enrol, which is rare and takes seconds.
//!
//! A newer one ends the oldest of its source, or of the source that has most, where there would be too many. So a
//! source that keeps its connections open keeps no other from enrolling.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::crowd::Crowd;
use super::peer::Peer;
use super::source::Source;

#[derive(Debug)]
pub(super) struct Anonymous {
    most: usize,
    most_of_one_source: usize,
    crowd: Mutex<Crowd<u64, Arc<Peer>>>,
}

impl Anonymous {
    pub(super) fn new(most: usize, most_of_one_source: usize) -> Arc<Self> {
        Arc::new(Self { most, most_of_one_source, crowd: Mutex::new(Crowd::new()) })
    }

    fn crowd(&self) -> MutexGuard<'_, Crowd<u64, Arc<Peer>>> {
        // Whole between any two statements.
        self.crowd.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a new connection, and cuts who makes room for it.
    pub(super) fn enter(self: &Arc<Self>, peer: &Arc<Peer>) -> Guest {
        let source = Source::of(peer.address.ip());
        let mut crowd = self.crowd();
        crowd.enter(source, peer.connection, peer.clone());
        let oldest = if crowd.of(source) > self.most_of_one_source {
            crowd.take_first_of(source, |_| true)
        } else if crowd.len() > self.most {
            crowd.take_first_of_greediest()
        } else {
            None
        };
        drop(crowd);
        if let Some(oldest) = oldest {
            oldest.cut();
            metrics::counter!("entente_connections_cut_total").increment(1);
        }
        Guest { all: self.clone(), source, connection: peer.connection }
    }
}

/// One connection's; it is counted until this is dropped.
#[derive(Debug)]
pub(super) struct Guest {
    all: Arc<Anonymous>,
    source: Source,
    connection: u64,
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.all.crowd().leave(self.source, self.connection);
    }
}
