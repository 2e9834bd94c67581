//! What others found with attacks and from failure reports, each with its input and its right value. Rows are named in
//! `tests/reviews.tsv`.

use entente_model::desired::ItemKey;
use entente_model::report::{AccountState, Reason, RemovalProof};
use entente_model::revocation::Cause;

use super::tenant::{Mishap, Missing};
use super::world::{RESPONDER, SCOPE, World};
use crate::observed::{AzureAssignment, Listing};

fn proof(world: &World, key: &ItemKey) -> RemovalProof {
    let plan = world.last.as_ref().unwrap();
    plan.reports.iter().find(|report| report.key == *key).unwrap().proof.clone().unwrap()
}

fn steps(world: &mut World, times: usize, seconds: u64) {
    for _ in 0..times {
        world.step();
        world.wait(seconds);
    }
}

#[test]
fn attacks_g03_an_invitation_of_unknown_outcome_is_looked_up_by_the_name_it_was_made_with() {
    let mut world = World::new();
    world.member("sam", "l1");
    world.tenant.mishaps.push_back(Mishap::AnswerLost);
    world.lag = std::time::Duration::from_secs(30);
    world.step();
    let sam = world.account("sam").expect("invited, and the answer was lost");
    world.rename("sam", "sam.new@nordwall.example");
    world.leave("sam");
    steps(&mut world, 60, 10);
    assert!(world.tenant.state.users[&sam].is_blocked());
    let key = world.user_key("sam");
    assert_eq!(world.state(&key), "REMOVED");
    assert!(proof(&world, &key).accounts.iter().any(|it| it.id == sam && it.state == AccountState::Blocked));
}

#[test]
fn attacks_g04b_a_new_agent_finds_the_account_by_the_id_that_was_known() {
    for marked in [true, false] {
        let mut world = World::joined(&["sam", "maya"], "l1");
        let sam = world.account("sam").unwrap();
        let user = world.tenant.state.users.get_mut(&sam).unwrap();
        (user.mail, user.addresses) = ("renamed@contoso.example".into(), ["renamed@contoso.example".into()].into());
        if !marked {
            world.tenant.state.members.values_mut().for_each(|members| _ = members.remove(&sam));
        }
        world.replace_agent();
        world.leave("sam");
        world.known("sam", &[sam], &[]);
        steps(&mut world, 60, 10);
        assert_eq!(world.tenant.state.users[&sam].is_blocked(), marked);
        // The group is not ours any more before the customer says so, and he is in it.
        assert_eq!(world.user_state("sam"), "RESIDUAL NOT_OURS", "marked: {marked}");
        let key = world.user_key("sam");
        let report = world.last.as_ref().unwrap().reports.iter().find(|it| it.key == key).unwrap().clone();
        assert!(report.accounts.iter().any(|it| it.id == sam), "{report:?}");
    }
}

#[test]
fn attacks_g10_another_account_with_the_address_is_named() {
    let mut world = World::joined(&["sam"], "l1");
    let other = world.tenant.add_other("sam@nordwall.example", world.now);
    world.leave("sam");
    steps(&mut world, 30, 10);
    assert_eq!(world.user_state("sam"), "RESIDUAL NOT_OURS");
    assert!(world.tenant.state.users[&other].is_enabled(), "the customer's account was blocked");
    world.tenant.enable(other, false);
    steps(&mut world, 30, 10);
    let key = world.user_key("sam");
    assert_eq!(world.state(&key), "REMOVED");
    assert_eq!(proof(&world, &key).accounts.len(), 2);
}

#[test]
fn attacks_g12_a_group_that_answers_nothing_and_is_shown_elsewhere_proves_nothing() {
    let mut world = World::joined(&["sam", "maya"], "l1");
    let group = world.group_id("l1");
    world.tenant.unfound.insert(group);
    let member = world.member_key("sam", "l1");
    let since = world.now;
    world.items.get_mut(&member).unwrap().want = entente_model::desired::Want::Absent {
        cause: Cause::MemberDropped,
        actor: "principals/jonas".into(),
        since,
        known: Default::default(),
        addresses: Default::default(),
    };
    for _ in 0..30 {
        world.step();
        assert!(!world.state(&member).starts_with("REMOVED") || !world.is_member("sam", "l1"));
        world.wait(10);
    }
}

