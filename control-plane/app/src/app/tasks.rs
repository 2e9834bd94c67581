//! What runs by itself: each task with its name, its period, and the handles that it needs.

use std::sync::Arc;
use std::time::Duration;

use entente_model::GoAwayReason;
use entente_tasks::Tasks;

use super::cleanup::CleanUp;
use super::leases::Leases;
use super::{App, Parts};
use crate::removals::Removals;
use crate::running::{self, Nudge};

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
        let Parts { config, leases, removals, streams, cleanup, running, .. } = &*self.inner;
        let told: Nudge<Leases> = (|it| &it.channels.leases.nudge, config.lease_gather);
        running::run(running, "leases", config.lease, Some(told), leases, |leases| async move {
            leases.grant();
            Ok(())
        });
        // An eighth, so that none is renewed much later than at its quarter.
        running::run(running, "lease renewal", config.lease / 8, None, leases, |leases| async move {
            leases.renew();
            Ok(())
        });
        running::run(running, "removals", REMOVALS, None, removals, |removals| async move {
            removals.settle_removals().await
        });
        let told: Nudge<Removals> = (|it| &it.channels.removals_told, REMOVALS_GATHER);
        let settle = |removals: Arc<Removals>| async move { removals.settle_told().await };
        running::run(running, "told removals", REMOVALS, Some(told), removals, settle);
        running::run(running, "pulse", PULSE, None, streams, |streams| async move {
            streams.pulse();
            Ok(())
        });
        let gone: Nudge<CleanUp> = (|it| &it.dispatch.tenant_gone, Duration::ZERO);
        running::run(running, "cleanup", CLEANUP, Some(gone), cleanup, |cleanup| async move { cleanup.look().await });
    }

    /// The application's tasks: [`App::shutdown`] waits for them.
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
