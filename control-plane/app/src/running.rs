//! What runs, and the word to stop.

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// Running tasks and streams, and the word to stop.
#[derive(Debug, Default)]
pub(crate) struct Running {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Running {
    /// Ends every task after the look that it is at.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    pub(crate) async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// Starts something that stopping waits for.
    pub(crate) fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.tracker.spawn(work)
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
}
