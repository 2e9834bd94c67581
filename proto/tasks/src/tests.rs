//! What happens to a process when one of its tasks ends, fails, panics or hangs.

use std::convert::Infallible;
use std::future::pending;
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;

use super::*;

/// Longer than anything here takes, so that what hangs fails.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Log {
    /// Takes what this thread logs, which is the only one of a test's runtime.
    fn listen(&self) -> tracing::subscriber::DefaultGuard {
        tracing::subscriber::set_default(tracing_subscriber::fmt().with_ansi(false).with_writer(self.clone()).finish())
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

async fn stopped(stop: CancellationToken) -> Result<(), Infallible> {
    stop.cancelled().await;
    Ok(())
}

#[tokio::test]
async fn a_panic_is_logged_by_name_and_stops_nothing_else() {
    let log = Log::default();
    let _listening = log.listen();
    let tasks = Tasks::default();
    let ended = tasks.spawn("handshake", async { panic!("no {}", "luck") }).await;
    assert!(ended.is_err_and(|error: tokio::task::JoinError| error.is_panic()));
    let told = log.text();
    assert!(told.contains("a task panicked") && told.contains("handshake") && told.contains("no luck"), "{told}");
    assert!(!tasks.stop.is_cancelled() && tasks.fault().is_none());
    assert!(tasks.ended(PATIENCE).await);
}

#[tokio::test]
async fn an_essential_task_that_ends_fails_or_panics_stops_the_rest_and_is_named() {
    let ended = async |start: fn(&Tasks)| {
        let tasks = Tasks::default();
        let stop = tasks.stop.clone();
        tasks.essential("other", stopped(stop));
        tasks.spawn_until_stop("aside", pending());
        start(&tasks);
        tasks.stop.cancelled().await;
        assert!(tasks.ended(PATIENCE).await);
        tasks.fault().unwrap().to_string()
    };
    let fault = ended(|tasks| tasks.essential("loop", async { Ok::<_, Infallible>(()) })).await;
    assert_eq!(fault, "the task loop ended, which it never should");
    let fault = ended(|tasks| tasks.essential("loop", async { Err(io::Error::other("full")) })).await;
    assert_eq!(fault, "the task loop failed");
    let fault = ended(|tasks| tasks.essential("loop", async { panic!("out of luck") as Result<(), Infallible> })).await;
    assert_eq!(fault, "the task loop panicked: out of luck");
}

#[tokio::test]
async fn told_to_stop_nothing_is_a_fault_and_a_task_that_hangs_is_not_waited_for_beyond_the_bound() {
    let tasks = Tasks::default();
    let stop = tasks.stop.clone();
    tasks.essential("loop", stopped(stop));
    let held = tasks.token();
    tasks.stop.cancel();
    assert!(!tasks.ended(Duration::from_millis(50)).await);
    assert_eq!(tasks.count(), 1);
    drop(held);
    assert!(tasks.ended(PATIENCE).await && tasks.fault().is_none());
}
