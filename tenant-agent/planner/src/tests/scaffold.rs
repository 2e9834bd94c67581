//! Groups, Azure roles and Defender roles: made once, mended when they drift, never taken from others.

use expect_test::expect;

use super::tenant::Mishap;
use super::world::{RESPONDER, SCOPE, World};
use crate::observed::AzureAssignment;
use crate::record::before;
use entente_model::desired::ItemKey;
use entente_model::report::Reason;

fn set(words: &[&str]) -> std::collections::BTreeSet<String> {
    words.iter().map(ToString::to_string).collect()
}

#[test]
fn a_role_hangs_its_rights_on_its_group() {
    let mut world = World::new();
    world.azure_role("l1", RESPONDER);
    world.defender_role("l1", &["secdata.basics.read", "alerts.manage", "response.manage"]);
    expect![[r#"
        ALLOWED GRANT: create group ent-l1
        ALLOWED GRANT: create Defender role ent-l1
        = group/l1/standard PENDING
        = azureRole/l1/standard/rg-sentinel/Microsoft Sentinel Responder WAITING DEPENDENCY
        = defenderRole/l1 PENDING
        = defenderAssignment/l1/standard WAITING DEPENDENCY
    "#]]
    .assert_eq(&world.step());
    world.wait(5);
    expect![[r#"
        ALLOWED GRANT: assign role Microsoft Sentinel Responder at rg-sentinel to group ent-l1
        ALLOWED GRANT: create Defender assignment ent-l1 for group ent-l1
        = group/l1/standard APPLIED
        = azureRole/l1/standard/rg-sentinel/Microsoft Sentinel Responder PENDING
        = defenderRole/l1 APPLIED
        = defenderAssignment/l1/standard PENDING
    "#]]
    .assert_eq(&world.step());
    world.wait(5);
    world.settle();
    let plan = world.plan();
    assert_eq!((plan.changes, plan.updates), (Vec::new(), Vec::new()));
}

#[test]
fn a_group_of_that_name_that_is_not_ours_is_not_used() {
    let mut world = World::new().guardrail("adoptExisting: ask", "adoptExisting: allow");
    world.tenant.add_group("ent-l1", "Owners of everything", world.now);
    world.wait(600);
    world.member("maya", "l1");
    world.settle();
    let key = "group/l1/standard".parse().unwrap();
    assert_eq!(world.state(&key), "REFUSED NOT_OURS");
}

#[test]
fn a_group_that_bears_our_mark_is_adopted_with_leave() {
    let mut world = World::new().guardrail("adoptExisting: ask", "adoptExisting: allow");
    let group = world.tenant.add_group("ent-l1", "Entente: l1", world.now);
    let other = world.tenant.add_guest("kari@contoso.example", "Kari", world.now);
    world.tenant.state.members.insert(group, [other].into());
    world.wait(600);
    world.member("maya", "l1");
    world.settle();
    world.redeem("maya");
    world.settle();
    assert!(world.is_member("maya", "l1"));
    assert!(world.tenant.state.members[&group].contains(&other), "a member of the customer's was removed");
}

#[test]
fn an_adopted_group_is_known_until_the_memberships_that_we_gave_in_it_are_gone() {
    let mut world = World::new().guardrail("adoptExisting: ask", "adoptExisting: allow");
    let group = world.tenant.add_group("ent-l1", "Entente: l1", world.now);
    world.tenant.add_guest("maya@nordwall.example", "Maya", world.now);
    world.redeem("maya");
    world.wait(600);
    world.member("maya", "l1");
    world.settle();
    assert!(world.is_member("maya", "l1"));
    world.items.clear();
    world.version.revision += 1;
    world.tenant.mishaps.push_back(Mishap::Refused(Reason::Throttled));
    world.settle();
    world.wait(300);
    world.settle();
    assert_eq!(world.tenant.state.members[&group], [].into());
    world.wait(300);
    world.settle();
    let names = |key: &ItemKey| matches!(key, ItemKey::Group(_) | ItemKey::User(_) | ItemKey::Member(_));
    assert!(!world.ledger.items().any(|(key, _)| names(key)), "{:?}", world.ledger.entries);
}

#[test]
fn an_extra_member_of_our_group_is_drift_and_goes() {
    let mut world = World::joined(&["maya"], "l1");
    let group = world.group_id("l1");
    let other = world.tenant.add_guest("kari@contoso.example", "Kari", world.now);
    world.tenant.state.members.get_mut(&group).unwrap().insert(other);
    world.wait(300);
    expect![[r#"
        ALLOWED OTHER_REMOVAL: remove user kari from group ent-l1
        = user/nordwall/maya APPLIED
        = group/l1/standard APPLIED
        = member/l1/standard/nordwall/maya APPLIED
        ! DRIFT_EXTRA: user kari is in group ent-l1 without an item
    "#]]
    .assert_eq(&world.step());
    world.settle();
    assert!(!world.tenant.state.members[&group].contains(&other));
}

#[test]
fn a_missing_member_is_drift_and_mended_but_not_without_a_lease() {
    let mut world = World::joined(&["maya"], "l1");
    let (group, maya) = (world.group_id("l1"), world.account("maya").unwrap());
    world.tenant.state.members.get_mut(&group).unwrap().remove(&maya);
    world.lease_fresh = false;
    world.wait(300);
    world.step();
    assert_eq!(world.member_state("maya", "l1"), "HELD LEASE_OVER");
    world.lease_fresh = true;
    world.step();
    assert_eq!(world.member_state("maya", "l1"), "DRIFTED DRIFT_MISSING");
    world.settle();
    assert!(world.is_member("maya", "l1"));
}

#[test]
fn rights_that_others_hang_on_our_group_are_named_and_left() {
    let mut world = World::new();
    world.azure_role("l1", RESPONDER);
    world.settle();
    let (principal, definition) = (world.group_id("l1"), entente_model::catalog::azure_role("Reader").unwrap().0);
    let name = world.tenant.id();
    world.tenant.state.azure.push(AzureAssignment { scope: SCOPE.into(), name, principal, definition });
    world.wait(300);
    world.step();
    let plan = world.last.clone().unwrap();
    assert_eq!(plan.changes, []);
    assert_eq!(plan.findings.iter().map(|it| it.reason).collect::<Vec<_>>(), [Reason::DriftExtra]);
}

#[test]
fn an_assignment_that_others_made_is_applied_and_not_ours() {
    let mut world = World::new();
    world.group("l1");
    world.settle();
    let (principal, name) = (world.group_id("l1"), world.tenant.id());
    world.tenant.state.azure.push(AzureAssignment {
        scope: SCOPE.to_uppercase(),
        name,
        principal,
        definition: RESPONDER,
    });
    world.azure_role("l1", RESPONDER);
    world.settle();
    let key = world.items.keys().find(|key| key.to_string().starts_with("azureRole")).unwrap().clone();
    assert_eq!(world.state(&key), "APPLIED");
    world.items.remove(&key);
    world.settle();
    assert_eq!(world.tenant.state.azure.len(), 1, "an assignment of others was removed");
}

#[test]
fn a_defender_role_that_was_widened_is_narrowed_and_what_a_wildcard_covers_is_no_drift() {
    let mut world = World::new();
    world.defender_role("l1", &["secdata.basics.read", "alerts.manage"]);
    world.settle();
    world.tenant.state.defender.roles[0].actions.insert("microsoft.xdr/secops/securitydata/alerts/read".into());
    assert_eq!(world.plan().changes, []);
    world.tenant.state.defender.roles[0].actions.insert("microsoft.xdr/configuration/system/manage".into());
    world.lease_fresh = false;
    world.wait(300);
    expect![[r#"
        ALLOWED OTHER_REMOVAL: update Defender role 00e00000-0000-4000-8000-000000000002
        = group/l1/standard APPLIED
        = defenderRole/l1 DRIFTED DRIFT_CHANGED
        = defenderAssignment/l1/standard APPLIED
    "#]]
    .assert_eq(&world.step());
    assert_eq!(
        world.tenant.state.defender.roles[0].actions,
        set(&["microsoft.xdr/secops/securitydata/alerts/manage", "microsoft.xdr/secops/securitydata/read"])
    );
}

#[test]
fn a_lost_defender_answer_is_waited_for_as_long_as_its_lists_lag() {
    let mut world = World::new();
    world.group("l1");
    world.settle();
    world.settings.recheck = std::time::Duration::from_secs(60);
    world.lag = std::time::Duration::from_secs(20 * 60);
    world.wait(60 * 60);
    world.defender_role("l1", &["secdata.basics.read"]);
    world.settings.replication_lag = std::time::Duration::from_secs(25 * 60);
    world.tenant.mishaps.push_back(Mishap::AnswerLost);
    world.settle();
    assert_eq!(world.tenant.state.defender.roles.len(), 1);
    assert_eq!(world.tenant.state.defender.assignments.len(), 1);
}

#[test]
fn a_permission_that_the_tenant_does_not_know_is_said_and_not_guessed() {
    let mut world = World::new();
    world.tenant.state.defender.actions.clear();
    world.defender_role("l1", &["secdata.basics.read"]);
    world.settle();
    assert_eq!(world.state(&"defenderRole/l1".parse().unwrap()), "REFUSED PERMISSION_NOT_IN_TENANT");
    assert_eq!(world.state(&"defenderAssignment/l1/standard".parse().unwrap()), "WAITING DEPENDENCY");
}

#[test]
fn a_role_that_is_no_longer_wanted_goes_assignment_first_and_its_group_is_a_persons_task() {
    let mut world = World::joined(&["maya"], "l1");
    world.azure_role("l1", RESPONDER);
    world.defender_role("l1", &["secdata.basics.read"]);
    world.settle();
    world.items.clear();
    world.version.revision += 1;
    expect![[r#"
        ALLOWED OTHER_REMOVAL: block user maya
        ALLOWED OTHER_REMOVAL: remove user maya from group ent-l1
        ALLOWED OTHER_REMOVAL: delete role assignment 89f61399-3386-5c5b-98bf-34563e154807 at rg-sentinel
        ALLOWED OTHER_REMOVAL: delete Defender assignment 00e00000-0000-4000-8000-000000000005
        = user/nordwall/maya PENDING
        = group/l1/standard RESIDUAL PERSON_TASK
        = member/l1/standard/nordwall/maya PENDING
        = azureRole/l1/standard/rg-sentinel/Microsoft Sentinel Responder PENDING
        = defenderRole/l1 WAITING DEPENDENCY
        = defenderAssignment/l1/standard PENDING
    "#]]
    .assert_eq(&world.step());
    world.settle();
    assert!(world.tenant.state.azure.is_empty() && world.tenant.state.defender.roles.is_empty());
    assert!(world.last.as_ref().unwrap().reports[0].script.as_ref().unwrap().starts_with("az ad group delete"));
}

/// A role with one member and every right, and then nothing desired; a look that misses all of it.
fn missed_by_one_look() -> World {
    let mut world = World::joined(&["maya"], "l1");
    world.azure_role("l1", RESPONDER);
    world.defender_role("l1", &["secdata.basics.read"]);
    world.settle();
    world.items.clear();
    world.version.revision += 1;
    world.paused = true;
    let whole = world.tenant.state.clone();
    let state = &mut world.tenant.state;
    (state.azure, state.members) = (Vec::new(), Default::default());
    (state.defender.roles, state.defender.assignments) = (Vec::new(), Vec::new());
    world.step();
    world.tenant.state = whole;
    world.paused = false;
    world
}

#[test]
fn what_one_look_misses_is_not_forgotten_and_removed_when_it_turns_up_again() {
    let mut world = missed_by_one_look();
    world.wait(30);
    world.settle();
    let state = &world.tenant.state;
    assert!(state.azure.is_empty() && !world.is_member("maya", "l1"));
    assert!(state.defender.roles.is_empty() && state.defender.assignments.is_empty());
}

#[test]
fn what_others_removed_is_forgotten_once_looks_stayed_empty_for_as_long_as_the_plane_lags() {
    let mut world = missed_by_one_look();
    let state = &mut world.tenant.state;
    state.azure.clear();
    state.members.values_mut().for_each(|members| members.clear());
    (state.defender.roles, state.defender.assignments) = (Vec::new(), Vec::new());
    let known = |world: &World, plane: &str| world.ledger.entries.keys().any(|key| key.to_string().starts_with(plane));
    for plane in ["member/", "azureRole/", "defenderRole/", "defenderAssignment/"] {
        assert!(known(&world, plane), "{plane} was forgotten after one look");
    }
    world.wait(61);
    world.step();
    assert!(!known(&world, "member/") && !known(&world, "azureRole/"));
    assert!(known(&world, "defenderRole/") && known(&world, "defenderAssignment/"), "its lists lag by half an hour");
    world.settle();
    assert!(!known(&world, "defender"));
}

#[test]
fn what_is_not_certainly_ours_among_several_is_residual_and_not_forgotten() {
    let mut world = World::new();
    world.group("l1");
    world.settle();
    world.defender_role("l1", &["secdata.basics.read"]);
    world.tenant.mishaps.push_back(Mishap::AnswerLost);
    world.group("l2");
    world.tenant.mishaps.push_back(Mishap::AnswerLost);
    world.step();
    world.tenant.add_group("ent-l2", "Another of that name", world.now);
    let role = world.tenant.state.defender.roles[0].clone();
    world.tenant.state.defender.roles.push(crate::observed::DefenderRole { id: "another".into(), ..role });
    world.items.clear();
    world.version.revision += 1;
    world.wait(10);
    world.settle();
    world.wait(7_200);
    world.settle();
    for key in ["group/l2/standard", "defenderRole/l1"] {
        assert_eq!(world.state(&key.parse().unwrap()), "RESIDUAL AMBIGUOUS", "{key}");
        assert!(world.ledger.get(key.parse::<ItemKey>().unwrap()).is_some(), "{key}");
    }
    assert_eq!(world.tenant.state.defender.roles.len(), 2);
}

#[test]
fn what_is_undone_while_its_plan_is_carried_out_is_removed() {
    let mut world = World::new();
    world.azure_role("l1", RESPONDER);
    world.member("maya", "l1");
    world.step();
    world.redeem("maya");
    world.wait(5);
    let plan = world.plan();
    world.carry_out(&plan);
    assert!(world.is_member("maya", "l1") && !world.tenant.state.azure.is_empty());
    // No look in between: nothing has noted yet that these are desired.
    world.items.clear();
    world.version.revision += 1;
    world.wait(100);
    assert!(!world.step().contains("EPOCH_CHANGED"));
    world.settle();
    assert!(!world.is_member("maya", "l1") && world.tenant.state.azure.is_empty());
}

#[test]
fn an_unknown_kind_is_unsupported_and_in_nobodys_way() {
    let mut world = World::new();
    world.put(entente_model::desired::ItemKey::Other("pim/new".into()), entente_model::desired::ItemBody::Unknown);
    world.user("maya");
    world.step();
    assert_eq!(world.state(&"pim/new".parse().unwrap()), "UNSUPPORTED");
    assert!(world.account("maya").is_some());
}

/// An Azure item whose first write ends in this, and the next ones in a certain refusal.
fn azure_role_refused(first: Option<Mishap>) -> (World, ItemKey) {
    let mut world = World::new();
    world.group("l1");
    world.settle();
    world.lag = std::time::Duration::from_secs(50);
    world.wait(300);
    world.azure_role("l1", RESPONDER);
    world.tenant.mishaps.extend(first);
    world.tenant.mishaps.push_back(Mishap::Refused(Reason::PermissionMissing));
    let key = world.items.keys().find(|key| key.to_string().starts_with("azureRole")).unwrap().clone();
    (world, key)
}

fn is_owned(world: &World, key: &ItemKey) -> bool {
    world.last.as_ref().unwrap().reports.iter().any(|report| report.key == *key && report.owned)
}

#[test]
fn an_assignment_that_was_refused_to_us_and_then_made_by_hand_is_not_ours() {
    let (mut world, key) = azure_role_refused(None);
    world.step();
    assert!(world.tenant.mishaps.is_empty() && world.tenant.state.azure.is_empty());
    let (principal, name) = (world.group_id("l1"), world.tenant.id());
    let by_hand = AzureAssignment { scope: SCOPE.into(), name, principal, definition: RESPONDER };
    world.tenant.state.azure.push(by_hand.clone());
    world.wait(300);
    world.settle();
    assert_eq!((world.state(&key).as_str(), is_owned(&world, &key)), ("APPLIED", false));
    world.items.remove(&key);
    world.version.revision += 1;
    world.wait(300);
    world.settle();
    assert_eq!(world.tenant.state.azure, [by_hand], "an assignment of others was removed");
}

#[test]
fn a_membership_that_was_refused_to_us_and_then_given_by_hand_is_not_ours() {
    let mut world = World::new().guardrail("adoptExisting: ask", "adoptExisting: allow");
    let group = world.tenant.add_group("ent-l1", "Entente: l1", world.now);
    world.wait(600);
    world.member("maya", "l1");
    world.settle();
    world.wait(300);
    world.settle();
    world.redeem("maya");
    world.tenant.mishaps.push_back(Mishap::Refused(Reason::PermissionMissing));
    world.wait(300);
    world.step();
    assert!(world.tenant.mishaps.is_empty() && !world.is_member("maya", "l1"));
    let maya = world.account("maya").unwrap();
    world.tenant.state.members.entry(group).or_default().insert(maya);
    world.wait(300);
    world.settle();
    world.drop("maya");
    world.wait(300);
    world.settle();
    assert!(world.is_member("maya", "l1"), "a member of the customer's was removed");
}

#[test]
fn an_assignment_whose_first_outcome_is_unknown_stays_ours_though_the_second_is_a_refusal() {
    let lost = |world: &mut World| drop(world.step());
    // The agent ends between the call and its answer.
    let ended = |world: &mut World| {
        let plan = world.plan();
        world.ledger.apply_all(&plan.updates);
        for change in plan.todo() {
            world.ledger.apply_all(&before(&world.ledger, change, 1, world.now));
            world.tenant.perform(&change.action, world.now);
        }
    };
    for begin in [&lost as &dyn Fn(&mut World), &ended] {
        let (mut world, key) = azure_role_refused(Some(Mishap::AnswerLost));
        begin(&mut world);
        world.wait(10);
        world.step();
        assert!(world.tenant.mishaps.is_empty());
        // It shows before the next attempt.
        world.wait(60);
        world.step();
        assert_eq!((world.state(&key).as_str(), is_owned(&world, &key)), ("APPLIED", true));
    }
}

/// One member and every right; then only the account and the group are wanted, for these many looks.
fn unwanted_for(looks: usize, lag: u64) -> World {
    let mut world = World::joined(&["maya"], "l1");
    world.azure_role("l1", RESPONDER);
    world.defender_role("l1", &["secdata.basics.read"]);
    world.settle();
    world.lag = std::time::Duration::from_secs(lag);
    world.wait(300);
    let wanted = world.items.clone();
    world.items.retain(|key, _| matches!(key, ItemKey::User(_) | ItemKey::Group(_)));
    for _ in 0..looks {
        world.step();
        world.wait(5);
    }
    world.items = wanted;
    world.version.revision += 1;
    world
}

#[test]
fn what_is_wanted_again_right_after_we_removed_it_is_made_anew_and_never_said_to_be_there_or_drifted() {
    // After twelve looks the Defender role is gone too, also behind the lag.
    for (looks, lag) in [(1, 0), (1, 40), (12, 0), (12, 40)] {
        let mut world = unwanted_for(looks, lag);
        assert!(world.tenant.state.azure.is_empty() && !world.is_member("maya", "l1"));
        assert_eq!(world.tenant.state.defender.roles.is_empty(), looks == 12);
        let end = world.now.plus(std::time::Duration::from_secs(240));
        let mut applied = std::collections::BTreeSet::new();
        while world.now < end {
            world.step();
            for report in &world.last.as_ref().unwrap().reports {
                let state = world.state(&report.key);
                assert!(!state.starts_with("DRIFTED"), "{looks} {lag} {}", report.key);
                assert!(state == "APPLIED" || !applied.contains(&report.key), "{looks} {lag} {}: {state}", report.key);
                applied.extend((state == "APPLIED").then(|| report.key.clone()));
            }
            let wake = world.last.as_ref().unwrap().next_wake;
            world.wait(wake.since(world.now).as_secs());
        }
        assert!(world.items.keys().all(|key| applied.contains(key)), "{looks} {lag}: {applied:?}");
        assert!(world.is_member("maya", "l1"));
        assert_eq!((world.tenant.state.azure.len(), world.tenant.state.defender.assignments.len()), (1, 1));
    }
}
