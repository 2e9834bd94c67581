//! Groups and roles: what is given by them, and what of them is taken away.

use entente_model::desired::{DefenderRoleBody, PermissionGrant};

use super::*;
use crate::capability::{Capability, Definition};
use crate::observed::{AzureAssignment, DefenderAssignment, DefenderRole, Holding, Listing};
use crate::tests::world::{READER, SCOPE};
use crate::write::{AzureWrite, DefenderWrite};

const ALLOWED: &str = "gives only allowed capabilities";
const SHOWN: &str = "gives only roles whose definition, as Azure shows it, is allowed";

fn group(world: &World) -> LedgerKey {
    assert!(world.find_group("l1").is_some());
    "group/l1/standard".parse().unwrap()
}

/// The group is not ours, and not even known as anything.
fn not_ours(world: &mut World, plan: &mut Plan) {
    let key = group(world);
    world.ledger.entries.remove(&key);
    plan.updates.retain(|update| !matches!(update, Update::Put(of, _) if *of == key));
}

fn adopted(world: &mut World, plan: &mut Plan) {
    let key = group(world);
    remember(world, plan, &key, |entry| entry.ownership = Ownership::Adopted);
}

/// The group of a role that has an Azure role and a Defender role is made; these follow.
fn assigning() -> (World, Plan) {
    let mut world = World::new();
    world.azure_role("l1", RESPONDER);
    world.defender_role("l1", &["secdata.basics.read"]);
    world.step();
    world.wait(5);
    let plan = world.plan();
    let text = world.text(&plan);
    assert!(text.contains("assign role") && text.contains("create Defender assignment"), "{text}");
    (world, plan)
}

/// The Defender role is made.
fn creating_role() -> (World, Plan) {
    let mut world = World::new();
    world.group("l1");
    world.settle();
    world.defender_role("l1", &["secdata.basics.read"]);
    planned(world)
}

/// All of it is taken away again, assignments first.
fn unassigning() -> (World, Plan) {
    let mut world = World::new();
    world.azure_role("l1", RESPONDER);
    world.defender_role("l1", &["secdata.basics.read"]);
    world.settle();
    world.items.clear();
    world.version.revision += 1;
    planned(world)
}

/// The Defender role is deleted.
fn deleting_role() -> (World, Plan) {
    let (mut world, _) = unassigning();
    for _ in 0..30 {
        let (next, plan) = planned(world);
        if plan.changes.iter().any(|it| matches!(it.action, Action::Defender(DefenderWrite::DeleteRole { .. }))) {
            return (next, plan);
        }
        world = next;
        world.step();
    }
    panic!("is never deleted");
}

fn azure(plan: &mut Plan) -> &mut AzureWrite {
    plan.changes
        .iter_mut()
        .find_map(|change| match &mut change.action {
            Action::Azure(write) => Some(write),
            _ => None,
        })
        .unwrap()
}

#[test]
fn members_are_put_only_into_groups_of_ours_and_taken_only_from_them() {
    check(joining, not_ours, &["adds members only to groups of ours"]);
    check(joining, adopted, &[]);
    let rule = "removes members only from groups of ours";
    check(leaving, not_ours, &[rule]);
    // Ours is the membership that we gave in a group that we use with leave.
    check(leaving, adopted, &[]);
    let member = |change: fn(&mut LedgerEntry)| {
        move |world: &mut World, plan: &mut Plan| {
            adopted(world, plan);
            let key = world.member_key("sam", "l1").into();
            remember(world, plan, &key, change);
        }
    };
    check(leaving, member(|entry| entry.ownership = Ownership::Adopted), &[rule]);
    check(leaving, member(|entry| entry.thing = None), &[rule]);
    let begun = |entry: &mut LedgerEntry| {
        let (at, name) = (Timestamp::from_unix(0), String::new());
        entry.intent = Some(Attempt { at, looked: None, name, absent_before: true });
    };
    check(leaving, member(begun), &[rule]);
}

