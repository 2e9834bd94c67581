//! The leaver's proof in its details: which accounts it names, since when they are blocked, how long it is waited for.

use std::collections::BTreeSet;
use std::time::Duration;

use entente_model::report::{ItemReport, ItemState, Reason, RemovalProof};
use entente_model::{Guid, Timestamp};

use super::tenant::{Mishap, Missing};
use super::world::{READER, SCOPE, World};
use crate::ledger::{LedgerKey, Ownership, Thing};
use crate::moment::Moment;
use crate::observed::{AzureAssignment, DefenderAssignment, Holding, Listing, Part};
use crate::plan::{Input, plan};

fn steps(world: &mut World, times: usize) {
    for _ in 0..times {
        world.step();
        world.wait(10);
    }
}

/// Sam leaves at the end of a long and quiet membership.
fn leaving() -> World {
    let mut world = World::joined(&["sam"], "l1");
    world.wait(3_600);
    world.leave("sam");
    world
}

fn report(world: &mut World, member: bool) -> ItemReport {
    let key = if member { world.member_key("sam", "l1") } else { world.user_key("sam") };
    world.last.as_ref().unwrap().reports.iter().find(|it| it.key == key).unwrap().clone()
}

fn proof(world: &mut World, member: bool) -> RemovalProof {
    report(world, member).proof.unwrap()
}

fn later(time: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_unix(time.as_unix() + seconds)
}

#[test]
fn a_proof_says_when_the_last_of_our_blocks_was_and_which_accounts_there_are() {
    let mut world = leaving();
    let (sam, left) = (world.account("sam").unwrap(), world.now);
    world.settle();
    let proof = proof(&mut world, false);
    assert_eq!((proof.named, proof.blocked), (left, Some(left)));
    assert!(proof.first_empty_read > left && later(proof.first_empty_read, 60) < proof.second_empty_read);
    assert_eq!(proof.accounts.iter().map(|it| it.id).collect::<Vec<_>>(), [sam]);
    // What was to be there is not remembered as such.
    let key = world.user_key("sam");
    let entry = world.ledger.get(key).unwrap();
    assert_eq!((entry.applied, &entry.failure), (None, &None));
}

#[test]
fn a_block_that_is_dated_ahead_was_before_now_all_the_same() {
    let mut world = leaving();
    world.step();
    let (key, block) = (LedgerKey::from(world.user_key("sam")), later(world.now, 86_400));
    let entry = world.ledger.entries.get_mut(&key).unwrap();
    entry.block = entry.block.map(|held| crate::ledger::Block { at: block, ..held });
    world.wait(10);
    world.settle();
    let proof = proof(&mut world, false);
    assert!(proof.blocked.is_some_and(|at| at <= proof.second_empty_read), "{proof:?}");
}

#[test]
fn the_proof_of_a_membership_names_the_accounts_of_the_person() {
    let mut world = leaving();
    let sam = world.account("sam").unwrap();
    world.settle();
    assert_eq!(proof(&mut world, true).accounts.iter().map(|it| it.id).collect::<Vec<_>>(), [sam]);
    assert_eq!(report(&mut world, true).accounts.iter().map(|it| it.id).collect::<Vec<_>>(), [sam]);
}

#[test]
fn a_first_read_that_is_dated_ahead_by_more_than_clocks_differ_is_read_anew() {
    for (ahead, holds) in [(300, true), (301, false)] {
        let mut world = leaving();
        steps(&mut world, 3);
        let (key, now) = (LedgerKey::from(world.user_key("sam")), world.moment(world.now));
        let entry = world.ledger.entries.get_mut(&key).unwrap();
        assert!(entry.first_empty.is_some());
        let first = Moment { at: later(now.at, ahead), ..now };
        entry.first_empty = Some(first);
        world.step();
        assert_eq!(world.ledger.get(&key).unwrap().first_empty == Some(first), holds, "{ahead}");
    }
}

