//! The one thread that commits: it takes what waits, makes it durable as one group, and only then answers.
//!
//! It fails closed. After a write or sync that failed, the kernel may have dropped what it could not write, so that
//! a later sync would succeed over a hole: nothing is acknowledged any more until the rows were opened anew, from what is
//! on disk. It does that by itself where the disk was full (`refill.rs`), and leaves every other failure to a restart.

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
    /// What a full disk left.
    pub(crate) full: Option<Full>,
}

/// How a group ended: durable, or why it is not.
enum Outcome {
    Durable,
    /// The disk is full, and nothing of it stands.
    Nothing(Cause),
    /// The disk is full. Whether it stands shows when there is room.
    Open(Cause),
    Failed(Cause),
}

type Answers = Vec<(oneshot::Sender<Answer>, Answer)>;

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, requests: mpsc::Receiver<Request>, revision: Revision) -> Self {
        Self { shared, requests, revision, full: None }
    }

    /// Serves until the store is dropped and everyone was answered.
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

    /// Serves what waits, beginning with `first`. A panic in sled counts as a failed write.
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

    /// Writes and syncs the group, and only then shows it to readers and to those who watch.
    fn make_durable(&mut self, rows: sled::Db, batch: sled::Batch, before: Overlay, group: Unsettled) -> Outcome {
        let shared = &self.shared;
        shared.show(self.revision, before);
        shared.sync_began_micros.store(micros(shared.opened.elapsed()).max(1), Ordering::Relaxed);
        let written = shared.disk.commit(&rows, batch, group.revision);
        shared.sync_began_micros.store(0, Ordering::Relaxed);
        // So that they can be opened again.
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

    /// Readers keep seeing what stood before the group that failed.
    pub(crate) fn fail(&self, cause: Cause) {
        tracing::error!(error = %cause, "the store cannot write: it takes no more commits");
        let _ = self.shared.failed.set(cause);
        self.shared.history.close();
    }
}

/// Answers a group. If it failed, even a refusal is void: it may rest on a commit that is not there.
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
        // A caller that went away does not want to know.
        let _ = reply.send(answer);
    }
}

fn refuse(request: Request, error: CommitError) {
    let _ = request.reply.send(Err(error));
}

#[derive(Debug, thiserror::Error)]
#[error("the writer panicked")]
struct Panicked;
