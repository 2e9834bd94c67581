//! What a receipt says was not looked at, and what leaves it unproven instead.

use entente_model::report::Reason;

use super::world::World;

fn steps(world: &mut World, times: usize) {
    for _ in 0..times {
        world.step();
        world.wait(10);
    }
}

/// What the proof that sam is gone says was not looked at.
fn unseen(world: &mut World) -> Vec<String> {
    let (plan, key) = (world.last.clone().unwrap(), world.user_key("sam"));
    plan.reports.iter().find(|it| it.key == key).unwrap().proof.clone().unwrap().unseen
}

#[test]
fn a_recycle_bin_whose_answer_is_not_understood_proves_nothing_and_one_that_is_closed_to_us_is_named() {
    for (reason, state) in [
        (Reason::CloudRefused, "UNPROVEN CLOUD_REFUSED"),
        (Reason::CloudUnavailable, "UNPROVEN CLOUD_UNAVAILABLE"),
        (Reason::UnknownOutcome, "UNPROVEN UNKNOWN_OUTCOME"),
        (Reason::PermissionMissing, "REMOVED"),
    ] {
        let mut world = World::joined(&["sam"], "l1");
        world.tenant.unread.insert("bin", reason);
        world.leave("sam");
        steps(&mut world, 40);
        assert_eq!(world.user_state("sam"), state);
        if reason == Reason::PermissionMissing {
            let unseen = unseen(&mut world);
            assert!(unseen.iter().any(|it| it == "the recycle bin: PERMISSION_MISSING"), "{unseen:?}");
        }
        world.tenant.unread.clear();
        steps(&mut world, 20);
        assert_eq!(world.user_state("sam"), "REMOVED");
    }
}

#[test]
fn every_address_that_is_not_looked_up_is_named() {
    let mut world = World::joined(&["sam"], "l1");
    world.upn("sam", "sam@nordwall.onmicrosoft.example");
    world.leave("sam");
    world.known("sam", &[], &["sam@former.example", "s.berg@nordwall.example"]);
    let key = world.user_key("sam");
    world.ledger.entries.get_mut(&(&key).into()).unwrap().note_address("sam@earlier.example");
    steps(&mut world, 40);
    assert_eq!(world.user_state("sam"), "REMOVED");
    let unseen = unseen(&mut world);
    for address in ["sam@nordwall.onmicrosoft.example", "sam@former.example", "sam@earlier.example"] {
        assert!(unseen.iter().any(|it| it.contains(address)), "{address}: {unseen:?}");
    }
    assert!(!unseen.iter().any(|it| it.contains("@nordwall.example")), "{unseen:?}");
}

#[test]
fn as_many_addresses_as_a_person_reads_are_named_and_the_rest_is_counted() {
    let mut world = World::joined(&["sam"], "l1");
    world.leave("sam");
    let former: Vec<String> = (0..32).map(|n| format!("sam{n:02}@former.example")).collect();
    world.known("sam", &[], &former.iter().map(String::as_str).collect::<Vec<_>>());
    steps(&mut world, 40);
    let named = unseen(&mut world).into_iter().filter(|it| it.contains("former.example"));
    let named: Vec<_> = named.collect();
    assert_eq!(named.len(), 1, "{named:?}");
    assert!(named[0].contains("sam00@former.example") && named[0].contains("and 22 more"), "{named:?}");
}
