//! What runs, and the word to stop: streams, background tasks, and work that computes for long.
//!
//! A background task has a name and a period, looks at the state, acts, and is done until it is woken. Time and nudges wake it;
//! the next waking is the retry, also after a panic, which is logged and counted. When the server stops, a task ends after the
//! look that it is at.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::error::{AppError, Result};

/// Running tasks and streams, and the word to stop.
#[derive(Debug, Default)]
pub(crate) struct Running {
    tracker: TaskTracker,
    stop: CancellationToken,
}

/// What wakes a task before its time, and how long it then waits for more of the same.
pub(crate) type Nudge<T> = (fn(&T) -> &Notify, Duration);

impl Running {
    /// Ends every task after the look that it is at.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// Starts something that stopping waits for.
    pub(crate) fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.tracker.spawn(work)
    }

    /// Computes something that takes long, such as compiling or checking signatures, on a thread of its own: on an async worker
    /// it would hold up streams.
    pub(crate) async fn compute<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        self.tracker.spawn_blocking(work).await.map_err(AppError::internal)
    }

    /// Waits until nothing runs any more.
    pub(crate) async fn ended(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Held by each stream, so that stopping waits for it.
    pub(crate) fn token(&self) -> TaskTrackerToken {
        self.tracker.token()
    }

    /// Starts a background task, which has the handles in `parts` and no others.
    pub(crate) fn run<T, F>(
        self: &Arc<Self>,
        name: &'static str,
        period: Duration,
        nudge: Option<Nudge<T>>,
        parts: &Arc<T>,
        look: fn(Arc<T>) -> F,
    ) where
        T: Send + Sync + 'static,
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let (running, parts) = (self.clone(), parts.clone());
        self.spawn(async move {
            while running.wakes(period, nudge.map(|(notify, gather)| (notify(&parts), gather))).await {
                // In a task of its own, so that a panic ends one look and not the task.
                match running.spawn(look(parts.clone())).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => failed(name, &error),
                    Err(panic) => failed(name, &panic),
                }
            }
        });
    }

    /// Says whether to look; false when the server stops.
    async fn wakes(&self, period: Duration, nudge: Option<(&Notify, Duration)>) -> bool {
        let nudged = async {
            match nudge {
                Some((notify, gather)) => {
                    notify.notified().await;
                    tokio::time::sleep(gather).await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.stop.cancelled() => false,
            () = tokio::time::sleep(period) => true,
            () = nudged => true,
        }
    }
}

fn failed(task: &'static str, error: &(dyn Error + 'static)) {
    tracing::error!(task, error, "a background task failed; it runs again");
    metrics::counter!("entente_task_failures_total", "task" => task).increment(1);
}
