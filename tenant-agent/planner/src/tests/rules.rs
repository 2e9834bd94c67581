//! The second judge's rules by their texts: a good plan, spoilt in one thing, and all that is said of it.
//!
//! Here are those that hold for every change, and for the plan as a whole.

mod people;
mod planes;

use std::collections::BTreeSet;
use std::time::Duration;

use entente_model::desired::{ItemBody, ItemKey};
use entente_model::plan::{ChangeClass, Verdict};
use entente_model::report::Reason;
use entente_model::{Guid, PlaneMode, Timestamp, Window};

use super::world::{RESPONDER, World};
use crate::guardrail::{Adopt, Freeze, FreezeExcept, Guardrail, OnLeave, Unreadable};
use crate::judge::{self, check_first};
use crate::ledger::{Attempt, Charge, Event, LedgerEntry, LedgerKey, Ownership, Thing, Update};
use crate::plan::Plan;
use crate::write::{Action, UserWrite};

/// A good plan, and the world that it was made from.
type Base = fn() -> (World, Plan);

/// What the judge says of that plan after something has been spoilt, in the plan or in the world. Looked at is what was for
/// the good plan.
#[track_caller]
fn check(base: Base, spoil: impl FnOnce(&mut World, &mut Plan), rules: &[&str]) {
    let (mut world, mut plan) = base();
    let reads = world.reads();
    spoil(&mut world, &mut plan);
    world.tenant.keep(world.now);
    let said = world.with_input_of(&reads, |input| judge::check(&plan, input));
    let said: Vec<&str> = said.into_iter().map(|fault| fault.rule).collect();
    assert_eq!(said, rules, "{}", world.text(&plan));
}

fn planned(mut world: World) -> (World, Plan) {
    world.wait(300);
    let plan = world.plan();
    (world, plan)
}

/// Maya is put into a group that has a role on each plane.
fn joining() -> (World, Plan) {
    let mut world = World::new();
    world.azure_role("l1", RESPONDER);
    world.defender_role("l1", &["secdata.basics.read"]);
    world.member("maya", "l1");
    world.settle();
    world.redeem("maya");
    let (world, plan) = planned(world);
    assert_eq!(world.text(&plan).lines().next(), Some("ALLOWED GRANT: add user maya to group ent-l1"));
    assert_eq!(plan.changes.len(), 1);
    (world, plan)
}

/// Li is invited.
fn inviting() -> (World, Plan) {
    let mut world = World::new();
    world.group("l1");
    world.settle();
    world.user("li");
    planned(world)
}

/// A group is made.
fn founding() -> (World, Plan) {
    let mut world = World::new();
    world.group("l1");
    planned(world)
}

/// Maya's account gets our mark.
fn marking() -> (World, Plan) {
    let mut world = World::new();
    world.member("maya", "l1");
    world.step();
    world.wait(5);
    world.step();
    world.wait(5);
    let plan = world.plan();
    assert_eq!(world.text(&plan).lines().next(), Some("ALLOWED GRANT: add user maya to group ent-anchor"));
    (world, plan)
}

/// Sam is blocked, and taken out of a group.
fn leaving() -> (World, Plan) {
    let mut world = World::joined(&["sam"], "l1");
    world.leave("sam");
    let (world, plan) = planned(world);
    assert_eq!(plan.changes.len(), 3);
    (world, plan)
}

/// Sam is no longer desired.
fn dropping() -> (World, Plan) {
    let mut world = World::joined(&["sam"], "l1");
    world.drop("sam");
    planned(world)
}

/// Sam's time is over.
fn expiring() -> (World, Plan) {
    let mut world = World::joined(&["sam"], "l1");
    world.windows("sam", "2026-11-01T00:00:00Z", "2026-11-23T08:00:00Z");
    planned(world)
}

fn file(world: &mut World) -> &mut Guardrail {
    world.guardrail.as_mut().unwrap()
}

/// Something else is remembered of that key, also by what the plan does first.
fn remember(world: &mut World, plan: &mut Plan, key: &LedgerKey, change: impl Fn(&mut LedgerEntry)) {
    world.ledger.entries.get_mut(key).into_iter().for_each(&change);
    for update in &mut plan.updates {
        if let Update::Put(of, entry) = update
            && of == key
        {
            change(entry);
        }
    }
}

fn windows(world: &mut World, start: Option<Timestamp>, end: Option<Timestamp>) {
    let key = world.member_key("maya", "l1");
    world.items.get_mut(&key).unwrap().windows = vec![Window { start, end }].into();
}