#[test]
fn a_part_that_may_soon_be_read_is_waited_for_as_long_as_three_lags() {
    let mut world = leaving();
    world.tenant.unread.insert("bin", Reason::Throttled);
    let left = world.now;
    let mut unproven = None;
    while unproven.is_none() {
        world.step();
        match world.user_state("sam").as_str() {
            "UNPROVEN THROTTLED" => unproven = Some(world.now),
            "PENDING" | "WAITING UNREAD" => {}
            other => panic!("{other}"),
        }
        world.wait(1);
    }
    assert_eq!(unproven, Some(later(left, 181)));
    // From then on it is looked at ever more seldom.
    let plan = world.last.unwrap();
    assert_eq!(plan.next_wake.since(plan.made_at), Duration::from_secs(90));
}

#[test]
fn what_no_time_heals_is_said_before_what_may_soon_be_read() {
    let mut world = leaving();
    world.tenant.unread.insert("bin", Reason::CloudRefused);
    let sam = world.account("sam").unwrap();
    world.settings.replication_lag = Duration::from_secs(60);
    steps(&mut world, 2);
    world.tenant.odd.insert(Listing::MembershipsOf(sam));
    world.tenant.unread.insert("azure", Reason::Throttled);
    steps(&mut world, 1);
    assert_eq!(world.user_state("sam"), "UNPROVEN CLOUD_REFUSED");
    assert!(report(&mut world, false).detail.contains("the recycle bin"));
}

#[test]
fn what_the_agents_clock_is_behind_of_is_not_read_yet() {
    for ahead in [0, 30] {
        let mut world = leaving();
        for item in world.items.values_mut() {
            if let entente_model::desired::Want::Absent { since, .. } = &mut item.want {
                *since = later(*since, ahead);
            }
        }
        let named = later(world.now, ahead);
        while world.last.is_none() || world.user_state("sam") != "WAITING CONFIRMING_REMOVAL" {
            world.step();
            world.wait(u64::from(ahead > 0));
        }
        let key = LedgerKey::from(world.user_key("sam"));
        let first = world.ledger.get(&key).unwrap().first_empty;
        assert_eq!(first.map(|it| it.at), (ahead == 0).then_some(named), "{ahead}");
    }
}

/// Sam leaves who has two accounts of ours: one that the customer deleted and restored, and one that came after it.
fn with_two_accounts() -> (World, Guid) {
    let mut world = World::joined(&["sam"], "l1");
    let first = world.account("sam").unwrap();
    world.tenant.delete_user(first);
    world.wait(3_600);
    world.settle();
    assert!(world.allow_again("sam"));
    world.settle();
    world.tenant.restore(first);
    world.leave("sam");
    (world, first)
}

#[test]
fn an_account_of_ours_beside_the_persons_own_is_remembered_as_ours() {
    let (mut world, first) = with_two_accounts();
    world.step();
    let entry = world.ledger.get(LedgerKey::Account(first)).unwrap();
    assert_eq!(entry.thing, Some(Thing::User { id: first }));
    assert_eq!((entry.epoch, entry.ownership), (world.version.epoch, Ownership::Owned));
    assert!(entry.block.is_some() && !world.tenant.state.users[&first].is_enabled());
    let key = world.user_key("sam");
    let main = world.ledger.get(key).unwrap().guid();
    assert!(main.is_some_and(|id| id != first && world.ledger.get(LedgerKey::Account(id)).is_none()));
}

#[test]
fn another_account_that_is_enabled_between_two_looks_begins_the_proof_anew() {
    let (mut world, first) = with_two_accounts();
    steps(&mut world, 4);
    assert_eq!(world.user_state("sam"), "WAITING CONFIRMING_REMOVAL");
    world.tenant.enable(first, true);
    let back = world.now;
    world.settle();
    assert_eq!(world.user_state("sam"), "REMOVED");
    assert!(proof(&mut world, false).first_empty_read > back);
}

