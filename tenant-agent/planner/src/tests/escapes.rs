//! Ways past a proof, and proofs that never come.

use entente_model::Guid;
use entente_model::desired::{ItemKey, Want};
use entente_model::report::{AccountState, RemovalProof};
use entente_model::revocation::Cause;

use super::world::{World, members};
use crate::observed::Holding;

fn proof(world: &World, key: &ItemKey) -> Option<RemovalProof> {
    let reports = &world.last.as_ref().unwrap().reports;
    reports.iter().find(|report| report.key == *key).unwrap().proof.clone()
}

/// What is said otherwise of a leaver opens the removal again in the control plane, which then takes no proof that was
/// read before.
#[test]
fn what_was_said_otherwise_after_a_proof_is_proven_anew() {
    for plane in ["users: manage", "memberships: manage"] {
        let mut world = World::joined(&["sam"], "l1");
        world.leave("sam");
        world.settle();
        let keys = [world.user_key("sam"), world.member_key("sam", "l1")];
        let proven = keys.clone().map(|key| proof(&world, &key).unwrap());
        world.wait(600);
        let open = world.guardrail.clone();
        world.guardrail = World::new().guardrail(plane, &plane.replace("manage", "none")).guardrail;
        world.settle();
        let said = keys.clone().map(|key| world.state(&key));
        world.wait(600);
        world.guardrail = open;
        let back = world.now;
        world.settle();
        for ((key, said), proven) in keys.iter().zip(&said).zip(&proven) {
            let now = proof(&world, key).unwrap_or_else(|| panic!("{key}: {}", world.state(key)));
            match said.as_str() {
                "REMOVED" => assert_eq!(now, *proven, "{plane}: {key}"),
                _ => assert!(now.first_empty_read >= back, "{plane}: {key} was {said}, and is proven by {now:?}"),
            }
        }
    }
}

/// The first guest is deleted by the customer, a second one invited, the assignment deleted, and the first one restored
/// with the membership that we gave to it.
#[test]
fn a_membership_is_gone_only_when_no_account_of_the_person_is_in_the_group() {
    for group_is_desired in [true, false] {
        let mut world = World::joined(&["sam"], "l1");
        let first = world.account("sam").unwrap();
        world.tenant.delete_user(first);
        world.settle();
        assert!(world.allow_again("sam"));
        world.settle();
        let second = world.account("sam").unwrap();
        assert_ne!(first, second);
        world.redeem("sam");
        world.settle();
        assert_eq!(members(&world, "l1"), [second].into());
        let (user, member) = (world.user_key("sam"), world.member_key("sam", "l1"));
        world.absent("sam", Cause::AssignmentDeleted);
        let kept = world.items.remove(&user).unwrap();
        world.items.insert(user, entente_model::desired::Item { want: Want::Present, ..kept });
        if !group_is_desired {
            world.items.retain(|key, _| !matches!(key, ItemKey::Group(_)));
        }
        let group = world.group_id("l1");
        world.tenant.restore(first);
        world.tenant.state.members.entry(group).or_default().insert(first);
        world.settle();
        assert_eq!(world.state(&member), "REMOVED");
        assert_eq!(members(&world, "l1"), [].into(), "desired: {group_is_desired}");
    }
}

/// The control plane takes sentences of 4 KiB, and ends the stream of whoever sends a longer one.
#[test]
fn what_is_said_of_a_leaver_with_many_rights_is_no_longer_than_is_taken() {
    let mut world = World::joined(&["sam"], "l1");
    let sam = world.account("sam").unwrap();
    let held = |at: u128| Holding {
        id: Guid::from_u128(0xffff_0000 + at),
        kind: "group".into(),
        name: format!("Großprojekt Nummer {at} mit einem langen Namen"),
    };
    world.tenant.state.holdings.insert(sam, (0..500).map(held).collect());
    world.leave("sam");
    world.settle();
    assert_eq!(world.user_state("sam"), "RESIDUAL NOT_OURS");
    let plan = world.last.clone().unwrap();
    let details = plan.reports.iter().map(|it| &it.detail).chain(plan.findings.iter().map(|it| &it.detail));
    for detail in details {
        assert!(detail.len() <= 4 * 1024, "{} bytes", detail.len());
    }
    let named: usize = plan.named.values().map(|it| it.len()).sum();
    assert_eq!(named, 500, "to the customer all by name");
}

#[test]
fn members_without_an_item_are_found_no_more_often_than_is_taken() {
    let mut world = World::joined(&["sam"], "l1");
    let group = world.group_id("l1");
    world.tenant.state.members.entry(group).or_default().extend((0..3_000).map(|at| Guid::from_u128(0xffff_0000 + at)));
    world.step();
    let findings = world.last.as_ref().unwrap().findings.len();
    assert!(findings < 2_000, "{findings}");
}

#[test]
fn more_accounts_than_are_taken_leave_it_unproven() {
    let mut world = World::joined(&["sam"], "l1");
    for _ in 0..100 {
        let other = world.tenant.add_other("sam@nordwall.example", world.now);
        world.tenant.enable(other, false);
    }
    world.leave("sam");
    for _ in 0..40 {
        world.step();
        world.wait(10);
    }
    let sam = world.user_key("sam");
    let report = world.last.as_ref().unwrap().reports.iter().find(|it| it.key == sam).unwrap().clone();
    assert!(report.accounts.len() <= 64, "{}", report.accounts.len());
    assert!(report.proof.is_none_or(|proof| proof.accounts.len() <= 64));
    assert!(world.user_state("sam").starts_with("UNPROVEN"), "{}", world.user_state("sam"));
}

/// Which of the person's addresses the customer's file does not let the agent look for.
#[test]
fn a_proof_names_every_address_that_was_not_looked_for() {
    let mut world = World::joined(&["sam"], "l1");
    world.leave("sam");
    world.known("sam", &[], &["sam@nordwall.example", "sam@before.example"]);
    world.settle();
    let sam = world.user_key("sam");
    let proof = proof(&world, &sam).unwrap();
    assert!(proof.accounts.iter().all(|it| it.state == AccountState::Blocked));
    let is_named = |text: &&String| text.contains("sam@before.example");
    assert!(proof.unseen.iter().any(|text| is_named(&text)), "{:?}", proof.unseen);
}