#[test]
fn attacks_g05_a_time_that_jumps_is_no_distance() {
    let mut world = World::joined(&["sam"], "l1");
    world.leave("sam");
    while world.last.is_none() || world.user_state("sam") != "WAITING CONFIRMING_REMOVAL" {
        world.step();
        world.wait(1);
    }
    world.jumped = 3_600;
    world.step();
    assert_eq!(world.user_state("sam"), "WAITING CONFIRMING_REMOVAL");
    // After a restart nothing is known of the distance: it begins anew.
    world.run += 1;
    world.step();
    world.wait(59);
    world.step();
    assert_eq!(world.user_state("sam"), "WAITING CONFIRMING_REMOVAL");
    world.wait(3);
    world.step();
    assert_eq!(world.user_state("sam"), "REMOVED");
}

#[test]
fn what_was_written_at_a_time_that_was_refuted_holds_up_nothing_and_proves_nothing() {
    for until in ["WAITING CONFIRMING_REMOVAL", "REMOVED"] {
        let mut world = World::joined(&["sam"], "l1");
        world.jumped = 300_000_000;
        world.leave("sam");
        while world.last.is_none() || world.user_state("sam") != until {
            world.step();
            world.wait(5);
        }
        world.jumped = 0;
        steps(&mut world, 40, 10);
        let key = world.user_key("sam");
        assert_eq!(world.state(&key), "REMOVED");
        let proof = proof(&world, &key);
        assert!(proof.second_empty_read <= world.now && proof.blocked <= Some(world.now), "{until}: {proof:?}");
    }
    // Of a month ahead: what was tried and failed, what was given, and what counted against a cap.
    let mut world = World::new();
    world.jumped = 30 * 86_400;
    world.tenant.mishaps.push_back(Mishap::Refused(Reason::CloudRefused));
    ["a", "b", "c", "d", "e"].into_iter().for_each(|name| world.member(name, "l1"));
    world.step();
    world.jumped = 0;
    world.member("f", "l1");
    steps(&mut world, 20, 10);
    for name in ["a", "b", "c", "d", "e", "f"] {
        assert_eq!(world.user_state(name), "WAITING REDEMPTION", "{name}");
        world.redeem(name);
    }
    world.jumped = 30 * 86_400;
    world.tenant.mishaps.extend(std::iter::repeat_n(Mishap::CallLost, 6));
    world.step();
    assert!(!world.is_member("a", "l1"));
    world.jumped = 0;
    world.tenant.mishaps.clear();
    steps(&mut world, 20, 10);
    assert_eq!(world.member_state("a", "l1"), "APPLIED");
}

#[test]
fn field_kind_1_an_account_restored_from_the_bin_is_ours_and_blocked() {
    let mut world = World::joined(&["maya"], "l1");
    let old = world.account("maya").unwrap();
    world.tenant.delete_user(old);
    world.settle();
    assert!(world.allow_again("maya"));
    world.settle();
    let new = world.account("maya").unwrap();
    assert_ne!(old, new);
    world.tenant.restore(old);
    world.leave("maya");
    steps(&mut world, 40, 10);
    for id in [old, new] {
        assert!(world.tenant.state.users[&id].is_blocked(), "{id}");
    }
    let key = world.user_key("maya");
    assert_eq!(world.state(&key), "REMOVED");
    assert_eq!(proof(&world, &key).accounts.len(), 2);
}

