//! What the guardrail says no to, holds back, and asks about; and the matrix of verdicts.

use entente_model::desired::DefenderRoleBody;
use entente_model::plan::ChangeClass;
use entente_model::report::Reason;
use expect_test::expect;

use super::world::{RESPONDER, World, looks_in_an_hour, members};
use crate::observed::DefenderAssignment;
use crate::verdict::{Condition, judge};

#[test]
fn the_matrix_of_verdicts() {
    let conditions = [
        ("allowed", Condition::Clear),
        ("needs approval", Condition::NeedsApproval(Reason::CapabilityApproval)),
        ("over a cap", Condition::OverCap),
        ("frozen", Condition::Frozen { removals_pass: false }),
        ("frozen, except removals", Condition::Frozen { removals_pass: true }),
        ("paused", Condition::Paused),
        ("revoke-all", Condition::RevokeAll),
        ("unreadable guardrail", Condition::Unreadable),
        ("not looked at", Condition::Unread),
        ("lease over", Condition::LeaseOver),
        ("review past", Condition::ReviewPast),
        ("epoch changed", Condition::EpochChanged),
        ("by a person", Condition::ByPerson),
        ("refused", Condition::Refused(Reason::GuardrailScope)),
    ];
    let mut text = format!("{:24}", "");
    for class in ChangeClass::ALL {
        text += &format!(" {:38}", class.word());
    }
    for (name, condition) in conditions {
        text += &format!("\n{name:24}");
        for class in ChangeClass::ALL {
            let (verdict, reason) = judge(class, condition);
            let reason = reason.map(|reason| format!(" {}", reason.word())).unwrap_or_default();
            text += &format!(" {:38}", format!("{}{reason}", verdict.word()));
        }
    }
    let text: String = text.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    expect![[r#"
                                 GRANT                                  EXPIRY                                 LEAVER                                 OTHER_REMOVAL
        allowed                  ALLOWED                                ALLOWED                                ALLOWED                                ALLOWED
        needs approval           NEEDS_APPROVAL CAPABILITY_APPROVAL     ALLOWED                                ALLOWED                                ALLOWED
        over a cap               HELD OVER_CAP                          ALLOWED                                ALLOWED                                HELD OVER_CAP
        frozen                   HELD FROZEN                            ALLOWED                                ALLOWED                                HELD FROZEN
        frozen, except removals  HELD FROZEN                            ALLOWED                                ALLOWED                                ALLOWED
        paused                   HELD PAUSED                            ALLOWED                                HELD PAUSED                            HELD PAUSED
        revoke-all               HELD REVOKE_ALL                        ALLOWED                                ALLOWED                                HELD REVOKE_ALL
        unreadable guardrail     HELD GUARDRAIL_UNREADABLE              ALLOWED                                ALLOWED                                HELD GUARDRAIL_UNREADABLE
        not looked at            HELD UNREAD                            ALLOWED                                ALLOWED                                ALLOWED
        lease over               HELD LEASE_OVER                        ALLOWED                                ALLOWED                                ALLOWED
        review past              REFUSED GUARDRAIL_REVIEW               ALLOWED                                ALLOWED                                ALLOWED
        epoch changed            HELD EPOCH_CHANGED                     ALLOWED                                ALLOWED                                HELD EPOCH_CHANGED
        by a person              BY_PERSON PERSON_TASK                  BY_PERSON PERSON_TASK                  BY_PERSON PERSON_TASK                  BY_PERSON PERSON_TASK
        refused                  REFUSED GUARDRAIL_SCOPE                REFUSED GUARDRAIL_SCOPE                REFUSED GUARDRAIL_SCOPE                REFUSED GUARDRAIL_SCOPE
    "#]].assert_eq(&text);
}

/// One person and one role under a changed guardrail, after one step.
fn under(from: &str, to: &str) -> World {
    let mut world = World::new().guardrail(from, to);
    world.member("maya", "l1");
    world.azure_role("l1", RESPONDER);
    world.step();
    world
}

#[test]
fn people_whom_the_file_does_not_take_are_refused() {
    for (from, to) in [
        ("[nordwall.example]", "[tailspin.example]"),
        ("homeTenant: 0a0de000", "homeTenant: 0a0de001"),
        ("userTypes: [guest]", "userTypes: []"),
        ("barred: []", "barred: [MAYA@nordwall.example]"),
    ] {
        let mut world = under(from, to);
        assert_eq!(world.user_state("maya"), "REFUSED GUARDRAIL_PERSON", "{to}");
        assert!(world.tenant.state.users.is_empty(), "{to}");
    }
    let mut world = under("maxOperators: 25", "maxOperators: 0");
    assert_eq!(world.user_state("maya"), "REFUSED GUARDRAIL_LIMIT");
}

#[test]
fn objects_that_the_file_does_not_take_are_refused() {
    let group = "group/l1/standard".parse().unwrap();
    assert_eq!(under("namePrefix: ent-", "namePrefix: soc-").state(&group), "REFUSED GUARDRAIL_PREFIX");
    assert_eq!(under("groups: 12", "groups: 0").state(&group), "REFUSED GUARDRAIL_LIMIT");
    let role = |from: &str, to: &str| {
        let mut world = under(from, to);
        world.settle();
        let key = world.items.keys().find(|key| key.to_string().starts_with("azureRole")).unwrap().clone();
        assert!(world.tenant.state.azure.is_empty(), "{to}");
        world.state(&key)
    };
    assert_eq!(role("scopes: [/subscriptions/1", "scopes: [/subscriptions/2"), "REFUSED GUARDRAIL_SCOPE");
    assert_eq!(
        role(
            "agentHome: /subscriptions/99999999-9999-4999-8999-999999999999/resourceGroups/rg-entente",
            "agentHome: /subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/RG-Sentinel/providers/x/y/z"
        ),
        "REFUSED GUARDRAIL_PROTECTED"
    );
    assert_eq!(
        role("    Microsoft Sentinel Responder: 3e150937-b8fe-4cfb-8069-0eaf05ecd056\n", ""),
        "REFUSED GUARDRAIL_ROLE"
    );
    assert_eq!(role("allow: [readIncidents, manageAlerts,", "allow: [readIncidents,"), "REFUSED GUARDRAIL_CAPABILITY");
    assert_eq!(role("azureRoles: manage", "azureRoles: none"), "REFUSED GUARDRAIL_PLANE");
}

#[test]
fn what_is_asked_waits_for_approval_and_what_is_refused_refuses_the_whole_role() {
    let mut world = World::new();
    world.defender_role("l2", &["secdata.basics.read", "liveresponse.basic.manage"]);
    world.defender_role("l3", &["liveresponse.basic.manage", "emailcontent.read"]);
    world.settle();
    assert_eq!(world.state(&"defenderRole/l2".parse().unwrap()), "NEEDS_APPROVAL CAPABILITY_APPROVAL");
    assert_eq!(world.state(&"defenderRole/l3".parse().unwrap()), "REFUSED GUARDRAIL_CAPABILITY");
    assert!(world.tenant.state.defender.roles.is_empty());
}

#[test]
fn an_assignment_is_not_made_anew_once_the_file_refuses_what_its_role_holds() {
    let mut world = World::new();
    world.defender_role("l1", &["secdata.basics.read"]);
    world.settle();
    world.guardrail = World::new().guardrail("allow: [readIncidents, ", "allow: [").guardrail;
    world.tenant.state.defender.assignments.clear();
    world.wait(7200);
    world.settle();
    assert_eq!(world.state(&"defenderAssignment/l1/standard".parse().unwrap()), "REFUSED GUARDRAIL_CAPABILITY");
    assert!(world.tenant.state.defender.assignments.is_empty());
}

/// Maya in a group that has both kinds of rights; then the file changes, Li joins and Sam leaves.
fn after_the_file_changed(from: &str, to: &str) -> World {
    let mut world = World::joined(&["maya", "sam"], "l1");
    world.azure_role("l1", RESPONDER);
    world.defender_role("l1", &["secdata.basics.read", "alerts.manage"]);
    world.settle();
    world.guardrail = World::new().guardrail(from, to).guardrail;
    world.leave("sam");
    world.member("li", "l1");
    world.settle();
    world.redeem("li");
    world.settle();
    world
}

#[test]
fn nobody_is_put_into_a_group_that_has_what_the_file_no_longer_allows() {
    let allow = "allow: [readIncidents, manageAlerts, respond, runPlaybooks, readLogs, readAuthorization]\n  ask: [liveResponseBasic]";
    for (from, to, expected, right) in [
        ("respond, runPlaybooks", "runPlaybooks", "REFUSED GUARDRAIL_CAPABILITY", "azureRole"),
        ("[/subscriptions/1", "[/subscriptions/2", "REFUSED GUARDRAIL_SCOPE", "azureRole"),
        (
            allow,
            "allow: [readIncidents, manageAlerts, readLogs, readAuthorization]\n  ask: [respond]",
            "NEEDS_APPROVAL CAPABILITY_APPROVAL",
            "azureRole",
        ),
        ("manageAlerts, respond", "respond", "REFUSED GUARDRAIL_CAPABILITY", "azureRole"),
    ] {
        let mut world = after_the_file_changed(from, to);
        assert_eq!(world.member_state("li", "l1"), expected, "{to}");
        let key = world.member_key("li", "l1");
        let report = world.last.as_ref().unwrap().reports.iter().find(|it| it.key == key).unwrap();
        assert!(report.detail.starts_with(&format!("a member has {right}")), "{}", report.detail);
        assert!(!world.is_member("li", "l1") && !world.is_member("sam", "l1"), "{to}");
        assert!(world.is_member("maya", "l1"), "{to}: who was a member stays one");
    }
}

#[test]
fn a_defender_role_that_the_file_no_longer_allows_is_said_and_given_to_nobody_more() {
    let mut world = World::joined(&["maya"], "l1");
    world.defender_role("l1", &["secdata.basics.read", "alerts.manage"]);
    world.settle();
    world.guardrail = World::new().guardrail("manageAlerts, ", "").guardrail;
    world.member("li", "l1");
    world.settle();
    world.redeem("li");
    world.settle();
    for key in ["defenderRole/l1", "defenderAssignment/l1/standard"] {
        assert_eq!(world.state(&key.parse().unwrap()), "REFUSED GUARDRAIL_CAPABILITY", "{key}");
    }
    assert_eq!(world.member_state("li", "l1"), "REFUSED GUARDRAIL_CAPABILITY");
    // Once it is gone from the role, its group is as good as any.
    world.defender_role("l1", &["secdata.basics.read"]);
    world.version.revision += 1;
    world.wait(300);
    world.settle();
    assert_eq!(world.member_state("li", "l1"), "APPLIED");
}

#[test]
fn a_right_that_was_never_given_is_in_nobodys_way() {
    let mut world = World::new().guardrail("manageAlerts, ", "");
    world.member("maya", "l1");
    world.azure_role("l1", RESPONDER);
    world.defender_role("l1", &["alerts.manage"]);
    world.settle();
    world.redeem("maya");
    world.settle();
    assert_eq!(world.member_state("maya", "l1"), "APPLIED");
    assert!(world.tenant.state.azure.is_empty() && world.tenant.state.defender.assignments.is_empty());
}

#[test]
fn a_withheld_permission_is_neither_given_nor_judged() {
    let mut world = World::new();
    world.defender_role("l1", &["secdata.basics.read", "emailcontent.read"]);
    let key = "defenderRole/l1".parse().unwrap();
    let entente_model::desired::ItemBody::DefenderRole(DefenderRoleBody { permissions, .. }) =
        &mut world.items.get_mut(&key).unwrap().body
    else {
        panic!("a Defender role");
    };
    permissions[1].withheld_until = Some("2027-07-01T00:00:00Z".parse().unwrap());
    world.settle();
    assert_eq!(world.state(&key), "APPLIED");
    assert_eq!(world.tenant.state.defender.roles[0].actions.len(), 1);
}

#[test]
fn joiners_over_the_cap_are_held_and_come_a_day_later() {
    let mut world = World::new().guardrail("joiners: 5", "joiners: 2");
    for name in ["li", "maya", "sam"] {
        world.user(name);
    }
    world.settle();
    assert_eq!(world.tenant.state.users.len(), 2);
    assert_eq!(world.user_state("sam"), "HELD OVER_CAP");
    world.wait(24 * 60 * 60);
    world.settle();
    assert_eq!(world.tenant.state.users.len(), 3);
}

#[test]
fn implied_removals_are_capped_and_leavers_are_not() {
    let names = ["jonas", "li", "maya", "sam"];
    let build = |end: fn(&mut World, &str)| {
        let mut world = World::new().guardrail("impliedRemovals: 10", "impliedRemovals: 3");
        names.iter().for_each(|name| world.member(name, "l1"));
        world.settle();
        names.iter().for_each(|name| world.redeem(name));
        world.settle();
        names.iter().for_each(|name| end(&mut world, name));
        world.settle();
        members(&world, "l1").len() + world.tenant.state.users.values().filter(|user| user.is_enabled()).count()
    };
    assert_eq!(build(World::drop), 8 - 3);
    assert_eq!(build(World::leave), 0);
}

#[test]
fn a_freeze_holds_grants_and_lets_removals_pass_where_it_says_so() {
    let frozen = "  perDay: {joiners: 5, otherChanges: 40, impliedRemovals: 10}\nfreeze: [{from: 2026-11-23, to: 2026-11-24, except: removals}]\n";
    let mut world = World::joined(&["maya"], "l1");
    world.guardrail =
        World::new().guardrail("  perDay: {joiners: 5, otherChanges: 40, impliedRemovals: 10}\n", frozen).guardrail;
    world.drop("maya");
    world.member("li", "l1");
    world.wait(300);
    world.settle();
    assert_eq!(world.user_state("li"), "HELD FROZEN");
    assert!(members(&world, "l1").is_empty());
    world.now = "2026-11-25T00:00:00Z".parse().unwrap();
    world.settle();
    assert_eq!(world.user_state("li"), "WAITING REDEMPTION");
}

#[test]
fn past_the_review_nobody_new_comes_in_and_removals_go_on() {
    let mut world = World::joined(&["maya", "sam"], "l1");
    world.now = "2027-04-01T00:00:00Z".parse().unwrap();
    world.member("li", "l1");
    world.drop("maya");
    world.leave("sam");
    world.settle();
    assert_eq!(world.user_state("li"), "REFUSED GUARDRAIL_REVIEW");
    assert!(members(&world, "l1").is_empty());
}

#[test]
fn grants_without_an_end_or_too_long_are_refused_where_a_longest_is_set() {
    let limited = "namePrefix: ent-\n  longestGrant: 30d";
    for (start, end, expected) in [
        ("", "", "REFUSED GUARDRAIL_LONGEST_GRANT"),
        ("2026-11-01T00:00:00Z", "2026-12-02T00:00:00Z", "REFUSED GUARDRAIL_LONGEST_GRANT"),
        ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z", "WAITING REDEMPTION"),
    ] {
        let mut world = World::new().guardrail("namePrefix: ent-", limited);
        world.member("maya", "l1");
        world.windows("maya", start, end);
        world.settle();
        assert_eq!(world.user_state("maya"), expected, "{start} {end}");
    }
}

#[test]
fn protected_objects_are_never_touched() {
    let mut world = World::joined(&["maya"], "l1");
    let maya = world.account("maya").unwrap();
    let text = format!("protected:\n  users: [{}]", maya.to_string().to_uppercase());
    world.guardrail = World::new().guardrail("protected:", &text).guardrail;
    world.leave("maya");
    world.settle();
    assert_eq!(world.user_state("maya"), "REFUSED GUARDRAIL_PROTECTED");
    assert!(world.tenant.state.users[&maya].is_enabled());
    let mut world = World::joined(&["maya"], "l1");
    let text = format!("protected:\n  groups: [{}]", world.group_id("l1"));
    world.guardrail = World::new().guardrail("protected:", &text).guardrail;
    world.member("li", "l1");
    world.settle();
    world.redeem("li");
    world.settle();
    assert_eq!(world.member_state("li", "l1"), "REFUSED GUARDRAIL_PROTECTED");
}

#[test]
fn our_block_on_an_account_that_is_protected_since_stays() {
    let mut world = World::joined(&["maya"], "l1");
    let maya = world.account("maya").unwrap();
    world.leave("maya");
    world.settle();
    let text = format!("protected:\n  users: [{maya}]");
    world.guardrail = World::new().guardrail("protected:", &text).guardrail;
    world.version.revision += 1;
    world.member("maya", "l1");
    world.settle();
    assert_eq!(world.user_state("maya"), "REFUSED GUARDRAIL_PROTECTED");
    assert!(world.tenant.state.users[&maya].is_blocked());
}

#[test]
fn where_the_anchor_group_is_protected_users_go_unmarked_and_the_rest_goes_on() {
    let mut world = World::joined(&["maya"], "l1");
    let anchor = world.group_id("anchor");
    let text = format!("protected:\n  groups: [{anchor}]");
    world.guardrail = World::new().guardrail("protected:", &text).guardrail;
    world.member("li", "l1");
    world.settle();
    world.redeem("li");
    world.settle();
    assert_eq!(world.member_state("li", "l1"), "APPLIED");
    assert!(!world.is_member("li", "anchor"));
    let said = world.step();
    assert!(said.contains("REFUSED GRANT GUARDRAIL_PROTECTED: add user li to group ent-anchor"), "{said}");
}

#[test]
fn a_person_whom_the_customer_bars_loses_what_they_had() {
    let mut world = World::joined(&["maya"], "l1");
    world.guardrail = World::new().guardrail("barred: []", "barred: [maya@nordwall.example]").guardrail;
    world.wait(300);
    world.settle();
    assert_eq!(world.user_state("maya"), "REFUSED GUARDRAIL_PERSON");
    assert!(!world.is_member("maya", "l1"));
    assert!(world.tenant.state.users[&world.account("maya").unwrap()].is_blocked());
}

#[test]
fn a_mover_gains_before_losing() {
    let mut world = World::joined(&["maya"], "l1");
    world.group("l2");
    world.settle();
    world.drop("maya");
    world.member("maya", "l2");
    let order: Vec<_> = world.plan().todo().map(|change| change.class).collect();
    assert_eq!(order, [ChangeClass::Grant, ChangeClass::OtherRemoval]);
}

#[test]
fn nobody_is_put_into_a_group_whose_defender_role_holds_what_no_allowed_permission_stands_for() {
    let refused = ("REFUSED GUARDRAIL_CAPABILITY", vec!["gives only allowed capabilities"]);
    for (held, (expected, faults)) in [
        ("microsoft.xdr/secops/*/manage", refused.clone()),
        ("microsoft.xdr/secops/something-new/manage", refused),
        ("microsoft.xdr/secops/securitydata/alerts/read", ("PENDING", vec![])),
    ] {
        let mut world = World::joined(&["maya"], "l1");
        world.defender_role("l1", &["secdata.basics.read", "alerts.manage"]);
        world.member("li", "l1");
        world.settle();
        world.redeem("li");
        world.wait(300);
        let plan = world.plan();
        assert!(world.text(&plan).contains("ALLOWED GRANT: add user li to group ent-l1"));
        world.tenant.state.defender.roles[0].actions.insert(held.into());
        world.tenant.keep(world.now);
        let found: Vec<_> = world.faults(&plan).iter().map(|fault| fault.rule).collect();
        assert_eq!(found, faults, "{held}");
        world.step();
        assert_eq!(world.member_state("li", "l1"), expected, "{held}");
    }
}

#[test]
fn what_is_left_on_a_plane_that_is_none_now_is_residual_and_looked_at_only_with_every_comparison() {
    for (plane, left) in [
        ("users", "user/"),
        ("groups", "group/"),
        ("groups", "member/"),
        ("memberships", "member/"),
        ("azureRoles", "azureRole/"),
        ("defenderRoles", "defenderRole/"),
        ("defenderRoles", "defenderAssignment/"),
    ] {
        let mut world = World::joined(&["maya"], "l1");
        world.azure_role("l1", RESPONDER);
        world.defender_role("l1", &["secdata.basics.read"]);
        world.settle();
        let none = World::new().guardrail(&format!("{plane}: manage"), &format!("{plane}: none"));
        world.guardrail = none.guardrail;
        world.items.clear();
        world.version.revision += 1;
        looks_in_an_hour(&mut world);
        let looks = looks_in_an_hour(&mut world);
        assert!(looks <= 13, "{plane}: {looks}");
        let key = world.ledger.entries.keys().find(|key| key.to_string().starts_with(left)).unwrap().clone();
        assert_eq!(world.state(&key.shown()), "RESIDUAL GUARDRAIL_PLANE", "{plane} {left}");
    }
}

#[test]
fn a_defender_role_that_the_customer_assigned_too_is_looked_at_only_with_every_comparison() {
    let mut world = World::new();
    world.defender_role("l1", &["secdata.basics.read"]);
    world.settle();
    let theirs = world.tenant.state.defender.assignments[0].clone();
    world.tenant.state.defender.assignments.push(DefenderAssignment { id: "theirs".into(), ..theirs });
    world.items.clear();
    world.version.revision += 1;
    looks_in_an_hour(&mut world);
    let looks = looks_in_an_hour(&mut world);
    assert!(looks <= 13, "{looks}");
    assert_eq!(world.state(&"defenderRole/l1".parse().unwrap()), "WAITING DEPENDENCY");
    world.tenant.state.defender.assignments.clear();
    world.settle();
    assert!(world.tenant.state.defender.roles.is_empty());
}

#[test]
fn attacks_s03_the_whole_address_is_judged() {
    for mail in
        ["eve@evil.example,maya@nordwall.example", "eve@evil.example@nordwall.example", "<eve>@nordwall.example"]
    {
        let mut world = World::new();
        world.member("maya", "l1");
        world.rename("maya", mail);
        world.settle();
        assert_eq!(world.user_state("maya"), "REFUSED GUARDRAIL_PERSON", "{mail}");
    }
}
