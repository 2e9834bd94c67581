//! Directory roles: on a role-assignable group of their own, looked at by default and managed where the file says so, never
//! one that is closed; and leavers are out of such a group before they are blocked.

use entente_model::PlaneMode;
use entente_model::desired::{EntraRoleBody, GroupKind, ItemBody, ItemKey};
use entente_model::plan::Verdict;
use entente_model::report::Reason;
use expect_test::expect;

use super::desired::entra_key;
use super::tenant::{Mishap, directory_role};
use super::world::{DIRECTORY_READERS, SECURITY_ADMINISTRATOR, SECURITY_READER, World};
use crate::capability::Capability::ReadRecoveryKeys;
use crate::ledger::LedgerKey;
use crate::observed::{EntraDefinition, Listing};
use crate::write::{Action, EntraWrite, GroupWrite, MemberWrite};

const PLANES: &str = "defenderRoles: manage}";
const AZURE: &str = "azure:\n  scopes";
const ALLOW: &str = "readLogs, readAuthorization]";
const ROLES: &str = "entra:
  roles:
    Security Reader: 5d6b6bb7-de71-4623-b4af-96380a352509
    Directory Readers: 88d8e3e3-8f55-4a1e-953a-9b9898b8876b
azure:
  scopes";
const LETS: &str = "readLogs, readAuthorization, readEmailMetadata, readPosture, readSettings, readSignIns, readRecoveryKeys, readDirectory]";

fn world(mode: &str) -> World {
    let text = super::world::GUARDRAIL.replace(PLANES, mode).replace(AZURE, ROLES).replace(ALLOW, LETS);
    let mut world = World::new();
    world.guardrail = crate::guardrail::Guardrail::load(&text, super::world::CONTOSO);
    assert!(world.guardrail.is_ok(), "{:?}", world.guardrail);
    world
}

fn managed() -> World {
    world("defenderRoles: manage, entraRoles: manage}")
}

/// Somebody in both groups of a role, and the role read back.
fn joined() -> World {
    let mut world = managed();
    world.member("maya", "l1");
    world.entra_member("maya", "l1", SECURITY_READER);
    world.settle();
    world.redeem("maya");
    world.settle();
    let key = world.place_key("maya", "l1", GroupKind::RoleAssignable);
    assert_eq!(
        (world.state(&key), world.state(&entra_key("l1", SECURITY_READER))),
        ("APPLIED".into(), "APPLIED".into())
    );
    world
}

fn carrier(world: &World) -> entente_model::Guid {
    world.find_group("l1-entra").expect("the role-assignable group is there")
}

