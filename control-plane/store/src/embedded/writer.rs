//! The one thread that commits: it takes what waits, makes it durable as one group, and only then answers.
//!
//! It fails closed. After a write or sync that failed, the kernel may have dropped what it could not write, so that
//! a later sync would succeed over a hole: nothing is acknowledged any more until the store was opened anew.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::group::Group;
use super::{Shared, Visible};
use crate::stats::micros;
use crate::{Cause, Commit, CommitError, Decide, Revision};

pub(super) type Answer = Result<Revision, CommitError>;

pub(super) struct Request {
    pub(super) work: Work,
    pub(super) reply: oneshot::Sender<Answer>,
}

pub(super) enum Work {
    /// A commit whose bounds were checked.
    Commit(Commit),
    Decide(Decide),
}

pub(super) struct Writer {
    shared: Arc<Shared>,
    requests: mpsc::Receiver<Request>,
    /// The newest durable revision.
    revision: Revision,
}

type Answers = Vec<(oneshot::Sender<Answer>, Answer)>;

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, requests: mpsc::Receiver<Request>, revision: Revision) -> Self {
        Self { shared, requests, revision }
    }

    /// Serves until the store is dropped and everyone was answered.
    pub(super) fn run(mut self) {
        while let Some(first) = self.requests.blocking_recv() {
            match self.shared.failed.get() {
                Some(cause) => refuse(first, cause),
                None => self.serve(first),
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
        let mut group = Group::new(shared.disk.rows(), self.revision);
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
        let outcome = if group.events.is_empty() { Ok(()) } else { self.make_durable(group) };
        answer(answers, outcome);
    }

    /// Writes and syncs the group, and only then shows it to readers and to those who watch.
    fn make_durable(&mut self, mut group: Group<'_>) -> Result<(), Cause> {
        let shared = &self.shared;
        let batch = group.batch();
        let before = std::mem::take(&mut group.before);
        shared.show(Visible { revision: self.revision, before });
        shared.sync_began_micros.store(micros(shared.opened.elapsed()).max(1), Ordering::Relaxed);
        let written = shared.disk.commit(batch, group.revision);
        shared.sync_began_micros.store(0, Ordering::Relaxed);
        let took = written.inspect_err(|cause| self.fail(cause.clone()))?;
        self.acknowledge(group, took);
        Ok(())
    }

    fn acknowledge(&mut self, group: Group<'_>, took: Duration) {
        self.revision = group.revision;
        self.shared.show(Visible { revision: group.revision, before: Default::default() });
        self.shared.counters.group(group.events.len(), group.bytes, took);
        self.shared.history.publish(group.events);
    }

    /// Readers keep seeing what stood before the group that failed.
    fn fail(&self, cause: Cause) {
        tracing::error!(error = %cause, "the store cannot write: it takes no more commits");
        let _ = self.shared.failed.set(cause);
        self.shared.history.close();
    }
}

/// Answers a group. If it failed, even a refusal is void: it may rest on a commit that is not there.
fn answer(answers: Answers, outcome: Result<(), Cause>) {
    for (reply, answer) in answers {
        let answer = match (&outcome, answer) {
            (Ok(()), answer) => answer,
            (Err(source), Ok(_)) => Err(CommitError::Unknown { source: source.clone() }),
            (Err(source), Err(_)) => Err(CommitError::Failed { source: source.clone() }),
        };
        // A caller that went away does not want to know.
        let _ = reply.send(answer);
    }
}

fn refuse(request: Request, cause: &Cause) {
    let _ = request.reply.send(Err(CommitError::Failed { source: cause.clone() }));
}

#[derive(Debug, thiserror::Error)]
#[error("the writer panicked")]
struct Panicked;
