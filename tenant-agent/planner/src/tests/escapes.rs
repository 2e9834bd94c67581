//! Ways past a proof, and proofs that never come.

use entente_model::desired::{ItemKey, Want};
use entente_model::report::RemovalProof;
use entente_model::revocation::Cause;

use super::world::{World, members};

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
            world.items.retain(|key, _| !matches!(key, ItemKey::Group { .. }));
        }
        let group = world.group_id("l1");
        world.tenant.restore(first);
        world.tenant.state.members.entry(group).or_default().insert(first);
        world.settle();
        assert_eq!(world.state(&member), "REMOVED");
        assert_eq!(members(&world, "l1"), [].into(), "desired: {group_is_desired}");
    }
}
