//! What hangs on a group of ours by somebody else's doing: a new member would have it.

use entente_model::Guid;
use entente_model::report::Reason;

use super::world::{RESPONDER, World, members};
use crate::observed::{AzureAssignment, DefenderAssignment, DefenderRole, Holding, Listing};

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

#[test]
fn attacks_p01_a_right_below_the_scopes_that_are_compared_is_seen_before_somebody_is_added() {
    let workspace = format!("{SENTINEL}/providers/Microsoft.OperationalInsights/workspaces/logs");
    let mut world = joins_after(|world, group| azure(world, &workspace, group));
    assert_eq!(world.member_state("maya", "l1"), "REFUSED GUARDRAIL_ROLE");
    assert_eq!(members(&world, "l1").len(), 1);
}

#[test]
fn attacks_p01_nobody_is_added_where_it_was_not_read_what_the_group_holds() {
    let mut world = World::joined(&["sam"], "l1");
    world.azure_role("l1", RESPONDER);
    world.settle();
    world.member("maya", "l1");
    world.settle();
    world.redeem("maya");
    world.tenant.unread.insert("azure", Reason::CloudUnavailable);
    for _ in 0..5 {
        world.step();
    }
    assert_eq!(world.member_state("maya", "l1"), "HELD UNREAD");
    world.tenant.unread.clear();
    world.settle();
    assert_eq!(world.member_state("maya", "l1"), "APPLIED");
}

#[test]
fn attacks_p01_an_assignment_that_is_not_understood_may_be_of_our_group() {
    let mut world = joins_after(|world, _| _ = world.tenant.odd.insert(Listing::Defender));
    assert_eq!(world.member_state("maya", "l1"), "HELD UNREAD");
    world.tenant.odd.clear();
    world.settle();
    assert_eq!(world.member_state("maya", "l1"), "APPLIED");
}

#[test]
fn where_defender_is_closed_to_the_agent_the_rest_is_given_and_where_it_does_not_answer_nothing_is() {
    for (reason, state) in [
        (Reason::PermissionMissing, "APPLIED"),
        (Reason::UnifiedRbacInactive, "APPLIED"),
        (Reason::CloudRefused, "HELD UNREAD"),
    ] {
        let mut world = joins_after(|world, _| _ = world.tenant.unread.insert("defender", reason));
        assert_eq!(world.member_state("maya", "l1"), state, "{reason:?}");
    }
}

#[test]
fn a_member_who_fell_out_is_added_again_after_a_look_at_what_the_group_holds() {
    let mut world = World::joined(&["sam"], "l1");
    let (sam, group) = (world.account("sam").unwrap(), world.group_id("l1"));
    azure(&mut world, SENTINEL, group);
    world.tenant.state.members.get_mut(&group).unwrap().remove(&sam);
    world.settle();
    assert_eq!(world.member_state("sam", "l1"), "REFUSED GUARDRAIL_ROLE");
    world.tenant.state.azure.clear();
    world.settle();
    assert_eq!(world.member_state("sam", "l1"), "APPLIED");
}

/// The customer's admin puts our group into one of their own.
fn nest(world: &mut World, group: Guid) -> Guid {
    let parent = world.tenant.add_group("falcon", "", world.now);
    world.tenant.state.members.entry(parent).or_default().insert(group);
    parent
}

#[test]
fn attacks_p02_nobody_is_added_to_a_group_that_is_in_another_one_and_it_is_said() {
    let mut parent = None;
    let mut world = joins_after(|world, group| parent = Some(nest(world, group)));
    assert_eq!(world.member_state("maya", "l1"), "REFUSED GUARDRAIL_CAPABILITY");
    assert_eq!(members(&world, "l1").len(), 1, "who is there stays, and nobody comes");
    let plan = world.last.as_ref().unwrap();
    let told: Vec<&str> = plan.findings.iter().map(|it| it.detail.as_str()).collect();
    assert!(told.iter().any(|it| it.contains("group ent-l1 is in another group or role")), "{told:?}");
    assert!(!format!("{:?}{:?}", plan.findings, plan.reports).contains("falcon"), "only the customer is told which");
    assert_eq!(plan.named["group ent-l1 is in"], ["group falcon".to_owned()].into());
    world.tenant.state.members.remove(&parent.unwrap());
    world.settle();
    assert_eq!(world.member_state("maya", "l1"), "APPLIED");
}

#[test]
fn attacks_p02_an_administrative_unit_gives_nothing_to_who_is_in_it() {
    let mut world = joins_after(|world, group| {
        let id = world.tenant.id();
        let unit = Holding { id, kind: "administrative unit".into(), name: "Partners".into() };
        world.tenant.state.holdings.insert(group, vec![unit]);
    });
    assert_eq!(world.member_state("maya", "l1"), "APPLIED");
}

#[test]
fn attacks_p02_where_it_is_not_told_what_the_group_is_in_nobody_is_added() {
    let mut world = joins_after(|world, _| _ = world.tenant.unread.insert("parents", Reason::CloudRefused));
    assert_eq!(world.member_state("maya", "l1"), "HELD UNREAD");
    world.tenant.unread.clear();
    world.settle();
    assert_eq!(world.member_state("maya", "l1"), "APPLIED");
}

#[test]
fn attacks_p02_nobody_is_marked_by_a_group_that_gives_something() {
    for (is_nested, has_role) in [(true, true), (false, true), (false, false)] {
        let mut world = World::joined(&["sam"], "l1");
        let groups = &world.tenant.state.groups;
        let anchor = groups.values().find(|it| it.display_name == "ent-anchor").unwrap().id;
        match is_nested {
            true => _ = nest(&mut world, anchor),
            false => azure(&mut world, SENTINEL, anchor),
        }
        // What the group has is read at each scope of the file, also where no role of ours is.
        if has_role {
            world.azure_role("l1", RESPONDER);
        }
        world.member("maya", "l1");
        world.settle();
        world.redeem("maya");
        world.settle();
        assert_eq!(world.tenant.state.members[&anchor].len(), 1, "nested: {is_nested}, a role of ours: {has_role}");
        assert_eq!(world.member_state("maya", "l1"), "APPLIED");
    }
}