#[test]
fn a_directory_role_hangs_on_a_role_assignable_group_of_its_own() {
    let mut world = managed();
    world.entra_role("l1", SECURITY_READER);
    expect![[r#"
        ALLOWED GRANT: create role-assignable group ent-l1-entra
        = group/l1/standard/roleAssignable PENDING
        = entraRole/l1/standard/Security Reader WAITING DEPENDENCY
    "#]]
    .assert_eq(&world.step());
    world.wait(5);
    expect![[r#"
        ALLOWED GRANT: give directory role Security Reader to group ent-l1-entra
        = group/l1/standard/roleAssignable APPLIED
        = entraRole/l1/standard/Security Reader PENDING
    "#]]
    .assert_eq(&world.step());
    world.wait(5);
    expect![[r#"
        = group/l1/standard/roleAssignable APPLIED
        = entraRole/l1/standard/Security Reader APPLIED
    "#]]
    .assert_eq(&world.step());
    assert_eq!(world.tenant.state.groups[&carrier(&world)].kind, Some(GroupKind::RoleAssignable));
}

#[test]
fn a_file_that_names_roles_and_no_mode_lets_the_agent_look_and_a_person_act() {
    let mut world = world(PLANES);
    world.entra_member("maya", "l1", SECURITY_READER);
    let text = world.settle();
    assert!(text.contains("= group/l1/standard/roleAssignable WAITING PERSON_TASK"), "{text}");
    let plan = world.last.clone().unwrap();
    assert!(plan.todo().all(|change| matches!(change.action, Action::User(_) | Action::Group(_) | Action::Member(_))));
    let script = plan.reports.iter().find_map(|it| it.script.clone()).expect("a script for the group");
    assert!(script.contains(r#""isAssignableToRole":true"#), "{script}");
    // The person has done it: the agent sees the group by its name, and what it holds.
    let now = world.now;
    let id = world.tenant.add_group("ent-l1-entra", "", now);
    world.tenant.state.groups.get_mut(&id).unwrap().kind = Some(GroupKind::RoleAssignable);
    world.wait(600);
    world.settle();
    let plan = world.last.clone().unwrap();
    let script = plan.reports.iter().find_map(|it| it.script.clone()).expect("a script for the role");
    assert!(script.contains("roleManagement/directory/roleAssignments"), "{script}");
    world.tenant.give_role(id, SECURITY_READER);
    world.redeem("maya");
    world.wait(600);
    world.settle();
    assert_eq!(world.state(&entra_key("l1", SECURITY_READER)), "APPLIED");
    let key = world.place_key("maya", "l1", GroupKind::RoleAssignable);
    assert_eq!(world.state(&key), "WAITING PERSON_TASK", "putting people into it is the person's too");
    assert!(world.last.unwrap().todo().all(|it| !matches!(it.action, Action::Entra(_))));
}

#[test]
fn without_the_plane_nothing_is_read_or_written() {
    let mut world = World::new();
    world.entra_member("maya", "l1", SECURITY_READER);
    world.settle();
    let key = world.place_key("maya", "l1", GroupKind::RoleAssignable);
    for key in [entra_key("l1", SECURITY_READER), key] {
        assert_eq!(world.state(&key), "REFUSED GUARDRAIL_PLANE");
    }
    assert!(world.find_group("l1-entra").is_none() && world.tenant.state.entra.is_empty());
}

#[test]
fn a_closed_role_is_refused_by_the_plan_whatever_the_file_says() {
    for definition in [SECURITY_ADMINISTRATOR, entente_model::Guid::from_u128(7)] {
        let mut world = managed();
        // As if a file could say so: it is refused when it is read.
        world.guardrail.as_mut().unwrap().entra.roles.insert("x".into(), definition);
        world.entra_role("l1", definition);
        world.settle();
        assert_eq!(world.state(&entra_key("l1", definition)), "REFUSED GUARDRAIL_CAPABILITY");
        assert!(world.tenant.state.entra.is_empty());
    }
}

#[test]
fn a_closed_role_is_refused_by_the_second_judge_whatever_the_plan_and_the_file_say() {
    let mut world = joined();
    let group = carrier(&world);
    world.guardrail.as_mut().unwrap().entra.roles.insert("x".into(), SECURITY_ADMINISTRATOR);
    world.entra_role("l1", SECURITY_ADMINISTRATOR);
    let mut plan = world.plan();
    let change = plan.changes.iter_mut().find(|it| matches!(it.action, Action::Entra(_))).unwrap();
    assert_eq!(change.verdict, Verdict::Refused);
    change.verdict = Verdict::Allowed;
    assert_eq!(
        change.action,
        Action::Entra(EntraWrite::Assign { definition: SECURITY_ADMINISTRATOR, principal: group })
    );
    let rules: Vec<_> = world.faults(&plan).into_iter().map(|it| it.rule).collect();
    assert!(rules.contains(&"gives only allowed capabilities"), "{rules:?}");
}

#[test]
fn who_joins_gets_what_others_gave_the_group_and_so_does_not_join() {
    let mut world = managed();
    world.entra_role("l1", SECURITY_READER);
    world.settle();
    let group = carrier(&world);
    world.tenant.give_role(group, SECURITY_ADMINISTRATOR);
    world.wait(600);
    let text = world.settle();
    assert!(text.contains("! DRIFT_EXTRA: group ent-l1-entra has a directory role that we did not give"), "{text}");
    world.entra_member("maya", "l1", SECURITY_READER);
    world.settle();
    world.redeem("maya");
    world.settle();
    let key = world.place_key("maya", "l1", GroupKind::RoleAssignable);
    assert_eq!(world.state(&key), "REFUSED GUARDRAIL_ROLE");
    assert!(world.tenant.state.members.get(&group).is_none_or(|members| members.is_empty()));
    // The second judge says so by itself.
    let mut plan = world.plan();
    let change = plan.changes.iter_mut().find(|it| it.verdict == Verdict::Refused).unwrap();
    change.verdict = Verdict::Allowed;
    let rules: Vec<_> = world.faults(&plan).into_iter().map(|it| it.rule).collect();
    assert!(rules.contains(&"never gives a directory role that is not on the open list"), "{rules:?}");
}

#[test]
fn what_somebody_takes_away_is_given_again_and_what_is_not_wanted_any_more_goes() {
    let mut world = joined();
    let group = carrier(&world);
    world.tenant.state.entra.clear();
    world.wait(600);
    let text = world.step();
    assert!(text.contains("= entraRole/l1/standard/Security Reader DRIFTED DRIFT_MISSING"), "{text}");
    world.settle();
    assert_eq!(world.state(&entra_key("l1", SECURITY_READER)), "APPLIED");
    world.items.remove(&entra_key("l1", SECURITY_READER));
    world.version.revision += 1;
    world.settle();
    assert!(world.tenant.state.entra.is_empty());
    assert!(world.tenant.state.members[&group].len() == 1, "the membership is still wanted");
}

#[test]
fn what_was_read_once_and_is_missing_for_minutes_is_not_drift() {
    let mut world = managed();
    world.entra_role("l1", SECURITY_READER);
    world.step();
    world.wait(5);
    world.step();
    world.wait(5);
    world.step();
    assert_eq!(world.state(&entra_key("l1", SECURITY_READER)), "APPLIED");
    // A replica that is behind answers.
    let held = std::mem::take(&mut world.tenant.state.entra);
    world.wait(60);
    world.step();
    assert_eq!(world.state(&entra_key("l1", SECURITY_READER)), "WAITING PROPAGATION");
    world.tenant.state.entra = held;
    world.settle();
    assert_eq!(world.tenant.state.entra.len(), 1);
}

#[test]
fn a_role_that_others_gave_counts_and_is_not_ours_to_take_away() {
    let mut world = managed();
    world.entra_role("l1", SECURITY_READER);
    world.step();
    world.tenant.give_role(carrier(&world), SECURITY_READER);
    world.settle();
    assert_eq!(world.state(&entra_key("l1", SECURITY_READER)), "APPLIED");
    world.items.remove(&entra_key("l1", SECURITY_READER));
    world.version.revision += 1;
    world.settle();
    assert_eq!(world.tenant.state.entra.len(), 1);
}

#[test]
fn a_lost_answer_is_looked_up_and_what_it_gave_is_ours() {
    let mut world = managed();
    world.entra_role("l1", SECURITY_READER);
    world.step();
    world.wait(5);
    world.tenant.mishaps.push_back(Mishap::AnswerLost);
    world.step();
    world.settle();
    assert_eq!((world.tenant.state.entra.len(), world.state(&entra_key("l1", SECURITY_READER))), (1, "APPLIED".into()));
    world.items.clear();
    world.version.revision += 1;
    world.settle();
    assert!(world.tenant.state.entra.is_empty());
}

#[test]
fn a_leaver_is_out_of_the_role_assignable_group_before_the_block() {
    let mut world = joined();
    assert!(world.tenant.is_out_of_reach(world.account("maya").unwrap()));
    world.leave("maya");
    let text = world.first(&[]);
    expect![[r#"
        ALLOWED LEAVER: remove user maya from group ent-l1-entra
        ALLOWED LEAVER: block user maya
        ALLOWED LEAVER: remove user maya from group ent-l1
    "#]]
    .assert_eq(&text);
    let user = world.account("maya").unwrap();
    assert_eq!(world.tenant.state.users[&user].enabled, Some(false));
    world.settle();
    assert_eq!(world.user_state("maya"), "REMOVED");
}

#[test]
fn the_second_judge_finds_a_block_that_comes_too_early() {
    let mut world = joined();
    world.leave("maya");
    let mut plan = world.plan();
    assert_eq!(world.faults(&plan), []);
    let block = plan.changes.iter().position(|it| it.action.to_string().starts_with("block")).unwrap();
    let block = plan.changes.remove(block);
    plan.changes.insert(0, block);
    let rules: Vec<_> = world.faults(&plan).into_iter().map(|it| it.rule).collect();
    assert_eq!(rules, ["out of a role-assignable group before the block"]);
}

#[test]
fn whom_the_group_does_not_concern_is_blocked_before_that() {
    let mut world = joined();
    world.member("sam", "l1");
    world.settle();
    world.redeem("sam");
    world.settle();
    world.leave("maya");
    world.leave("sam");
    let text = world.first(&[]);
    let order: Vec<_> = ["block user sam", "maya from group ent-l1-entra", "block user maya"]
        .map(|part| text.find(part).unwrap_or_else(|| panic!("no {part} in {text}")))
        .into();
    assert!(order.is_sorted(), "{text}");
}

#[test]
fn without_the_permission_to_take_a_leaver_out_the_person_is_told_and_nothing_is_proven() {
    let mut world = joined();
    // The customer takes the permission back.
    let text = super::world::GUARDRAIL.replace(AZURE, ROLES).replace(ALLOW, LETS);
    world.guardrail = crate::guardrail::Guardrail::load(&text, super::world::CONTOSO);
    world.leave("maya");
    for _ in 0..40 {
        world.step();
        world.wait(60);
    }
    let user = world.account("maya").unwrap();
    assert_eq!(world.tenant.state.users[&user].enabled, Some(true), "out of reach");
    assert_ne!(world.user_state("maya"), "REMOVED");
    let key = world.place_key("maya", "l1", GroupKind::RoleAssignable);
    assert_eq!(world.state(&key), "RESIDUAL PERSON_TASK");
    let report = world.last.as_ref().unwrap().reports.iter().find(|it| it.key == key).unwrap().clone();
    assert!(report.script.is_some_and(|it| it.starts_with("az ad group member remove")));
    // Once a person has done it, the block passes and the removal is proven.
    world.tenant.state.members.get_mut(&carrier(&world)).unwrap().clear();
    world.wait(600);
    world.settle();
    assert_eq!(world.user_state("maya"), "REMOVED");
    assert_eq!(world.tenant.state.users[&user].enabled, Some(false));
}

#[test]
fn a_directory_role_that_the_customer_gave_a_leaver_keeps_the_proof_open() {
    let mut world = joined();
    let user = world.account("maya").unwrap();
    let mut given = crate::observed::EntraAssignment { id: "au".into(), definition: DIRECTORY_READERS, part: None };
    given.part = Some("/administrativeUnits/1".into());
    world.tenant.state.entra.push((user, given));
    world.leave("maya");
    for _ in 0..40 {
        world.step();
        world.wait(60);
    }
    assert_eq!(world.tenant.state.users[&user].enabled, Some(false));
    assert_eq!(world.user_state("maya"), "RESIDUAL NOT_OURS");
    world.tenant.state.entra.retain(|(holder, _)| *holder != user);
    world.wait(600);
    world.settle();
    assert_eq!(world.user_state("maya"), "REMOVED");
}

#[test]
fn the_end_of_everything_takes_roles_and_people_out_of_the_group() {
    let mut world = joined();
    for _ in 0..20 {
        world.revoke_all();
        world.wait(600);
    }
    assert!(world.tenant.state.entra.is_empty());
    assert!(world.tenant.state.members[&carrier(&world)].is_empty());
    let user = world.account("maya").unwrap();
    assert_eq!(world.tenant.state.users[&user].enabled, Some(false));
}

#[test]
fn a_role_that_has_grown_is_given_to_nobody_more_until_the_file_allows_the_action() {
    let mut world = joined();
    let added = "microsoft.directory/users/password/update".to_owned();
    world.tenant.state.grown.insert(SECURITY_READER, [added.clone()].into());
    world.entra_member("sam", "l1", SECURITY_READER);
    world.settle();
    world.redeem("sam");
    let text = world.settle();
    assert!(text.contains("Microsoft has added to the role: microsoft.directory/users/password/update"), "{text}");
    let key = world.place_key("sam", "l1", GroupKind::RoleAssignable);
    assert_eq!(world.state(&key), "REFUSED GUARDRAIL_CAPABILITY");
    world.guardrail.as_mut().unwrap().capabilities.actions.insert(added.to_uppercase());
    world.settle();
    assert_eq!(world.state(&key), "APPLIED");
}

#[test]
fn a_role_has_grown_too_where_the_role_that_it_inherits_from_has() {
    let mut world = joined();
    let added = "microsoft.directory/groups/members/update".to_owned();
    world.tenant.state.grown.insert(DIRECTORY_READERS, [added].into());
    world.entra_member("sam", "l1", SECURITY_READER);
    world.settle();
    world.redeem("sam");
    let text = world.settle();
    assert!(text.contains("Microsoft has added to the role: microsoft.directory/groups/members/update"), "{text}");
    let key = world.place_key("sam", "l1", GroupKind::RoleAssignable);
    assert_eq!(world.state(&key), "REFUSED GUARDRAIL_CAPABILITY");
    let mut plan = world.plan();
    plan.changes.iter_mut().find(|it| it.verdict == Verdict::Refused).unwrap().verdict = Verdict::Allowed;
    let rules: Vec<_> = world.faults(&plan).into_iter().map(|it| it.rule).collect();
    assert_eq!(rules, ["gives only directory roles whose definition, as the tenant shows it, was judged"]);
}

#[test]
fn who_is_over_is_out_of_every_role_assignable_group_before_the_block_whoever_put_them_in() {
    let mut world = joined();
    world.entra_role("l2", DIRECTORY_READERS);
    world.settle();
    let user = world.account("maya").unwrap();
    let other = world.find_group("l2-entra").unwrap();
    world.tenant.state.members.entry(other).or_default().insert(user);
    // The role loses its directory role, so that the membership is implied, and nothing implied may go today.
    for key in [entra_key("l1", SECURITY_READER), world.place_key("maya", "l1", GroupKind::RoleAssignable)] {
        world.items.remove(&key);
    }
    world.guardrail.as_mut().unwrap().limits.per_day.implied_removals = 0;
    world.guardrail.as_mut().unwrap().limits.per_day.other_changes = 0;
    let until = world.now.plus(std::time::Duration::from_secs(60)).to_string();
    world.windows("maya", "", &until);
    world.wait(600);
    let text = world.step();
    let order: Vec<_> = ["maya from group ent-l1-entra", "maya from group ent-l2-entra", "block user maya"]
        .map(|part| {
            text.find(&format!(
                "ALLOWED EXPIRY: {}",
                if part.starts_with("maya") { format!("remove user {part}") } else { part.to_owned() }
            ))
        })
        .into();
    assert!(order.iter().all(Option::is_some) && order[0] < order[2] && order[1] < order[2], "{text}");
    assert_eq!(world.tenant.state.users[&user].enabled, Some(false));
}

#[test]
fn what_is_shown_as_another_role_is_refused_and_what_is_not_shown_whole_is_not_known() {
    let usual = directory_role(SECURITY_READER, None).unwrap();
    let other = || [entente_model::Guid::from_u128(7)].into();
    for (shown, state) in [
        (EntraDefinition { is_built_in: false, ..usual.clone() }, "REFUSED GUARDRAIL_CAPABILITY"),
        (EntraDefinition { inherits_from: Some(other()), ..usual.clone() }, "REFUSED GUARDRAIL_CAPABILITY"),
        (EntraDefinition { inherits_from: None, ..usual.clone() }, "HELD UNREAD"),
    ] {
        let mut world = to_be_given();
        world.tenant.state.directory_roles.insert(SECURITY_READER, Some(shown));
        world.step();
        assert_eq!(world.state(&entra_key("l1", SECURITY_READER)), state);
        assert!(world.tenant.state.entra.is_empty());
    }
}

#[test]
fn what_hangs_on_a_group_of_ours_that_was_deleted_goes_before_it_is_given_to_the_new_one() {
    let mut world = joined();
    let old = carrier(&world);
    world.tenant.state.groups.remove(&old);
    world.tenant.state.members.remove(&old);
    world.wait(3_600);
    world.settle();
    let holders: Vec<_> = world.tenant.state.entra.iter().map(|(holder, _)| *holder).collect();
    assert_eq!(holders, [carrier(&world)]);
    assert_ne!(carrier(&world), old);
}

#[test]
fn what_was_taken_away_and_is_still_shown_is_not_taken_away_again() {
    let mut world = joined();
    world.items.remove(&entra_key("l1", SECURITY_READER));
    world.version.revision += 1;
    let removals = |text: &str| text.matches("delete directory role assignment").count();
    assert_eq!(removals(&world.step()), 1);
    world.lag = std::time::Duration::from_secs(200);
    world.wait(100);
    assert_eq!(removals(&world.step()), 0);
    world.lag = std::time::Duration::ZERO;
    world.settle();
    assert!(world.tenant.state.entra.is_empty());
}

#[test]
fn a_group_of_that_name_that_can_carry_no_directory_role_is_not_used() {
    let mut world = world(PLANES);
    world.entra_member("maya", "l1", SECURITY_READER);
    let now = world.now;
    world.tenant.add_group("ent-l1-entra", "Entente: l1", now);
    world.wait(600);
    world.settle();
    assert_eq!(world.state(&"group/l1/standard/roleAssignable".parse().unwrap()), "REFUSED AMBIGUOUS");
    assert_eq!(world.state(&entra_key("l1", SECURITY_READER)), "WAITING DEPENDENCY");
}

#[test]
fn what_was_not_understood_is_not_gone() {
    let mut world = joined();
    let group = carrier(&world);
    world.tenant.odd.insert(Listing::EntraOf(group));
    world.items.remove(&entra_key("l1", SECURITY_READER));
    world.version.revision += 1;
    for _ in 0..30 {
        world.wait(60);
        world.step();
    }
    world.tenant.odd.clear();
    world.wait(600);
    world.settle();
    assert!(world.tenant.state.entra.is_empty(), "it was still known to be ours");
}

#[test]
fn a_first_step_takes_nobody_out_where_the_plane_is_only_looked_at() {
    let mut world = joined();
    world.guardrail.as_mut().unwrap().planes.entra_roles = Some(PlaneMode::Verify);
    world.leave("maya");
    let text = world.first(&[]);
    assert!(text.contains("BY_PERSON LEAVER PERSON_TASK: remove user maya from group ent-l1-entra"), "{text}");
}

#[test]
fn a_group_whose_roles_were_not_read_gets_nobody() {
    let mut world = managed();
    world.entra_role("l1", SECURITY_READER);
    world.settle();
    world.entra_member("maya", "l1", SECURITY_READER);
    world.settle();
    world.redeem("maya");
    world.tenant.unread.insert("entra", Reason::PermissionMissing);
    for _ in 0..5 {
        world.step();
        world.wait(60);
    }
    let key = world.place_key("maya", "l1", GroupKind::RoleAssignable);
    assert!(world.state(&key).contains("UNREAD") || world.state(&key).contains("PERMISSION"), "{}", world.state(&key));
    assert!(world.tenant.state.members.get(&carrier(&world)).is_none_or(|it| it.is_empty()));
}

/// What the second judge says of the one directory role that a plan gives, after the plan or what it was made from is spoiled.
fn judged(mut world: World, spoil: impl FnOnce(&mut World, &mut EntraWrite)) -> Vec<&'static str> {
    let mut plan = world.plan();
    let change = plan.changes.iter_mut().find(|it| matches!(it.action, Action::Entra(_))).unwrap();
    let Action::Entra(write) = &mut change.action else { unreachable!() };
    spoil(&mut world, write);
    world.faults(&plan).into_iter().map(|it| it.rule).collect()
}

/// A group without its role yet.
fn to_be_given() -> World {
    let mut world = managed();
    world.entra_role("l1", SECURITY_READER);
    world.step();
    world.wait(5);
    world
}

#[test]
fn a_role_that_lets_people_do_more_than_the_file_allows_is_refused_by_both() {
    let mut world = to_be_given();
    let less = |world: &mut World| world.guardrail.as_mut().unwrap().capabilities.allow.remove(&ReadRecoveryKeys);
    let rules = judged(to_be_given(), |world, _| _ = less(world));
    assert_eq!(rules, ["gives only allowed capabilities"]);
    less(&mut world);
    world.settle();
    assert_eq!(world.state(&entra_key("l1", SECURITY_READER)), "REFUSED GUARDRAIL_CAPABILITY");
}

#[test]
fn the_second_judge_holds_a_directory_role_to_the_file_its_item_and_the_items_group() {
    assert_eq!(judged(to_be_given(), |_, _| {}), [] as [&str; 0]);
    let rules = judged(to_be_given(), |world, _| world.guardrail.as_mut().unwrap().entra.roles.clear());
    assert!(rules.contains(&"gives only the listed directory roles"), "{rules:?}");
    let of_item = "gives the directory role of its item, to that item's group";
    let rules = judged(to_be_given(), |_, write| {
        let EntraWrite::Assign { definition, .. } = write else { unreachable!() };
        *definition = DIRECTORY_READERS;
    });
    assert!(rules.contains(&of_item), "{rules:?}");
    let mut world = to_be_given();
    world.member("maya", "l1");
    world.settle();
    let other = world.group_id("l1");
    world.tenant.state.entra.clear();
    world.wait(600);
    let rules = judged(world, |_, write| {
        let EntraWrite::Assign { principal, .. } = write else { unreachable!() };
        *principal = other;
    });
    assert!(rules.contains(&of_item), "{rules:?}");
}

#[test]
fn the_second_judge_lets_nothing_be_taken_away_that_we_did_not_give() {
    let mut world = joined();
    world.items.remove(&entra_key("l1", SECURITY_READER));
    world.version.revision += 1;
    world.wait(600);
    let rules = judged(world, |_, write| *write = EntraWrite::Remove { id: "another".into() });
    assert_eq!(rules, ["takes away only directory roles that we gave"]);
}

#[test]
fn writes_to_groups_and_members_are_of_the_kind_that_their_keys_name() {
    let mut world = managed();
    world.entra_role("l1", SECURITY_READER);
    let mut plan = world.plan();
    let change = plan.changes.iter_mut().find(|it| matches!(it.action, Action::Group(_))).unwrap();
    let Action::Group(GroupWrite::Create { kind, .. }) = &mut change.action else { unreachable!() };
    *kind = GroupKind::Plain;
    let rules: Vec<_> = world.faults(&plan).into_iter().map(|it| it.rule).collect();
    assert_eq!(rules, ["makes groups of the kind that their keys name"]);
    // By the key of a plain membership, out of a role-assignable group.
    let mut world = joined();
    let carrier = carrier(&world);
    world.leave("maya");
    let mut plan = world.plan();
    let plain: LedgerKey = world.member_key("maya", "l1").into();
    let change = plan.changes.iter_mut().find(|it| it.key == plain).unwrap();
    let Action::Member(MemberWrite::Remove { group, .. }) = &mut change.action else { panic!("{}", change.action) };
    *group = carrier;
    let rules: Vec<_> = world.faults(&plan).into_iter().map(|it| it.rule).collect();
    assert!(rules.contains(&"changes members of a group of the kind that the key names"), "{rules:?}");
}

#[test]
fn where_directory_roles_are_only_looked_at_no_write_to_their_groups_passes_the_second_judge() {
    let mut world = joined();
    world.tenant.state.members.get_mut(&carrier(&world)).unwrap().insert(entente_model::Guid::from_u128(99));
    world.leave("maya");
    let plan = world.plan();
    assert_eq!(world.faults(&plan), []);
    world.guardrail.as_mut().unwrap().planes.entra_roles = Some(PlaneMode::Verify);
    let faults = world.faults(&plan);
    let of = |rule: &str| faults.iter().filter(|it| it.rule == rule).count();
    // The membership, and the member without an item.
    assert_eq!(of("writes only on managed planes"), 2, "{faults:?}");
    let mut world = managed();
    world.entra_role("l1", SECURITY_READER);
    let plan = world.plan();
    world.guardrail.as_mut().unwrap().planes.entra_roles = Some(PlaneMode::Verify);
    assert_eq!(world.faults(&plan).iter().map(|it| it.rule).collect::<Vec<_>>(), ["writes only on managed planes"]);
}

#[test]
fn a_file_cannot_open_what_is_closed() {
    let text = |role: &str| {
        let entra = format!("entra:\n  roles: {{{role}}}\nazure:\n  scopes");
        super::world::GUARDRAIL.replace(AZURE, &entra)
    };
    let faults = |role: &str| match crate::guardrail::Guardrail::load(&text(role), super::world::CONTOSO) {
        Ok(_) => Vec::new(),
        Err(unreadable) => unreadable.faults.iter().map(ToString::to_string).collect::<Vec<_>>(),
    };
    assert_eq!(faults("Security Reader: 5d6b6bb7-de71-4623-b4af-96380a352509"), [] as [String; 0]);
    for closed in [
        "Security Administrator: 194ae4cb-b126-40b2-bd5b-6091b380977d",
        "Security Reader: 194ae4cb-b126-40b2-bd5b-6091b380977d",
        "Global Administrator: 62e90394-69f5-4237-9190-012177145e10",
    ] {
        assert!(faults(closed)[0].contains("leads to Global Administrator"), "{:?}", faults(closed));
    }
    assert!(faults("Global Reader: f2ef992c-3afb-46b9-b7cf-a126ee74c451")[0].contains("can never be given"));
    assert!(faults("Security Reader: 88d8e3e3-8f55-4a1e-953a-9b9898b8876b")[0].contains("write its own name"));
}

#[test]
fn an_item_of_another_name_gives_the_role_of_its_key() {
    let mut world = managed();
    world.entra_role("l1", SECURITY_READER);
    world.put(
        entra_key("l1", SECURITY_READER),
        ItemBody::EntraRole(EntraRoleBody { role_name: "Global Administrator".into() }),
    );
    world.settle();
    let key: ItemKey = entra_key("l1", SECURITY_READER);
    assert_eq!(world.state(&key), "APPLIED");
    assert_eq!(world.tenant.state.entra[0].1.definition, SECURITY_READER);
}
