//! The total time of a call, a batch or a listing: a slow service delays its own part by no more than this.
//!
//! Its users are the senders (`client.rs`, `batch.rs`). When it is used up, the result is what is known so far.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::call::Call;
use crate::config::Patience;
use crate::failure::{Answer, Failure};
use crate::transport::Exchange;

/// Each further batch that is sent with others gets a twentieth of the first one's time, three seconds: Graph answers
/// one in about a second, and twenty writes wait a little over a second for their budget (`pacer.rs`).
const FURTHER: u32 = 20;

/// The end of a wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget(Instant);

impl Budget {
    /// For a single call, or for `batches` of them.
    pub(crate) fn of_batches(batches: usize, patience: &Patience) -> Budget {
        Budget::new(patience.batch, batches)
    }

    /// For one listing, or for as many as travel in `batches`.
    pub(crate) fn of_listings(batches: usize, patience: &Patience) -> Budget {
        Budget::new(patience.listing, batches)
    }

    fn new(first: Duration, batches: usize) -> Budget {
        let further = u32::try_from(batches.saturating_sub(1)).unwrap_or(u32::MAX);
        Budget(Instant::now() + first + (first / FURTHER).saturating_mul(further))
    }

    pub(crate) fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// An exchange that runs out of time counts as lost, like any exchange without an answer.
    pub(crate) async fn bound(self, exchange: impl Future<Output = Exchange>) -> Exchange {
        let used_up = || Exchange::Lost(Arc::new(std::io::Error::other("its time was up")));
        timeout_at(self.0, exchange).await.unwrap_or_else(|_| used_up())
    }

    /// Like [`Budget::bound`], for what happens before the call is sent.
    pub(crate) async fn before<T>(self, call: &Call, ready: impl Future<Output = Answer<T>>) -> Answer<T> {
        let used_up = || {
            let reason = "its time was up before it could go".to_owned();
            Err(Failure::NotSent { call: call.name, reason, source: None })
        };
        // A timeout polls its future first, so one that is ready at once would still go.
        if self.left().is_zero() {
            return used_up();
        }
        timeout_at(self.0, ready).await.unwrap_or_else(|_| used_up())
    }
}
