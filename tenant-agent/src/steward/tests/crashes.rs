//! Lost answers, phantoms and sudden ends: nothing twice, nothing lost.

use super::*;
use crate::memory::Memory;
use crate::status_file::StatusFile;
use crate::testing::analysts;

/// One person, one accepted invitation, no second one, and the tenant as desired.
async fn ends_well(world: &mut World) {
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    let told = world.told();
    assert!(told.lines().all(|line| line.ends_with(" APPLIED")), "{told}");
    let figures = world.figures().await;
    assert_eq!((figures.duplicate_invitations, figures.writes_to_unowned), (0, 0), "{:?}", figures.unowned);
    assert_eq!(world.truth().await.users.len(), 1);
}

#[tokio::test]
async fn an_invitation_whose_answer_is_lost_is_looked_up_and_not_repeated() {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0]));
    world.control.add_fault(&once(on("POST", "^/v1.0/invitations$"), FaultAction::DropAfter)).await.unwrap();
    ends_well(&mut world).await;
    assert_eq!(world.figures().await.accepted_invitations, 1);
}

#[tokio::test]
async fn an_invitation_that_makes_no_user_is_made_again_once_it_is_certain() {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0]));
    world.control.add_fault(&once(on("POST", "^/v1.0/invitations$"), FaultAction::Phantom)).await.unwrap();
    ends_well(&mut world).await;
}

#[tokio::test]
async fn a_kill_after_the_invitation_and_before_its_answer_makes_no_second_one() {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0]));
    kill_at(&mut world, on("POST", "^/v1.0/invitations$"), When::After, Release::Abandon).await;
    ends_well(&mut world).await;
    assert_eq!(world.figures().await.accepted_invitations, 1);
}

#[tokio::test]
async fn a_kill_before_anything_happened_loses_nothing() {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0]));
    for path in ["^/v1.0/invitations$", "^/v1.0/groups$", "/members/\\$ref$"] {
        kill_at(&mut world, on("POST", path), When::Before, Release::Abandon).await;
    }
    ends_well(&mut world).await;
}

#[tokio::test]
async fn a_kill_after_any_kind_of_write_ends_in_one_of_each() {
    for (method, path) in [("POST", "^/v1.0/groups$"), ("POST", "/members/\\$ref$"), ("PUT", "roleAssignments")] {
        let mut world = World::new().await;
        world.desire(10, &analysts(&[0]));
        kill_at(&mut world, on(method, path), When::After, Release::Abandon).await;
        ends_well(&mut world).await;
        let truth = world.truth().await;
        assert_eq!((truth.groups.len(), truth.azure_assignments.len()), (2, 2), "{method} {path}");
    }
}

#[tokio::test]
async fn a_kill_while_somebody_is_removed_is_gone_on_with() {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0]));
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    drop(steward);
    let people = [crate::testing::user(0), crate::testing::member(0)].map(crate::testing::left);
    world.desire(11, &[crate::testing::scaffold(), people.to_vec()].concat());
    kill_at(&mut world, on("PATCH", "^/v1.0/users/"), When::After, Release::Abandon).await;
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    assert!(world.is_gone(0).await);
    assert_eq!(world.told().matches("REMOVED").count(), 2, "{}", world.told());
}

#[tokio::test]
async fn after_a_lost_ledger_what_is_there_is_proposed_and_not_touched() {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0]));
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    drop(steward);
    let writes = world.writes().await;
    world.ledger = Memory::start_over(&world.config.state_dir).unwrap();
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    assert!(world.told().contains("ADOPTION_APPROVAL"), "{}", world.told());
    let figures = world.figures().await;
    assert_eq!((figures.duplicate_invitations, figures.writes_to_unowned), (0, 0), "{:?}", figures.unowned);
    let touched: Vec<_> = world.writes().await.split_off(writes.len());
    assert!(touched.iter().all(|write| !write.contains("/users/") && !write.contains("invitations")), "{touched:?}");
    assert!(alarms(&world).iter().any(|alarm| alarm.contains("the ledger was started over")), "{:?}", alarms(&world));
}

fn alarms(world: &World) -> Vec<String> {
    StatusFile::read(&world.config.state_dir).unwrap().unwrap().alarms
}

#[tokio::test]
async fn a_ledger_that_went_back_is_said_and_what_it_forgot_is_proposed() {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0]));
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    drop(steward);
    let (ledger, kept) = (world.config.state_dir.join("ledger"), tempfile::tempdir().unwrap());
    copy(&ledger, kept.path());
    world.desire(11, &analysts(&[0, 1]));
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    assert_eq!(alarms(&world), Vec::<String>::new(), "what goes on says nothing");
    drop(steward);
    std::fs::remove_dir_all(&ledger).unwrap();
    copy(kept.path(), &ledger);
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    assert!(alarms(&world).iter().any(|alarm| alarm.contains("the ledger went back")), "{:?}", alarms(&world));
    let status = world.status.borrow().clone().unwrap();
    assert!(status.standing.findings.iter().any(|finding| finding.detail.contains("went back")));
    assert!(world.told().contains("ADOPTION_APPROVAL"), "{}", world.told());
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => drop(std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}
