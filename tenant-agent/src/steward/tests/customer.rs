//! What the customer may do at any time: pause, verify, change the guardrail.

use entente_model::plan::{PlannedChange, Verdict};
use entente_model::report::{ItemState, Reason, RevokeAllState};
use entente_simulator::control::seed::{GroupSeed, UserSeed};
use entente_simulator::control::types::{Bend, Tamper};
use serde_json::json;

use super::*;
use crate::receipt::{About, Receipt};
use crate::status_file::StatusFile;
use crate::testing::{Spec, analysts, left, mail, member, scaffold, user};

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
    let receipt = Receipt::read(&world.config.state_dir, About::All).unwrap().unwrap();
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
async fn a_plan_under_revoke_all_gives_nothing_and_says_so_while_it_runs_and_when_it_is_done() {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0]));
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    world.switches().revoke_all().unwrap();
    world.desire(11, &analysts(&[0, 1]));
    let is_held = |plan: Vec<PlannedChange>| {
        let held = |it: &PlannedChange| it.verdict == Verdict::Held && it.reason == Some(Reason::RevokeAll);
        assert!(!plan.is_empty() && plan.iter().all(held), "{plan:?}");
    };
    is_held(steward.preview().await.unwrap());
    world.settle(&mut steward).await;
    is_held(steward.preview().await.unwrap());
    world.switches().resume().unwrap();
    let plan = steward.preview().await.unwrap();
    assert!(plan.iter().any(|it| it.verdict == Verdict::Allowed), "{plan:?}");
}

#[tokio::test]
async fn a_leave_after_revoke_all_is_proven_and_everything_else_says_why_it_is_not_given() {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0, 1]));
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    world.switches().revoke_all().unwrap();
    world.settle(&mut steward).await;
    let writes = world.writes().await;
    assert!(world.told().contains(&format!("{} HELD REVOKE_ALL", user(0).key)), "{}", world.told());
    world.desire(11, &[analysts(&[1]), vec![left(user(0)), left(member(0))]].concat());
    world.settle(&mut steward).await;
    let status = world.status.borrow().clone().unwrap();
    for key in [user(0).key, member(0).key] {
        let report = &status.items[&key];
        assert!(report.proof.as_ref().is_some_and(|proof| proof.signed.is_some()), "{}", world.told());
    }
    assert!(world.told().contains(&format!("{} HELD REVOKE_ALL", user(1).key)), "{}", world.told());
    let more = world.writes().await.split_off(writes.len());
    assert!(more.iter().all(|write| write.ends_with("/revokeSignInSessions")), "{more:?}");
    let revoke_all = status.standing.revoke_all.clone().unwrap();
    assert!(status.standing.paused && revoke_all.state == RevokeAllState::Done);
    world.switches().resume().unwrap();
    world.settle(&mut steward).await;
    assert!(world.is_gone(0).await && !world.is_gone(1).await, "{}", world.told());
}

#[tokio::test]
async fn a_leave_while_revoke_all_cannot_end_is_proven() {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0, 1]));
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    let users = world.truth().await.users;
    let protected = users.iter().find(|it| it.mail.as_deref() == Some(mail(1).as_str())).unwrap().id.clone();
    let file = crate::testing::guardrail("manage");
    world.write_guardrail(&format!("{file}protected: {{users: [{protected}]}}\n"));
    world.switches().revoke_all().unwrap();
    world.settle(&mut steward).await;
    world.desire(11, &[analysts(&[1]), vec![left(user(0)), left(member(0))]].concat());
    world.until_told(&mut steward, &format!("{} REMOVED", user(0).key)).await;
    let status = world.status.borrow().clone().unwrap();
    assert!(status.items[&user(0).key].proof.is_some(), "{}", world.told());
    assert!(status.standing.revoke_all.as_ref().is_some_and(|it| it.state == RevokeAllState::Running));
    assert!(world.is_gone(0).await && !world.is_gone(1).await);
}

#[tokio::test]
async fn revoke_all_is_not_proven_while_an_entry_is_not_understood() {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0]));
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    let strange = [("/value".to_owned(), json!({"kind": "of a later version"}))].into();
    let action = FaultAction::Bend(Bend { append: strange, ..Bend::default() });
    let fault = Fault { on: on("GET", "/memberOf"), action, count: None, skip: 0, probability: None };
    let fault = world.control.add_fault(&fault).await.unwrap();
    world.switches().revoke_all().unwrap();
    let read = || Receipt::read(&world.config.state_dir, About::All).unwrap().unwrap_or_default();
    let cancel = CancellationToken::new();
    let rounds = async {
        while !read().text().contains("UNPROVEN") {
            let wait = steward.round(&cancel).await.unwrap();
            assert!(!read().is_complete(), "{}", read().text());
            tokio::time::sleep(wait.min(Duration::from_millis(200))).await;
        }
    };
    tokio::time::timeout(ARRIVES, rounds).await.unwrap();
    assert!(read().unread.iter().any(|line| line.contains("memberships of the user")), "{}", read().text());
    world.control.clear_fault(fault.id).await.unwrap();
    world.settle(&mut steward).await;
    assert!(read().is_complete(), "{}", read().text());
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
    let receipt = Receipt::read(&world.config.state_dir, About::All).unwrap().unwrap();
    assert!(receipt.is_complete(), "{}", receipt.text());
    for n in [0, 1] {
        assert!(world.is_gone(n).await, "{}", receipt.text());
    }
}