#[test]
fn field_kind_1_what_comes_back_after_the_proof_is_blocked_again_and_said() {
    let from = "onLeave: [revokeSessions, block]";
    let mut world = World::joined(&["sam"], "l1").guardrail(from, "onLeave: [revokeSessions, block, delete]");
    let sam = world.account("sam").unwrap();
    world.leave("sam");
    steps(&mut world, 40, 10);
    let key = world.user_key("sam");
    assert_eq!(world.state(&key), "REMOVED");
    let named: Vec<_> = proof(&world, &key).accounts.iter().map(|it| it.state).collect();
    assert_eq!(named, [AccountState::Deleted]);
    world.tenant.restore(sam);
    world.wait(300);
    world.step();
    assert_ne!(world.state(&key), "REMOVED");
    steps(&mut world, 40, 10);
    assert!(!world.tenant.state.users.contains_key(&sam) || world.tenant.state.users[&sam].is_blocked());
    assert_eq!(world.state(&key), "REMOVED");
}

#[test]
fn field_kind_2_an_entry_that_is_not_understood_leaves_it_unproven() {
    let mut world = World::joined(&["sam"], "l1");
    let sam = world.account("sam").unwrap();
    let listings = [
        Listing::AzureOf(sam, SCOPE.to_lowercase()),
        Listing::MembershipsOf(sam),
        Listing::UsersByMail("sam@nordwall.example".into()),
        Listing::Defender,
        Listing::Bin("sam@nordwall.example".into()),
    ];
    world.leave("sam");
    for listing in listings {
        world.tenant.odd = [listing.clone()].into();
        steps(&mut world, 30, 10);
        assert_eq!(world.user_state("sam"), "UNPROVEN CLOUD_REFUSED", "{listing:?}");
    }
    world.tenant.odd.clear();
    world.settle();
    assert_eq!(world.user_state("sam"), "REMOVED");
}

#[test]
fn field_kind_3_a_field_that_is_missing_is_no_ground_to_take_anything_away() {
    for missing in [Missing::Issuers, Missing::Redeemed, Missing::Enabled, Missing::Created] {
        let mut world = World::joined(&["sam"], "l1");
        let sam = world.account("sam").unwrap();
        world.tenant.bent.insert(sam, missing);
        for _ in 0..30 {
            world.wait(10);
            let text = world.step();
            assert!(!text.contains("ALLOWED"), "{missing:?}: {text}");
        }
        // The identities alone tell that the invitation was redeemed.
        let whole = matches!(missing, Missing::Created);
        assert_eq!(world.user_state("sam") == "APPLIED", whole, "{missing:?}: {}", world.user_state("sam"));
        world.tenant.bent.clear();
        world.settle();
        assert_eq!(world.user_state("sam"), "APPLIED", "{missing:?}");
    }
}

#[test]
fn field_kind_3_fields_of_a_redemption_that_arrive_apart_take_nothing_away() {
    let mut world = World::new();
    world.member("sam", "l1");
    world.settle();
    world.redeem_with("sam", "contoso.example");
    for _ in 0..5 {
        world.wait(10);
        let text = world.step();
        assert!(!text.contains("block"), "{text}");
    }
    world.redeem("sam");
    world.settle();
    assert_eq!(world.user_state("sam"), "APPLIED");
}

#[test]
fn field_kind_6_clocks_that_differ_decide_nothing() {
    for (behind, jumped) in [(310, 0), (86_400, 0), (0, 310), (0, -310), (0, 86_400)] {
        let mut world = World::new();
        world.tenant.behind = std::time::Duration::from_secs(behind);
        world.jumped = jumped;
        world.member("sam", "l1");
        world.settle();
        world.redeem("sam");
        world.settle();
        assert_eq!(world.user_state("sam"), "APPLIED", "{behind} {jumped}");
        let sam = world.account("sam").unwrap();
        world.jumped = 0;
        world.leave("sam");
        steps(&mut world, 40, 10);
        assert!(world.tenant.state.users[&sam].is_blocked(), "{behind} {jumped}");
        assert_eq!(world.user_state("sam"), "REMOVED", "{behind} {jumped}");
    }
}

