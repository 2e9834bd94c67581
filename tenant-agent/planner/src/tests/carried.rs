//! What hangs on a group of ours by somebody else's doing: a new member would have it.

use entente_model::Guid;

use super::world::{RESPONDER, World, members};
use crate::observed::{AzureAssignment, DefenderAssignment, DefenderRole};

const OWNER: Guid = Guid::from_u128(0x8e3a_f657_a8ff_443c_a75c_2fe8_c4bc_b635);
const SENTINEL: &str = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg-sentinel";
const SUBSCRIPTION: &str = "/subscriptions/11111111-1111-4111-8111-111111111111";

/// Sam is in a group that has a role; the customer's admin gives something to it, and Maya joins.
fn joins_after(given: impl FnOnce(&mut World, Guid)) -> World {
    let mut world = World::joined(&["sam"], "l1");
    let group = world.group_id("l1");
    given(&mut world, group);
    world.member("maya", "l1");
    world.settle();
    world.redeem("maya");
    world.settle();
    world
}

fn azure(world: &mut World, scope: &str, principal: Guid) {
    let name = Guid::from_u128(0xabc);
    world.tenant.state.azure.push(AzureAssignment { scope: scope.into(), name, principal, definition: OWNER });
}

#[test]
fn attacks_p01_nobody_is_added_to_a_group_that_carries_a_right_beyond_the_file_whoever_gave_it() {
    for scope in [SENTINEL, SUBSCRIPTION] {
        let mut world = joins_after(|world, group| {
            world.azure_role("l1", RESPONDER);
            azure(world, scope, group);
        });
        let (sam, group) = (world.account("sam").unwrap(), world.group_id("l1"));
        assert_eq!(world.member_state("maya", "l1"), "REFUSED GUARDRAIL_SCOPE".replace("SCOPE", word(scope)));
        assert_eq!(members(&world, "l1"), [sam].into(), "who is there stays, and nobody comes");
        // The customer's admin takes it away again.
        world.tenant.state.azure.retain(|it| it.principal != group || it.definition != OWNER);
        world.settle();
        assert_eq!(world.member_state("maya", "l1"), "APPLIED", "{scope}");
    }
}

fn word(scope: &str) -> &str {
    if scope == SENTINEL { "ROLE" } else { "SCOPE" }
}

#[test]
fn a_defender_role_that_others_gave_to_our_group_is_given_to_nobody_more() {
    // A role that no list shows may hold anything.
    for is_listed in [true, false] {
        is_given_to_nobody_more(is_listed);
    }
}

fn is_given_to_nobody_more(is_listed: bool) {
    let mut world = joins_after(|world, group| {
        world.defender_role("l1", &["alerts.manage"]);
        let role = DefenderRole {
            id: "theirs".into(),
            display_name: "theirs".into(),
            description: String::new(),
            actions: ["microsoft.xdr/*".into()].into(),
        };
        let assignment = DefenderAssignment {
            id: "of-theirs".into(),
            display_name: "theirs".into(),
            role: role.id.clone(),
            principals: [group].into(),
            app_scopes: ["/".into()].into(),
        };
        world.tenant.state.defender.roles.extend(Some(role).filter(|_| is_listed));
        world.tenant.state.defender.assignments.push(assignment);
    });
    assert_eq!(world.member_state("maya", "l1"), "REFUSED GUARDRAIL_CAPABILITY");
    assert_eq!(members(&world, "l1").len(), 1);
}