fn seconds(seconds: i64) -> impl Fn(Timestamp) -> Timestamp {
    move |time| Timestamp::from_unix(time.as_unix() + seconds)
}

#[test]
fn a_plan_that_nobody_has_spoilt_is_without_a_fault() {
    for base in [joining, inviting, founding, leaving, dropping, expiring] {
        check(base, |_, _| {}, &[]);
    }
}

#[test]
fn a_grant_adds_and_a_removal_takes_away() {
    let rule = "a grant adds and a removal takes away";
    for class in [ChangeClass::OtherRemoval, ChangeClass::Expiry, ChangeClass::Leaver] {
        let spoil = |_: &mut World, plan: &mut Plan| {
            (plan.changes[0].class, plan.changes[0].charge) = (class, Charge::Free);
        };
        check(joining, spoil, &[rule]);
    }
    check(dropping, |_, plan| plan.changes[0].class = ChangeClass::Grant, &[rule, "no grant without a desired item"]);
}

#[test]
fn what_is_not_understood_is_not_given_and_is_taken_away() {
    let forget = |world: &mut World, key: ItemKey| world.items.get_mut(&key).unwrap().body = ItemBody::Unknown;
    let member = |world: &mut World, name: &str| {
        let key = world.member_key(name, "l1");
        forget(world, key);
    };
    check(joining, |world, _| member(world, "maya"), &["grants only what is understood"]);
    check(leaving, |world, _| member(world, "sam"), &[]);
}

#[test]
fn without_a_readable_file_end_dates_and_leavers_alone_pass() {
    let unread = |world: &mut World, _: &mut Plan| world.guardrail = Err(Unreadable::missing("gone"));
    let rule = "without a readable guardrail only end dates and leavers";
    check(founding, unread, &[rule]);
    check(dropping, unread, &[rule; 2]);
    check(leaving, unread, &[]);
    check(expiring, unread, &[]);
}

#[test]
fn a_creation_of_unknown_outcome_is_not_repeated() {
    let rule = "creates nothing twice: an unknown outcome is looked up";
    let begun = |world: &mut World, change: fn(&mut LedgerEntry)| {
        let key: LedgerKey = "group/l1/standard".parse().unwrap();
        let mut known = LedgerEntry { epoch: 1, ..LedgerEntry::default() };
        change(&mut known);
        world.ledger.entries.insert(key, known);
    };
    let attempt = |entry: &mut LedgerEntry| {
        let name = "ent-l1".to_owned();
        entry.intent = Some(Attempt { at: Timestamp::from_unix(0), looked: None, name, absent_before: true });
    };
    check(founding, |world, _| begun(world, |_| {}), &[]);
    check(founding, |world, _| begun(world, attempt), &[rule]);
    let thing = |entry: &mut LedgerEntry| entry.thing = Some(Thing::Group { id: Guid::from_u128(5) });
    check(founding, |world, _| begun(world, thing), &[rule]);
}

#[test]
fn while_the_customer_pauses_end_dates_alone_pass() {
    let pause = |world: &mut World, _: &mut Plan| world.paused = true;
    let rule = "paused: only end dates";
    check(joining, pause, &[rule]);
    check(dropping, pause, &[rule; 2]);
    check(leaving, pause, &[rule; 3]);
    check(expiring, pause, &[]);
}

#[test]
fn after_the_customer_has_taken_everything_back_end_dates_and_leavers_alone_pass() {
    let end = |world: &mut World, _: &mut Plan| world.ended = true;
    let rule = "after revoke-all only end dates and leavers";
    check(joining, end, &[rule]);
    check(dropping, end, &[rule; 2]);
    check(leaving, end, &[]);
    check(expiring, end, &[]);
}

#[test]
fn without_a_lease_nothing_is_given_and_removals_go_on() {
    let silent = |world: &mut World, _: &mut Plan| world.lease_fresh = false;
    check(joining, silent, &["without a lease no grant"]);
    for base in [dropping, leaving, expiring] {
        check(base, silent, &[]);
    }
}

#[test]
fn nothing_is_given_outside_its_window() {
    let rule = "no grant outside its window";
    check(joining, |world, _| windows(world, Some(seconds(1)(world.now)), None), &[rule]);
    check(joining, |world, _| windows(world, None, Some(world.now)), &[rule]);
    check(joining, |world, _| windows(world, Some(world.now), Some(seconds(1)(world.now))), &[]);
}

#[test]
fn a_plane_that_the_file_does_not_give_us_is_not_written_on() {
    let rule = "writes only on managed planes";
    for mode in [PlaneMode::None, PlaneMode::Verify] {
        let memberships = |world: &mut World, _: &mut Plan| file(world).planes.memberships = mode;
        check(joining, memberships, &[rule]);
        check(leaving, memberships, &[rule]);
        check(inviting, |world, _| file(world).planes.users = mode, &[rule]);
        check(founding, |world, _| file(world).planes.groups = mode, &[rule]);
    }
}

