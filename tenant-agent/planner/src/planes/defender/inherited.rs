//! The Defender roles that hang on a group, by a role's items or by somebody else: each new member has them.

use entente_model::desired::{
    DefenderAssignmentBody, DefenderAssignmentKey, DefenderRoleBody, DefenderRoleKey, GroupKey, GroupKind, ItemBody,
    ItemKey, PermissionGrant,
};
use entente_model::report::Reason;
use entente_model::{Guid, Plane, PlaneMode, catalog};

use super::actions::{covers, resolve};
use super::gate;
use crate::builder::PlanBuilder;
use crate::ledger::Thing;
use crate::observed::{Defender, DefenderAssignment, Listing, Part};
use crate::path::inherited::Carrier;
use crate::verdict::Condition;

pub(crate) fn against(builder: &PlanBuilder<'_>, group: &Carrier, found: &mut Vec<(String, Condition)>) {
    let of_group = |key: &GroupKey| DefenderAssignmentKey { role: key.role.clone(), class: key.class };
    let plain = group.key.as_ref().filter(|key| key.kind == GroupKind::Plain);
    let key = plain.map(|key| ItemKey::from(of_group(key)));
    if let Some(key) = &key
        && let Some(held) = defender_permissions(builder, key, group.id)
    {
        found.extend(gate::against(builder, &held).into_iter().map(|it| (key.to_string(), it)));
    }
    defender_of_others(builder, group.id, key.as_ref(), found);
}

/// Whether what the group holds may be readable soon.
pub(crate) fn is_on_its_way(builder: &PlanBuilder<'_>) -> bool {
    matches!(builder.input.observed.defender(), Part::Unread(why) if why.is_passing())
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
        found.extend(gate::against(builder, &held).into_iter().map(|it| (what.clone(), it)));
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