#[test]
fn nobody_is_put_into_a_group_that_is_in_another_one() {
    let rules = &["adds nobody to a group that is in another one"];
    let within = |kind: &'static str| {
        move |world: &mut World, _: &mut Plan| {
            let (id, group) = (world.tenant.id(), world.group_id("l1"));
            world.tenant.state.holdings.insert(group, vec![Holding { id, kind: kind.into(), name: "x".into() }]);
        }
    };
    check(joining, within("group"), rules);
    check(joining, within("directory role"), rules);
    check(joining, within("administrative unit"), &[]);
    check(joining, |world, _| _ = world.tenant.unread.insert("parents", Reason::CloudUnavailable), rules);
    // Nor is it known then whether the group may hold directory roles.
    let unseen = &[rules[0], "adds nobody to a role-assignable group whose directory roles were not read"];
    check(joining, |world, _| _ = world.tenant.unread.insert("groups", Reason::CloudUnavailable), unseen);
    let unfound = |world: &mut World, _: &mut Plan| {
        let id = world.group_id("l1");
        world.tenant.unfound.insert(id);
    };
    check(joining, unfound, unseen);
}

#[test]
fn rights_are_hung_only_on_groups_of_ours() {
    let rule = "gives rights only to groups of ours";
    check(assigning, not_ours, &[rule; 2]);
    check(assigning, adopted, &[]);
}

/// Somebody else has given the group this role there.
fn given(world: &mut World, scope: &str, definition: Guid) {
    let (principal, name) = (world.group_id("l1"), world.tenant.id());
    world.tenant.state.azure.push(AzureAssignment { scope: scope.into(), name, principal, definition });
}

#[test]
fn an_azure_role_is_one_of_the_files_at_one_of_its_scopes_and_never_at_the_agents_home() {
    let (scopes, home, listed) =
        ("assigns only in the scopes", "never at the agent's home", "assigns only the listed roles");
    let at = |to: &'static str| {
        move |_: &mut World, plan: &mut Plan| {
            if let AzureWrite::Put { scope, .. } = azure(plan) {
                *scope = to.into();
            }
        }
    };
    let upper: &'static str = SCOPE.to_uppercase().leak();
    let below: &'static str = format!("{SCOPE}/providers/x").leak();
    let beside: &'static str = format!("{SCOPE}-2").leak();
    check(assigning, at(upper), &[]);
    check(assigning, at(below), &[]);
    check(assigning, at(beside), &[scopes]);
    check(assigning, at("/subscriptions/11111111-1111-4111-8111-111111111111"), &[scopes]);
    let open = |scope: &'static str, agent: &'static str| {
        move |world: &mut World, plan: &mut Plan| {
            let file = file(world);
            file.azure.scopes = vec!["/subscriptions/".into(), "/providers/Microsoft.Management".into()];
            file.protected.agent_home = Some(agent.into());
            at(scope)(world, plan);
        }
    };
    const HOME: &str = "/subscriptions/9/resourceGroups/RG-entente";
    check(assigning, open("/subscriptions/9/resourceGroups/rg-Entente", HOME), &[home]);
    check(assigning, open("/subscriptions/9", HOME), &[home]);
    check(assigning, open("/subscriptions/9/resourceGroups/rg-entente/providers/x", HOME), &[home]);
    check(assigning, open("/subscriptions/9/resourceGroups/rg-entente-2", HOME), &[]);
    check(assigning, open("/subscriptions/9/resourceGroups/rg", HOME), &[]);
    check(assigning, |world, _| file(world).azure.roles.clear(), &[listed]);
    check(assigning, |world, _| _ = file(world).capabilities.allow.remove(&Capability::Respond), &[ALLOWED, SHOWN]);
}

#[test]
fn an_azure_role_lets_people_do_what_azure_shows_of_it_now() {
    let with = |actions: &'static [&'static str]| {
        move |world: &mut World, _: &mut Plan| {
            let actions = actions.iter().map(ToString::to_string).collect();
            let definition = Definition { role_name: "x".into(), actions, data_actions: BTreeSet::new() };
            world.tenant.state.definitions.insert(RESPONDER, Some(definition));
        }
    };
    check(assigning, with(&["Microsoft.SecurityInsights/*/read"]), &[]);
    check(assigning, with(&["Microsoft.SecurityInsights/*/read", "Microsoft.Compute/virtualMachines/write"]), &[SHOWN]);
    check(assigning, with(&["Microsoft.SecurityInsights/*"]), &[SHOWN]);
    check(assigning, |world, _| _ = world.tenant.state.definitions.insert(RESPONDER, None), &[SHOWN]);
    check(assigning, |world, _| _ = world.tenant.unread.insert("definitions", Reason::Throttled), &[SHOWN]);
}