#[test]
fn field_kind_7_another_home_account_of_the_address_gets_a_true_reason() {
    let mut world = World::joined(&["maya"], "l1");
    let old = world.account("maya").unwrap();
    world.absent("maya", Cause::IdentityDropped);
    // The same address under another home object id.
    world.member("maya-anew", "l1");
    world.rename("maya-anew", "maya@nordwall.example");
    steps(&mut world, 30, 10);
    assert!(world.tenant.state.users[&old].is_blocked());
    assert_eq!(world.user_state("maya-anew"), "WAITING OTHER_ACCOUNT");
    // The way out: the customer deletes the guest, and a new one is invited.
    world.tenant.delete_user(old);
    steps(&mut world, 60, 10);
    assert_eq!(world.user_state("maya-anew"), "WAITING REDEMPTION");
    assert_eq!(world.user_state("maya"), "REMOVED");
}

#[test]
fn field_kind_9_what_is_known_by_id_is_taken_away_while_no_list_can_be_read() {
    for reason in [Reason::CloudUnavailable, Reason::PermissionMissing] {
        let mut world = World::joined(&["sam", "maya"], "l1");
        world.tenant.unread.insert("members", reason);
        world.leave("sam");
        steps(&mut world, 5, 10);
        assert!(!world.is_member("sam", "l1"), "{reason:?}");
        assert!(world.is_member("maya", "l1"));
        steps(&mut world, 30, 10);
        assert!(world.user_state("sam").starts_with("UNPROVEN"), "{}", world.user_state("sam"));
    }
}

#[test]
fn fidelity_a4_a_lag_longer_than_told_makes_no_second_object() {
    let mut world = World::new();
    world.lag = std::time::Duration::from_secs(400);
    world.settings.unseen_for = std::time::Duration::from_secs(3_600);
    world.member("sam", "l1");
    steps(&mut world, 60, 10);
    // The fake tenant panics at a second invitation or group of one name.
    assert_eq!(world.tenant.state.users.len(), 1);
    assert_eq!(world.user_state("sam"), "WAITING REDEMPTION");
}

#[test]
fn fidelity_a10_an_account_of_which_nothing_is_said_is_not_taken_for_enabled() {
    let mut world = World::joined(&["sam"], "l1");
    let sam = world.account("sam").unwrap();
    world.tenant.bent.insert(sam, Missing::Enabled);
    world.wait(300);
    world.step();
    assert_eq!(world.user_state("sam"), "WAITING UNREAD");
    world.leave("sam");
    steps(&mut world, 40, 10);
    assert!(world.tenant.state.users[&sam].is_enabled() || world.user_state("sam") == "WAITING UNREAD");
    world.tenant.bent.clear();
    steps(&mut world, 40, 10);
    assert_eq!(world.user_state("sam"), "REMOVED");
}

#[test]
fn attacks_c05_a_leaver_is_blocked_before_anything_slow_is_read() {
    for (closed, blind) in [(&[][..], false), (&["users", "groups", "members", "azure", "defender"][..], true)] {
        let mut world = World::joined(&["sam", "maya"], "l1");
        let sam = world.account("sam").unwrap();
        world.leave("sam");
        world.first(closed);
        assert!(world.tenant.state.users[&sam].is_blocked());
        assert!(!world.is_member("sam", "l1"));
        assert!(world.is_member("maya", "l1"));
        let key = world.user_key("sam");
        assert_eq!(world.ledger.entries[&(&key).into()].block.unwrap().blind, blind);
        // Once for each removal.
        assert_eq!(world.first(closed).trim(), "");
        steps(&mut world, 40, 10);
        assert_eq!(world.user_state("sam"), "REMOVED");
        // Who comes back is let in by us, unless we cannot know whose block it was.
        world.member("sam", "l1");
        steps(&mut world, 40, 10);
        let state = if blind { "BLOCKED_BY_CUSTOMER CUSTOMER_BLOCKED" } else { "APPLIED" };
        assert_eq!(world.user_state("sam"), state);
    }
}

#[test]
fn attacks_c05_a_customers_block_is_not_taken_for_ours_in_a_hurry() {
    let mut world = World::joined(&["sam"], "l1");
    let sam = world.account("sam").unwrap();
    world.tenant.enable(sam, false);
    world.leave("sam");
    world.first(&[]);
    let key = world.user_key("sam");
    assert_eq!(world.ledger.entries[&(&key).into()].block, None);
}

