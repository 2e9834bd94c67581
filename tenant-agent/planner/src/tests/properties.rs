//! Random worlds: whatever happens on the way, the checker finds no fault, and when it is over the tenant is as
//! desired and a second plan is empty.

use std::time::Duration;

use entente_model::Timestamp;
use entente_model::desired::{MemberKey, UserKey, Want};
use entente_model::report::Reason;
use entente_model::time::Phase;
use proptest::prelude::*;

use super::tenant::Mishap;
use super::world::{RESPONDER, World};
use crate::guardrail::Unreadable;

const PEOPLE: [&str; 4] = ["jonas", "li", "maya", "sam"];
const ROLES: [&str; 2] = ["l1", "l2"];

/// Something that happens to a world.
#[derive(Debug, Clone)]
enum Happening {
    Member(usize, usize),
    Leave(usize),
    Drop(usize),
    Ends(usize, i64),
    AzureRole(usize),
    DefenderRole(usize),
    DropRoles,
    Redeem(usize),
    RedeemElsewhere(usize),
    CustomerBlocks(usize),
    CustomerDeletes(usize),
    CustomerRestores,
    CustomerAllows(usize),
    /// A guest of the customer's under another address, whom an invitation of this person finds.
    CustomerKnows(usize),
    CustomerAdds(usize, usize),
    CustomerRemoves(usize, usize),
    Mishap(Mishap),
    Unread(usize),
    Pause(bool),
    Lease(bool),
    NoGuardrail,
    Verify,
    Epoch,
    Step,
    Wait(u64),
}

fn mishap() -> impl Strategy<Value = Mishap> {
    prop_oneof![
        Just(Mishap::AnswerLost),
        Just(Mishap::CallLost),
        Just(Mishap::Phantom),
        Just(Mishap::Refused(Reason::CloudRefused)),
        Just(Mishap::Refused(Reason::Throttled)),
    ]
}

fn happening() -> impl Strategy<Value = Happening> {
    let (person, role) = (0..PEOPLE.len(), 0..ROLES.len());
    prop_oneof![
        4 => (person.clone(), role.clone()).prop_map(|(person, role)| Happening::Member(person, role)),
        1 => person.clone().prop_map(Happening::Leave),
        1 => person.clone().prop_map(Happening::Drop),
        1 => (person.clone(), -100..1_000_i64).prop_map(|(person, at)| Happening::Ends(person, at)),
        1 => role.clone().prop_map(Happening::AzureRole),
        1 => role.clone().prop_map(Happening::DefenderRole),
        1 => Just(Happening::DropRoles),
        3 => person.clone().prop_map(Happening::Redeem),
        1 => person.clone().prop_map(Happening::RedeemElsewhere),
        1 => person.clone().prop_map(Happening::CustomerBlocks),
        2 => person.clone().prop_map(Happening::CustomerDeletes),
        1 => Just(Happening::CustomerRestores),
        1 => person.clone().prop_map(Happening::CustomerAllows),
        1 => person.clone().prop_map(Happening::CustomerKnows),
        1 => (person.clone(), role.clone()).prop_map(|(person, role)| Happening::CustomerAdds(person, role)),
        1 => (person, role).prop_map(|(person, role)| Happening::CustomerRemoves(person, role)),
        3 => mishap().prop_map(Happening::Mishap),
        1 => (0..6_usize).prop_map(Happening::Unread),
        1 => any::<bool>().prop_map(Happening::Pause),
        1 => any::<bool>().prop_map(Happening::Lease),
        1 => Just(Happening::NoGuardrail),
        1 => Just(Happening::Verify),
        1 => Just(Happening::Epoch),
        8 => Just(Happening::Step),
        6 => (1..200_u64).prop_map(Happening::Wait),
    ]
}