#[test]
fn nobody_is_marked_where_memberships_are_not_managed() {
    let founded = || {
        let mut world = World::new();
        world.user("maya");
        world.step();
        let (world, plan) = planned(world);
        assert_eq!((&plan.changes[0].key, plan.changes[0].verdict), (&LedgerKey::Marker, Verdict::Allowed));
        (world, plan)
    };
    for base in [founded as Base, marking] {
        for mode in [PlaneMode::None, PlaneMode::Verify] {
            let rules = &["marks nobody where memberships are not managed"];
            check(base, |world, _| file(world).planes.memberships = mode, rules);
        }
        check(base, |world, _| file(world).planes.users = PlaneMode::Verify, &["writes only on managed planes"]);
    }
}

#[test]
fn past_the_review_nothing_is_given_and_removals_go_on() {
    let review =
        |day: &'static str| move |world: &mut World, _: &mut Plan| file(world).review_by = day.parse().unwrap();
    let midnight = |world: &mut World, _: &mut Plan| {
        world.now = "2026-11-24T00:00:00Z".parse().unwrap();
        file(world).review_by = "2026-11-23".parse().unwrap();
    };
    let rule = "past the review no grant";
    check(founding, review("2026-11-22"), &[rule]);
    check(founding, review("2026-11-23"), &[]);
    check(founding, midnight, &[rule]);
    check(dropping, review("2026-11-22"), &[]);
}

#[test]
fn while_it_is_frozen_only_what_the_file_lets_through_passes() {
    let freeze = |from: &'static str, to: &'static str, except| {
        move |world: &mut World, _: &mut Plan| {
            let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
            file(world).freeze = vec![Freeze { from, to, except }];
        }
    };
    let today = |except| freeze("2026-11-23", "2026-11-23", except);
    let removals = Some(FreezeExcept::Removals);
    for except in [None, removals] {
        check(founding, today(except), &["frozen"]);
        check(leaving, today(except), &[]);
        check(expiring, today(except), &[]);
    }
    check(dropping, today(None), &["frozen"; 2]);
    check(dropping, today(removals), &[]);
    check(founding, freeze("2026-11-24", "2026-11-25", None), &[]);
    check(founding, freeze("2026-11-20", "2026-11-22", None), &[]);
    // To the second.
    let at = |text: &'static str| {
        move |world: &mut World, plan: &mut Plan| {
            world.now = text.parse().unwrap();
            freeze("2026-11-24", "2026-11-24", None)(world, plan);
        }
    };
    check(founding, at("2026-11-23T23:59:59Z"), &[]);
    check(founding, at("2026-11-24T00:00:00Z"), &["frozen"]);
    check(founding, at("2026-11-24T23:59:59Z"), &["frozen"]);
    check(founding, at("2026-11-25T00:00:00Z"), &[]);
}

#[test]
fn what_the_file_protects_is_not_touched() {
    let rule = "protected objects are not touched";
    let user = |world: &mut World, _: &mut Plan| {
        let id = world.account("sam").or(world.account("maya")).unwrap().to_string().to_uppercase();
        file(world).protected.users = [id].into();
    };
    let group = |world: &mut World, _: &mut Plan| {
        let id = world.group_id("l1").to_string().to_uppercase();
        file(world).protected.groups = [id].into();
    };
    check(joining, user, &[rule]);
    check(joining, group, &[rule]);
    check(leaving, user, &[rule; 3]);
    check(leaving, group, &[rule]);
}

#[test]
fn what_is_made_is_called_by_the_files_prefix() {
    check(founding, |world, _| file(world).limits.name_prefix = "soc-".into(), &["names begin with the prefix"]);
    check(inviting, |world, _| file(world).limits.name_prefix = "soc-".into(), &[]);
}

#[test]
fn leavers_and_end_dates_count_against_no_cap() {
    let rule = "leavers and end dates are never capped";
    check(leaving, |_, plan| plan.changes[0].charge = Charge::Other, &[rule]);
    check(expiring, |_, plan| plan.changes[0].charge = Charge::Other, &[rule]);
}

