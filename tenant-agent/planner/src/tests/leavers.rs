//! Leaving: first, whatever else is true, and proven by two looks.

use expect_test::expect;

use super::tenant::Mishap;
use super::world::{World, looks_in_an_hour, members};
use crate::observed::Holding;
use entente_model::desired::ItemKey;
use entente_model::report::{AccountState, Reason};
use entente_model::revocation::Cause;

#[test]
fn a_leaver_is_blocked_first_and_proven_gone_by_two_looks() {
    let mut world = World::joined(&["maya", "sam"], "l1");
    world.azure_role("l1", super::world::RESPONDER);
    world.settle();
    world.leave("sam");
    expect![[r#"
        ALLOWED LEAVER: block user sam
        ALLOWED LEAVER: end sessions of user sam
        ALLOWED LEAVER: remove user sam from group ent-l1
        = user/nordwall/maya APPLIED
        = user/nordwall/sam PENDING
        = group/l1/standard APPLIED
        = member/l1/standard/nordwall/maya APPLIED
        = member/l1/standard/nordwall/sam PENDING
        = azureRole/l1/standard/rg-sentinel/Microsoft Sentinel Responder APPLIED
    "#]]
    .assert_eq(&world.step());
    world.wait(5);
    expect![[r#"
        = user/nordwall/maya APPLIED
        = user/nordwall/sam WAITING CONFIRMING_REMOVAL
        = group/l1/standard APPLIED
        = member/l1/standard/nordwall/maya APPLIED
        = member/l1/standard/nordwall/sam WAITING CONFIRMING_REMOVAL
        = azureRole/l1/standard/rg-sentinel/Microsoft Sentinel Responder APPLIED
    "#]]
    .assert_eq(&world.step());
    world.wait(60);
    assert_eq!(world.user_state("sam"), "WAITING CONFIRMING_REMOVAL");
    world.wait(1);
    expect![[r#"
        = user/nordwall/maya APPLIED
        = user/nordwall/sam REMOVED
        = group/l1/standard APPLIED
        = member/l1/standard/nordwall/maya APPLIED
        = member/l1/standard/nordwall/sam REMOVED
        = azureRole/l1/standard/rg-sentinel/Microsoft Sentinel Responder APPLIED
    "#]]
    .assert_eq(&world.step());
    let plan = world.last.clone().unwrap();
    let sam = world.user_key("sam");
    let proof = plan.reports.iter().find(|it| it.key == sam).unwrap().proof.clone().unwrap();
    assert!(proof.second_empty_read.since(proof.first_empty_read).as_secs() > 60);
    let named: Vec<_> = proof.accounts.iter().map(|it| (it.id, it.state, it.owned)).collect();
    assert_eq!(named, [(world.account("sam").unwrap(), AccountState::Blocked, true)]);
    assert!(proof.unseen.iter().any(|it| it == "eligible assignments (PIM)"), "{:?}", proof.unseen);
    assert!(world.is_member("maya", "l1"), "a colleague lost access");
    let later = world.plan();
    assert_eq!(later.updates, []);
}

#[test]
fn who_is_named_again_is_signed_out_and_read_back_again() {
    let mut world = World::joined(&["sam"], "l1");
    world.leave("sam");
    world.settle();
    let sam = world.user_key("sam");
    let proof =
        |world: &World| world.last.as_ref().unwrap().reports.iter().find(|it| it.key == sam).unwrap().proof.clone();
    let first = proof(&world).unwrap();
    // Back and gone again between two connections: the agent never hears of the return.
    world.wait(600);
    let again = world.now;
    world.leave("sam");
    assert!(world.step().contains("ALLOWED LEAVER: end sessions of user sam"));
    assert_eq!(proof(&world), None);
    world.settle();
    let second = proof(&world).unwrap();
    assert_eq!(second.named, again);
    assert!(first.named < again && second.first_empty_read >= again, "{second:?}");
}

#[test]
fn what_a_leaver_holds_and_nobody_takes_away_is_looked_at_ever_more_seldom() {
    let mut world = World::joined(&["sam"], "l1");
    let group = world.group_id("l1");
    let text = format!("protected:\n  groups: [{group}]");
    world.guardrail = World::new().guardrail("protected:", &text).guardrail;
    world.leave("sam");
    let looks = looks_in_an_hour(&mut world);
    assert!((12..40).contains(&looks), "{looks}");
    assert_eq!(world.user_state("sam"), "WAITING PROPAGATION");
    world.tenant.state.members.get_mut(&group).unwrap().clear();
    let looks = looks_in_an_hour(&mut world);
    assert!((12..40).contains(&looks), "{looks}");
    assert_eq!(world.user_state("sam"), "REMOVED");
}

#[test]
fn an_anchor_group_that_cannot_be_read_is_looked_at_ever_more_seldom() {
    for part in ["members", "groups"] {
        let mut world = World::joined(&["sam"], "l1");
        world.tenant.unread.insert(part, Reason::PermissionMissing);
        let looks = looks_in_an_hour(&mut world);
        assert!((12..40).contains(&looks), "{part}: {looks}");
    }
}

#[test]
fn where_the_block_is_refused_memberships_go_first_and_it_is_tried_again() {
    let mut world = World::joined(&["sam"], "l1");
    world.leave("sam");
    world.tenant.mishaps.push_back(Mishap::Refused(Reason::CloudRefused));
    world.step();
    assert!(!world.is_member("sam", "l1"));
    world.settle();
    assert_eq!(world.user_state("sam"), "REMOVED");
}

#[test]
fn rights_of_a_leaver_that_are_not_ours_are_residual_and_named_to_the_customer_alone() {
    let mut world = World::joined(&["sam"], "l1");
    let sam = world.account("sam").unwrap();
    let id = world.tenant.id();
    let held = Holding { id, kind: "directory role".into(), name: "Security Reader".into() };
    world.tenant.state.holdings.insert(sam, vec![held]);
    world.leave("sam");
    expect![[r#"
        = user/nordwall/sam RESIDUAL NOT_OURS
        = group/l1/standard APPLIED
        = member/l1/standard/nordwall/sam REMOVED
        ! NOT_OURS: user/nordwall/sam holds 1 group or role that we did not give (entente-agent status names it to the customer)
    "#]]
    .assert_eq(&world.settle());
    let named = &world.last.as_ref().unwrap().named;
    let named: Vec<&String> = named.values().flatten().collect();
    assert_eq!(named, ["directory role Security Reader"]);
    assert!(world.tenant.state.users[&sam].is_blocked());
    world.tenant.state.holdings.clear();
    world.settle();
    assert_eq!(world.user_state("sam"), "REMOVED");
}

#[test]
fn the_proof_names_what_could_not_be_read() {
    let mut world = World::joined(&["sam"], "l1");
    world.tenant.unread.insert("defender", Reason::UnifiedRbacInactive);
    world.leave("sam");
    world.settle();
    let plan = world.last.clone().unwrap();
    let sam = world.user_key("sam");
    let proof = plan.reports.iter().find(|it| it.key == sam).unwrap().proof.clone().unwrap();
    assert!(proof.unseen.iter().any(|it| it == "Defender roles: unified RBAC is not active"), "{:?}", proof.unseen);
}

#[test]
fn nothing_is_proven_while_a_read_may_yet_succeed() {
    let mut world = World::joined(&["sam"], "l1");
    world.tenant.unread.insert("azure", Reason::CloudUnavailable);
    world.leave("sam");
    for _ in 0..40 {
        world.step();
        world.wait(10);
    }
    assert_eq!(world.user_state("sam"), "UNPROVEN CLOUD_UNAVAILABLE");
    world.tenant.unread.clear();
    world.settle();
    assert_eq!(world.user_state("sam"), "REMOVED");
}

#[test]
fn a_membership_that_was_not_looked_at_is_never_proven_gone() {
    let lost = || {
        let mut world = World::joined(&["sam"], "l1");
        world.ledger = crate::ledger::Ledger::default();
        world.leave("sam");
        world
    };
    let mut world = lost();
    world.settle();
    assert!(world.is_member("sam", "l1"));
    assert_eq!(world.member_state("sam", "l1"), "RESIDUAL NOT_OURS");

    let mut world = lost();
    world.tenant.add_group("ent-l1", "Another of that name", world.now);
    world.settle();
    assert_eq!(world.member_state("sam", "l1"), "RESIDUAL AMBIGUOUS");

    let mut world = lost();
    world.tenant.unread.insert("groups", Reason::CloudUnavailable);
    for _ in 0..40 {
        world.step();
        world.wait(10);
    }
    assert_eq!(world.member_state("sam", "l1"), "WAITING UNREAD");
}

#[test]
fn a_leaver_whose_account_is_enabled_again_is_blocked_again_and_the_proof_is_void() {
    let mut world = World::joined(&["sam"], "l1");
    world.leave("sam");
    world.settle();
    let sam = world.account("sam").unwrap();
    world.tenant.enable(sam, true);
    world.wait(300);
    world.step();
    assert_eq!(world.user_state("sam"), "PENDING");
    world.settle();
    assert!(world.tenant.state.users[&sam].is_blocked());
    assert_eq!(world.user_state("sam"), "REMOVED");
}

#[test]
fn an_adopted_account_loses_its_memberships_and_stays_as_residual() {
    let mut world = World::new().guardrail("adoptExisting: ask", "adoptExisting: allow");
    world.tenant.add_guest("sam@nordwall.example", "Sam", world.now);
    world.redeem("sam");
    world.wait(600);
    world.member("sam", "l1");
    world.settle();
    assert!(world.is_member("sam", "l1"));
    world.leave("sam");
    world.settle();
    assert!(!world.is_member("sam", "l1"));
    assert_eq!(world.user_state("sam"), "RESIDUAL NOT_OURS");
    assert!(
        world.tenant.state.users[&world.account("sam").unwrap()].is_enabled(),
        "the customer's account was blocked"
    );
}

#[test]
fn a_leaver_is_deleted_only_where_the_file_says_so_and_last() {
    let mut world = World::new().guardrail("[revokeSessions, block]", "[revokeSessions, block, delete]");
    world.member("sam", "l1");
    world.settle();
    world.redeem("sam");
    world.settle();
    world.leave("sam");
    world.settle();
    assert_eq!(world.account("sam"), None);
    assert_eq!(world.user_state("sam"), "REMOVED");
}

#[test]
fn an_invitation_on_its_way_is_found_and_blocked_when_its_person_leaves() {
    let mut world = World::new();
    world.lag = std::time::Duration::from_secs(40);
    world.user("sam");
    world.tenant.mishaps.push_back(Mishap::AnswerLost);
    world.step();
    world.leave("sam");
    world.settle();
    assert!(world.tenant.state.users[&world.account("sam").unwrap()].is_blocked());
    assert_eq!(world.user_state("sam"), "REMOVED");
}

#[test]
fn one_who_never_was_here_is_proven_gone_without_a_write() {
    let mut world = World::new();
    world.member("sam", "l1");
    world.leave("sam");
    world.items.retain(|key, _| key.person().is_some());
    world.settle();
    assert_eq!(world.user_state("sam"), "REMOVED");
    assert!(world.tenant.state.users.is_empty());
}

#[test]
fn a_leaver_and_an_end_date_go_on_without_a_guardrail_or_a_lease_and_only_the_end_date_when_paused() {
    let start = |change: fn(&mut World)| {
        let mut world = World::joined(&["sam", "maya"], "l1");
        world.leave("sam");
        world.windows("maya", "", "2026-11-23T00:00:00Z");
        change(&mut world);
        world.step();
        world.wait(5);
        world.step();
        (world.is_member("sam", "l1"), world.is_member("maya", "l1"))
    };
    let gone = (false, false);
    assert_eq!(start(|_| {}), gone);
    assert_eq!(start(|world| world.guardrail = Err(crate::guardrail::Unreadable::missing("no file"))), gone);
    assert_eq!(start(|world| world.lease_fresh = false), gone);
    assert_eq!(start(|world| world.paused = true), (true, false));
}

#[test]
fn a_dropped_member_loses_only_that_membership() {
    let mut world = World::joined(&["sam"], "l1");
    world.member("sam", "l2");
    world.settle();
    let (key, since) = (world.member_key("sam", "l1"), world.now);
    world.items.get_mut(&key).unwrap().want = entente_model::desired::Want::Absent {
        cause: Cause::MemberDropped,
        actor: "principals/jonas".into(),
        since,
        known: Default::default(),
        addresses: Default::default(),
    };
    world.settle();
    assert_eq!(world.member_state("sam", "l1"), "REMOVED");
    assert!(!world.is_member("sam", "l1") && world.is_member("sam", "l2"));
    assert!(world.tenant.state.users[&world.account("sam").unwrap()].is_enabled());
}

#[test]
fn a_leaver_whom_the_customer_put_back_into_our_group_is_removed_again() {
    let mut world = World::joined(&["sam"], "l1");
    world.leave("sam");
    world.settle();
    let (group, sam) = (world.group_id("l1"), world.account("sam").unwrap());
    world.tenant.state.members.get_mut(&group).unwrap().insert(sam);
    world.wait(300);
    world.settle();
    assert!(!members(&world, "l1").contains(&sam));
}

#[test]
fn a_new_history_does_not_bring_back_who_left_nor_remove_what_it_forgot() {
    let mut world = World::joined(&["sam", "maya"], "l1");
    world.leave("sam");
    world.settle();
    world.version.epoch = 2;
    world.member("sam", "l1");
    world.drop("maya");
    expect![[r#"
        HELD OTHER_REMOVAL EPOCH_CHANGED: block user maya
        HELD OTHER_REMOVAL EPOCH_CHANGED: remove user maya from group ent-l1
        HELD GRANT EPOCH_CHANGED: lift our block on user sam
        = user/nordwall/sam HELD EPOCH_CHANGED
        = user/nordwall/maya HELD EPOCH_CHANGED
        = group/l1/standard APPLIED
        = member/l1/standard/nordwall/sam WAITING DEPENDENCY
        = member/l1/standard/nordwall/maya HELD EPOCH_CHANGED
    "#]]
    .assert_eq(&world.settle());
    assert!(world.is_member("maya", "l1"));
    assert!(!world.is_member("sam", "l1"));
}

#[test]
fn everything_that_we_gave_goes_when_the_customer_ends_it() {
    let mut world = World::joined(&["sam", "maya"], "l1");
    world.azure_role("l1", super::world::RESPONDER);
    world.defender_role("l1", &["secdata.basics.read"]);
    world.settle();
    expect![[r#"
        ALLOWED LEAVER: block user sam
        ALLOWED LEAVER: block user maya
        ALLOWED LEAVER: end sessions of user sam
        ALLOWED LEAVER: end sessions of user maya
        ALLOWED LEAVER: remove user sam from group ent-l1
        ALLOWED LEAVER: remove user maya from group ent-l1
        ALLOWED LEAVER: delete role assignment 3f22ed29-3c3c-56ad-a6cb-072f7b349d26 at rg-sentinel
        ALLOWED LEAVER: delete Defender assignment 00e00000-0000-4000-8000-000000000006
        = user/nordwall/sam PENDING
        = user/nordwall/maya PENDING
        = group/l1/standard RESIDUAL PERSON_TASK
        = member/l1/standard/nordwall/sam PENDING
        = member/l1/standard/nordwall/maya PENDING
        = azureRole/l1/standard/rg-sentinel/Microsoft Sentinel Responder PENDING
        = defenderRole/l1 WAITING DEPENDENCY
        = defenderAssignment/l1/standard PENDING
    "#]]
    .assert_eq(&world.revoke_all());
    for _ in 0..40 {
        world.wait(5);
        world.revoke_all();
    }
    assert!(world.tenant.state.users.values().all(|user| user.is_blocked()));
    assert!(world.tenant.state.azure.is_empty());
    assert!(world.tenant.state.defender.roles.is_empty() && world.tenant.state.defender.assignments.is_empty());
    assert!(members(&world, "l1").is_empty());
}

#[test]
fn a_leaver_whom_the_customer_made_anew_is_residual_at_every_look() {
    let mut world = World::joined(&["sam"], "l1");
    world.tenant.delete_user(world.account("sam").unwrap());
    world.tenant.add_guest("sam@nordwall.example", "Sam", world.now);
    world.leave("sam");
    world.settle();
    for _ in 0..4 {
        assert_eq!(world.user_state("sam"), "RESIDUAL NOT_OURS");
        world.wait(300);
        world.step();
    }
}

#[test]
fn what_was_removed_before_it_was_ever_seen_is_confirmed_without_waiting_for_it_to_turn_up() {
    let mut world = World::new();
    world.member("sam", "l1");
    world.settle();
    world.redeem("sam");
    world.wait(300);
    world.step();
    assert!(world.is_member("sam", "l1"));
    let (key, since) = (world.member_key("sam", "l1"), world.now);
    world.items.get_mut(&key).unwrap().want = entente_model::desired::Want::Absent {
        cause: Cause::MemberDropped,
        actor: "principals/jonas".into(),
        since,
        known: Default::default(),
        addresses: Default::default(),
    };
    world.wait(61);
    world.step();
    assert!(!world.is_member("sam", "l1"));
    world.wait(5);
    world.step();
    assert_eq!(world.member_state("sam", "l1"), "WAITING CONFIRMING_REMOVAL");
}

/// Sam and every right of the role are named for removal; some of it the customer has taken away before.
fn all_named(by_others: bool) -> World {
    let mut world = World::joined(&["sam"], "l1");
    world.azure_role("l1", super::world::RESPONDER);
    world.defender_role("l1", &["secdata.basics.read"]);
    world.settle();
    if by_others {
        let defender = &mut world.tenant.state.defender;
        (defender.roles, defender.assignments) = (Vec::new(), Vec::new());
    }
    let (cause, since) = (Cause::AssignmentDeleted, world.now);
    world.leave("sam");
    for item in world.items.values_mut().filter(|item| item.key.person().is_none() && !is_group(&item.key)) {
        item.want = entente_model::desired::Want::Absent {
            cause,
            actor: "principals/jonas".into(),
            since,
            known: Default::default(),
            addresses: Default::default(),
        };
    }
    world
}

fn is_group(key: &ItemKey) -> bool {
    matches!(key, ItemKey::Group(_))
}

#[test]
fn what_is_proven_gone_stays_so_and_is_forgotten_at_once_when_it_is_no_longer_named() {
    for by_others in [false, true] {
        let mut world = all_named(by_others);
        let end = world.now.plus(std::time::Duration::from_secs(600));
        let mut removed = std::collections::BTreeSet::new();
        while world.now < end {
            world.step();
            for key in world.items.keys().filter(|key| !is_group(key)) {
                let state = world.state(key);
                assert!(state == "REMOVED" || !removed.contains(key), "{by_others} {key}: {state}");
                removed.extend((state == "REMOVED").then(|| key.clone()));
            }
            let wake = world.last.as_ref().unwrap().next_wake;
            world.wait(wake.since(world.now).as_secs());
        }
        assert!(world.items.keys().all(|key| is_group(key) || removed.contains(key)), "{by_others}: {removed:?}");
        world.items.retain(|key, _| is_group(key));
        world.version.revision += 1;
        let said = world.step();
        assert!(!said.contains("WAITING"), "{by_others}: {said}");
    }
}

#[test]
fn a_leaver_whose_membership_without_an_item_was_just_removed_is_looked_at_when_that_must_show() {
    let mut world = World::joined(&["sam"], "l1");
    world.group("l2");
    world.leave("sam");
    world.settle();
    world.wait(86_400);
    let (group, sam) = (world.group_id("l2"), world.account("sam").unwrap());
    world.tenant.state.members.entry(group).or_default().insert(sam);
    world.wait(300);
    world.lag = std::time::Duration::from_secs(40);
    assert!(world.step().contains("ALLOWED LEAVER: remove user sam from group ent-l2"));
    world.wait(5);
    world.step();
    let wake = world.last.as_ref().unwrap().next_wake;
    assert_eq!(wake.since(world.now).as_secs(), 56, "a minute after the removal");
}
