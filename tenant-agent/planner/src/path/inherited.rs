//! The rights that hang on a group, by a role's items, by somebody else, or by what the group itself is in: each new member
//! has them.
//!
//! A right that the file does not allow is given to nobody more. `azure.rs` and `defender.rs` say that it is there, and
//! remove what is ours; those who are members stay.

use std::collections::{BTreeMap, BTreeSet};

use entente_model::desired::{
    AzureRoleBody, AzureRoleKey, DefenderAssignmentBody, DefenderAssignmentKey, DefenderRoleBody, DefenderRoleKey,
    ItemBody, ItemKey, PermissionGrant,
};
use entente_model::intent::IdentityClass;
use entente_model::report::Reason;
use entente_model::{Guid, Plane, PlaneMode, RoleName, catalog};

use crate::builder::PlanBuilder;
use crate::defender::{covers, resolve};
use crate::gate;
use crate::ledger::Thing;
use crate::observed::{AzureAssignment, Defender, DefenderAssignment, Group, Listing, Part};
use crate::reads;
use crate::verdict::Condition;

/// What stands against giving what the group carries, and what that is, for people.
pub(crate) fn against(
    builder: &PlanBuilder<'_>,
    role: &RoleName,
    class: IdentityClass,
    group: Guid,
) -> Vec<(String, Condition)> {
    let mut found = Vec::new();
    let ours = azure_rights(builder, role, class);
    for (key, (scope, definition)) in &ours {
        if has_azure_role(builder, group, scope, *definition) {
            found.extend(gate::azure(builder, scope, *definition).into_iter().map(|it| (key.to_string(), it)));
        }
    }
    let of_items = ours.values().map(|(scope, id)| (scope.to_ascii_lowercase(), *id)).collect();
    azure_of_others(builder, group, &of_items, &mut found);
    azure_unread(builder, group, &mut found);
    let key = ItemKey::DefenderAssignment(DefenderAssignmentKey { role: role.clone(), class });
    if let Some(held) = defender_permissions(builder, &key, group) {
        found.extend(gate::defender(builder, &held).into_iter().map(|it| (key.to_string(), it)));
    }
    defender_of_others(builder, group, Some(&key), &mut found);
    nested(builder, group, &mut found);
    found.retain(|(_, condition)| *condition != Condition::Clear);
    found
}

/// The same of the marker group, which is to carry nothing.
pub(crate) fn against_mark(builder: &PlanBuilder<'_>, marker: Guid) -> Vec<Condition> {
    let mut found = Vec::new();
    azure_of_others(builder, marker, &BTreeSet::new(), &mut found);
    azure_unread(builder, marker, &mut found);
    defender_of_others(builder, marker, None, &mut found);
    nested(builder, marker, &mut found);
    found.into_iter().map(|(_, condition)| condition).filter(|it| *it != Condition::Clear).collect()
}

/// Roles that others gave to the group.
fn azure_of_others(
    builder: &PlanBuilder<'_>,
    group: Guid,
    of_items: &BTreeSet<(String, Guid)>,
    found: &mut Vec<(String, Condition)>,
) {
    for it in azure_roles_of(builder, group) {
        if !of_items.contains(&(it.scope.to_ascii_lowercase(), it.definition)) {
            let what = "a role that others gave to the group".to_owned();
            found.extend(gate::azure(builder, &it.scope, it.definition).into_iter().map(|it| (what.clone(), it)));
        }
    }
}

/// Where the group's roles were not looked at, it may have any.
fn azure_unread(builder: &PlanBuilder<'_>, group: Guid, found: &mut Vec<(String, Condition)>) {
    if builder.mode(Plane::AzureRoles) == PlaneMode::None {
        return;
    }
    let of_group = builder.input.observed.group_azure.get(&group);
    let scopes = reads::azure_scopes(builder.input.items, builder.input.ledger, builder.guardrail());
    for scope in scopes {
        let is_read = of_group.and_then(|all| all.get(&scope)).is_some_and(|part| part.read().is_some());
        let listing = Listing::AzureOf(group, scope.clone());
        if !is_read || !builder.input.observed.odd(&listing).is_empty() {
            found.push((format!("what the group holds at {scope}"), Condition::Unread));
        }
    }
}

