//! A guest whom the customer deleted is not invited again unasked: restored, or allowed, for one time.

use entente_model::Guid;
use entente_model::report::Reason;

use super::tenant::Mishap;
use super::world::World;

const HELD: &str = "BLOCKED_BY_CUSTOMER CUSTOMER_DELETED";
const LONG: u64 = 30 * 24 * 60 * 60;

/// Maya works here, and the customer deletes her guest.
fn deleted() -> (World, Guid) {
    let mut world = World::joined(&["maya"], "l1");
    let maya = world.account("maya").unwrap();
    world.tenant.delete_user(maya);
    world.wait(300);
    (world, maya)
}

/// Nobody invites her, however long it is waited.
fn check_held(world: &mut World) {
    for _ in 0..6 {
        let text = world.settle();
        assert!(world.account("maya").is_none() && !text.contains("invite"), "{text}");
        assert_eq!(world.user_state("maya"), HELD);
        assert_eq!(world.member_state("maya", "l1"), HELD);
        world.wait(LONG / 5);
    }
}

fn check_invited_once(world: &mut World) {
    assert!(world.allow_again("maya") && !world.allow_again("maya"));
    world.settle();
    assert_eq!(world.user_state("maya"), "WAITING REDEMPTION");
    assert!(world.ledger.deleted.is_empty(), "the leave is used");
    let again = world.account("maya").unwrap();
    world.tenant.delete_user(again);
    world.wait(300);
    check_held(world);
}

#[test]
fn fidelity_a3_whom_the_customer_deleted_is_not_invited_again_unasked() {
    let (mut world, _) = deleted();
    world.step();
    assert_eq!(world.user_state("maya"), "DRIFTED DRIFT_MISSING", "one look is not enough");
    check_held(&mut world);
    let detail = world.last.as_ref().unwrap().reports[0].detail.clone();
    assert!(detail.contains("entente-agent allow-again maya@nordwall.example"), "{detail}");
    check_invited_once(&mut world);
    world.version.epoch += 1;
    world.settle();
    assert_eq!(world.user_state("maya"), HELD, "nor by another history");
}

#[test]
fn whose_deletion_was_not_seen_as_it_happened_is_held_as_well() {
    // The agent is away for weeks, the guest is deleted for good, and the agent ends between the two looks.
    let (mut world, _) = deleted();
    world.tenant.state.bin.clear();
    world.wait(LONG);
    world.run += 1;
    world.step();
    world.run += 1;
    world.step();
    assert_eq!(world.user_state("maya"), "DRIFTED DRIFT_MISSING");
    check_held(&mut world);
    check_invited_once(&mut world);
}

#[test]
fn whom_the_customer_deletes_before_the_invitation_is_redeemed_is_held_as_well() {
    let mut world = World::new();
    world.member("maya", "l1");
    world.settle();
    let maya = world.account("maya").unwrap();
    world.tenant.delete_user(maya);
    world.wait(300);
    check_held(&mut world);
}

#[test]
fn nothing_is_concluded_from_looks_that_were_not_answered() {
    for reason in [Reason::CloudUnavailable, Reason::PermissionMissing] {
        let (mut world, maya) = deleted();
        world.step();
        world.tenant.unread.insert("users", reason);
        for _ in 0..20 {
            world.wait(60);
            world.step();
            assert!(world.user_state("maya").starts_with("WAITING"), "{}", world.user_state("maya"));
        }
        assert!(world.ledger.deleted.is_empty());
        // Restored before it was certain: nothing was.
        world.tenant.restore(maya);
        world.tenant.unread.clear();
        world.settle();
        assert_eq!(world.user_state("maya"), "APPLIED");
        assert!(world.ledger.deleted.is_empty());
    }
}

#[test]
fn who_is_restored_from_the_bin_is_ours_as_before_whatever_the_address_is_now() {
    for address in ["maya@nordwall.example", "maya.berg@contoso.example"] {
        let (mut world, maya) = deleted();
        world.settle();
        assert_eq!(world.user_state("maya"), HELD);
        world.tenant.restore(maya);
        let user = world.tenant.state.users.get_mut(&maya).unwrap();
        (user.mail, user.addresses) = (address.into(), [address.into()].into());
        world.wait(300);
        world.settle();
        assert_eq!(world.user_state("maya"), "APPLIED", "{address}");
        let report = world.last.as_ref().unwrap().reports[0].clone();
        assert_eq!((report.object_id, report.owned), (Some(maya.to_string()), true));
        assert!(world.tenant.state.members[&world.group_id("l1")].contains(&maya), "a member again");
        assert!(world.ledger.deleted.is_empty() && !world.allow_again("maya"));
        world.leave("maya");
        world.settle();
        assert!(world.tenant.state.users[&maya].is_blocked());
    }
}

#[test]
fn whether_one_of_ours_is_back_that_cannot_be_read_is_waited_for() {
    let (mut world, maya) = deleted();
    world.settle();
    assert!(world.allow_again("maya"));
    world.tenant.restore(maya);
    world.tenant.state.users.get_mut(&maya).unwrap().addresses.clear();
    world.tenant.state.users.get_mut(&maya).unwrap().mail = "maya.berg@contoso.example".into();
    world.tenant.unread.insert("ids", Reason::CloudUnavailable);
    world.wait(1);
    world.step();
    assert_eq!(world.user_state("maya"), "WAITING UNREAD");
    world.tenant.unread.clear();
    world.settle();
    assert_eq!(world.user_state("maya"), "APPLIED");
    assert_eq!((world.account("maya"), world.tenant.state.users.len()), (None, 1), "{maya} and no second one");
}

