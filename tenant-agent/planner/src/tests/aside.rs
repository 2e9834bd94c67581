//! Leavers of whom the agent of a parked tenant is told beside what it holds.

use entente_model::desired::{Item, Version};

use super::world::World;
use crate::plan::{named_aside, with_leavers};

/// Sam is named as a leaver by a state that is not taken.
fn told(world: &mut World) -> Vec<Item> {
    let held: Vec<Item> = world.items.values().cloned().collect();
    let mut other = World::joined(&["sam"], "l1");
    other.now = world.now;
    other.leave("sam");
    let named: Vec<Item> = other.items.into_values().collect();
    let updates = named_aside(&named, world.version, &world.ledger);
    world.ledger.apply_all(&updates);
    assert!(named_aside(&named, world.version, &world.ledger).is_empty(), "told again, it is nothing new");
    held
}

fn hold(world: &mut World, held: &[Item], version: Version) {
    world.version = version;
    world.items = with_leavers(held, version, &world.ledger);
}

#[test]
fn a_leaver_who_is_named_beside_the_state_held_goes_and_is_proven_and_nobody_else() {
    let mut world = World::joined(&["sam", "maya"], "l1");
    let (sam, version) = (world.account("sam").unwrap(), world.version);
    let held = told(&mut world);
    hold(&mut world, &held, version);
    world.settle();
    assert_eq!((world.user_state("sam"), world.member_state("sam", "l1")), ("REMOVED".into(), "REMOVED".into()));
    assert_eq!(world.member_state("maya", "l1"), "APPLIED");
    // After a restart the same state is held, and it still wants them.
    world.run += 1;
    hold(&mut world, &held, version);
    world.settle();
    assert!(world.tenant.state.users[&sam].is_blocked() && !world.is_member("sam", "l1"));
}

#[test]
fn a_newer_state_says_itself_who_works_here() {
    let mut world = World::joined(&["sam"], "l1");
    let (sam, version) = (world.account("sam").unwrap(), world.version);
    let held = told(&mut world);
    hold(&mut world, &held, version);
    world.settle();
    hold(&mut world, &held, Version { revision: version.revision + 1, ..version });
    world.settle();
    assert!(world.tenant.state.users[&sam].is_enabled());
    assert_eq!(world.member_state("sam", "l1"), "APPLIED");
    // Another history that does not know of the leave lets nobody in again.
    let mut world = World::joined(&["sam"], "l1");
    let held = told(&mut world);
    hold(&mut world, &held, version);
    world.settle();
    hold(&mut world, &held, Version { epoch: version.epoch + 1, ..version });
    world.settle();
    assert_eq!(world.user_state("sam"), "HELD EPOCH_CHANGED");
}
