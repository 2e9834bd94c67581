//! A switch is told as it is when the report goes, and at once when it is turned: also while Microsoft does not answer.

use std::sync::Arc;

use entente_model::report::{RevokeAllState, Standing};
use entente_session::Status;

use super::*;
use crate::testing::analysts;

/// Any read of the tenant.
fn reads() -> Match {
    Match { tenant: Some(TENANT.into()), method: Some("GET".into()), path: None }
}

#[tokio::test]
async fn a_pause_that_ended_while_the_tenant_was_read_is_not_told() {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0]));
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    world.switches().pause().unwrap();
    let barrier = world.control.add_barrier(reads(), When::Before).await.unwrap();
    let mut told = world.status.subscribe();
    told.mark_unchanged();
    let round = tokio::spawn(async move { steward.round(&CancellationToken::new()).await.unwrap() });
    world.control.wait_barrier(barrier.id, 1, ARRIVES).await.unwrap();
    world.switches().resume().unwrap();
    world.control.remove_barrier(barrier.id, Release::Proceed).await.unwrap();
    round.await.unwrap();
    assert!(told.has_changed().unwrap(), "the look was told");
    let standing = told.borrow().clone().unwrap().standing.clone();
    assert_eq!((standing.paused, standing.paused_since), (false, None));
}

#[tokio::test]
async fn a_switch_that_is_turned_is_told_while_microsoft_does_not_answer() {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0]));
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    let barrier = world.control.add_barrier(reads(), When::Before).await.unwrap();
    let cancel = CancellationToken::new();
    let running = tokio::spawn(steward.run(cancel.clone()));
    world.control.wait_barrier(barrier.id, 1, ARRIVES).await.unwrap();
    let told = async |is: fn(&Standing) -> bool| {
        let mut status = world.status.subscribe();
        let is_told = |status: &Option<Arc<Status>>| status.as_ref().is_some_and(|status| is(&status.standing));
        // Less than the look may wait for.
        tokio::time::timeout(Duration::from_secs(10), status.wait_for(is_told)).await.unwrap().unwrap();
    };
    world.switches().pause().unwrap();
    told(|it| it.paused && it.paused_since.is_some()).await;
    world.switches().resume().unwrap();
    told(|it| !it.paused && it.paused_since.is_none()).await;
    world.switches().revoke_all().unwrap();
    told(|it| it.revoke_all.as_ref().is_some_and(|it| it.state == RevokeAllState::Running)).await;
    world.control.remove_barrier(barrier.id, Release::Proceed).await.unwrap();
    cancel.cancel();
    running.await.unwrap().unwrap();
}