fn happen(world: &mut World, happening: Happening) {
    let group = |world: &World, role: usize| {
        let name = format!("ent-{}", ROLES[role]);
        world.tenant.state.groups.values().find(|group| group.display_name == name).map(|group| group.id)
    };
    match happening {
        Happening::Member(person, role) => {
            world.version.revision += 1;
            world.member(PEOPLE[person], ROLES[role]);
        }
        Happening::Leave(person) => world.leave(PEOPLE[person]),
        Happening::Drop(person) => world.drop(PEOPLE[person]),
        Happening::Ends(person, after) => {
            let end = entente_model::Timestamp::from_unix(world.now.as_unix() + after);
            world.windows(PEOPLE[person], "", &end.to_string());
        }
        Happening::AzureRole(role) => world.azure_role(ROLES[role], RESPONDER),
        Happening::DefenderRole(role) => world.defender_role(ROLES[role], &["secdata.basics.read", "alerts.manage"]),
        Happening::DropRoles => world.items.retain(|key, _| key.person().is_some()),
        Happening::Redeem(person) if world.account(PEOPLE[person]).is_some() => world.redeem(PEOPLE[person]),
        Happening::RedeemElsewhere(person) if world.account(PEOPLE[person]).is_some() => {
            world.redeem_with(PEOPLE[person], "mail");
        }
        Happening::CustomerBlocks(person) => {
            if let Some(id) = world.account(PEOPLE[person]) {
                world.tenant.enable(id, false);
            }
        }
        Happening::CustomerDeletes(person) => {
            if let Some(id) = world.account(PEOPLE[person]) {
                world.tenant.delete_user(id);
            }
        }
        Happening::CustomerRestores => {
            let deleted: Vec<_> = world.tenant.state.bin.keys().copied().collect();
            deleted.into_iter().for_each(|id| world.tenant.restore(id));
        }
        Happening::CustomerAllows(person) => drop(world.allow_again(PEOPLE[person])),
        Happening::CustomerKnows(person) if world.account(PEOPLE[person]).is_none() => knows(world, PEOPLE[person]),
        Happening::CustomerAdds(person, role) => {
            if let (Some(user), Some(group)) = (world.account(PEOPLE[person]), group(world, role)) {
                world.tenant.state.members.entry(group).or_default().insert(user);
            }
        }
        Happening::CustomerRemoves(person, role) => {
            if let (Some(user), Some(group)) = (world.account(PEOPLE[person]), group(world, role)) {
                world.tenant.state.members.entry(group).or_default().remove(&user);
            }
        }
        Happening::Mishap(mishap) => world.tenant.mishaps.push_back(mishap),
        Happening::Unread(part) => {
            world.tenant.unread.clear();
            let parts = ["users", "groups", "members", "azure", "defender"];
            world.tenant.unread.extend(parts.get(part).map(|part| (*part, Reason::CloudUnavailable)));
        }
        Happening::Pause(paused) => world.paused = paused,
        Happening::Lease(fresh) => world.lease_fresh = fresh,
        Happening::NoGuardrail => world.guardrail = Err(Unreadable::missing("no file")),
        Happening::Verify => {
            let (from, to) = ("defenderRoles: manage}", "defenderRoles: verify}");
            world.guardrail = World::new().guardrail(from, to).guardrail;
        }
        Happening::Epoch => world.version.epoch += 1,
        Happening::Step => drop(world.step()),
        Happening::Wait(seconds) => world.wait(seconds),
        Happening::Redeem(_) | Happening::RedeemElsewhere(_) | Happening::CustomerKnows(_) => {}
    }
}

fn knows(world: &mut World, name: &str) {
    let an_hour_ago = Timestamp::from_unix(world.now.as_unix() - 3_600);
    let guest = world.tenant.add_guest(&format!("{name}.berg@contoso.example"), name, an_hour_ago);
    world.tenant.known_as.entry(format!("{name}@nordwall.example")).or_insert(guest);
}

