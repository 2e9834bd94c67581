//! Continues after a full disk, once it has room.
//!
//! After a failed write, sled accepts no more writes and cannot always be read. So its rows are closed and reopened in
//! place, in the room that was reserved for this (`reserve.rs`). The rows then have the durable state before the group
//! that found no room, or that whole group too, so every caller can get an answer. Commits are refused until the room
//! is reserved again.
//!
//! Some file systems look for room only when they sync. They then drop what has no room, while their cache still shows
//! it. So the rows are opened only after a successful sync, with that cache emptied, and only commits that were read
//! back are acknowledged. Earlier groups were synced one by one and are not in doubt. If a sync fails for any other
//! reason, writing ends.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use entente_store::{Cause, Revision};

use crate::disk::NotDurable;
use crate::full::{Full, Unsettled};
use crate::rows::Overlay;
use crate::writer::Writer;
use crate::{reserve, rows};

/// How often to check for room. A check writes some megabytes.
const TRY_PERIOD: Duration = Duration::from_secs(1);

/// Why the store cannot continue although it has room again.
#[derive(Debug, thiserror::Error)]
#[error("opened again after the disk was full, the store stands at revision {found} instead of {expected}")]
struct OtherHistory {
    found: Revision,
    expected: Revision,
}

impl Writer {
    pub(crate) fn become_full(&mut self, cause: Cause, unsettled: Unsettled) {
        tracing::error!(error = %cause, "the disk is full: nothing is committed until it has room");
        self.shared.full.store(true, Ordering::Relaxed);
        self.full = Some(Full { cause, unsettled: Some(unsettled), tried: None });
        reserve::give_up(self.shared.disk.dir());
        self.go_on();
    }

    /// If the disk was full, tries to reopen the rows and to continue.
    pub(crate) fn go_on(&mut self) {
        let Some(full) = &mut self.full else { return };
        if self.shared.failed.get().is_some() || full.tried.is_some_and(|tried| tried.elapsed() < TRY_PERIOD) {
            return;
        }
        full.tried = Some(Instant::now());
        if !full.is_settled() {
            self.open_again();
        } else if reserve::set_aside(self.shared.disk.dir()).is_ok() {
            tracing::info!(revision = self.revision.0, "the disk has room again: the store continues");
            self.shared.full.store(false, Ordering::Relaxed);
            self.full = None;
        }
    }

    fn open_again(&mut self) {
        if !reserve::has_room(self.shared.disk.dir()) {
            return;
        }
        // Use the descriptor that was open all the time: the kernel reports through it, once each time, if it dropped
        // anything.
        match self.shared.disk.sync() {
            Ok(()) => {}
            // The next try handles this. By then the kernel has nothing left that it could not write.
            Err(NotDurable::Full(cause)) => return tracing::warn!(error = %cause, "the disk is still full"),
            Err(NotDurable::Failed(cause)) => return self.fail(cause),
        }
        if let Some(revision) = self.reopen() {
            self.settle(revision);
        }
    }

    /// Readers wait meanwhile, and then see what they saw before: what is in doubt stays hidden.
    fn reopen(&mut self) -> Option<Revision> {
        let mut visible = self.shared.visible.write().unwrap_or_else(PoisonError::into_inner);
        drop(visible.rows.take());
        match self.shared.disk.reopen() {
            Ok((rows, revision)) => {
                visible.rows = Some(rows);
                Some(revision)
            }
            Err(error) => {
                tracing::error!(error = %error, cause = ?error, "the store cannot be opened again yet");
                None
            }
        }
    }

    fn settle(&mut self, found: Revision) {
        let Some(unsettled) = self.full.as_mut().and_then(|full| full.unsettled.take()) else { return };
        if found == unsettled.revision && self.reads_back(&unsettled) {
            self.acknowledge(unsettled, Duration::ZERO);
        } else if found == self.revision {
            self.shared.show(self.revision, Overlay::new());
        } else {
            self.fail(Arc::new(OtherHistory { found, expected: self.revision }));
        }
    }

    /// Whether the last value of each key of the group can be read as it was written.
    fn reads_back(&self, group: &Unsettled) -> bool {
        let Some(rows) = self.shared.rows() else { return false };
        let written = group.events.iter().flat_map(|event| &event.changes);
        let last: BTreeMap<_, _> = written.map(|change| (&change.key, &change.value)).collect();
        last.into_iter().all(|(key, value)| {
            rows::get(&rows, key).is_ok_and(|found| found.map(|entry| entry.value).as_ref() == value.as_ref())
        })
    }
}