fn defender_of_others(
    builder: &PlanBuilder<'_>,
    group: Guid,
    mine: Option<&ItemKey>,
    found: &mut Vec<(String, Condition)>,
) {
    let tenant = match builder.input.observed.defender() {
        Part::Read(tenant) => tenant,
        // What is not active gives nothing; and where the customer has not let the agent look, it is a finding. One may look
        // like the other (Graph beta answers 403 to both).
        Part::Unread(why) if matches!(why.reason, Reason::UnifiedRbacInactive | Reason::PermissionMissing) => return,
        Part::Unread(_) if builder.mode(Plane::DefenderRoles) == PlaneMode::None => return,
        Part::Unread(_) => return found.push(("what the group holds in Defender".into(), Condition::Unread)),
    };
    // An assignment that was not understood may name the group.
    if !builder.input.observed.odd(&Listing::Defender).is_empty() {
        found.push(("what the group holds in Defender".into(), Condition::Unread));
    }
    let is_mine = |it: &DefenderAssignment| mine.is_some_and(|key| is_of(builder, key, it));
    let others = tenant.assignments.iter().filter(|it| it.principals.contains(&group) && !is_mine(it));
    for it in others {
        let what = "a Defender role that others gave to the group".to_owned();
        let held = permissions(tenant, it);
        found.extend(gate::defender(builder, &held).into_iter().map(|it| (what.clone(), it)));
    }
}

/// A group that is in another one gives what that one has, of which this agent sees a part at most.
fn nested(builder: &PlanBuilder<'_>, group: Guid, found: &mut Vec<(String, Condition)>) {
    let seen = builder.input.observed.group(group).read().copied().flatten();
    match seen.and_then(|it| it.parents().map(Iterator::count)) {
        Some(0) => {}
        Some(count) => {
            let what = format!("what {} may have that the group is in", of_parents(count));
            found.push((what, Condition::Refused(Reason::GuardrailCapability)));
        }
        None => found.push(("what the group is in".into(), Condition::Unread)),
    }
}

/// Says of which of our groups the members have more than we gave, by a group or role that our group is in. Which that is, is
/// told to the customer alone.
pub(crate) fn find_nested(builder: &mut PlanBuilder<'_>, group: &Group) {
    let parents: Vec<String> =
        group.parents().into_iter().flatten().map(|it| format!("{} {}", it.kind, it.name)).collect();
    if !parents.is_empty() {
        let (name, count) = (&group.display_name, of_parents(parents.len()));
        let detail =
            format!("group {name} is in {count}, not by us: nobody is added to it, as members have what that has");
        builder.find(Plane::Groups, Reason::NotOurs, detail);
        builder.name_here(format!("group {name} is in"), parents);
    }
}

/// Whether what the group holds may be readable soon.
pub(crate) fn is_on_its_way(builder: &PlanBuilder<'_>, group: Guid) -> bool {
    let of_defender = builder.input.observed.defender();
    let azure = builder.input.observed.group_azure.get(&group);
    let parts = azure.into_iter().flat_map(BTreeMap::values).map(|part| part.as_ref().map(drop));
    azure.is_none()
        || parts.chain([of_defender.map(drop)]).any(|part| matches!(part, Part::Unread(why) if why.is_passing()))
}

/// How many, for those to whom they are not named.
fn of_parents(count: usize) -> String {
    if count == 1 { "another group or role".into() } else { format!("{count} other groups or roles") }
}

/// At every scope that was read, and above it; below it where the group was looked up.
fn azure_roles_of<'d>(builder: &'d PlanBuilder<'_>, group: Guid) -> impl Iterator<Item = &'d AzureAssignment> {
    let at_scopes = builder.input.observed.azure.values();
    let of_group = builder.input.observed.group_azure.get(&group).into_iter().flat_map(BTreeMap::values);
    at_scopes.chain(of_group).filter_map(Part::read).flatten().filter(move |it| it.principal == group)
}

/// Scope and role definition of each Azure item of the role, desired or remembered.
fn azure_rights(builder: &PlanBuilder<'_>, of: &RoleName, at: IdentityClass) -> BTreeMap<ItemKey, (String, Guid)> {
    let is_of = |key: &ItemKey| matches!(key, ItemKey::AzureRole(AzureRoleKey { role, class, .. }) if role == of && *class == at);
    let made = builder.input.ledger.items().filter_map(|(key, entry)| match &entry.thing {
        Some(Thing::AzureRole { scope, definition, .. }) => Some((key, (scope.clone(), *definition))),
        _ => None,
    });
    let wanted = builder.items().filter_map(|item| match &item.body {
        ItemBody::AzureRole(AzureRoleBody { scope, definition, .. }) => Some((&item.key, (scope.clone(), *definition))),
        _ => None,
    });
    made.chain(wanted).filter(|(key, _)| is_of(key)).map(|(key, right)| (key.clone(), right)).collect()
}