#[test]
fn what_an_account_of_the_customers_holds_is_named_to_the_customer_alone() {
    let mut world = leaving();
    let other = world.tenant.add_other("sam@nordwall.example", world.now);
    let (group, team) = (world.tenant.add_group("SOC", "", world.now), "group SOC");
    world.tenant.state.members.insert(group, [other].into());
    steps(&mut world, 3);
    assert_eq!(world.user_state("sam"), "RESIDUAL NOT_OURS");
    let named = &world.last.as_ref().unwrap().named;
    assert!(named.iter().any(|(of, what)| of.ends_with(" holds") && what.contains(team)), "{named:?}");
    assert!(!report(&mut world, false).detail.contains("SOC"));
}

#[test]
fn an_account_is_deleted_once_our_block_is_certainly_visible() {
    let on_leave = ("onLeave: [revokeSessions, block]", "onLeave: [revokeSessions, block, delete]");
    let mut world = leaving().guardrail(on_leave.0, on_leave.1);
    let (sam, left) = (world.account("sam").unwrap(), world.now);
    while world.tenant.state.users.contains_key(&sam) {
        world.step();
        world.wait(1);
    }
    assert!(world.now.since(left) > Duration::from_secs(60), "{:?}", world.now.since(left));
}

#[test]
fn without_a_readable_file_a_leaver_is_blocked_and_signed_out_and_not_deleted() {
    let mut world = leaving();
    world.guardrail = Err(crate::guardrail::Unreadable::missing("gone"));
    let text = world.step();
    assert!(text.contains("block user sam") && text.contains("end sessions of user sam"), "{text}");
    for _ in 0..40 {
        world.wait(10);
        assert!(!world.step().contains("delete"));
    }
}