#[test]
fn who_joins_a_group_gets_what_others_gave_it_in_azure() {
    let listed = "assigns only the listed roles";
    check(joining, |world, _| given(world, SCOPE, READER), &[listed, ALLOWED, SHOWN, listed, ALLOWED, SHOWN]);
    let unread = |world: &mut World, _: &mut Plan| _ = world.tenant.unread.insert("azure", Reason::Throttled);
    let read = "adds nobody to a group whose Azure roles were not read";
    check(joining, unread, &[read]);
    let more = |world: &mut World, _: &mut Plan| file(world).azure.scopes.push("/subscriptions/2".into());
    check(joining, more, &[read]);
    let closed = |world: &mut World, plan: &mut Plan| {
        file(world).planes.azure_roles = PlaneMode::None;
        unread(world, plan);
    };
    check(joining, closed, &[]);
}

#[test]
fn an_azure_assignment_that_is_not_ours_is_not_deleted() {
    let rules = &["deletes only assignments of ours"];
    let named = |_: &mut World, plan: &mut Plan| {
        if let AzureWrite::Delete { name, .. } = azure(plan) {
            *name = Guid::from_u128(9);
        }
    };
    check(unassigning, |_, _| {}, &[]);
    check(unassigning, named, rules);
    let other = |thing: Option<Thing>| {
        move |world: &mut World, plan: &mut Plan| {
            let key = plan.changes.iter().find(|it| matches!(it.action, Action::Azure(_))).unwrap().key.clone();
            remember(world, plan, &key, |entry| entry.thing = thing.clone());
        }
    };
    check(unassigning, other(None), rules);
    let of = |scope: &str, definition, principal| Some(Thing::AzureRole { scope: scope.into(), definition, principal });
    let mine = unassigning().0.group_id("l1");
    check(unassigning, other(of(SCOPE, RESPONDER, mine)), &[]);
    check(unassigning, other(of("/subscriptions/2", RESPONDER, mine)), rules);
    check(unassigning, other(of(SCOPE, READER, mine)), rules);
    check(unassigning, other(of(SCOPE, RESPONDER, Guid::from_u128(5))), rules);
}

/// What the Defender role is to hold.
fn permissions(world: &mut World) -> &mut Vec<PermissionGrant> {
    match &mut world.items.get_mut(&"defenderRole/l1".parse::<ItemKey>().unwrap()).unwrap().body {
        ItemBody::DefenderRole(DefenderRoleBody { permissions, .. }) => permissions,
        _ => unreachable!(),
    }
}

#[test]
fn a_defender_role_holds_what_is_allowed_and_asked_for_now() {
    let beyond = "writes no more into a role than its item asks for";
    check(creating_role, |_, _| {}, &[]);
    let disallow =
        |world: &mut World, _: &mut Plan| _ = file(world).capabilities.allow.remove(&Capability::ReadIncidents);
    check(creating_role, disallow, &[ALLOWED, ALLOWED]);
    let more = |action: &'static str| {
        move |_: &mut World, plan: &mut Plan| match &mut plan.changes[0].action {
            Action::Defender(DefenderWrite::CreateRole { actions, .. }) => _ = actions.insert(action.into()),
            _ => unreachable!(),
        }
    };
    check(creating_role, more("microsoft.xdr/secops/securitydata/alerts/manage"), &[beyond]);
    check(creating_role, more("microsoft.xdr/configuration/system/manage"), &[ALLOWED, beyond]);
    let withheld = |by: i64| {
        move |world: &mut World, _: &mut Plan| {
            let until = Some(seconds(by)(world.now));
            permissions(world)[0].withheld_until = until;
        }
    };
    check(creating_role, withheld(0), &[]);
    check(creating_role, withheld(1), &[beyond]);
    let unread = |world: &mut World, _: &mut Plan| _ = world.tenant.unread.insert("defender", Reason::Throttled);
    check(creating_role, unread, &[ALLOWED, beyond]);
    // Without its item it is to hold nothing.
    let gone = |world: &mut World, plan: &mut Plan| {
        plan.reports.clear();
        world.items.clear();
    };
    check(creating_role, gone, &[ALLOWED, beyond]);
}

#[test]
fn a_defender_assignment_gives_what_its_role_holds() {
    let forbid = |world: &mut World, _: &mut Plan| {
        permissions(world)[0].permission = "response.manage".into();
        _ = file(world).capabilities.allow.remove(&Capability::Respond);
    };
    check(assigning, forbid, &[ALLOWED, SHOWN, ALLOWED]);
    let unknown = |world: &mut World, _: &mut Plan| permissions(world)[0].permission = "moon.walk".into();
    check(assigning, unknown, &[ALLOWED]);
}