#[tokio::test]
async fn a_guest_of_the_customers_whom_an_invitation_finds_is_proposed_and_never_ended() {
    let guest = UserSeed { mail: Some(mail(0)), guest: true, ..UserSeed::default() };
    let mut world = World::of(Spec { users: vec![guest], ..Spec::default() }).await;
    let id = world.truth().await.users[0].id.clone();
    // Invited at this address long ago, and known by another one since: no look-up by mail shows her.
    let other = "maya.berg@contoso.example";
    let properties = json!({"mail": other, "otherMails": [], "proxyAddresses": [format!("SMTP:{other}")], "createdDateTime": "2026-01-05T08:00:00Z"});
    world.control.tamper(TENANT, &Tamper::SetUserProperties { user: id.clone(), properties }).await.unwrap();
    world.desire(10, &analysts(&[0]));
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    assert!(world.writes().await.contains(&"POST /v1.0/invitations".to_owned()));
    let key = user(0).key;
    let report = world.status.borrow().clone().unwrap().items[&key].clone();
    assert_eq!((report.reason, report.owned), (Some(Reason::AdoptionApproval), false));
    world.desire(11, &[scaffold(), vec![left(user(0)), left(member(0))]].concat());
    world.settle(&mut steward).await;
    assert!(world.told().contains(&format!("{key} RESIDUAL NOT_OURS")), "{}", world.told());
    world.switches().revoke_all().unwrap();
    world.settle(&mut steward).await;
    let truth = world.truth().await;
    assert!(truth.users.iter().any(|user| user.id == id && user.enabled), "{:?}", truth.users);
    assert_eq!(world.figures().await.writes_to_unowned, 0);
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
        let items = status.iter().flat_map(|status| status.items.values()).map(|item| item.state);
        items.clone().next().is_some() && items.into_iter().all(ItemState::is_settled)
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

#[tokio::test]
async fn whom_the_customer_deleted_is_invited_again_for_one_time_once_the_customer_allows_it() {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0]));
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    let held = format!("{} BLOCKED_BY_CUSTOMER CUSTOMER_DELETED", user(0).key);
    let invitations = async |world: &World| {
        let writes = world.writes().await;
        writes.iter().filter(|write| *write == "POST /v1.0/invitations").count()
    };
    for round in 1..=2 {
        world.control.tamper(TENANT, &Tamper::DeleteUser { user: mail(0) }).await.unwrap();
        world.until_told(&mut steward, &held).await;
        // The ledger knows it also after a restart.
        drop(steward);
        steward = world.steward().await;
        world.settle(&mut steward).await;
        assert!(world.told().contains(&held), "{}", world.told());
        assert_eq!(invitations(&world).await, round);
        let shown = StatusFile::read(&world.config.state_dir).unwrap().unwrap().deleted;
        assert_eq!((shown.len(), shown[0].mail.clone(), shown[0].allowed), (1, mail(0), None));
        world.switches().allow_again(shown[0].person).unwrap();
        // Nobody else comes of it.
        world.switches().allow_again(crate::testing::person(2)).unwrap();
        world.settle(&mut steward).await;
        assert_eq!(world.switches().allowed_again(), []);
        assert_eq!(invitations(&world).await, round + 1);
        assert!(world.told().lines().all(|line| line.ends_with(" APPLIED")), "{}", world.told());
    }
    let shown = StatusFile::read(&world.config.state_dir).unwrap().unwrap();
    assert_eq!(shown.deleted, []);
    assert_eq!(world.figures().await.writes_to_unowned, 0);
}

#[tokio::test]
async fn attacks_p02_nobody_joins_a_group_that_the_customer_put_into_another_one() {
    let group = GroupSeed { display_name: "falcon".into(), ..GroupSeed::default() };
    let mut world = World::of(Spec { groups: vec![group], ..Spec::default() }).await;
    world.desire(10, &analysts(&[0]));
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    let groups = world.truth().await.groups;
    let id = |name: &str| groups.iter().find(|it| it.display_name == name).unwrap().id.clone();
    let (ours, theirs) = (id("ent-l1-analyst"), id("falcon"));
    let nest = Tamper::AddMember { group: theirs.clone(), member: ours.clone() };
    world.control.tamper(TENANT, &nest).await.unwrap();
    world.desire(11, &analysts(&[0, 1]));
    let refused = format!("{} REFUSED GUARDRAIL_CAPABILITY", member(1).key);
    world.until_told(&mut steward, &refused).await;
    assert!(world.told().contains(&format!("{} APPLIED", member(0).key)), "who is there stays: {}", world.told());
    let told = format!("{:?}", *world.status.borrow());
    assert!(!told.contains("falcon"), "the control plane is not told which group: {told}");
    let status = StatusFile::read(&world.config.state_dir).unwrap().unwrap();
    assert!(status.named.values().flatten().any(|it| it == "group falcon"), "{status:?}");
    let here: Vec<_> = status.here.unwrap_or_default().people.iter().map(|it| it.there).collect();
    assert_eq!(here, [Some(true), Some(false)], "who is in and who is not, as it was seen");
    world.control.tamper(TENANT, &Tamper::RemoveMember { group: theirs, member: ours }).await.unwrap();
    world.until_told(&mut steward, &format!("{} APPLIED", member(1).key)).await;
}