#[test]
fn an_account_that_the_file_does_not_let_us_block_is_a_persons_task_with_its_script() {
    let mut world = leaving().guardrail("onLeave: [revokeSessions, block]", "onLeave: [revokeSessions]");
    world.step();
    let report = report(&mut world, false);
    assert_eq!(world.user_state("sam"), "RESIDUAL PERSON_TASK");
    assert!(report.script.is_some_and(|it| it.contains(r#""accountEnabled":false"#)));
}

/// Sam is invited, and leaves before it is seen what came of it.
fn undecided(mishap: Option<Mishap>) -> World {
    let mut world = World::new();
    world.user("sam");
    world.tenant.mishaps.extend(mishap);
    world.step();
    world.wait(5);
    world.leave("sam");
    world
}

#[test]
fn an_invitation_that_may_yet_make_an_account_is_waited_for_before_anything_is_proven() {
    let mut world = undecided(Some(Mishap::CallLost));
    world.step();
    assert_eq!(world.user_state("sam"), "WAITING UNKNOWN_OUTCOME");
    let plan = world.last.as_ref().unwrap();
    assert_eq!(plan.next_wake.since(plan.made_at), world.settings.recheck, "looked up again soon");
    world.settle();
    assert_eq!(world.user_state("sam"), "REMOVED");
}

#[test]
fn an_account_that_our_invitation_may_have_made_is_unproven_and_not_said_to_be_anothers() {
    let mut world = undecided(None);
    let sam = world.account("sam").unwrap();
    world.tenant.bent.insert(sam, Missing::Created);
    steps(&mut world, 40);
    assert_eq!(world.user_state("sam"), "UNPROVEN UNREAD");
    world.tenant.bent.clear();
    steps(&mut world, 40);
    assert_eq!(world.user_state("sam"), "REMOVED");
    assert!(!world.tenant.state.users[&sam].is_enabled());
}

#[test]
fn what_the_file_closes_to_the_agent_is_named_as_not_looked_at() {
    let unseen = |from: &str, to: &str| {
        let mut world = leaving().guardrail(from, to);
        world.upn("sam", "sam@nordwall.onmicrosoft.example");
        world.settle();
        let unseen = proof(&mut world, false).unseen;
        assert!(unseen.is_sorted(), "{unseen:?}");
        unseen
    };
    let says = |all: &[String], text: &str| all.iter().any(|it| it == text);
    let all = unseen("barred: []", "barred: []");
    assert!(says(&all, &format!("Azure roles outside {}", SCOPE.to_lowercase())), "{all:?}");
    assert!(!all.iter().any(|it| it.contains("none in the guardrail")), "{all:?}");
    let all = unseen("azureRoles: manage, defenderRoles: manage", "azureRoles: none, defenderRoles: none");
    assert!(says(&all, "azureRoles: none in the guardrail"), "{all:?}");
    assert!(says(&all, "defenderRoles: none in the guardrail"), "{all:?}");
    assert!(!all.iter().any(|it| it.contains("Azure roles outside")), "{all:?}");
    let all = unseen(&format!("scopes: [{SCOPE}]"), "scopes: []");
    assert!(says(&all, "Azure roles: the guardrail names no scope"), "{all:?}");
}

#[test]
fn an_azure_role_counts_where_the_person_holds_it_and_not_where_another_does() {
    for (own, state) in [(true, "RESIDUAL NOT_OURS"), (false, "REMOVED")] {
        let mut world = leaving();
        let (sam, name) = (world.account("sam").unwrap(), world.tenant.id());
        let principal = if own { sam } else { Guid::from_u128(5) };
        let given = AzureAssignment { scope: SCOPE.into(), name, principal, definition: READER };
        world.tenant.state.azure.push(given);
        steps(&mut world, 30);
        assert_eq!(world.user_state("sam"), state);
    }
}

#[test]
fn what_turns_up_between_two_looks_begins_the_proof_anew() {
    type Event = fn(&mut World, Guid);
    let enabled: Event = |world, sam| world.tenant.enable(sam, true);
    let member: Event = |world, sam| {
        let group = world.group_id("l1");
        world.tenant.state.members.get_mut(&group).unwrap().insert(sam);
    };
    for (event, of_member) in [(enabled, false), (member, false), (member, true)] {
        let mut world = leaving();
        let sam = world.account("sam").unwrap();
        steps(&mut world, 4);
        let key = if of_member { world.member_key("sam", "l1") } else { world.user_key("sam") };
        assert_eq!(world.state(&key), "WAITING CONFIRMING_REMOVAL");
        event(&mut world, sam);
        let back = world.now;
        world.settle();
        assert_eq!(world.state(&key), "REMOVED");
        let proof = proof(&mut world, of_member);
        assert!(proof.first_empty_read > back, "{proof:?}");
    }
}

/// What is said of sam, and when it is looked again, where the group's list shows sam, and where sam's own list shows it.
fn holding(world: &mut World, by_group: bool, by_person: bool) -> (String, Duration) {
    let (sam, group, key) = (world.account("sam").unwrap(), world.group_id("l1"), world.user_key("sam"));
    world.tenant.keep(world.now);
    world.with_input_of(&world.reads(), |input| {
        let mut observed = input.observed.clone();
        observed.members.insert(group, Part::Read(if by_group { [sam].into() } else { BTreeSet::new() }));
        let held = Holding { id: group, kind: "group".into(), name: "ent-l1".into() };
        let held = if by_person { vec![held] } else { Vec::new() };
        observed.rights.get_mut(&sam).unwrap().memberships = Part::Read(held);
        let plan = plan(&Input { observed: &observed, ..*input });
        let report = plan.reports.into_iter().find(|it| it.key == key).unwrap();
        assert_eq!(report.state, ItemState::Waiting);
        (report.detail, plan.next_wake.since(plan.made_at))
    })
}

#[test]
fn a_leaver_holds_what_either_the_group_or_their_own_list_shows() {
    let mut world = leaving();
    steps(&mut world, 3);
    assert_eq!(holding(&mut world, false, false).0, "read back empty once");
    let group = world.group_id("l1");
    assert_eq!(holding(&mut world, true, false).0, format!("still holds group {group}"));
    assert_eq!(holding(&mut world, false, true).0, "still holds group ent-l1");
}

#[test]
fn what_is_still_held_is_looked_at_after_half_as_long_as_it_has_been_so() {
    let mut world = leaving();
    let left = world.now;
    for _ in 0..20 {
        world.tenant.unread.insert("bin", Reason::CloudRefused);
        steps(&mut world, 1);
    }
    world.tenant.unread.clear();
    let half = world.now.since(left) / 2;
    assert_eq!(holding(&mut world, false, true), ("still holds group ent-l1".into(), half));
}

#[test]
fn of_two_accounts_with_the_address_neither_is_ended_for_a_window_and_both_are_said() {
    let mut world = World::new();
    world.tenant.add_guest("sam@nordwall.example", "Sam", world.now);
    world.tenant.add_other("sam@nordwall.example", world.now);
    world.wait(3_600);
    world.user("sam");
    world.windows("sam", "2026-11-01T00:00:00Z", "2026-11-23T08:00:00Z");
    let text = world.step();
    assert_eq!(world.user_state("sam"), "RESIDUAL AMBIGUOUS");
    assert!(!text.contains("block"), "{text}");
}

#[test]
fn what_waits_for_an_answer_of_microsofts_is_looked_at_again_soon() {
    let mut world = leaving();
    world.lag = Duration::from_secs(50);
    world.step();
    world.wait(5);
    world.step();
    assert_eq!(world.user_state("sam"), "WAITING PROPAGATION");
    let mut over = World::joined(&["sam"], "l1");
    over.windows("sam", "2026-11-01T00:00:00Z", "2026-11-23T08:00:00Z");
    let sam = over.account("sam").unwrap();
    over.tenant.bent.insert(sam, Missing::Enabled);
    over.wait(3_600);
    over.step();
    assert_eq!(over.user_state("sam"), "WAITING UNREAD");
    for world in [world, over] {
        let plan = world.last.unwrap();
        assert_eq!(plan.next_wake.since(plan.made_at), world.settings.recheck);
    }
}

#[test]
fn what_others_give_between_two_looks_begins_the_proof_anew_also_when_they_take_it_back() {
    let mut world = leaving();
    let (sam, group) = (world.account("sam").unwrap(), world.tenant.add_group("SOC", "", world.now));
    steps(&mut world, 4);
    assert_eq!(world.user_state("sam"), "WAITING CONFIRMING_REMOVAL");
    world.tenant.state.members.insert(group, [sam].into());
    steps(&mut world, 1);
    assert_eq!(world.user_state("sam"), "RESIDUAL NOT_OURS");
    world.tenant.state.members.remove(&group);
    let back = world.now;
    world.settle();
    assert!(proof(&mut world, false).first_empty_read >= back);
}

#[test]
fn what_is_not_looked_at_for_two_accounts_is_named_once() {
    let (mut world, _) = with_two_accounts();
    world.tenant.unread.insert("defender", Reason::UnifiedRbacInactive);
    world.settle();
    let unseen = proof(&mut world, false).unseen;
    assert_eq!(unseen.iter().filter(|it| it.contains("unified RBAC")).count(), 1, "{unseen:?}");
}

#[test]
fn what_two_looks_miss_that_are_not_one_after_the_other_is_not_forgotten() {
    let mut world = World::joined(&["sam"], "l1");
    let key = world.member_key("sam", "l1");
    world.items.remove(&key);
    world.version.revision += 1;
    world.paused = true;
    for is_missed in [true, false, true] {
        let whole = world.tenant.state.members.clone();
        if is_missed {
            world.tenant.state.members.values_mut().for_each(BTreeSet::clear);
        }
        world.step();
        world.tenant.state.members = whole;
        world.wait(40);
    }
    assert!(world.ledger.get(&key).is_some());
}

#[test]
fn a_defender_role_that_others_gave_is_left_and_named() {
    let mut world = leaving();
    let sam = world.account("sam").unwrap();
    world.tenant.state.defender.assignments.push(DefenderAssignment {
        id: "x".into(),
        display_name: "Night shift".into(),
        role: "y".into(),
        principals: [sam].into(),
        app_scopes: BTreeSet::new(),
    });
    steps(&mut world, 4);
    assert_eq!(world.user_state("sam"), "RESIDUAL NOT_OURS");
    let named = &world.last.as_ref().unwrap().named;
    assert!(named.values().any(|what| what.contains("Defender assignment Night shift")), "{named:?}");
}
