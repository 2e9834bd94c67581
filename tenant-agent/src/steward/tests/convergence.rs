//! From a desired state to a tenant that holds it.

use super::*;
use crate::testing::{self, Spec, analysts, mail};
use entente_simulator::control::seed::SettingsPatch;
use entente_simulator::control::types::Tamper;

fn applied(told: &str) -> bool {
    !told.is_empty() && told.lines().all(|line| line.ends_with(" APPLIED"))
}

#[tokio::test]
async fn the_tenant_becomes_as_desired_and_then_nothing_is_written() {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0, 1]));
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    assert!(applied(&world.told()), "{}", world.told());
    let truth = world.truth().await;
    let group = truth.groups.iter().find(|group| group.display_name == "ent-l1-analyst").unwrap();
    assert_eq!((truth.users.len(), group.members.len(), truth.azure_assignments.len()), (2, 2, 2));
    let writes = world.writes().await;
    // Looking again, also after a restart, changes nothing.
    world.settle(&mut steward).await;
    drop(steward);
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    assert_eq!(world.writes().await, writes);
    assert_eq!(world.figures().await.writes_to_unowned, 0, "{:?}", world.figures().await.unowned);
}

#[tokio::test]
async fn a_plan_shows_what_would_be_done_and_does_nothing() {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0]));
    let mut steward = world.steward().await;
    let plan = steward.preview().await.unwrap();
    assert!(plan.iter().any(|change| change.action == format!("invite {}", mail(0))), "{plan:?}");
    assert_eq!(world.writes().await, Vec::<String>::new());
}

#[tokio::test]
async fn without_a_desired_state_nothing_is_touched() {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0]));
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    let writes = world.writes().await;
    // What is on disk did not verify.
    world.view.send_replace(entente_session::View::default());
    world.settle(&mut steward).await;
    assert_eq!(world.writes().await, writes);
    assert!(steward.preview().await.is_err());
}

#[tokio::test]
async fn a_plane_that_is_only_verified_is_not_written_and_the_person_gets_a_script() {
    let mut world = World::of(Spec::with_mode("verify")).await;
    world.desire(10, &analysts(&[0]));
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    assert_eq!(world.writes().await, Vec::<String>::new());
    let status = world.status.borrow().clone().unwrap();
    let group = status.items.values().find(|item| item.key.to_string() == "group/l1-analyst/standard").unwrap();
    assert!(group.script.as_deref().is_some_and(|script| script.starts_with("az ")), "{group:?}");
}

#[tokio::test]
async fn a_missing_permission_is_named_and_granting_it_is_enough() {
    let all = testing::permissions("manage");
    let permissions = all.iter().copied().filter(|name| *name != "User.Invite.All").collect();
    let mut world = World::of(Spec { permissions, ..Spec::default() }).await;
    world.desire(10, &analysts(&[0]));
    let mut steward = world.steward().await;
    world.until_told(&mut steward, "PERMISSION_MISSING").await;
    let status = world.status.borrow().clone().unwrap();
    assert!(status.standing.findings.iter().any(|finding| finding.detail.contains("User.Invite.All")), "{status:?}");
    let permissions = all.into_iter().map(str::to_owned).collect();
    let grant = Tamper::SetAppPermissions { app: testing::CLIENT.into(), permissions };
    world.control.tamper(TENANT, &grant).await.unwrap();
    world.settle(&mut steward).await;
    assert!(applied(&world.told()), "{}", world.told());
}

#[tokio::test]
async fn closed_invitations_are_told_apart_from_a_missing_permission() {
    let settings = SettingsPatch { allow_invites_from: Some("none".into()), ..Spec::default().settings };
    let mut world = World::of(Spec { settings, ..Spec::default() }).await;
    world.desire(10, &analysts(&[0]));
    let mut steward = world.steward().await;
    world.until_told(&mut steward, "INVITATIONS_CLOSED").await;
    world.until_told(&mut steward, &format!("{} APPLIED", testing::RESPONDER)).await;
}