/// Where it was not read, what we gave is taken to be there.
fn has_azure_role(builder: &PlanBuilder<'_>, group: Guid, scope: &str, definition: Guid) -> bool {
    match builder.input.observed.azure(scope) {
        Part::Read(assignments) => assignments
            .iter()
            .any(|it| it.principal == group && it.definition == definition && it.scope.eq_ignore_ascii_case(scope)),
        Part::Unread(_) => builder.input.ledger.entries.values().any(|entry| {
            matches!(&entry.thing, Some(Thing::AzureRole { scope: of, definition: it, principal })
                if *principal == group && *it == definition && of.eq_ignore_ascii_case(scope))
        }),
    }
}

/// What the Defender role of this assignment holds in the tenant, if the group has it; where that was not read, what
/// the role is to hold.
fn defender_permissions(builder: &PlanBuilder<'_>, key: &ItemKey, group: Guid) -> Option<Vec<PermissionGrant>> {
    let ItemKey::DefenderAssignment(DefenderAssignmentKey { role, .. }) = key else { return None };
    let tenant = match builder.input.observed.defender() {
        Part::Read(tenant) => tenant,
        Part::Unread(_) => {
            builder.entry(key)?.thing.as_ref()?;
            let item = builder.input.items.get(&ItemKey::DefenderRole(DefenderRoleKey { role: role.clone() }))?;
            let ItemBody::DefenderRole(DefenderRoleBody { permissions, .. }) = &item.body else { return None };
            return Some(permissions.clone());
        }
    };
    let assignments = tenant.assignments.iter().filter(|it| it.principals.contains(&group));
    let mut held = assignments.filter(|it| is_of(builder, key, it)).flat_map(|it| permissions(tenant, it)).peekable();
    held.peek()?;
    Some(held.collect())
}

/// By its id, or by the name under which it is desired.
fn is_of(builder: &PlanBuilder<'_>, key: &ItemKey, assignment: &DefenderAssignment) -> bool {
    let remembered = builder.entry(key).and_then(|entry| entry.thing.as_ref());
    let is_wanted = || match builder.input.items.get(key).map(|item| &item.body) {
        Some(ItemBody::DefenderAssignment(DefenderAssignmentBody { display_name, .. })) => {
            *display_name == assignment.display_name
        }
        _ => false,
    };
    matches!(remembered, Some(Thing::DefenderAssignment { id }) if *id == assignment.id) || is_wanted()
}

fn permissions(tenant: &Defender, assignment: &DefenderAssignment) -> Vec<PermissionGrant> {
    // A role that is not in the list, or was not understood, may hold anything: its id stands for a permission that no file
    // allows.
    let role = tenant.roles.iter().find(|role| role.id == assignment.role);
    let held: Vec<String> = match role {
        Some(role) => role.actions.iter().flat_map(|action| standing_for(action, tenant)).collect(),
        None => vec![assignment.role.clone()],
    };
    let held = held.into_iter();
    held.map(|permission| PermissionGrant { permission, withheld_until: None }).collect()
}

/// The permissions of the catalogue that an action is, or that cover it. A wildcard and an unknown action are more
/// than any of them: they stand for themselves, and so are judged as what the file never allows.
fn standing_for(action: &str, tenant: &Defender) -> Vec<String> {
    let known = catalog::DEFENDER_PERMISSIONS.iter();
    let known: Vec<_> = known.filter_map(|it| Some((it.id.to_string(), resolve(it.id, tenant)?))).collect();
    let of = |fits: &dyn Fn(&str) -> bool| -> Vec<String> {
        known.iter().filter(|(_, named)| fits(named)).map(|(id, _)| id.clone()).collect()
    };
    let same = of(&|named| named == action);
    let wider = if same.is_empty() { of(&|named| covers(named, action)) } else { same };
    if wider.is_empty() { vec![action.into()] } else { wider }
}
