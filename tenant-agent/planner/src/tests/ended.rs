//! After `revoke-all`: nothing is given, whom the provider names for removal is proven gone, and `resume` brings the rest back.

use expect_test::expect;

use super::world::{RESPONDER, World, members};

/// Sam and Maya had two rights, and the customer takes it all back: with looks of the other plan in between, as the agent's.
fn ended() -> World {
    let mut world = World::joined(&["sam", "maya"], "l1");
    world.azure_role("l1", RESPONDER);
    world.defender_role("l1", &["secdata.basics.read"]);
    world.settle();
    world.ended = true;
    for _ in 0..40 {
        world.revoke_all();
        world.step();
        world.wait(5);
    }
    world
}

#[test]
fn nothing_is_given_after_revoke_all_and_each_item_says_why() {
    let mut world = ended();
    expect![[r#"
        HELD GRANT REVOKE_ALL: lift our block on user sam
        HELD GRANT REVOKE_ALL: lift our block on user maya
        HELD GRANT REVOKE_ALL: assign role Microsoft Sentinel Responder at rg-sentinel to group ent-l1
        HELD GRANT REVOKE_ALL: create Defender role ent-l1
        = user/nordwall/sam HELD REVOKE_ALL
        = user/nordwall/maya HELD REVOKE_ALL
        = group/l1/standard APPLIED
        = member/l1/standard/nordwall/sam WAITING DEPENDENCY
        = member/l1/standard/nordwall/maya WAITING DEPENDENCY
        = azureRole/l1/standard/rg-sentinel/Microsoft Sentinel Responder HELD REVOKE_ALL
        = defenderRole/l1 HELD REVOKE_ALL
        = defenderAssignment/l1/standard WAITING DEPENDENCY
    "#]]
    .assert_eq(&world.settle());
    assert!(world.tenant.state.users.values().all(|user| user.is_blocked()));
    assert!(world.tenant.state.azure.is_empty() && members(&world, "l1").is_empty());
    assert!(world.tenant.state.defender.roles.is_empty() && world.tenant.state.defender.assignments.is_empty());
}

#[test]
fn a_leaver_is_proven_gone_after_revoke_all_and_stays_gone_when_the_customer_resumes() {
    let mut world = ended();
    world.leave("sam");
    world.settle();
    assert_eq!((world.user_state("sam"), world.member_state("sam", "l1")), ("REMOVED".into(), "REMOVED".into()));
    let (key, reports) = (world.user_key("sam"), &world.last.as_ref().unwrap().reports);
    assert!(reports.iter().any(|it| it.key == key && it.proof.is_some()), "{reports:?}");
    assert_eq!(world.user_state("maya"), "HELD REVOKE_ALL");
    world.ended = false;
    world.settle();
    assert!(world.is_member("maya", "l1") && !world.is_member("sam", "l1"));
    assert_eq!(world.user_state("sam"), "REMOVED");
}
