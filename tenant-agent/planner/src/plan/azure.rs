//! Azure role assignments: a role definition, at a scope, for a group of ours.
//!
//! Written under a name that follows from the three, so that twice is once; found by the three, whatever the name.

use std::collections::BTreeSet;

use entente_model::desired::{Item, ItemBody, ItemKey, Want};
use entente_model::plan::ChangeClass;
use entente_model::report::{ItemState, Reason};
use entente_model::{Guid, Plane, PlaneMode};

use super::draft::{Draft, Proposal};
use super::groups::{Groups, usable};
use super::person::Exit;
use super::{gate, gone};
use crate::action::Action;
use crate::ledger::{Charge, Ownership, Thing};
use crate::observed::{AzureAssignment, Part};
use crate::verdict::Condition;

/// What is to be assigned.
struct Right<'a> {
    scope: &'a str,
    definition: Guid,
    principal: Guid,
}

impl Right<'_> {
    fn is(&self, assignment: &AzureAssignment) -> bool {
        assignment.principal == self.principal
            && assignment.definition == self.definition
            && assignment.scope.eq_ignore_ascii_case(self.scope)
    }
}

pub(super) fn decide(draft: &mut Draft<'_>, groups: &Groups<'_>) {
    for item in draft.items() {
        let (ItemKey::AzureRole { role, class, .. }, ItemBody::AzureRole { scope, definition, role_name }) =
            (&item.key, &item.body)
        else {
            continue;
        };
        if draft.mode(Plane::AzureRoles) == PlaneMode::None {
            let detail = "the plane azureRoles is none";
            draft.say(&item.key, ItemState::Refused, Some(Reason::GuardrailPlane), detail);
            continue;
        }
        if matches!(item.want, Want::Absent { .. }) {
            remove(draft, &item.key, Exit::named(false), Vec::new());
            continue;
        }
        match usable(draft, groups, &ItemKey::Group { role: role.clone(), class: *class }) {
            Some((principal, _)) => {
                assign(draft, item, &Right { scope, definition: *definition, principal }, role_name);
            }
            None => draft.say(&item.key, ItemState::Waiting, Some(Reason::Dependency), "the group is not there"),
        }
    }
    find_extras(draft, groups);
}

fn assign(draft: &mut Draft<'_>, item: &Item, right: &Right<'_>, role_name: &str) {
    let key = &item.key;
    let assignments = match draft.input.observed.azure(right.scope) {
        Part::Read(assignments) => assignments,
        Part::Unread(why) => return draft.unread(key, &why),
    };
    let mut against = gate::azure(draft, right.scope, right.definition);
    if let Some(found) = assignments.iter().find(|it| right.is(it)) {
        return there(draft, key, right, found, &against);
    }
    let entry = draft.entry_or_new(key);
    if draft.may_lag(entry.written, draft.input.settings.replication_lag) && entry.failure.is_none() {
        return draft.wait(key, Reason::Propagation, "written, and not visible yet");
    }
    against.extend(gate::plane(draft, Plane::AzureRoles));
    if draft.protects_group(right.principal) {
        against.push(Condition::Refused(Reason::GuardrailProtected));
    }
    let going = draft.missing_state(key);
    let proposal = Proposal {
        key: key.clone(),
        class: ChangeClass::Grant,
        charge: Charge::Other,
        action: Action::PutAzureRole {
            scope: right.scope.into(),
            definition: right.definition,
            principal: right.principal,
            description: format!("Entente: {key}").chars().take(256).collect(),
        },
        before: String::new(),
        after: format!("{role_name} at {}", right.scope),
        against,
    };
    draft.propose_and_say(proposal, going, "");
}

fn there(draft: &mut Draft<'_>, key: &ItemKey, right: &Right<'_>, found: &AzureAssignment, against: &[Condition]) {
    let is_ours = draft.entry(key).is_some_and(|entry| entry.thing.is_some());
    if is_ours {
        let Right { scope, definition, principal } = *right;
        draft.applied(key, Thing::AzureRole { scope: scope.into(), definition, principal });
    } else {
        draft.applied_by_others(key, found.name.to_string());
    }
    draft.say_if_refused(key, against);
}

/// Removes what we assigned; what others assigned stays, and is said.
pub(super) fn remove(draft: &mut Draft<'_>, key: &ItemKey, exit: Exit, mut against: Vec<Condition>) {
    let entry = draft.entry_or_new(key);
    let Some(Thing::AzureRole { scope, definition, principal }) = entry.thing else {
        return gone::ended(draft, key, exit);
    };
    let right = Right { scope: &scope, definition, principal };
    let found = match draft.input.observed.azure(&scope) {
        Part::Unread(why) => return draft.unread(key, &why),
        Part::Read(assignments) => assignments.iter().find(|it| right.is(it)),
    };
    let Some(found) = found else { return gone::ended_unless_on_its_way(draft, key, exit) };
    gone::note_not_empty(draft, key);
    if draft.may_lag(entry.written, draft.input.settings.replication_lag) && entry.failure.is_none() {
        return draft.wait(key, Reason::Propagation, "removed, and still visible");
    }
    against.extend(gate::plane(draft, Plane::AzureRoles));
    let proposal = Proposal {
        key: key.clone(),
        class: exit.class,
        charge: exit.charge,
        action: Action::DeleteAzureRole { scope: found.scope.clone(), name: found.name },
        before: format!("role {definition} at {scope}"),
        after: String::new(),
        against,
    };
    draft.propose_and_say(proposal, (ItemState::Pending, None), "");
}

/// Rights that somebody else hung on a group of ours: every member has them. Named, and left.
fn find_extras(draft: &mut Draft<'_>, groups: &Groups<'_>) {
    let owned: BTreeSet<Guid> = groups
        .keys()
        .filter_map(|key| usable(draft, groups, key))
        .filter(|(_, ownership)| *ownership == Some(Ownership::Owned))
        .map(|(id, _)| id)
        .collect();
    let wanted: BTreeSet<(String, Guid)> = draft.items().filter_map(|item| place(&item.body)).collect();
    for (scope, part) in &draft.input.observed.azure {
        for it in part.read().into_iter().flatten().filter(|it| owned.contains(&it.principal)) {
            let in_ledger = draft.input.ledger.entries.values().any(|entry| {
                matches!(&entry.thing, Some(Thing::AzureRole { scope, definition, principal })
                    if Right { scope, definition: *definition, principal: *principal }.is(it))
            });
            if !in_ledger && !wanted.contains(&(scope.clone(), it.definition)) {
                let detail = format!("group {} has role {} at {}, not from us", it.principal, it.definition, it.scope);
                draft.find(Plane::AzureRoles, Reason::DriftExtra, detail);
            }
        }
    }
}

fn place(body: &ItemBody) -> Option<(String, Guid)> {
    match body {
        ItemBody::AzureRole { scope, definition, .. } => Some((scope.to_ascii_lowercase(), *definition)),
        _ => None,
    }
}
