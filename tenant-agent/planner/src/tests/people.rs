//! Joining: invited once, whatever is lost on the way; adopted with leave; a customer's block stays.

use std::time::Duration;

use expect_test::expect;

use super::tenant::Mishap;
use super::world::World;
use entente_model::report::Reason;

#[test]
fn a_joiner_is_invited_and_waits_for_redemption_before_membership() {
    let mut world = World::new();
    world.member("maya", "l1");
    expect![[r#"
        ALLOWED GRANT: invite maya@nordwall.example
        ALLOWED GRANT: create group ent-l1
        = user/nordwall/maya PENDING
        = group/l1/standard PENDING
        = member/l1/standard/nordwall/maya WAITING DEPENDENCY
    "#]]
    .assert_eq(&world.step());
    world.wait(5);
    expect![[r#"
        ALLOWED GRANT: create group ent-anchor
        = user/nordwall/maya WAITING REDEMPTION
        = group/l1/standard APPLIED
        = member/l1/standard/nordwall/maya WAITING REDEMPTION
    "#]]
    .assert_eq(&world.step());
    world.wait(5);
    expect![[r#"
        ALLOWED GRANT: add user maya to group ent-anchor
        = user/nordwall/maya WAITING REDEMPTION
        = group/l1/standard APPLIED
        = member/l1/standard/nordwall/maya WAITING REDEMPTION
    "#]]
    .assert_eq(&world.step());
    world.redeem("maya");
    world.wait(300);
    expect![[r#"
        ALLOWED GRANT: add user maya to group ent-l1
        = user/nordwall/maya APPLIED
        = group/l1/standard APPLIED
        = member/l1/standard/nordwall/maya PENDING
    "#]]
    .assert_eq(&world.step());
    world.wait(5);
    expect![[r#"
        = user/nordwall/maya APPLIED
        = group/l1/standard APPLIED
        = member/l1/standard/nordwall/maya APPLIED
    "#]]
    .assert_eq(&world.step());
}

#[test]
fn a_second_plan_has_nothing_in_it() {
    let mut world = World::joined(&["maya"], "l1");
    let plan = world.plan();
    assert_eq!(plan.changes, []);
    assert_eq!(plan.updates, []);
}

#[test]
fn a_lost_answer_is_looked_up_and_the_user_found_is_ours() {
    let mut world = World::new();
    world.user("maya");
    world.tenant.mishaps.push_back(Mishap::AnswerLost);
    world.step();
    world.wait(10);
    world.step();
    assert_eq!(world.user_state("maya"), "WAITING REDEMPTION");
    assert!(world.last.as_ref().unwrap().reports[0].owned);
}

#[test]
fn a_lost_answer_behind_a_lag_makes_no_second_invitation() {
    let mut world = World::new();
    world.lag = Duration::from_secs(50);
    world.user("maya");
    world.tenant.mishaps.push_back(Mishap::AnswerLost);
    // The tenant panics at a duplicate.
    world.settle();
    assert_eq!(world.user_state("maya"), "WAITING REDEMPTION");
}

#[test]
fn a_look_that_takes_long_counts_from_its_first_read() {
    let mut world = World::new();
    world.lag = Duration::from_secs(50);
    world.user("maya");
    world.step();
    world.wait(1);
    assert!(!world.step().contains("invite"));
    // Its reads are made at once, and its last answer comes when Microsoft lets it.
    world.reading = Duration::from_secs(65);
    world.wait(67);
    let text = world.step();
    assert!(!text.contains("invite"), "{text}");
    world.reading = Duration::ZERO;
    world.settle();
    assert_eq!(world.user_state("maya"), "WAITING REDEMPTION");
}

#[test]
fn a_lost_call_is_repeated_only_after_look_ups_stayed_empty_for_longer_than_the_lag() {
    let mut world = World::new();
    world.user("maya");
    world.tenant.mishaps.push_back(Mishap::CallLost);
    world.step();
    let mut waited = 0;
    while world.account("maya").is_none() {
        world.wait(5);
        waited += 5;
        world.step();
    }
    assert!((61..=75).contains(&waited), "{waited}");
}

#[test]
fn a_phantom_answer_is_driven_again_after_look_ups_by_id_and_mail_stayed_empty() {
    let mut world = World::new();
    world.user("maya");
    world.tenant.mishaps.push_back(Mishap::Phantom);
    world.step();
    world.wait(5);
    world.step();
    assert_eq!(world.user_state("maya"), "WAITING PROPAGATION");
    world.wait(30);
    world.step();
    assert!(world.account("maya").is_none(), "driven again too early");
    world.settle();
    assert!(world.account("maya").is_some());
}

#[test]
fn a_user_who_was_there_before_needs_the_customers_leave() {
    for (policy, expected) in
        [("never", "REFUSED NOT_OURS"), ("ask", "NEEDS_APPROVAL ADOPTION_APPROVAL"), ("allow", "WAITING REDEMPTION")]
    {
        let mut world = World::new().guardrail("adoptExisting: ask", &format!("adoptExisting: {policy}"));
        world.tenant.add_guest("maya@nordwall.example", "Maya", world.now);
        world.wait(600);
        world.user("maya");
        world.step();
        assert_eq!(world.user_state("maya"), expected, "{policy}");
        assert!(!world.last.as_ref().unwrap().reports[0].owned, "{policy}");
    }
}

/// A guest of the customer's under an address that no look-up shows, and Maya invited at another one of hers.
fn invited_although_there(policy: &str) -> (World, entente_model::Guid) {
    let mut world = World::new().guardrail("adoptExisting: ask", &format!("adoptExisting: {policy}"));
    let guest = world.tenant.add_guest("maya.berg@nordwall.example", "Maya Berg", world.now);
    world.redeem("maya.berg");
    world.tenant.known_as.insert("maya@nordwall.example".into(), guest);
    world.wait(600);
    world.member("maya", "l1");
    world.step();
    world.wait(5);
    world.step();
    (world, guest)
}

#[test]
fn an_invitation_that_is_answered_with_a_guest_of_the_customers_makes_nobody_ours() {
    for (policy, expected) in
        [("never", "REFUSED NOT_OURS"), ("ask", "NEEDS_APPROVAL ADOPTION_APPROVAL"), ("allow", "APPLIED")]
    {
        let (mut world, guest) = invited_although_there(policy);
        assert_eq!(world.user_state("maya"), expected, "{policy}");
        world.settle();
        assert_eq!(world.user_state("maya"), expected, "{policy}: it is not invited again");
        let key = world.user_key("maya");
        let report = world.last.as_ref().unwrap().reports.iter().find(|it| it.key == key).unwrap();
        assert_eq!((report.owned, report.object_id.clone()), (false, Some(guest.to_string())), "{policy}");
        assert!(world.tenant.state.members.values().all(|members| policy == "allow" || members.is_empty()));
    }
}

#[test]
fn a_guest_of_the_customers_is_neither_blocked_nor_deleted_whatever_ends() {
    let ends: [fn(&mut World); 4] = [
        |world| world.leave("maya"),
        |world| world.drop("maya"),
        |world| world.windows("maya", "", "2026-11-23T00:00:00Z"),
        |world| {
            for _ in 0..40 {
                world.revoke_all();
                world.wait(5);
            }
        },
    ];
    for policy in ["never", "ask", "allow"] {
        for (at, end) in ends.iter().enumerate() {
            let (mut world, guest) = invited_although_there(policy);
            world.settle();
            world.guardrail = World::new()
                .guardrail("adoptExisting: ask", &format!("adoptExisting: {policy}"))
                .guardrail
                .map(|mut guardrail| {
                    guardrail.people.on_leave.insert(crate::guardrail::OnLeave::Delete);
                    guardrail
                });
            end(&mut world);
            if at < 3 {
                world.settle();
            }
            let user = world.tenant.state.users.get(&guest);
            assert!(user.is_some_and(|user| user.is_enabled()), "{policy} {at}: {user:?}");
            assert!(world.tenant.state.members.values().all(|members| !members.contains(&guest)), "{policy} {at}");
        }
    }
}

#[test]
fn a_new_user_is_ours_at_the_first_look_behind_a_lag_and_by_another_clock() {
    for behind in [0, 200] {
        let mut world = World::new();
        world.lag = Duration::from_secs(40);
        world.tenant.behind = Duration::from_secs(behind);
        world.user("maya");
        world.settle();
        let report = world.last.clone().unwrap().reports[0].clone();
        assert_eq!((world.user_state("maya").as_str(), report.owned), ("WAITING REDEMPTION", true), "{behind}");
    }
}

#[test]
fn a_user_invited_by_others_after_our_lost_call_is_not_taken_for_ours_unless_it_was_absent() {
    let mut world = World::new();
    world.tenant.add_guest("maya@nordwall.example", "Maya", world.now);
    world.wait(600);
    world.user("maya");
    // We never sent anything: no intent, so no claim.
    world.step();
    assert_eq!(world.user_state("maya"), "NEEDS_APPROVAL ADOPTION_APPROVAL");
}

#[test]
fn a_customers_block_is_never_undone_and_stops_every_account_of_the_operator() {
    let mut world = World::joined(&["maya", "li"], "l1");
    let maya = world.account("maya").unwrap();
    world.tenant.enable(maya, false);
    world.member("adm-maya", "l1");
    world.wait(300);
    expect![[r#"
        = user/nordwall/maya BLOCKED_BY_CUSTOMER CUSTOMER_BLOCKED
        = user/nordwall/li APPLIED
        = user/nordwall/adm-maya BLOCKED_BY_CUSTOMER CUSTOMER_BLOCKED
        = group/l1/standard APPLIED
        = member/l1/standard/nordwall/maya BLOCKED_BY_CUSTOMER CUSTOMER_BLOCKED
        = member/l1/standard/nordwall/li APPLIED
        = member/l1/standard/nordwall/adm-maya BLOCKED_BY_CUSTOMER CUSTOMER_BLOCKED
    "#]]
    .assert_eq(&world.settle());
}

#[test]
fn only_our_own_block_is_lifted_when_a_person_comes_back() {
    let mut world = World::joined(&["maya"], "l1");
    world.leave("maya");
    world.settle();
    world.member("maya", "l1");
    world.version.revision += 1;
    world.settle();
    assert_eq!(world.member_state("maya", "l1"), "APPLIED");

    let mut world = World::joined(&["maya"], "l1");
    let maya = world.account("maya").unwrap();
    world.tenant.enable(maya, false);
    world.leave("maya");
    world.settle();
    world.member("maya", "l1");
    world.version.revision += 1;
    world.settle();
    assert_eq!(world.member_state("maya", "l1"), "BLOCKED_BY_CUSTOMER CUSTOMER_BLOCKED");
}

#[test]
fn an_invitation_redeemed_by_another_identity_is_blocked_and_given_nothing() {
    let mut world = World::new();
    world.member("maya", "l1");
    world.settle();
    world.redeem_with("maya", "mail");
    world.wait(300);
    world.step();
    // The two fields that say so may arrive apart: it takes a second look.
    assert_eq!(world.user_state("maya"), "WAITING UNREAD");
    world.wait(61);
    expect![[r#"
        ALLOWED OTHER_REMOVAL: block user maya
        ALLOWED OTHER_REMOVAL: end sessions of user maya
        = user/nordwall/maya PENDING
        = group/l1/standard APPLIED
        = member/l1/standard/nordwall/maya REFUSED IDENTITY_PROOF
    "#]]
    .assert_eq(&world.step());
    world.settle();
    assert!(!world.is_member("maya", "l1"));
}

#[test]
fn windows_open_and_close_with_the_control_plane_away() {
    let mut world = World::new();
    world.member("maya", "l1");
    world.windows("maya", "2026-11-24T00:00:00Z", "2026-12-01T00:00:00Z");
    world.step();
    assert_eq!(world.member_state("maya", "l1"), "WAITING NOT_YET_STARTED");
    world.now = "2026-11-24T00:00:00Z".parse().unwrap();
    world.settle();
    world.redeem("maya");
    world.settle();
    assert!(world.is_member("maya", "l1"));
    world.now = "2026-12-01T00:00:00Z".parse().unwrap();
    world.lease_fresh = false;
    expect![[r#"
        ALLOWED EXPIRY: block user maya
        ALLOWED EXPIRY: remove user maya from group ent-l1
        = user/nordwall/maya PENDING
        = group/l1/standard APPLIED
        = member/l1/standard/nordwall/maya PENDING
    "#]]
    .assert_eq(&world.step());
    world.settle();
    assert_eq!(world.member_state("maya", "l1"), "REMOVED EXPIRED");
    assert_eq!(world.user_state("maya"), "REMOVED EXPIRED");
}

#[test]
fn a_refused_invitation_is_tried_again_ever_more_seldom() {
    let mut world = World::new();
    world.user("maya");
    world
        .tenant
        .mishaps
        .extend([Mishap::Refused(Reason::InvitationsClosed), Mishap::Refused(Reason::InvitationsClosed)]);
    world.step();
    world.wait(1);
    world.step();
    assert_eq!(world.user_state("maya"), "FAILED INVITATIONS_CLOSED");
    assert_eq!(world.tenant.mishaps.len(), 1, "tried again too early");
    world.settle();
    assert!(world.account("maya").is_some());
}

#[test]
fn our_own_block_stays_while_the_customer_blocks_another_account_of_the_operator() {
    let mut world = World::joined(&["maya", "adm-maya"], "l1");
    world.drop("maya");
    world.settle();
    let privileged = world.account("adm-maya").unwrap();
    world.tenant.enable(privileged, false);
    world.member("maya", "l1");
    world.wait(300);
    world.settle();
    assert_eq!(world.user_state("maya"), "BLOCKED_BY_CUSTOMER CUSTOMER_BLOCKED");
    assert!(world.tenant.state.users[&world.account("maya").unwrap()].is_blocked());
}

#[test]
fn a_block_that_was_refused_is_not_ours_when_the_customer_makes_it() {
    let mut world = World::joined(&["maya"], "l1");
    world.leave("maya");
    world.tenant.mishaps.push_back(Mishap::Refused(Reason::CloudRefused));
    world.step();
    let maya = world.account("maya").unwrap();
    world.tenant.enable(maya, false);
    world.wait(300);
    world.settle();
    world.member("maya", "l1");
    world.version.revision += 1;
    world.wait(300);
    world.settle();
    assert_eq!(world.user_state("maya"), "BLOCKED_BY_CUSTOMER CUSTOMER_BLOCKED");
}

#[test]
fn a_guest_whom_the_customer_invites_anew_after_the_one_that_we_were_answered_stays_theirs() {
    for (policy, expected) in [("never", "REFUSED NOT_OURS"), ("ask", "NEEDS_APPROVAL ADOPTION_APPROVAL")] {
        let (mut world, guest) = invited_although_there(policy);
        world.settle();
        world.tenant.delete_user(guest);
        world.tenant.known_as.clear();
        world.wait(600);
        let anew = world.tenant.add_guest("maya@nordwall.example", "Maya", world.now);
        world.settle();
        assert_eq!(world.user_state("maya"), expected, "{policy}");
        world.leave("maya");
        world.settle();
        assert!(world.tenant.state.users[&anew].is_enabled(), "{policy}: the customer's guest was blocked");
    }
}

#[test]
fn a_guest_whom_the_customer_made_anew_before_we_looked_is_not_whom_our_invitation_was_answered_with() {
    let mut world = World::new();
    let guest = world.tenant.add_guest("maya.berg@nordwall.example", "Maya Berg", world.now);
    world.tenant.known_as.insert("maya@nordwall.example".into(), guest);
    world.wait(600);
    world.user("maya");
    world.step();
    world.tenant.delete_user(guest);
    world.tenant.known_as.clear();
    world.wait(10);
    let anew = world.tenant.add_guest("maya@nordwall.example", "Maya", world.now);
    world.settle();
    assert_eq!(world.user_state("maya"), "NEEDS_APPROVAL ADOPTION_APPROVAL");
    world.leave("maya");
    world.settle();
    assert!(world.tenant.state.users[&anew].is_enabled(), "the customer's guest was blocked");
}