/// Everything in order again, with caps out of the way.
fn calm(world: &mut World) {
    world.guardrail = World::new()
        .guardrail(
            "{joiners: 5, otherChanges: 40, impliedRemovals: 10}",
            "{joiners: 500, otherChanges: 500, impliedRemovals: 500}",
        )
        .guardrail;
    (world.paused, world.lease_fresh) = (false, true);
    world.tenant.unread.clear();
    world.tenant.mishaps.clear();
    world.wait(24 * 60 * 60);
    world.settle();
    // Marks in the anchor group are no items, and so nothing that a settled plan has waited for.
    world.wait(300);
    world.settle();
}

/// Where the goal has been reached, as far as others let it.
fn has_reached(world: &mut World) -> Result<(), TestCaseError> {
    for item in world.items.clone().values() {
        let entente_model::desired::ItemKey::Member(MemberKey { role, object_id, .. }) = &item.key else { continue };
        let name = PEOPLE.into_iter().find(|name| world.user_key(name).person().unwrap().1 == *object_id).unwrap();
        let user = world.account(name).map(|id| world.tenant.state.users[&id].clone());
        let open = item.want == Want::Present && matches!(item.windows.phase(world.now), Phase::Open(_));
        let left = world.ledger.left.contains_key(object_id);
        let fit = user.is_some_and(|user| user.is_enabled() && user.is_settled());
        let is_member = world.is_member(name, role.id());
        let held = world.member_state(name, role.id());
        let has_group = world.items.keys().any(|key| item.key.depends_on().contains(key) && key.person().is_none());
        if open && fit && !left && has_group {
            prop_assert!(is_member || held.starts_with("BLOCKED"), "{name} {}: {held}", role.id());
        }
        if !open {
            prop_assert!(!is_member, "{name} is still in {}: {held}", role.id());
        }
    }
    for item in world.items.clone().values().filter(|item| item.want != Want::Present) {
        let entente_model::desired::ItemKey::User(UserKey { object_id, .. }) = &item.key else { continue };
        let name = PEOPLE.into_iter().find(|name| world.user_key(name).person().unwrap().1 == *object_id).unwrap();
        let enabled = world.account(name).is_some_and(|id| world.tenant.state.users[&id].is_enabled());
        prop_assert!(!enabled, "{name} left and is enabled");
        let state = world.user_state(name);
        let is_theirs = world.tenant.known_as.contains_key(&format!("{name}@nordwall.example"));
        prop_assert!(state == "REMOVED" || (is_theirs && state == "RESIDUAL NOT_OURS"), "{name}: {state}");
    }
    for (address, guest) in &world.tenant.known_as {
        let untouched = world.tenant.state.users.get(guest).is_some_and(|user| user.is_enabled());
        prop_assert!(untouched, "the customer's guest whom {address} found was blocked or deleted");
    }
    Ok(())
}

proptest! {
    /// Each step asks the checker; each invitation panics at a duplicate.
    #[test]
    fn whatever_happens_no_plan_has_a_fault_and_the_goal_is_reached(
        happenings in proptest::collection::vec(happening(), 0..40),
        lag in 0..50_u64,
    ) {
        let mut world = World::new();
        world.lag = Duration::from_secs(lag);
        for happening in happenings {
            happen(&mut world, happening);
        }
        calm(&mut world);
        has_reached(&mut world)?;
        let again = world.plan();
        prop_assert_eq!(again.todo().count(), 0);
        prop_assert_eq!(again.updates, vec![]);
    }
}

/// Found by the property: the membership is ended by its item's entry, and is one that no item stands for.
#[test]
fn what_is_asked_for_twice_is_done_once() {
    let mut world = World::new();
    let happenings = [
        Happening::Member(0, 0),
        Happening::Unread(2),
        Happening::Ends(0, 0),
        Happening::Member(0, 1),
        Happening::Step,
        Happening::Wait(22),
        Happening::Step,
        Happening::Step,
        Happening::CustomerAdds(0, 0),
        Happening::Drop(0),
    ];
    happenings.into_iter().for_each(|happening| happen(&mut world, happening));
    world.step();
    calm(&mut world);
    assert!(!world.is_member(PEOPLE[0], ROLES[0]));
}
