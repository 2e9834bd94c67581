//! An item of a later version, between others that are not.

use entente_model::Windows;
use entente_model::desired::{ItemBody, ItemKey, Want};
use entente_model::revocation::Cause;

use super::world::{RESPONDER, World};

/// Somebody works, with everything that an item can be.
fn full() -> World {
    let mut world = World::joined(&["maya"], "l1");
    world.azure_role("l1", RESPONDER);
    world.defender_role("l1", &["alerts.manage"]);
    world.settle();
    world
}

fn not_understood(world: &mut World, key: &ItemKey) {
    world.items.get_mut(key).unwrap().body = ItemBody::Unknown;
    world.version.revision += 1;
}

#[test]
fn attacks_s14_a_body_of_a_later_version_is_unsupported_and_in_nobodys_way() {
    let keys: Vec<ItemKey> = full().items.into_keys().collect();
    assert_eq!(keys.len(), 6);
    for key in keys {
        let mut world = full();
        let had = world.tenant.state.clone();
        not_understood(&mut world, &key);
        // Its own second judge finds no fault, or this would end here.
        world.step();
        assert_eq!(world.state(&key), "UNSUPPORTED");
        assert_eq!(world.tenant.state, had, "{key}: nothing is taken away");
        world.member("sam", "l2");
        world.settle();
        world.redeem("sam");
        world.settle();
        assert!(world.is_member("sam", "l2"), "{key}");
        assert_eq!(world.state(&key), "UNSUPPORTED");
    }
}

#[test]
fn attacks_s14_a_body_of_a_later_version_is_not_carried_out_anew() {
    let mut world = World::new();
    world.member("maya", "l1");
    world.azure_role("l1", RESPONDER);
    world.defender_role("l1", &["alerts.manage"]);
    world.items.values_mut().for_each(|item| item.body = ItemBody::Unknown);
    world.step();
    world.wait(100);
    world.step();
    assert!(world.last.as_ref().unwrap().changes.is_empty() && world.tenant.state.users.is_empty());
}

#[test]
fn attacks_s14_a_leaver_whose_item_is_of_a_later_version_goes_and_is_not_proven() {
    for is_first in [true, false] {
        let mut world = full();
        let maya = world.account("maya").unwrap();
        world.leave("maya");
        let key = world.user_key("maya");
        let member = world.member_key("maya", "l1");
        not_understood(&mut world, &key);
        not_understood(&mut world, &member);
        if is_first {
            world.first(&[]);
        }
        for _ in 0..20 {
            world.step();
            world.wait(30);
        }
        assert!(world.tenant.state.users[&maya].is_blocked() && !world.is_member("maya", "l1"));
        for key in [&key, &member] {
            assert_eq!(world.state(key), "UNSUPPORTED");
            assert!(world.ledger.get(key).is_none_or(|entry| entry.proof.is_none()));
        }
    }
}

#[test]
fn attacks_s14_a_leaver_for_a_cause_of_a_later_version_goes_and_is_proven() {
    let mut world = full();
    let maya = world.account("maya").unwrap();
    world.absent("maya", Cause::Unknown);
    world.settle();
    assert!(world.tenant.state.users[&maya].is_blocked() && !world.is_member("maya", "l1"));
    assert_eq!(world.user_state("maya"), "REMOVED");
}

#[test]
fn what_is_not_understood_ends_on_time() {
    let mut world = full();
    let member = world.member_key("maya", "l1");
    world.windows("maya", "2026-11-01T00:00:00Z", "2026-11-23T12:00:00Z");
    let key = world.user_key("maya");
    world.items.get_mut(&key).unwrap().windows = Windows::always();
    not_understood(&mut world, &member);
    world.step();
    assert!(world.is_member("maya", "l1"));
    world.wait(5 * 60 * 60);
    world.step();
    assert!(!world.is_member("maya", "l1"));
    assert_eq!(world.state(&member), "UNSUPPORTED");
    assert_eq!(world.items[&member].want, Want::Present);
}

#[test]
fn what_is_not_understood_is_never_said_to_be_removed() {
    for key in full().items.into_keys() {
        let mut world = full();
        let since = world.now;
        let (known, addresses) = Default::default();
        let want = Want::Absent { cause: Cause::Unknown, actor: "principals/jonas".into(), since, known, addresses };
        world.items.get_mut(&key).unwrap().want = want;
        not_understood(&mut world, &key);
        for _ in 0..10 {
            world.step();
            world.wait(60);
            assert_eq!(world.state(&key), "UNSUPPORTED");
        }
    }
}
