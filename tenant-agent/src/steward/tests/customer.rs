//! What the customer may do at any time: pause, verify, change the guardrail.

use super::*;
use crate::receipt::Receipt;
use crate::status_file::StatusFile;
use crate::testing::analysts;

#[tokio::test]
async fn a_pause_stops_changes_at_once_holds_over_a_restart_and_ends_with_resume() {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0]));
    let barrier = world.control.add_barrier(on("POST", "^/v1.0/invitations$"), When::Before).await.unwrap();
    let mut steward = world.steward().await;
    let round = tokio::spawn(async move { steward.round(&CancellationToken::new()).await.unwrap() });
    world.control.wait_barrier(barrier.id, 1, ARRIVES).await.unwrap();
    world.switches().pause().unwrap();
    world.control.remove_barrier(barrier.id, Release::Proceed).await.unwrap();
    round.await.unwrap();
    let mut steward = world.steward().await;
    world.until_told(&mut steward, "group/l1-analyst/standard HELD PAUSED").await;
    // What was under way is done, and nothing after it.
    assert_eq!(world.writes().await, ["POST /v1.0/invitations"]);
    let status = world.status.borrow().clone().unwrap();
    assert!(status.standing.paused, "seen by the control plane");
    world.switches().resume().unwrap();
    world.settle(&mut steward).await;
    assert!(world.told().lines().all(|line| line.ends_with(" APPLIED")), "{}", world.told());
}

#[tokio::test]
async fn revoke_all_ends_everything_that_was_given_and_proves_it() {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0, 1]));
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    world.switches().revoke_all().unwrap();
    world.settle(&mut steward).await;
    let receipt = Receipt::read(&world.config.state_dir).unwrap().unwrap();
    assert!(receipt.is_complete(), "{}", receipt.text());
    assert!(receipt.second_empty_read > receipt.first_empty_read);
    for n in [0, 1] {
        assert!(world.is_gone(n).await, "{}", receipt.text());
    }
    let truth = world.truth().await;
    assert_eq!(truth.azure_assignments.len(), 1, "the agent's own is left");
    assert_eq!(world.figures().await.writes_to_unowned, 0);
    // Nothing is given again, whatever is desired, until the customer says so.
    let writes = world.writes().await;
    world.desire(11, &analysts(&[0, 1, 2]));
    world.settle(&mut steward).await;
    assert_eq!(world.writes().await, writes);
}

#[tokio::test]
async fn revoke_all_goes_on_after_a_kill_and_without_a_guardrail() {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0, 1]));
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    drop(steward);
    std::fs::remove_file(&world.config.guardrail).unwrap();
    world.switches().revoke_all().unwrap();
    kill_at(&mut world, on("PATCH", "^/v1.0/users/"), When::After, Release::Abandon).await;
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    let receipt = Receipt::read(&world.config.state_dir).unwrap().unwrap();
    assert!(receipt.is_complete(), "{}", receipt.text());
    for n in [0, 1] {
        assert!(world.is_gone(n).await, "{}", receipt.text());
    }
}

#[tokio::test]
async fn a_running_loop_answers_for_its_plan_and_wakes_for_a_switch() {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0]));
    let steward = world.steward().await;
    let cancel = CancellationToken::new();
    let running = tokio::spawn(steward.run(cancel.clone()));
    let mut status = world.status.subscribe();
    let whole = |status: &Option<std::sync::Arc<entente_session::Status>>| {
        status.as_ref().is_some_and(|status| status.standing.settled == Some((1, 10)))
    };
    tokio::time::timeout(ARRIVES, status.wait_for(whole)).await.unwrap().unwrap();
    let (ask, answer) = tokio::sync::oneshot::channel();
    world.plans.clone().unwrap().send(ask).await.unwrap();
    assert_eq!(answer.await.unwrap(), Ok(Vec::new()));
    // Nothing nudges: the loop sees the file by itself.
    world.switches().pause().unwrap();
    let paused = |status: &Option<std::sync::Arc<entente_session::Status>>| {
        status.as_ref().is_some_and(|status| status.standing.paused)
    };
    tokio::time::timeout(ARRIVES, status.wait_for(paused)).await.unwrap().unwrap();
    cancel.cancel();
    running.await.unwrap().unwrap();
    let shown = StatusFile::read(&world.config.state_dir).unwrap().unwrap();
    assert_eq!((shown.version, shown.standing.paused), (Some((1, 10)), true));
}
