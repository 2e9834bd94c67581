//! Directory roles: on a role-assignable group of their own, looked at by default and managed where the file says so, never
//! one that is closed; and leavers are out of such a group before they are blocked.

mod judge;
mod leavers;

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
fn who_joins_gets_what_others_gave_the_group_and_so_does_not_join() {
    let mut world = managed();
    world.entra_role("l1", SECURITY_READER);
    world.settle();
    let group = carrier(&world);
    world.tenant.give_role(group, SECURITY_ADMINISTRATOR);
    world.wait(600);
    let text = world.settle();
    assert!(text.contains("! NOT_OURS: group ent-l1-entra has a directory role that we did not give"), "{text}");
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
    // Long enough for what a late look shows to have the role.
    world.wait(600);
    world.settle();
    world.items.remove(&entra_key("l1", SECURITY_READER));
    world.version.revision += 1;
    let removals = |text: &str| text.matches("delete directory role assignment").count();
    assert_eq!(removals(&world.step()), 1);
    world.lag = std::time::Duration::from_secs(200);
    world.wait(100);
    let text = world.step();
    assert_eq!(removals(&text), 0, "{text}");
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

/// A group without its role yet.
fn to_be_given() -> World {
    let mut world = managed();
    world.entra_role("l1", SECURITY_READER);
    world.step();
    world.wait(5);
    world
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