#[test]
fn field_kind_5_an_assignment_of_others_of_the_same_content_is_never_removed() {
    // By the customer before us, or in the place of ours.
    for replaced in [false, true] {
        let mut world = World::new();
        world.member("maya", "l1");
        world.group("l1");
        world.settle();
        let group = world.group_id("l1");
        let name = world.tenant.id();
        let theirs = AzureAssignment { scope: SCOPE.into(), name, principal: group, definition: RESPONDER };
        if replaced {
            world.azure_role("l1", RESPONDER);
            world.settle();
            world.tenant.state.azure.clear();
        }
        world.tenant.state.azure.push(theirs);
        world.azure_role("l1", RESPONDER);
        world.settle();
        world.items.retain(|key, _| !matches!(key, ItemKey::AzureRole(_)));
        world.version.revision += 1;
        world.wait(300);
        world.settle();
        assert_eq!(world.tenant.state.azure.len(), 1, "replaced: {replaced}");
    }
}

#[test]
fn field_kind_4_what_hung_on_a_group_of_ours_that_was_deleted_is_taken_over() {
    let mut world = World::new();
    world.member("maya", "l1");
    world.azure_role("l1", RESPONDER);
    world.defender_role("l1", &["secdata.basics.read"]);
    world.settle();
    world.redeem("maya");
    world.settle();
    let (old, group) = (world.group_id("l1"), world.tenant.state.groups[&world.group_id("l1")].clone());
    let members = world.tenant.state.members.remove(&old).unwrap();
    world.tenant.state.groups.remove(&old);
    for _ in 0..80 {
        world.step();
        world.wait(60);
    }
    let new = world.group_id("l1");
    assert_ne!(old, new);
    let azure: Vec<_> = world.tenant.state.azure.iter().map(|it| it.principal).collect();
    assert_eq!(azure, [new]);
    let defender: Vec<_> = world.tenant.state.defender.assignments.iter().map(|it| it.principals.clone()).collect();
    assert_eq!(defender, [[new].into()]);
    assert!(world.is_member("maya", "l1"));
    // Restored with its members: they are taken out again.
    world.tenant.state.groups.insert(old, group);
    world.tenant.state.members.insert(old, members);
    for _ in 0..10 {
        world.wait(300);
        world.step();
    }
    assert!(world.tenant.state.members[&old].is_empty());
    assert!(world.tenant.state.members[&new].len() == 1);
}

#[test]
fn what_is_proven_stays_so_while_later_looks_are_not_answered() {
    let mut world = World::joined(&["sam"], "l1");
    let sam = world.account("sam").unwrap();
    world.leave("sam");
    world.settle();
    let key = world.user_key("sam");
    let first = proof(&world, &key);
    for part in ["users", "members", "azure", "defender", "bin"] {
        world.tenant.unread.insert(part, Reason::CloudUnavailable);
        world.wait(300);
        world.step();
        assert_eq!(proof(&world, &key), first, "{part}");
    }
    world.tenant.unread.clear();
    // The customer deletes the account, for good: it is as shut as before.
    world.tenant.delete_user(sam);
    world.tenant.state.bin.clear();
    for _ in 0..5 {
        world.wait(60);
        world.step();
        assert_eq!(proof(&world, &key), first);
    }
}

#[test]
fn a_refused_read_is_no_proof_and_is_said_by_its_own_name() {
    for part in ["users", "members", "azure", "defender"] {
        let mut world = World::joined(&["sam"], "l1");
        world.leave("sam");
        world.step();
        world.tenant.unread.insert(part, Reason::PermissionMissing);
        for _ in 0..40 {
            world.step();
            world.wait(10);
        }
        assert_eq!(world.user_state("sam"), "UNPROVEN PERMISSION_MISSING", "{part}");
        world.tenant.unread.clear();
        world.settle();
        assert_eq!(world.user_state("sam"), "REMOVED", "{part}");
    }
}
