//! A full disk, and going on once it has room.
//!
//! After a write that failed, sled takes nothing more, and cannot always be read. So its rows are closed and opened
//! again, in place, in the room that was set aside for this (`reserve.rs`). What is there then is the durable state
//! before the group that found no room, or that group too, whole: so everyone can be told. Commits are refused until
//! the room could be set aside anew.
//!
//! This is safe only where nothing was dropped. A write that finds no room leaves nothing in the kernel; a sync that
//! fails may have dropped what earlier writes left there, and then nothing is acknowledged any more.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::reserve;
use super::rows::Overlay;
use super::writer::Writer;
use crate::{Cause, Event, Revision};

/// How often it is tried whether there is room: trying writes some megabytes.
const TRY_PERIOD: Duration = Duration::from_secs(1);

/// What a full disk left.
#[derive(Debug)]
pub(super) struct Full {
    cause: Cause,
    /// The group that found no room, while nobody knows whether it stands.
    unsettled: Option<Unsettled>,
    tried: Option<Instant>,
}

impl Full {
    pub(super) fn cause(&self) -> Cause {
        self.cause.clone()
    }

    pub(super) fn is_settled(&self) -> bool {
        self.unsettled.is_none()
    }
}

/// A group that may stand or not.
#[derive(Debug)]
pub(super) struct Unsettled {
    pub(super) revision: Revision,
    pub(super) events: Vec<Arc<Event>>,
    pub(super) bytes: usize,
}

/// Why the store cannot go on, though it has room again.
#[derive(Debug, thiserror::Error)]
#[error("opened again after the disk was full, the store stands at revision {found} instead of {expected}")]
struct OtherHistory {
    found: Revision,
    expected: Revision,
}

impl Writer {
    pub(super) fn become_full(&mut self, cause: Cause, unsettled: Unsettled) {
        tracing::error!(error = %cause, "the disk is full: nothing is committed until it has room");
        self.shared.full.store(true, Ordering::Relaxed);
        self.full = Some(Full { cause, unsettled: Some(unsettled), tried: None });
        reserve::give_up(self.shared.disk.dir());
        self.go_on();
    }

    /// If the disk was full, sees what can be done by now: open the rows again, and go on.
    pub(super) fn go_on(&mut self) {
        let Some(full) = &mut self.full else { return };
        if self.shared.failed.get().is_some() || full.tried.is_some_and(|tried| tried.elapsed() < TRY_PERIOD) {
            return;
        }
        full.tried = Some(Instant::now());
        if !full.is_settled() {
            self.open_again();
        } else if reserve::set_aside(self.shared.disk.dir()).is_ok() {
            tracing::info!(revision = self.revision.0, "the disk has room again: the store goes on");
            self.shared.full.store(false, Ordering::Relaxed);
            self.full = None;
        }
    }

    fn open_again(&mut self) {
        if !reserve::has_room(self.shared.disk.dir()) {
            return;
        }
        // By the descriptor that was open all the time: it says if the kernel has dropped anything.
        if let Err(lost) = self.shared.disk.sync() {
            return self.fail(lost.cause());
        }
        if let Some(revision) = self.reopen() {
            self.settle(revision);
        }
    }

    /// Readers wait meanwhile, and see afterwards what they saw before: what is open stays hidden.
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
        if found == unsettled.revision {
            self.acknowledge(unsettled, Duration::ZERO);
        } else if found == self.revision {
            self.shared.show(self.revision, Overlay::new());
        } else {
            self.fail(Arc::new(OtherHistory { found, expected: self.revision }));
        }
    }
}
