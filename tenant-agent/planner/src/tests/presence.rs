//! What is in the tenant, whatever is done about it.

use entente_model::desired::{ItemBody, ItemKey};

use super::world::{RESPONDER, World};

/// Whether each of these is there, by the last look.
fn there(world: &mut World, kind: &str) -> Vec<(String, Option<bool>)> {
    let plan = world.plan();
    let of = plan.reports.iter().filter(|report| report.key.to_string().starts_with(kind));
    of.map(|report| (world.state(&report.key), plan.there.get(&report.key).copied())).collect()
}

/// Maya works as L1, with a role in Azure and one in Defender.
fn given() -> World {
    let mut world = World::joined(&["maya"], "l1");
    world.azure_role("l1", RESPONDER);
    world.defender_role("l1", &["alerts.manage", "response.manage"]);
    world.settle();
    world.wait(300);
    world
}

fn check(world: &mut World, kind: &str, state: &str, is_there: Option<bool>) {
    world.step();
    assert_eq!(there(world, kind), [(state.to_owned(), is_there)], "{kind}");
}

#[test]
fn what_was_given_and_is_held_refused_or_not_understood_is_there() {
    let mut world = given();
    check(&mut world, "member", "APPLIED", Some(true));
    world.drop("maya");
    world.paused = true;
    check(&mut world, "member", "HELD PAUSED", Some(true));

    let mut world = given().guardrail("memberships: manage", "memberships: none");
    check(&mut world, "member", "REFUSED GUARDRAIL_PLANE", Some(true));

    let mut world = given();
    let key: Vec<ItemKey> = world.items.keys().filter(|key| matches!(key, ItemKey::Member(_))).cloned().collect();
    world.items.get_mut(&key[0]).unwrap().body = ItemBody::Unknown;
    check(&mut world, "member", "UNSUPPORTED", Some(true));

    let mut world = given().guardrail("manageAlerts, respond,", "manageAlerts,");
    check(&mut world, "azureRole", "REFUSED GUARDRAIL_CAPABILITY", Some(true));
    check(&mut world, "defenderAssignment", "REFUSED GUARDRAIL_CAPABILITY", Some(true));
}

#[test]
fn what_was_never_given_or_taken_away_is_not_there() {
    let mut world = given();
    world.member("li", "l1");
    world.settle();
    assert_eq!(there(&mut world, "member/l1/standard/nordwall").last().unwrap().0, "WAITING REDEMPTION");
    assert_eq!(there(&mut world, "member/l1/standard/nordwall").last().unwrap().1, Some(false));

    let mut world = World::joined(&["maya"], "l1").guardrail("manageAlerts, respond,", "manageAlerts,");
    world.azure_role("l1", RESPONDER);
    world.defender_role("l1", &["alerts.manage", "response.manage"]);
    check(&mut world, "azureRole", "REFUSED GUARDRAIL_CAPABILITY", Some(false));
    check(&mut world, "defenderAssignment", "WAITING DEPENDENCY", Some(false));

    let (mut world, maya) = (given(), given().account("maya").unwrap());
    let group = world.group_id("l1");
    world.paused = true;
    world.tenant.state.members.get_mut(&group).unwrap().remove(&maya);
    check(&mut world, "member", "HELD PAUSED", Some(false));
}

#[test]
fn of_what_was_not_read_nobody_says_whether_it_is_there() {
    for (part, kind) in [("members", "member"), ("azure", "azureRole"), ("defender", "defenderAssignment")] {
        let mut world = given();
        world.tenant.unread.insert(part, entente_model::report::Reason::CloudUnavailable);
        check(&mut world, kind, "WAITING UNREAD", None);
    }
    let planes = "groups: manage, memberships: manage, azureRoles: manage, defenderRoles: manage";
    let mut world = given().guardrail(planes, "groups: none, memberships: none, azureRoles: none, defenderRoles: none");
    check(&mut world, "member", "REFUSED GUARDRAIL_PLANE", None);
    check(&mut world, "azureRole", "REFUSED GUARDRAIL_PLANE", None);
    check(&mut world, "defenderAssignment", "REFUSED GUARDRAIL_PLANE", None);
}

#[test]
fn a_list_that_is_not_understood_whole_does_not_say_that_somebody_is_not_in_it() {
    let mut world = given();
    let (group, maya) = (world.group_id("l1"), world.account("maya").unwrap());
    world.paused = true;
    world.tenant.state.members.get_mut(&group).unwrap().remove(&maya);
    world.tenant.odd.insert(crate::observed::Listing::Members(group));
    check(&mut world, "member", "HELD PAUSED", None);
}
