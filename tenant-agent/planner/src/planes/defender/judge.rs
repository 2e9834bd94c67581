//! The second judge of Defender roles and of their assignments.

use std::collections::BTreeSet;

use entente_model::desired::{DefenderAssignmentKey, DefenderRoleBody, DefenderRoleKey, ItemBody, ItemKey};
use entente_model::plan::ChangeClass;
use entente_model::report::Reason;
use entente_model::{Guid, Plane, PlaneMode, catalog};

use super::write::Write;
use crate::change::Change;
use crate::guardrail::Guardrail;
use crate::judge::bench::{Judge, Opinion};
use crate::judge::facts::allows;
use crate::ledger::Thing;
use crate::observed::{Defender, Listing, Part};
use crate::planes::defender::actions::{covers, resolve};

impl Opinion for Write {
    fn role(&self, judge: &mut Judge<'_>, change: &Change, guardrail: &Guardrail) {
        match self {
            Self::CreateRole { actions, .. } => {
                given(judge, change, guardrail);
                written(judge, change, guardrail, actions);
            }
            Self::UpdateRole { id, actions, .. } if change.class == ChangeClass::OtherRemoval => {
                let tenant = judge.input.observed.defender().read().copied();
                let role = tenant.and_then(|tenant| tenant.roles.iter().find(|role| role.id == *id));
                let held = |action: &String| {
                    role.is_some_and(|role| role.actions.iter().any(|it| it == action || covers(it, action)))
                };
                judge.unless(actions.iter().all(held), "what takes away from a role adds nothing to it", change);
            }
            Self::UpdateRole { actions, .. } => {
                given(judge, change, guardrail);
                written(judge, change, guardrail, actions);
            }
            // An assignment gives what its role holds.
            Self::CreateAssignment { .. } => given(judge, change, guardrail),
            Self::DeleteRole { .. } | Self::DeleteAssignment { .. } => {}
        }
    }

    fn write(&self, judge: &mut Judge<'_>, change: &Change) {
        let entry = judge.entry(change);
        let is_it = |id: &String| entry.is_some_and(|it| it.thing.as_ref().map(Thing::object_id).as_ref() == Some(id));
        match self {
            Self::DeleteRole { id } | Self::DeleteAssignment { id } => {
                let is_ours = is_it(id) && entry.is_some_and(|it| it.is_owned());
                judge.unless(is_ours, "deletes only Defender objects of ours", change);
            }
            Self::UpdateRole { id, .. } => judge.unless(is_it(id), "changes only Defender roles of ours", change),
            // That its group is ours is asked of all that is given.
            Self::CreateRole { .. } | Self::CreateAssignment { .. } => {}
        }
    }
}

/// What the role of the change is desired to hold now; without an item nothing is given.
fn desired<'j>(judge: &Judge<'j>, change: &Change) -> Option<Vec<&'j str>> {
    let role = match change.key.item() {
        Some(
            ItemKey::DefenderRole(DefenderRoleKey { role })
            | ItemKey::DefenderAssignment(DefenderAssignmentKey { role, .. }),
        ) => role.clone(),
        Some(
            ItemKey::User(_)
            | ItemKey::Group(_)
            | ItemKey::Member(_)
            | ItemKey::AzureRole(_)
            | ItemKey::EntraRole(_)
            | ItemKey::Other(_),
        )
        | None => return None,
    };
    match &judge.input.items.get(&ItemKey::DefenderRole(DefenderRoleKey { role }))?.body {
        ItemBody::DefenderRole(DefenderRoleBody { permissions, .. }) => {
            let now = judge.input.now.at;
            let given = permissions.iter().filter(|it| it.withheld_until.is_none_or(|until| until <= now));
            Some(given.map(|it| it.permission.as_str()).collect())
        }
        ItemBody::User(_)
        | ItemBody::Group(_)
        | ItemBody::Member(_)
        | ItemBody::AzureRole(_)
        | ItemBody::DefenderAssignment(_)
        | ItemBody::EntraRole(_)
        | ItemBody::Unknown => None,
    }
}

/// What is given must be allowed.
fn given(judge: &mut Judge<'_>, change: &Change, guardrail: &Guardrail) {
    let fits = desired(judge, change).is_some_and(|all| allows(guardrail, all.into_iter()));
    judge.unless(fits, "gives only allowed capabilities", change);
}

/// The actions that are written come of what is allowed, and of what the item asks for now.
fn written(judge: &mut Judge<'_>, change: &Change, guardrail: &Guardrail, actions: &BTreeSet<String>) {
    let tenant = judge.input.observed.defender().read().copied();
    let fits = tenant.is_some_and(|tenant| holds_only(guardrail, tenant, actions));
    judge.unless(fits, "gives only allowed capabilities", change);
    let asked = tenant.zip(desired(judge, change)).is_some_and(|(tenant, all)| {
        let asked: Vec<String> = all.into_iter().filter_map(|id| resolve(id, tenant)).collect();
        actions.iter().all(|action| asked.iter().any(|it| covers(it, action)))
    });
    judge.unless(asked, "writes no more into a role than its item asks for", change);
}

/// Whether every action, also a wildcard or one that the catalogue does not know, comes of an allowed permission.
fn holds_only(guardrail: &Guardrail, tenant: &Defender, actions: &BTreeSet<String>) -> bool {
    let all = catalog::DEFENDER_PERMISSIONS.iter().map(|it| it.id);
    let allowed = all.filter(|id| allows(guardrail, [*id].into_iter()));
    let allowed: Vec<String> = allowed.filter_map(|id| resolve(id, tenant)).collect();
    actions.iter().all(|action| allowed.iter().any(|it| covers(it, action)))
}

/// What somebody who joins the group gets.
pub(crate) fn joins(judge: &mut Judge<'_>, change: &Change, guardrail: &Guardrail, group: Guid) {
    let observed = judge.input.observed;
    let is_closed = guardrail.mode(Plane::DefenderRoles) == PlaneMode::None;
    let understood = is_closed || observed.odd(&Listing::Defender).is_empty();
    judge.unless(understood, "adds nobody to a group while a Defender assignment is not understood", change);
    let Some(tenant) = observed.defender().read().copied() else {
        let is_without = |it: &Part<_>| {
            let Part::Unread(why) = it else { return false };
            why.reason == Reason::UnifiedRbacInactive || why.reason == Reason::PermissionMissing
        };
        let gives_nothing = is_closed || observed.defender.as_ref().is_some_and(is_without);
        return judge.unless(gives_nothing, "adds nobody to a group whose Defender roles were not read", change);
    };
    for found in tenant.assignments.iter().filter(|it| it.principals.contains(&group)) {
        let role = tenant.roles.iter().find(|role| role.id == found.role);
        let fits = role.is_some_and(|role| holds_only(guardrail, tenant, &role.actions));
        judge.unless(fits, "gives only allowed capabilities", change);
    }
}