#[test]
fn defender_objects_that_are_not_ours_are_neither_changed_nor_deleted() {
    let rules = &["deletes only Defender objects of ours"];
    let bent = |change: fn(&mut LedgerEntry)| {
        move |world: &mut World, plan: &mut Plan| {
            let of = plan.changes.iter().find(|it| matches!(it.action, Action::Defender(_))).unwrap().key.clone();
            remember(world, plan, &of, change);
        }
    };
    for base in [unassigning as Base, deleting_role] {
        check(base, |_, _| {}, &[]);
        check(base, bent(|it| it.ownership = Ownership::Adopted), rules);
        check(base, bent(|it| it.thing = None), rules);
        check(base, bent(|it| it.thing = Some(Thing::DefenderRole { id: "another".into() })), rules);
    }
    let narrowing = || {
        let mut world = World::new();
        world.defender_role("l1", &["secdata.basics.read"]);
        world.settle();
        world.tenant.state.defender.roles[0].actions.insert("microsoft.xdr/configuration/system/manage".into());
        planned(world)
    };
    check(narrowing, bent(|it| it.thing = None), &["changes only Defender roles of ours"]);
    // As a grant it gives what its item asks for.
    let forbidden = |world: &mut World, plan: &mut Plan| {
        plan.changes[0].class = ChangeClass::Grant;
        permissions(world)[0].permission = "response.manage".into();
        file(world).capabilities.allow.remove(&Capability::Respond);
    };
    check(narrowing, forbidden, &[ALLOWED, "writes no more into a role than its item asks for"]);
    // What a wildcard covered is less than the wildcard.
    let covered = |world: &mut World, _: &mut Plan| {
        let role = &mut world.tenant.state.defender.roles[0];
        role.actions = ["microsoft.xdr/secops/*".to_owned()].into();
    };
    check(narrowing, covered, &[]);
}

#[test]
fn who_joins_a_group_gets_what_others_gave_it_in_defender() {
    let role = |actions: &'static [&'static str], of: &'static str, principal: fn(&World) -> Guid| {
        move |world: &mut World, _: &mut Plan| {
            let principal = principal(world);
            let defender = &mut world.tenant.state.defender;
            let actions = actions.iter().map(ToString::to_string).collect();
            let text = || "x".to_owned();
            defender.roles.push(DefenderRole { id: text(), display_name: text(), description: text(), actions });
            defender.assignments.push(DefenderAssignment {
                id: text(),
                display_name: text(),
                role: of.into(),
                principals: [principal].into(),
                app_scopes: BTreeSet::new(),
            });
        }
    };
    let ours = |world: &World| world.group_id("l1");
    check(joining, role(&["microsoft.xdr/secops/securitydata/alerts/manage"], "x", ours), &[]);
    check(joining, role(&["microsoft.xdr/configuration/system/manage"], "x", ours), &[ALLOWED]);
    check(joining, role(&["microsoft.xdr/*/manage"], "x", ours), &[ALLOWED]);
    check(joining, role(&[], "of which nothing is known", ours), &[ALLOWED]);
    check(joining, role(&["microsoft.xdr/*/manage"], "x", |_| Guid::from_u128(5)), &[]);
}

#[test]
fn nobody_joins_a_group_while_defender_is_not_understood_or_not_read() {
    let read = "adds nobody to a group whose Defender roles were not read";
    let understood = "adds nobody to a group while a Defender assignment is not understood";
    let odd = |world: &mut World, _: &mut Plan| _ = world.tenant.odd.insert(Listing::Defender);
    let unread = |reason| move |world: &mut World, _: &mut Plan| _ = world.tenant.unread.insert("defender", reason);
    let close = |world: &mut World| file(world).planes.defender_roles = PlaneMode::None;
    check(joining, odd, &[understood]);
    check(joining, |world, plan| (close(world), odd(world, plan)).0, &[]);
    check(joining, unread(Reason::Throttled), &[read]);
    check(joining, unread(Reason::UnifiedRbacInactive), &[]);
    check(joining, unread(Reason::PermissionMissing), &[]);
    check(joining, |world, plan| (close(world), unread(Reason::Throttled)(world, plan)).0, &[]);
}
