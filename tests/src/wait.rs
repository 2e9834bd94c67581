//! Waiting for something to become true: asked again and again, with an end, and with what was seen last.

use std::future::Future;
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::Instant;

/// How often it is asked. Short beside what is waited for, long beside what asking costs.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// Waits until `ask` answers `Ok`, and gives its value; with what it last said when the time is over.
pub async fn eventually<T, F>(what: &str, limit: Duration, mut ask: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let begun = Instant::now();
    loop {
        let answer = ask().await;
        match answer {
            Ok(value) => return Ok(value),
            Err(last) if begun.elapsed() >= limit => {
                bail!("{what}: not within {} s: {last:#}", limit.as_secs());
            }
            Err(_) => tokio::time::sleep(ASK_EVERY).await,
        }
    }
}
