//! A credential that Microsoft refuses: the error, and when to try again.
//!
//! Trying an expired secret every few seconds does not help, and looks like an attack. It sends nothing; `tokens.rs`
//! asks it before a request and reports to it after.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use crate::call::{Call, Service};
use crate::failure::{Answer, Failure, TokenError};
use crate::transport::Reply;

/// The first wait before a refused credential is tried again. It doubles. After a quick correction, a person waits no
/// longer than this.
const FIRST_WAIT: Duration = Duration::from_secs(15);

/// A corrected credential is noticed within this time, and sooner if its file changes.
const LONGEST_WAIT: Duration = Duration::from_secs(5 * 60);

/// Why no call can succeed until a person acts.
#[derive(Debug, Clone)]
pub struct Trouble {
    pub failure: Failure,
    /// Time until the next attempt.
    pub again_in: Duration,
}

/// What is known about one agent's credential.
#[derive(Debug, Default)]
pub(crate) struct Troubles(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// There was no token.
    refused: Option<Refused>,
    /// There were tokens, and the service accepts none.
    graph: Denied,
    arm: Denied,
}

#[derive(Debug)]
struct Refused {
    error: Arc<TokenError>,
    /// The fingerprint of the refused credential.
    print: u64,
    wait: Wait,
}

#[derive(Debug, Default)]
struct Denied {
    failure: Option<Failure>,
    /// Until a token of this service may be discarded again after a 401.
    renewal: Option<Wait>,
}

#[derive(Debug, Clone, Copy)]
struct Wait {
    times: u32,
    until: Instant,
}

impl Wait {
    fn after(before: Option<Wait>) -> Wait {
        let times = before.map_or(0, |wait| wait.times.saturating_add(1));
        let wait = (FIRST_WAIT * 2u32.saturating_pow(times.min(16))).min(LONGEST_WAIT);
        Wait { times, until: Instant::now() + wait }
    }

    fn is_over(&self) -> bool {
        self.until <= Instant::now()
    }
}

impl Troubles {
    /// The refusal of this very credential, while it is too early to try again.
    pub(crate) fn held(&self, print: u64) -> Option<Arc<TokenError>> {
        let state = self.lock();
        let held = state.refused.as_ref().filter(|it| it.print == print && !it.wait.is_over());
        held.map(|it| it.error.clone())
    }

    pub(crate) fn refused(&self, error: Arc<TokenError>, print: u64) {
        let mut state = self.lock();
        let before = state.refused.as_ref().filter(|it| it.print == print).map(|it| it.wait);
        state.refused = Some(Refused { error, print, wait: Wait::after(before) });
    }

    pub(crate) fn accepted(&self) {
        self.lock().refused = None;
    }

    /// Whether to discard a token that was answered with 401: at once the first time, then less and less often while
    /// new tokens fail too.
    pub(crate) fn may_renew(&self, service: Service) -> bool {
        let mut state = self.lock();
        let denied = state.of(service);
        let may = denied.renewal.is_none_or(|wait| wait.is_over());
        if may {
            denied.renewal = Some(Wait::after(denied.renewal));
        }
        may
    }

    /// Reads only: a single write may get a 401 for its own reasons, as invitations do.
    pub(crate) fn learn(&self, call: &Call, answer: &Answer<Reply>) {
        let mut state = self.lock();
        match answer {
            Ok(_) => *state.of(call.service) = Denied::default(),
            Err(failure) if call.is_read() && failure.is_of_credential() => {
                state.of(call.service).failure = Some(failure.clone());
            }
            Err(_) => {}
        }
    }

    pub(crate) fn tell(&self) -> Option<Trouble> {
        let state = self.lock();
        let left = |wait: &Wait| wait.until.saturating_duration_since(Instant::now());
        if let Some(refused) = &state.refused {
            return Some(Trouble { failure: Failure::NoToken(refused.error.clone()), again_in: left(&refused.wait) });
        }
        let denied = [&state.graph, &state.arm].into_iter().find(|denied| denied.failure.is_some())?;
        let again_in = denied.renewal.as_ref().map_or(FIRST_WAIT, left);
        Some(Trouble { failure: denied.failure.clone()?, again_in })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nothing panics while it holds the troubles")
    }
}

impl State {
    fn of(&mut self, service: Service) -> &mut Denied {
        match service {
            Service::Arm => &mut self.arm,
            Service::Graph | Service::Login => &mut self.graph,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal() -> Arc<TokenError> {
        Arc::new(TokenError::Malformed("for the test".into()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_credential_is_tried_after_minutes_and_another_one_at_once() {
        let troubles = Troubles::default();
        let mut waits = Vec::new();
        for _ in 0..7 {
            troubles.refused(refusal(), 1);
            assert!(troubles.held(1).is_some());
            let wait = troubles.tell().unwrap().again_in;
            waits.push(wait.as_secs());
            tokio::time::advance(wait).await;
            assert!(troubles.held(1).is_none());
        }
        assert_eq!(waits, [15, 30, 60, 120, 240, 300, 300]);
        troubles.refused(refusal(), 1);
        assert!(troubles.held(2).is_none(), "its file has changed");
        troubles.refused(refusal(), 2);
        assert_eq!(troubles.tell().unwrap().again_in, FIRST_WAIT);
        troubles.accepted();
        assert!(troubles.tell().is_none() && troubles.held(2).is_none());
    }
}