/// The caps of the file, and what was done today.
fn capped(
    cap: u32,
    charge: Charge,
    events: impl Fn(Timestamp) -> Vec<(Timestamp, LedgerKey)>,
) -> impl Fn(&mut World, &mut Plan) {
    move |world, _| {
        let caps = &mut file(world).limits.per_day;
        match charge {
            Charge::Joiner => caps.joiners = cap,
            Charge::Other => caps.other_changes = cap,
            Charge::Implied => caps.implied_removals = cap,
            Charge::Free => {}
        }
        let events = events(world.now).into_iter();
        world.ledger.events = events.map(|(at, key)| Event { at, charge, key }).collect();
    }
}

#[test]
fn as_much_is_done_in_a_day_as_the_caps_say() {
    let other = || LedgerKey::Account(Guid::from_u128(9));
    let rule = "within the caps";
    for (base, charge, changes) in
        [(inviting as Base, Charge::Joiner, 1), (founding, Charge::Other, 1), (dropping, Charge::Implied, 2)]
    {
        check(base, capped(changes, charge, |_| vec![]), &[]);
        check(base, capped(changes - 1, charge, |_| vec![]), &vec![rule; changes as usize]);
        let before = |ago: i64| move |now| vec![(seconds(-ago)(now), other())];
        check(base, capped(changes + 1, charge, before(60)), &[]);
        let over = vec![rule; changes as usize];
        check(base, capped(changes, charge, before(60)), &over);
        check(base, capped(changes, charge, before(86_399)), &over);
        check(base, capped(changes, charge, before(86_400)), &[]);
        check(base, capped(changes, charge, before(-86_400)), &over);
        check(base, capped(changes, charge, before(-86_401)), &[]);
    }
    // Of another kind, and of the same item.
    check(
        founding,
        |world, plan| {
            capped(1, Charge::Joiner, |now| vec![(now, other())])(world, plan);
            file(world).limits.per_day.other_changes = 1;
        },
        &[],
    );
    check(founding, capped(1, Charge::Other, |now| vec![(now, "group/l1/standard".parse().unwrap())]), &[]);
    // What was done under a wider cap is no fault of this plan.
    let nothing = |world: &mut World, plan: &mut Plan| {
        plan.changes.clear();
        capped(0, Charge::Other, |now| vec![(now, other())])(world, plan);
    };
    check(founding, nothing, &[]);
}

#[test]
fn every_item_is_reported_but_by_the_first_step() {
    check(founding, |_, plan| plan.reports.clear(), &["every item is reported"]);
    let (world, mut plan) = founding();
    plan.reports.clear();
    let first = |plan: &Plan| world.with_input_of(&world.reads(), |input| check_first(plan, input));
    assert_eq!(first(&plan), []);
    // It is judged by every rule else.
    plan.changes.push(plan.changes[0].clone());
    assert_eq!(first(&plan).into_iter().map(|it| it.rule).collect::<Vec<_>>(), ["nothing twice in one plan"]);
}

#[test]
fn what_is_not_allowed_says_why() {
    let held = |reason| {
        move |_: &mut World, plan: &mut Plan| {
            (plan.changes[0].verdict, plan.changes[0].reason) = (Verdict::Held, reason);
        }
    };
    check(founding, held(None), &["what is not allowed says why"]);
    check(founding, held(Some(Reason::LeaseOver)), &[]);
}

#[test]
fn what_was_there_before_is_used_only_with_leave() {
    let adopt = |thing: Thing, before: Option<Ownership>, leave| {
        move |world: &mut World, plan: &mut Plan| {
            let key: LedgerKey = match thing {
                Thing::User { .. } => "user/nordwall/0b0de000-0000-4000-8000-000000000009".parse().unwrap(),
                _ => "group/l9/standard".parse().unwrap(),
            };
            let entry = |ownership| LedgerEntry { thing: Some(thing.clone()), ownership, ..LedgerEntry::default() };
            if let Some(ownership) = before {
                world.ledger.entries.insert(key.clone(), entry(ownership));
            }
            file(world).people.adopt_existing = leave;
            plan.updates.push(Update::Put(key, Box::new(entry(Ownership::Adopted))));
        }
    };
    let id = Guid::from_u128(7);
    let rules = &["adopts only with leave"];
    for thing in [Thing::User { id }, Thing::Group { id }] {
        check(founding, adopt(thing.clone(), None, Adopt::Ask), rules);
        check(founding, adopt(thing.clone(), None, Adopt::Never), rules);
        check(founding, adopt(thing.clone(), None, Adopt::Allow), &[]);
        check(founding, adopt(thing.clone(), Some(Ownership::Owned), Adopt::Ask), rules);
        check(founding, adopt(thing, Some(Ownership::Adopted), Adopt::Ask), &[]);
    }
    check(founding, adopt(Thing::Member { group: id, user: id }, None, Adopt::Ask), &[]);
}
