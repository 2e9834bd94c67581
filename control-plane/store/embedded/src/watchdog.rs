//! Wakes the writer if sled does not.
//!
//! If one of sled's threads fails to write, it does not always wake the thread that waits for that write in `flush`.
//! The next call of `flush` sees the failure and wakes all of them. So if a group takes long, this thread makes that
//! call.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::shared::Shared;

/// A group takes milliseconds. An extra call is cheap.
const LONG: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(crate) struct Watchdog {
    /// `None` once it was stopped.
    running: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Watchdog {
    pub(crate) fn start(shared: Arc<Shared>) -> std::io::Result<Self> {
        let (stop, stopped) = channel();
        let watch = move || {
            while stopped.recv_timeout(LONG) == Err(RecvTimeoutError::Timeout) {
                if shared.syncing_for() >= LONG
                    && let Some(rows) = shared.rows()
                {
                    // Ignore the result: the writer's own call of `flush` returns the failure.
                    let _ = rows.flush();
                }
            }
        };
        let thread = std::thread::Builder::new().name("store-watchdog".to_owned()).spawn(watch)?;
        Ok(Self { running: Some((stop, thread)) })
    }

    /// Waits until it releases the store.
    pub(crate) fn stop(&mut self) {
        let Some((stop, thread)) = self.running.take() else { return };
        drop(stop);
        if thread.join().is_err() {
            tracing::error!("the store's watchdog panicked");
        }
    }
}
