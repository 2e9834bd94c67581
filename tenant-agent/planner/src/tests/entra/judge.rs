//! Directory roles before the second judge: each rule with a plan that breaks it.

use super::*;

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

/// What the second judge says of the one directory role that a plan gives, after the plan or what it was made from is spoiled.
fn judged(mut world: World, spoil: impl FnOnce(&mut World, &mut EntraWrite)) -> Vec<&'static str> {
    let mut plan = world.plan();
    let change = plan.changes.iter_mut().find(|it| matches!(it.action, Action::Entra(_))).unwrap();
    let Action::Entra(write) = &mut change.action else { unreachable!() };
    spoil(&mut world, write);
    world.faults(&plan).into_iter().map(|it| it.rule).collect()
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
