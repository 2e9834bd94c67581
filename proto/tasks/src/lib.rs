//! The tasks of a process, by name, and the word to stop. The control plane and the agent both run theirs here.
//!
//! A process stops when it is told to, or when an essential task ends. Every task then sees the stop, and the process waits
//! for all of them within a bound. A panic is logged under the name of its task.

#![cfg_attr(test, allow(clippy::unwrap_used))]

use std::any::Any;
use std::error::Error;
use std::io;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tracing::{error, info};

/// Tasks that belong together. Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    /// Tells every task to end.
    pub stop: CancellationToken,
    tracker: TaskTracker,
    fault: Arc<Mutex<Option<Fault>>>,
}

/// How an essential task ended that should have run until the stop.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("the task {0} ended, which it never should")]
    Ended(&'static str),
    #[error("the task {0} panicked: {1}")]
    Panicked(&'static str, String),
    #[error("the task {0} failed")]
    Failed(&'static str, #[source] Box<dyn Error + Send + Sync>),
}

impl Tasks {
    pub fn new(stop: CancellationToken) -> Self {
        Self { stop, ..Self::default() }
    }

    /// Starts a task that may end at any time. Its panic is logged, and its handle says so too.
    pub fn spawn<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.tracker.spawn(async move {
            AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| {
                error!(task = name, panic = text(&*panic), "a task panicked");
                resume_unwind(panic)
            })
        })
    }

    /// Runs something that computes for long on a thread of its own. A stop waits for it.
    pub fn spawn_blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        self.tracker.spawn_blocking(work)
    }

    /// Starts a task that is dropped at the stop, wherever it is then.
    pub fn spawn_until_stop(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        self.spawn(name, self.stop.clone().run_until_cancelled_owned(work));
    }

    /// Starts a task that the process cannot be without: it ends well at the stop and no sooner. Otherwise everything is
    /// told to stop, and [`Tasks::fault`] says why.
    pub fn essential<E: Into<Box<dyn Error + Send + Sync>>>(
        &self,
        name: &'static str,
        work: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let tasks = self.clone();
        self.tracker.spawn(async move {
            let fault = match AssertUnwindSafe(work).catch_unwind().await {
                Ok(Ok(())) if tasks.stop.is_cancelled() => return,
                Ok(Ok(())) => Fault::Ended(name),
                Ok(Err(error)) => Fault::Failed(name, error.into()),
                Err(panic) => Fault::Panicked(name, text(&*panic).to_owned()),
            };
            error!(task = name, error = &fault as &dyn Error, "an essential task ended; the process stops");
            tasks.lock().get_or_insert(fault);
            tasks.stop.cancel();
        });
    }

    /// Waits until no task runs any more, and no longer than `bound`. Says whether all have ended.
    pub async fn ended(&self, bound: Duration) -> bool {
        self.tracker.close();
        tokio::time::timeout(bound, self.tracker.wait()).await.is_ok()
    }

    /// The first fault of an essential task. Said once.
    pub fn fault(&self) -> Option<Fault> {
        self.lock().take()
    }

    /// Counts as a task as long as it is held.
    pub fn token(&self) -> TaskTrackerToken {
        self.tracker.token()
    }

    /// How many tasks run.
    pub fn count(&self) -> usize {
        self.tracker.len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Fault>> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Cancels `stop` at SIGTERM and at SIGINT. Signals count from this call on.
///
/// # Errors
/// The system lets no signal be received.
pub fn stop_at_signals(stop: CancellationToken) -> io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    // Untracked: it works for no one, and ends at the stop.
    tokio::spawn(async move {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        info!("told to stop");
        stop.cancel();
    });
    Ok(())
}

/// What a panic says, if it says a text.
fn text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&'static str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text")
}

#[cfg(test)]
mod tests;