#[tokio::test]
async fn a_lease_that_comes_while_the_tenant_is_read_counts() {
    let mut spec = Spec::default();
    spec.settings.latency_seconds = Some(0.2);
    let mut world = World::of(spec).await;
    world.desire(10, &analysts(&[0]));
    world.view.send_modify(|view| view.fresh_until = None);
    let mut steward = world.steward().await;
    let cancel = CancellationToken::new();
    let reading = async {
        while world.control.log(0, Some(TENANT)).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        world.view.send_modify(|view| view.fresh_until = Some(Duration::MAX));
    };
    let (round, ()) = tokio::join!(steward.round(&cancel), reading);
    round.unwrap();
    assert!(!world.told().contains("HELD"), "{}", world.told());
}

#[tokio::test]
async fn something_newer_ends_what_is_left_of_a_plan() {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0, 1, 2]));
    let barrier = world.control.add_barrier(on("POST", "^/v1.0/invitations$"), When::Before).await.unwrap();
    let mut steward = world.steward().await;
    let round = tokio::spawn(async move {
        steward.round(&CancellationToken::new()).await.unwrap();
        steward
    });
    world.control.wait_barrier(barrier.id, 1, ARRIVES).await.unwrap();
    // While people are invited, one of them leaves: groups and memberships of the old plan do not follow.
    let people: Vec<_> = [0, 1].iter().flat_map(|n| [testing::user(*n), testing::member(*n)]).collect();
    let gone = [testing::left(testing::user(2)), testing::left(testing::member(2))];
    world.desire(11, &[people, testing::scaffold(), gone.to_vec()].concat());
    world.control.remove_barrier(barrier.id, Release::Proceed).await.unwrap();
    let mut steward = round.await.unwrap();
    let writes = world.writes().await;
    assert!(writes.iter().all(|write| write.ends_with("/invitations")), "{writes:?}");
    world.settle(&mut steward).await;
    assert!(world.is_gone(2).await, "{}", world.told());
    assert!(!world.is_gone(0).await);
}

fn mended(world: &World) -> Vec<String> {
    let status = world.status.borrow().clone().unwrap();
    let line = |it: &entente_model::report::Mended| {
        assert!(it.found <= it.mended, "{it:?}");
        let extra = if it.detail.contains("without an item") { " extra" } else { "" };
        format!("{} {}{extra} {}", it.number, it.key, it.reason.word())
    };
    status.mended.iter().map(line).collect()
}

#[tokio::test]
async fn drift_that_is_mended_before_anybody_sees_it_is_told_until_it_is_acknowledged() {
    let stranger =
        entente_simulator::control::seed::UserSeed { mail: Some("x@contoso.example".into()), ..Default::default() };
    let mut world = World::of(Spec { users: vec![stranger], ..Spec::default() }).await;
    world.desire(10, &analysts(&[0]));
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    assert_eq!(mended(&world), Vec::<String>::new(), "what is given for the first time is no drift");
    let group = "ent-l1-analyst".to_owned();
    let remove = Tamper::RemoveMember { group: group.clone(), member: mail(0) };
    let add = Tamper::AddMember { group, member: "x@contoso.example".into() };
    for tampering in [remove, add] {
        world.control.tamper(TENANT, &tampering).await.unwrap();
    }
    world.settle(&mut steward).await;
    let member = testing::member(0).key;
    let mut expected =
        vec!["1 group/l1-analyst/standard extra DRIFT_EXTRA".to_owned(), format!("2 {member} DRIFT_MISSING")];
    assert_eq!(mended(&world), expected);
    // Also after a restart, with what comes to it; and no more once it is acknowledged.
    drop(steward);
    let mut steward = world.steward().await;
    let remove = Tamper::RemoveMember { group: "ent-l1-analyst".into(), member: mail(0) };
    world.control.tamper(TENANT, &remove).await.unwrap();
    world.settle(&mut steward).await;
    expected.push(format!("3 {member} DRIFT_MISSING"));
    assert_eq!(mended(&world), expected);
    world.view.send_modify(|view| view.told = 2);
    world.settle(&mut steward).await;
    assert_eq!(mended(&world), expected[2..]);
    drop(steward);
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    assert_eq!(mended(&world), expected[2..]);
}
