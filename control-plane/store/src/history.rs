//! The recent past, for watchers: a bounded ring of events, and a notification when it grows.
//!
//! Each watcher reads the ring at its own pace and delays no one. If it falls behind the ring, it has to list again.
//! This file does not know where events come from.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;

use crate::{Key, Revision, WatchError};

/// What one commit changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub revision: Revision,
    /// In key order; never empty.
    pub changes: Vec<Change>,
}

impl Event {
    fn bytes(&self) -> usize {
        self.changes.iter().map(|c| c.key.len() + c.value.as_ref().map_or(0, Bytes::len)).sum()
    }
}

/// A key's new value. `None` if it was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub key: Key,
    pub value: Option<Bytes>,
}

/// The events that a store keeps.
#[derive(Debug)]
pub struct History {
    ring: Mutex<Ring>,
    bell: watch::Sender<()>,
}

#[derive(Debug)]
struct Ring {
    /// Revisions without gaps. The last one is `newest`.
    events: VecDeque<Arc<Event>>,
    bytes: usize,
    newest: Revision,
    closed: bool,
    most_events: usize,
    most_bytes: usize,
}

impl History {
    /// A history that starts after `newest` and keeps at most this many events, and this many bytes of them.
    pub fn new(newest: Revision, most_events: usize, most_bytes: usize) -> Arc<Self> {
        let ring = Ring { events: VecDeque::new(), bytes: 0, newest, closed: false, most_events, most_bytes };
        Arc::new(Self { ring: Mutex::new(ring), bell: watch::Sender::new(()) })
    }

    /// Adds events in order, and wakes all watchers.
    pub fn publish(&self, events: Vec<Arc<Event>>) {
        let mut ring = self.ring();
        for event in events {
            debug_assert_eq!(event.revision, ring.newest.next());
            ring.newest = event.revision;
            ring.bytes += event.bytes();
            ring.events.push_back(event);
        }
        ring.forget();
        drop(ring);
        self.bell.send_replace(());
    }

    /// Ends every watch once it has delivered the existing events.
    pub fn close(&self) {
        self.ring().closed = true;
        self.bell.send_replace(());
    }

    pub fn watch(self: &Arc<Self>, after: Revision) -> Result<Watch, WatchError> {
        let ring = self.ring();
        if after > ring.newest {
            return Err(WatchError::Ahead { after, newest: ring.newest });
        }
        ring.check_remembered(after)?;
        Ok(Watch { history: self.clone(), bell: self.bell.subscribe(), seen: after })
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn forget(&mut self) {
        while self.events.len() > self.most_events || self.bytes > self.most_bytes {
            let Some(event) = self.events.pop_front() else { return };
            self.bytes -= event.bytes();
        }
    }

    /// The revision after which the history is complete.
    fn floor(&self) -> Revision {
        Revision(self.newest.0 - self.events.len() as u64)
    }

    fn check_remembered(&self, after: Revision) -> Result<(), WatchError> {
        let floor = self.floor();
        if after < floor {
            return Err(WatchError::Compacted { after, oldest: floor.next() });
        }
        Ok(())
    }

    fn after(&self, seen: Revision) -> Result<Option<Arc<Event>>, WatchError> {
        self.check_remembered(seen)?;
        let index = usize::try_from(seen.0 - self.floor().0).unwrap_or(usize::MAX);
        match self.events.get(index) {
            None if self.closed => Err(WatchError::Closed),
            event => Ok(event.cloned()),
        }
    }
}

/// A position in the feed of commits.
#[derive(Debug)]
pub struct Watch {
    history: Arc<History>,
    bell: watch::Receiver<()>,
    seen: Revision,
}

impl Watch {
    /// Waits for the next commit. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`WatchError::Compacted`] if this watcher was too slow: list again. [`WatchError::Closed`] if no more commits
    /// will come.
    pub async fn next(&mut self) -> Result<Arc<Event>, WatchError> {
        loop {
            self.bell.mark_unchanged();
            if let Some(event) = self.history.ring().after(self.seen)? {
                self.seen = event.revision;
                return Ok(event);
            }
            self.bell.changed().await.map_err(|_| WatchError::Closed)?;
        }
    }

    /// The next commit, if there is one already.
    ///
    /// # Errors
    /// As for [`Watch::next`].
    pub fn try_next(&mut self) -> Result<Option<Arc<Event>>, WatchError> {
        let event = self.history.ring().after(self.seen)?;
        if let Some(event) = &event {
            self.seen = event.revision;
        }
        Ok(event)
    }
}
