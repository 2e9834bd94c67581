//! The one thread that commits: it takes the waiting requests, makes them durable as one group, and only then responds.
//!
//! It fails closed. After a failed write or sync, the kernel may have dropped what it could not write, so a later sync
//! would succeed over a hole. So nothing is acknowledged until the rows were reopened from disk. If the disk was full,
//! it does that by itself (`refill.rs`); every other failure needs a restart.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use entente_store::{Cause, CommitError, Revision, micros};
use tokio::sync::{mpsc, oneshot};

use crate::disk::NotDurable;
use crate::full::{Full, Unsettled};
use crate::group::Group;
use crate::request::{Answer, Request};
use crate::rows::Overlay;
use crate::shared::Shared;

pub(crate) struct Writer {
    pub(crate) shared: Arc<Shared>,
    requests: mpsc::Receiver<Request>,
    /// The newest durable revision.
    pub(crate) revision: Revision,
    /// What a full disk left unfinished.
    pub(crate) full: Option<Full>,
}

/// The outcome of a group: durable, or why not.
enum Outcome {
    Durable,
    /// The disk is full, and nothing of the group exists.
    Nothing(Cause),
    /// The disk is full. Once there is room, it shows whether the group exists.
    Open(Cause),
    Failed(Cause),
}

type Answers = Vec<(oneshot::Sender<Answer>, Answer)>;

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, requests: mpsc::Receiver<Request>, revision: Revision) -> Self {
        Self { shared, requests, revision, full: None }
    }

    /// Serves until the store is dropped and every request has its response.
    pub(crate) fn run(mut self) {
        while let Some(first) = self.requests.blocking_recv() {
            self.go_on();
            match (self.shared.failed.get(), &self.full) {
                (Some(cause), _) => refuse(first, CommitError::Failed { source: cause.clone() }),
                (None, Some(full)) => refuse(first, CommitError::Full { source: full.cause() }),
                (None, None) => self.serve(first),
            }
        }
        self.shared.history.close();
    }

    /// Serves the waiting requests, starting with `first`. A panic in sled counts as a failed write.
    fn serve(&mut self, first: Request) {
        if catch_unwind(AssertUnwindSafe(|| self.serve_group(first))).is_err() {
            self.fail(Arc::new(Panicked));
        }
    }

    fn serve_group(&mut self, first: Request) {
        let shared = self.shared.clone();
        let Some(rows) = shared.rows() else {
            return refuse(first, CommitError::Closed);
        };
        let mut group = Group::new(&rows, self.revision);
        let mut answers = Answers::new();
        let mut next = Some(first);
        while let Some(request) = next {
            let answer = group.add(request.work);
            if matches!(answer, Err(CommitError::Conflict { .. })) {
                shared.counters.conflict();
            }
            answers.push((request.reply, answer));
            next = if group.is_full() { None } else { self.requests.try_recv().ok() };
        }
        let outcome = if group.events.is_empty() {
            Outcome::Durable
        } else {
            let (batch, before) = (group.batch(), std::mem::take(&mut group.before));
            let unsettled = Unsettled { revision: group.revision, events: group.events, bytes: group.bytes };
            self.make_durable(rows, batch, before, unsettled)
        };
        answer(answers, &outcome);
    }

    /// Writes and syncs the group, and only then shows it to readers and watchers.
    fn make_durable(&mut self, rows: sled::Db, batch: sled::Batch, before: Overlay, group: Unsettled) -> Outcome {
        let shared = &self.shared;
        shared.show(self.revision, before);
        shared.sync_began_micros.store(micros(shared.opened.elapsed()).max(1), Ordering::Relaxed);
        let written = shared.disk.commit(&rows, batch, group.revision);
        shared.sync_began_micros.store(0, Ordering::Relaxed);
        // Drop them so that they can be reopened.
        drop(rows);
        match written {
            Ok(took) => self.acknowledge(group, took),
            Err(NotDurable::Failed(cause)) => {
                self.fail(cause.clone());
                return Outcome::Failed(cause);
            }
            Err(NotDurable::Full(cause)) => return self.fill(cause, group),
        }
        Outcome::Durable
    }

    fn fill(&mut self, cause: Cause, group: Unsettled) -> Outcome {
        let revision = group.revision;
        self.become_full(cause.clone(), group);
        match self.shared.failed.get() {
            Some(failed) => Outcome::Failed(failed.clone()),
            None if self.full.as_ref().is_some_and(|full| !full.is_settled()) => Outcome::Open(cause),
            None if self.revision == revision => Outcome::Durable,
            None => Outcome::Nothing(cause),
        }
    }

    pub(crate) fn acknowledge(&mut self, group: Unsettled, took: Duration) {
        self.revision = group.revision;
        self.shared.show(group.revision, Overlay::new());
        self.shared.counters.group(group.events.len(), group.bytes, took);
        self.shared.history.publish(group.events);
    }

    /// Readers keep seeing the entries from before the failed group.
    pub(crate) fn fail(&self, cause: Cause) {
        tracing::error!(error = %cause, "the store cannot write: it accepts no more commits");
        let _ = self.shared.failed.set(cause);
        self.shared.history.close();
    }
}

/// Responds to a group. If the group failed, even a refusal is void: it may rest on a commit that does not exist.
fn answer(answers: Answers, outcome: &Outcome) {
    for (reply, answer) in answers {
        let answer = match (outcome, answer) {
            (Outcome::Durable, answer) => answer,
            (Outcome::Nothing(source), _) | (Outcome::Open(source), Err(_)) => {
                Err(CommitError::Full { source: source.clone() })
            }
            (Outcome::Open(source), Ok(_)) => Err(CommitError::FullUnknown { source: source.clone() }),
            (Outcome::Failed(source), Ok(_)) => Err(CommitError::Unknown { source: source.clone() }),
            (Outcome::Failed(source), Err(_)) => Err(CommitError::Failed { source: source.clone() }),
        };
        // The caller is gone and needs no response.
        let _ = reply.send(answer);
    }
}

fn refuse(request: Request, error: CommitError) {
    let _ = request.reply.send(Err(error));
}

#[derive(Debug, thiserror::Error)]
#[error("the writer panicked")]
struct Panicked;
