//! Background tasks, and work that computes for long.
//!
//! A background task has a name and a period, looks at the state, acts, and is done until it is woken. Time and nudges wake it;
//! the next waking is the retry, also after a panic, which is logged and counted. When the server stops, a task ends after the
//! look that it is at.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use entente_tasks::Tasks;
use tokio::sync::Notify;

use crate::error::{AppError, Result};

/// What wakes a task before its time, and how long it then waits for more of the same.
pub(crate) type Nudge<T> = (fn(&T) -> &Notify, Duration);

/// Computes something that takes long, such as compiling or checking signatures, on a thread of its own: on an async worker
/// it would hold up streams.
pub(crate) async fn compute<T: Send + 'static>(tasks: &Tasks, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tasks.spawn_blocking(work).await.map_err(AppError::internal)
}

/// Starts a background task, which has the handles in `parts` and no others.
pub(crate) fn run<T, F>(
    tasks: &Tasks,
    name: &'static str,
    period: Duration,
    nudge: Option<Nudge<T>>,
    parts: &Arc<T>,
    look: fn(Arc<T>) -> F,
) where
    T: Send + Sync + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    let (running, parts) = (tasks.clone(), parts.clone());
    tasks.spawn(name, async move {
        while wakes(&running, period, nudge.map(|(notify, gather)| (notify(&parts), gather))).await {
            // In a task of its own, so that a panic ends one look and not the task.
            match running.spawn(name, look(parts.clone())).await {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => {
                    tracing::error!(
                        task = name,
                        error = &error as &dyn Error,
                        "a background task failed; it runs again"
                    );
                }
                // `Tasks` has logged it.
                Err(_panic) => {}
            }
            metrics::counter!("entente_task_failures_total", "task" => name).increment(1);
        }
    });
}

/// Says whether to look; false when the server stops.
async fn wakes(tasks: &Tasks, period: Duration, nudge: Option<(&Notify, Duration)>) -> bool {
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
        () = tasks.stop.cancelled() => false,
        () = tokio::time::sleep(period) => true,
        () = nudged => true,
    }
}
