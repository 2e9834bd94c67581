//! The customer narrows the file, and takes away what it allowed before.

use std::collections::BTreeSet;

use entente_model::desired::ItemKey;
use expect_test::{Expect, expect};

use super::world::{GUARDRAIL, RESPONDER, World, members};
use crate::ledger::Ownership;

const DOMAIN: (&str, &str) = ("mailDomains: [nordwall.example]", "mailDomains: [other.example]");
const CAPABILITY: (&str, &str) = ("manageAlerts, respond,", "manageAlerts,");

/// Maya and Sam work as L1, with an Azure role and a Defender role.
fn given() -> World {
    let mut world = World::joined(&["maya", "sam"], "l1");
    world.azure_role("l1", RESPONDER);
    world.defender_role("l1", &["alerts.manage", "response.manage"]);
    world.settle();
    world
}

fn listed(world: &World) -> String {
    let all = world.not_allowed();
    let untaken = all.iter().filter(|it| it.is_open());
    untaken
        .map(|it| format!("{}: {}\n", it.reason.word(), it.what))
        .collect::<String>()
        .replace("/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/", "")
}

fn check(change: (&str, &str), expected: Expect) -> World {
    let world = given();
    assert_eq!(listed(&world), "", "all of it is allowed");
    let world = world.guardrail(change.0, change.1);
    expected.assert_eq(&listed(&world));
    world
}

fn keys(world: &World) -> BTreeSet<ItemKey> {
    world.not_allowed().into_iter().map(|it| it.key).collect()
}

/// Revokes until nothing is left to do, and lets the loop go on with the narrower file.
fn take_away(world: &mut World) -> String {
    let keys = keys(world);
    let first = world.revoke(&keys);
    for _ in 0..4 {
        world.settle();
        world.wait(120);
        world.revoke(&keys);
    }
    world.settle();
    first
}

