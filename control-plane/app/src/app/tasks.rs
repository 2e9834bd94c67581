//! What runs by itself: each task has a name and a period, looks at the state, acts, and is done until it is woken.
//!
//! Time and nudges wake it; the next waking is the retry, also after a panic, which is logged and counted. When the
//! server stops, a task ends after the look that it is at.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use entente_model::GoAwayReason;
use entente_tasks::Tasks;
use tokio::sync::Notify;

use super::App;
use crate::error::AppError;

/// How often streams are looked at: the grain of pings, retries and certificate checks. Ten thousand take some 5 ms,
/// which is a thousandth of a core.
const PULSE: Duration = Duration::from_secs(5);

/// How often all removals are looked at, without a nudge.
const REMOVALS: Duration = Duration::from_secs(30);

/// Proofs that come within this time end in one look.
const REMOVALS_GATHER: Duration = Duration::from_millis(250);

const CLEANUP: Duration = Duration::from_secs(600);

/// How long agents stay away from a server that stops; they add jitter.
const COME_BACK: Duration = Duration::from_secs(1);

impl App {
    /// Starts the background tasks. Once, inside a runtime.
    pub fn start(&self) {
        let (lease, gather) = (self.inner.config.lease, self.inner.config.lease_gather);
        self.run("leases", lease, Some((|app| &app.inner.channels.leases.nudge, gather)), |app| async move {
            app.grant_leases();
            Ok(())
        });
        // An eighth, so that none is renewed much later than at its quarter.
        self.run("lease renewal", lease / 8, None, |app| async move {
            app.renew_leases();
            Ok(())
        });
        self.run("removals", REMOVALS, None, |app| async move { app.inner.removals.settle_removals().await });
        let told: Nudge = (|app| &app.inner.channels.removals_told, REMOVALS_GATHER);
        self.run("told removals", REMOVALS, Some(told), |app| async move { app.inner.removals.settle_told().await });
        self.run("pulse", PULSE, None, |app| async move {
            app.inner.streams.pulse();
            Ok(())
        });
        let nudge: Nudge = (|app| &app.inner.dispatch.tenant_gone, Duration::ZERO);
        self.run("cleanup", CLEANUP, Some(nudge), |app| async move { app.clean_up().await });
    }

    fn run<F>(&self, name: &'static str, period: Duration, nudge: Option<Nudge>, look: fn(Self) -> F)
    where
        F: Future<Output = Result<(), AppError>> + Send + 'static,
    {
        let app = self.clone();
        self.inner.running.spawn(name, async move {
            while app.wake(period, nudge).await {
                // In a task of its own, so that a panic ends one look and not the task.
                match app.inner.running.spawn(name, look(app.clone())).await {
                    Ok(Ok(())) => continue,
                    Ok(Err(error)) => {
                        tracing::error!(task = name, error = &error as &dyn Error, "a task failed; it runs again");
                    }
                    // The log has it by now.
                    Err(_panic) => {}
                }
                metrics::counter!("entente_task_failures_total", "task" => name).increment(1);
            }
        });
    }

    /// Says whether to look; false when the server stops.
    async fn wake(&self, period: Duration, nudge: Option<Nudge>) -> bool {
        let nudged = async {
            match nudge {
                Some((notify, gather)) => {
                    notify(self).notified().await;
                    tokio::time::sleep(gather).await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.inner.running.stop.cancelled() => false,
            () = tokio::time::sleep(period) => true,
            () = nudged => true,
        }
    }

    /// What belongs to the application and runs by itself: [`App::shutdown`] waits for it.
    pub fn tasks(&self) -> &Tasks {
        &self.inner.running
    }

    /// Whether the server is about to stop.
    pub fn is_stopping(&self) -> bool {
        self.inner.running.stop.is_cancelled()
    }

    /// Sends all agents away, ends watches and tasks. Says whether all ended before the deadline.
    pub async fn shutdown(&self, deadline: Duration) -> bool {
        self.inner.running.stop.cancel();
        for channel in self.inner.channels.all() {
            channel.lock().cut(GoAwayReason::Shutdown, COME_BACK);
        }
        self.inner.dispatch.wake_watchers();
        self.inner.running.ended(deadline).await
    }
}

/// What wakes a task before its time, and how long it then waits for more of the same.
type Nudge = (fn(&App) -> &Notify, Duration);
