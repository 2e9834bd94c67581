//! The loop against a simulated tenant over real HTTPS.

mod convergence;
mod crashes;
mod customer;
mod not_allowed;
mod refusals;
mod removal;
mod standing;
mod switched;

use std::time::Duration;

use entente_simulator::control::types::{Fault, FaultAction, Match, Release, When};
use tokio_util::sync::CancellationToken;

use crate::testing::{TENANT, World};

/// A request of that method whose path matches.
pub(crate) fn on(method: &str, path: &str) -> Match {
    Match { tenant: Some(TENANT.into()), method: Some(method.into()), path: Some(path.into()) }
}

/// What befalls the first such request.
pub(crate) fn once(on: Match, action: FaultAction) -> Fault {
    Fault { on, action, count: Some(1), skip: 0, probability: None }
}

/// Long enough for a request to arrive on a busy machine.
pub(crate) const ARRIVES: Duration = Duration::from_secs(60);

/// Runs the loop until such a request is held at a barrier, kills it there, and lets go of the request.
pub(crate) async fn kill_at(world: &mut World, request: Match, when: When, fate: Release) {
    let barrier = world.control.add_barrier(request, when).await.unwrap();
    let mut steward = world.steward().await;
    let rounds = tokio::spawn(async move {
        let cancel = CancellationToken::new();
        loop {
            let wait = steward.round(&cancel).await.unwrap();
            tokio::time::sleep(wait.min(Duration::from_secs(1))).await;
        }
    });
    world.control.wait_barrier(barrier.id, 1, ARRIVES).await.unwrap();
    rounds.abort();
    // Everything that the loop had is dropped, its store too.
    assert!(rounds.await.unwrap_err().is_cancelled());
    world.control.remove_barrier(barrier.id, fate).await.unwrap();
}