#[test]
fn people_whose_domain_is_no_longer_allowed_go_and_the_rights_of_the_group_stay() {
    let mut world = check(
        DOMAIN,
        expect![[r#"
        GUARDRAIL_PERSON: the account of maya@nordwall.example
        GUARDRAIL_PERSON: the account of sam@nordwall.example
        GUARDRAIL_PERSON: maya@nordwall.example as l1
        GUARDRAIL_PERSON: sam@nordwall.example as l1
    "#]],
    );
    expect![[r#"
        ALLOWED LEAVER: block user maya
        ALLOWED LEAVER: block user sam
        ALLOWED LEAVER: end sessions of user maya
        ALLOWED LEAVER: end sessions of user sam
        ALLOWED LEAVER: remove user maya from group ent-l1
        ALLOWED LEAVER: remove user sam from group ent-l1
        = user/nordwall/maya PENDING
        = user/nordwall/sam PENDING
        = member/l1/standard/nordwall/maya PENDING
        = member/l1/standard/nordwall/sam PENDING
    "#]]
    .assert_eq(&take_away(&mut world));
    assert_eq!(members(&world, "l1"), [].into());
    for name in ["maya", "sam"] {
        let id = world.account(name).unwrap();
        assert!(world.tenant.state.users[&id].is_blocked(), "{name}");
        assert_eq!(world.user_state(name), "REFUSED GUARDRAIL_PERSON");
    }
    assert_eq!((world.tenant.state.azure.len(), world.tenant.state.defender.assignments.len()), (1, 1));
    // The wider file is back: what we blocked is ours to enable.
    let mut world = world.guardrail("owner: ciso", "owner: ciso");
    world.settle();
    assert!(world.is_member("maya", "l1"));
}

#[test]
fn rights_that_are_no_longer_allowed_go_and_people_stay() {
    let mut world = check(
        CAPABILITY,
        expect![[r#"
        GUARDRAIL_CAPABILITY: Microsoft Sentinel Responder at rg-sentinel
        GUARDRAIL_CAPABILITY: the Defender role of l1
        GUARDRAIL_CAPABILITY: what l1 may do in Defender
    "#]],
    );
    expect![[r#"
        ALLOWED LEAVER: delete role assignment 3f22ed29-3c3c-56ad-a6cb-072f7b349d26 at rg-sentinel
        ALLOWED LEAVER: delete Defender assignment 00e00000-0000-4000-8000-000000000006
        = azureRole/l1/standard/rg-sentinel/Microsoft Sentinel Responder PENDING
        = defenderRole/l1 WAITING DEPENDENCY
        = defenderAssignment/l1/standard PENDING
    "#]]
    .assert_eq(&take_away(&mut world));
    assert_eq!((world.tenant.state.azure.len(), world.tenant.state.defender.assignments.len()), (0, 0));
    assert_eq!(members(&world, "l1").len(), 2);
    assert_eq!(world.user_state("maya"), "APPLIED");
}

#[test]
fn a_scope_a_role_a_plane_and_a_length_that_are_no_longer_allowed_are_named() {
    check(
        ("rg-sentinel]", "rg-other]"),
        expect![[r#"
        GUARDRAIL_SCOPE: Microsoft Sentinel Responder at rg-sentinel
    "#]],
    );
    check(
        ("Microsoft Sentinel Responder: 3e150937-b8fe-4cfb-8069-0eaf05ecd056\n", "\n"),
        expect![[r#"
        GUARDRAIL_ROLE: Microsoft Sentinel Responder at rg-sentinel
    "#]],
    );
    check(
        ("azureRoles: manage", "azureRoles: none"),
        expect![[r#"
        GUARDRAIL_PLANE: Microsoft Sentinel Responder at rg-sentinel
    "#]],
    );
    check(
        ("groups: 12", "groups: 12\n  longestGrant: 30d"),
        expect![[r#"
        GUARDRAIL_LONGEST_GRANT: maya@nordwall.example as l1
        GUARDRAIL_LONGEST_GRANT: sam@nordwall.example as l1
    "#]],
    );
}

#[test]
fn who_is_to_stay_enabled_by_the_file_is_named_and_only_taken_out_of_the_groups() {
    let narrower = GUARDRAIL.replace(DOMAIN.0, DOMAIN.1).replace("onLeave: [revokeSessions, block]", "onLeave: []");
    let mut world = given();
    world.guardrail = crate::guardrail::Guardrail::load(&narrower, super::world::CONTOSO);
    assert!(world.guardrail.is_ok());
    let text = take_away(&mut world);
    assert!(text.contains("= user/nordwall/maya RESIDUAL PERSON_TASK"), "{text}");
    assert_eq!(members(&world, "l1"), [].into());
    let id = world.account("maya").unwrap();
    assert!(world.tenant.state.users[&id].is_enabled());
}

#[test]
fn what_is_not_ours_or_not_confirmed_is_not_taken() {
    let mut world = check(
        DOMAIN,
        expect![[r#"
        GUARDRAIL_PERSON: the account of maya@nordwall.example
        GUARDRAIL_PERSON: the account of sam@nordwall.example
        GUARDRAIL_PERSON: maya@nordwall.example as l1
        GUARDRAIL_PERSON: sam@nordwall.example as l1
    "#]],
    );
    let (sam, maya) = (world.user_key("sam"), world.user_key("maya"));
    // The customer's guest, used with leave.
    world.ledger.entries.get_mut(&(&sam).into()).unwrap().ownership = Ownership::Adopted;
    assert!(!keys(&world).contains(&sam));
    // Only Sam's membership was confirmed.
    let confirmed = [world.member_key("sam", "l1")].into();
    let text = world.revoke(&confirmed);
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(!world.is_member("sam", "l1") && world.is_member("maya", "l1"));
    assert!(world.tenant.state.users[&world.account("maya").unwrap()].is_enabled() && keys(&world).contains(&maya));
}

#[test]
fn what_could_not_be_read_is_neither_allowed_nor_refused() {
    let mut world = given();
    world.tenant.unread.insert("definitions", entente_model::report::Reason::CloudUnavailable);
    let all = world.not_allowed();
    assert_eq!(all.iter().map(|it| it.reason.word()).collect::<Vec<_>>(), ["UNREAD"]);
    assert_eq!(listed(&world), "");
    // What the file says by itself needs no look.
    let world = world.guardrail("rg-sentinel]", "rg-other]");
    assert_eq!(listed(&world), "GUARDRAIL_SCOPE: Microsoft Sentinel Responder at rg-sentinel\n");
}

#[test]
fn without_a_readable_file_nothing_is_said_to_be_refused() {
    let mut world = given();
    world.guardrail = Err(crate::guardrail::Unreadable::missing("gone"));
    assert_eq!(listed(&world), "");
}

#[test]
fn who_is_left_out_of_what_is_desired_is_judged_by_the_addresses_that_were_used() {
    let mut world = World::joined(&["sam"], "l1");
    let key = world.user_key("sam");
    world.items.remove(&key);
    assert_eq!(world.not_allowed().len(), 0, "of an allowed domain");
    let text = super::world::GUARDRAIL.replace("mailDomains: [nordwall.example]", "mailDomains: [partner.example]");
    world.guardrail = crate::guardrail::Guardrail::load(&text, super::world::CONTOSO);
    let found: Vec<_> = world.not_allowed().into_iter().map(|it| it.key).collect();
    assert!(found.contains(&key), "{found:?}");
}
