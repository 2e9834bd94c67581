//! Who is to have nothing is out of role-assignable groups before the block, and what others gave is found.

use super::*;

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
    let text = crate::tests::world::GUARDRAIL.replace(AZURE, ROLES).replace(ALLOW, LETS);
    world.guardrail = crate::guardrail::Guardrail::load(&text, crate::tests::world::CONTOSO);
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
fn a_first_step_takes_nobody_out_where_the_plane_is_only_looked_at() {
    let mut world = joined();
    world.guardrail.as_mut().unwrap().planes.entra_roles = Some(PlaneMode::Verify);
    world.leave("maya");
    let text = world.first(&[]);
    assert!(text.contains("BY_PERSON LEAVER PERSON_TASK: remove user maya from group ent-l1-entra"), "{text}");
}
