//! The look for a leaver's accounts by our mark: what of it was not read is no proof, and no word on whose an account is.

use entente_model::Guid;

use super::world::World;
use crate::ledger::LedgerKey;
use crate::observed::Listing;

fn steps(world: &mut World, times: usize) {
    for _ in 0..times {
        world.step();
        world.wait(10);
    }
}

fn anchor(world: &World) -> Guid {
    world.ledger.get(LedgerKey::Marker).and_then(|entry| entry.guid()).expect("the group is made with the first guest")
}

/// A tenant in which sam leaves, and another guest is marked whom nothing explains.
fn with_a_marked_stranger() -> (World, Guid) {
    let mut world = World::joined(&["sam", "maya"], "l1");
    let stranger = world.tenant.add_guest("kari@contoso.example", "Kari", world.now);
    let anchor = anchor(&world);
    world.tenant.state.members.get_mut(&anchor).unwrap().insert(stranger);
    world.leave("sam");
    (world, stranger)
}

#[test]
fn nobody_is_proven_gone_while_the_accounts_that_our_group_marks_are_not_read() {
    for part in ["list", "account"] {
        let (mut world, stranger) = with_a_marked_stranger();
        let id = if part == "list" { anchor(&world) } else { stranger };
        world.tenant.unanswered.insert(id);
        steps(&mut world, 40);
        assert_eq!(world.user_state("sam"), "UNPROVEN CLOUD_UNAVAILABLE", "{part}");
        world.tenant.unanswered.clear();
        steps(&mut world, 20);
        assert_eq!(world.user_state("sam"), "REMOVED", "{part}");
    }
}

#[test]
fn nobody_is_proven_gone_while_an_entry_of_the_group_that_marks_is_not_understood() {
    let (mut world, _) = with_a_marked_stranger();
    let listings = [Listing::Members(anchor(&world)), Listing::GroupsByName("ent-anchor".into())];
    for listing in listings {
        world.tenant.odd = [listing.clone()].into();
        steps(&mut world, 40);
        assert_eq!(world.user_state("sam"), "UNPROVEN CLOUD_REFUSED", "{listing:?}");
    }
    world.tenant.odd.clear();
    steps(&mut world, 20);
    assert_eq!(world.user_state("sam"), "REMOVED");
}

#[test]
fn an_anchor_group_that_answers_nothing_to_its_id_and_is_shown_by_name_proves_nothing() {
    let (mut world, _) = with_a_marked_stranger();
    let anchor = anchor(&world);
    world.tenant.unfound.insert(anchor);
    steps(&mut world, 40);
    assert_eq!(world.user_state("sam"), "UNPROVEN UNREAD");
    // The customer deletes it: then there is nothing to read.
    world.tenant.state.groups.remove(&anchor);
    world.tenant.state.members.remove(&anchor);
    steps(&mut world, 40);
    assert_eq!(world.user_state("sam"), "REMOVED");
}

/// The agent has lost its ledger; the account of sam, who leaves, has another address by now, is known to the control
/// plane by id, and holds nothing.
fn known_by_id_and_mark(guardrail: (&str, &str)) -> (World, Guid) {
    let mut world = World::joined(&["sam"], "l1").guardrail(guardrail.0, guardrail.1);
    let sam = world.account("sam").unwrap();
    let user = world.tenant.state.users.get_mut(&sam).unwrap();
    (user.mail, user.addresses) = ("renamed@contoso.example".into(), ["renamed@contoso.example".into()].into());
    let group = world.group_id("l1");
    world.tenant.state.members.remove(&group);
    world.replace_agent();
    world.leave("sam");
    world.known("sam", &[sam], &[]);
    (world, sam)
}

#[test]
fn whose_an_account_is_stays_open_while_our_mark_is_not_read() {
    let (mut world, sam) = known_by_id_and_mark(("barred: []", "barred: []"));
    let named = |it: &&crate::observed::Group| it.display_name == "ent-anchor";
    let anchor = world.tenant.state.groups.values().find(named).unwrap().id;
    world.tenant.unanswered.insert(anchor);
    steps(&mut world, 40);
    assert_eq!(world.user_state("sam"), "UNPROVEN CLOUD_UNAVAILABLE");
    assert!(world.tenant.state.users[&sam].is_enabled());
    world.tenant.unanswered.clear();
    steps(&mut world, 40);
    assert!(world.tenant.state.users[&sam].is_blocked());
    assert_eq!(world.user_state("sam"), "REMOVED");
}

#[test]
fn a_guardrail_without_the_recycle_bin_leaves_the_look_by_our_mark_on() {
    let (mut world, sam) = known_by_id_and_mark(("barred: []", "barred: []\n  recycleBin: false"));
    steps(&mut world, 40);
    assert!(world.tenant.state.users[&sam].is_blocked());
    assert_eq!(world.user_state("sam"), "REMOVED");
}