#[test]
fn a_new_invitation_of_unknown_outcome_is_looked_up_and_the_leave_is_for_that_one() {
    for (mishap, restored) in
        [(Mishap::CallLost, false), (Mishap::AnswerLost, false), (Mishap::CallLost, true), (Mishap::AnswerLost, true)]
    {
        let (mut world, old) = deleted();
        world.settle();
        assert!(world.allow_again("maya"));
        world.tenant.mishaps.push_back(mishap.clone());
        world.step();
        assert!(world.ledger.deleted.is_empty(), "the leave is used");
        if restored {
            world.tenant.restore(old);
        }
        world.wait(5);
        world.settle();
        let expected = if restored && mishap == Mishap::CallLost { "APPLIED" } else { "WAITING REDEMPTION" };
        assert_eq!(world.user_state("maya"), expected, "{mishap:?} {restored}");
        world.leave("maya");
        world.settle();
        assert!(world.tenant.state.users.values().all(|user| user.is_blocked()), "{mishap:?} {restored}");
        assert_eq!(world.user_state("maya"), "REMOVED");
    }
}

#[test]
fn who_left_and_was_deleted_by_the_customer_meanwhile_needs_the_customers_leave_to_come_back() {
    for is_forgotten in [false, true] {
        let mut world = World::joined(&["maya"], "l1");
        let maya = world.account("maya").unwrap();
        world.leave("maya");
        world.settle();
        world.wait(LONG);
        world.tenant.delete_user(maya);
        world.tenant.state.bin.clear();
        world.settle();
        world.wait(300);
        world.settle();
        if is_forgotten {
            world.drop("maya");
            world.settle();
            let key = world.user_key("maya");
            assert!(world.ledger.get(&key).is_none());
        }
        world.version.revision += 1;
        world.member("maya", "l1");
        check_held(&mut world);
        check_invited_once(&mut world);
    }
}

#[test]
fn whom_we_deleted_ourselves_is_invited_again() {
    let from = "onLeave: [revokeSessions, block]";
    for mishap in [None, Some(Mishap::AnswerLost)] {
        let mut world = World::joined(&["maya"], "l1").guardrail(from, "onLeave: [revokeSessions, block, delete]");
        let maya = world.account("maya").unwrap();
        world.leave("maya");
        while !world.step().contains("delete user") {
            world.tenant.mishaps.clear();
            world.wait(30);
            world.tenant.mishaps.extend(mishap.clone().filter(|_| world.tenant.state.users[&maya].is_blocked()));
        }
        world.settle();
        assert!(!world.tenant.state.users.contains_key(&maya) && world.ledger.deleted.is_empty());
        world.version.revision += 1;
        world.member("maya", "l1");
        world.settle();
        assert_eq!(world.user_state("maya"), "WAITING REDEMPTION");
    }
}

#[test]
fn a_deletion_that_we_began_and_that_did_not_come_about_excuses_nobody_later() {
    let from = "onLeave: [revokeSessions, block]";
    let mut world = World::joined(&["maya"], "l1").guardrail(from, "onLeave: [revokeSessions, block, delete]");
    let maya = world.account("maya").unwrap();
    world.leave("maya");
    while !world.step().contains("delete user") {
        world.tenant.mishaps.clear();
        world.wait(30);
        world.tenant.mishaps.extend(world.tenant.state.users[&maya].is_blocked().then_some(Mishap::CallLost));
    }
    world.version.revision += 1;
    world.member("maya", "l1");
    world.wait(90);
    world.settle();
    assert_eq!(world.user_state("maya"), "APPLIED");
    world.tenant.delete_user(maya);
    world.wait(300);
    check_held(&mut world);
}

#[test]
fn another_account_of_the_operator_does_not_get_round_it_and_one_that_is_there_stays() {
    let (mut world, _) = deleted();
    world.settle();
    world.member("adm-maya", "l1");
    world.settle();
    assert_eq!(world.user_state("adm-maya"), HELD);
    assert!(world.allow_again("maya"));
    world.settle();
    assert_eq!(world.user_state("adm-maya"), "WAITING REDEMPTION");

    let mut world = World::joined(&["maya", "adm-maya"], "l1");
    let maya = world.account("maya").unwrap();
    world.tenant.delete_user(maya);
    world.wait(300);
    world.settle();
    assert_eq!((world.user_state("maya").as_str(), world.user_state("adm-maya").as_str()), (HELD, "APPLIED"));
}

#[test]
fn our_own_block_outlives_the_account_and_is_lifted_when_it_is_back() {
    let mut world = World::joined(&["maya"], "l1");
    let maya = world.account("maya").unwrap();
    world.leave("maya");
    world.settle();
    world.tenant.delete_user(maya);
    world.wait(300);
    world.settle();
    world.wait(300);
    world.step();
    world.tenant.restore(maya);
    world.tenant.enable(maya, false);
    world.version.revision += 1;
    world.member("maya", "l1");
    world.wait(300);
    world.settle();
    assert_eq!(world.user_state("maya"), "APPLIED");
    assert!(world.tenant.state.users[&maya].is_enabled());
}
