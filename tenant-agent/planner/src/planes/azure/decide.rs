//! Azure role assignments: a role definition, at a scope, for a group of ours.
//!
//! Written under a name that follows from the three, so that twice is once; found by the three, and ours only under that
//! name: what is there under another one was made by others.

use std::collections::BTreeSet;

use entente_model::desired::{AzureRoleBody, Item, ItemBody, ItemKey};
use entente_model::plan::ChangeClass;
use entente_model::report::{ItemState, Reason};
use entente_model::{Guid, Plane, PlaneMode};

use crate::assignment_name;
use crate::builder::{PlanBuilder, Proposal};
use crate::gate;
use crate::ledger::{Charge, Claim, Ownership, Thing};
use crate::observed::{AzureAssignment, Part};
use crate::path::groups::{Groups, say_no_group, usable};
use crate::path::offboarding;
use crate::path::person::{Exit, ExitKind};
use crate::path::proof;
use crate::planes::azure::defined;
use crate::planes::azure::reads::wanted_right;
use crate::verdict::Condition;
use crate::write::{Action, AzureWrite};

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

    fn name(&self) -> Guid {
        assignment_name(self.scope, self.principal, self.definition)
    }
}

pub(crate) fn decide(builder: &mut PlanBuilder<'_>, groups: &Groups<'_>) {
    for item in builder.items() {
        let (ItemKey::AzureRole(key), ItemBody::AzureRole(AzureRoleBody { scope, definition, role_name })) =
            (&item.key, &item.body)
        else {
            continue;
        };
        if builder.mode(Plane::AzureRoles) == PlaneMode::None {
            let detail = "the plane azureRoles is none";
            builder.say(&item.key, ItemState::Refused, Some(Reason::GuardrailPlane), detail);
            continue;
        }
        if let Some(exit) = Exit::of_right(item, builder.now()) {
            remove(builder, &item.key, exit, Vec::new());
            continue;
        }
        let group = key.group().into();
        match usable(builder, groups, &group) {
            Some((principal, _)) => {
                assign(builder, item, &Right { scope, definition: *definition, principal }, role_name);
            }
            None => say_no_group(builder, groups, &group, &item.key),
        }
    }
    find_extras(builder, groups);
    defined::note(builder);
}

fn assign(builder: &mut PlanBuilder<'_>, item: &Item, right: &Right<'_>, role_name: &str) {
    let key = &item.key;
    let assignments = match builder.input.observed.azure(right.scope) {
        Part::Read(assignments) => assignments,
        Part::Unread(why) => return builder.unread(key, &why),
    };
    if remove_of_old_group(builder, key, right) {
        return;
    }
    let mut against = super::gate::against(builder, right.scope, right.definition);
    if let Some(found) = assignments.iter().find(|it| right.is(it)) {
        return there(builder, key, right, found, &against);
    }
    let entry = builder.entry_or_new(key);
    if builder.may_lag(entry.written, builder.input.settings.replication_lag) && entry.failure.is_none() {
        return builder.wait(key, Reason::Propagation, "written, and not visible yet");
    }
    against.extend(gate::plane(builder, Plane::AzureRoles));
    if builder.protects_group(right.principal) {
        against.push(Condition::Refused(Reason::GuardrailProtected));
    }
    let going = builder.missing_state(key);
    let because = super::gate::because(builder, right.scope, right.definition);
    let proposal = Proposal {
        key: key.into(),
        class: ChangeClass::Grant,
        charge: Charge::Other,
        action: Action::Azure(AzureWrite::Put {
            name: right.name(),
            scope: right.scope.into(),
            definition: right.definition,
            principal: right.principal,
            description: format!("Entente: {key}").chars().take(256).collect(),
        }),
        before: String::new(),
        after: format!("{role_name} at {}", right.scope),
        against,
    };
    builder.propose_and_say(proposal, going, &because);
}

fn there(
    builder: &mut PlanBuilder<'_>,
    key: &ItemKey,
    right: &Right<'_>,
    found: &AzureAssignment,
    against: &[Condition],
) {
    let is_begun = builder.entry(key).is_some_and(|entry| entry.thing.is_some());
    if is_begun && found.name == right.name() {
        let Right { scope, definition, principal } = *right;
        builder.applied(key, Thing::AzureRole { scope: scope.into(), definition, principal });
    } else {
        if is_begun {
            // Somebody else's of the same content took its place, or came first.
            builder.touch(key, |entry| entry.thing = None);
        }
        builder.applied_by_others(key, found.name.to_string());
    }
    let because = super::gate::because(builder, right.scope, right.definition);
    builder.say_if_refused(key, against, &because);
}

/// What hung on a group of ours that is gone goes before it is given to the new one: the old group may be restored.
fn remove_of_old_group(builder: &mut PlanBuilder<'_>, key: &ItemKey, right: &Right<'_>) -> bool {
    let Some(Thing::AzureRole { scope, definition, principal }) = builder.entry_or_new(key).thing else { return false };
    let old = Right { scope: &scope, definition, principal };
    if principal == right.principal || !is_made_by_us(builder, principal) {
        return false;
    }
    let assignments = builder.input.observed.azure(&scope).read().copied();
    let Some(found) = assignments.into_iter().flatten().find(|it| old.is(it) && it.name == old.name()) else {
        return false;
    };
    let proposal = Proposal {
        key: key.into(),
        class: ChangeClass::OtherRemoval,
        charge: Charge::Other,
        action: Action::Azure(AzureWrite::Delete { scope: found.scope.clone(), name: found.name }),
        before: format!("role {definition} at {scope}, for a group of ours that is gone"),
        after: String::new(),
        against: gate::plane(builder, Plane::AzureRoles),
    };
    builder.propose_and_say(proposal, (ItemState::Pending, None), "our group was deleted; what hung on it goes first")
}

fn is_made_by_us(builder: &PlanBuilder<'_>, group: Guid) -> bool {
    builder.input.ledger.entries.values().any(|entry| entry.accounts.get(&group) == Some(&Claim::Ours))
}

/// Removes what we assigned; what others assigned stays, and is said.
pub(crate) fn remove(builder: &mut PlanBuilder<'_>, key: &ItemKey, exit: Exit, mut against: Vec<Condition>) {
    let entry = builder.entry_or_new(key);
    let Some(Thing::AzureRole { scope, definition, principal }) = entry.thing else {
        return offboarding::ended(builder, key, exit);
    };
    let right = Right { scope: &scope, definition, principal };
    let found = match builder.input.observed.azure(&scope) {
        Part::Unread(why) => return builder.unread(key, &why),
        Part::Read(assignments) => assignments.iter().find(|it| right.is(it)),
    };
    let Some(found) = found else { return offboarding::ended_unless_on_its_way(builder, key, exit) };
    if found.name != right.name() {
        let detail = format!("the assignment {} of the same content was made by others", found.name);
        builder.find(Plane::AzureRoles, Reason::NotOurs, format!("{key}: {detail}"));
        return if exit.kind == ExitKind::Implied {
            builder.forget(key);
        } else {
            builder.say(key, ItemState::Residual, Some(Reason::NotOurs), detail);
        };
    }
    proof::note_not_empty(builder, key);
    if builder.may_lag(entry.written, builder.input.settings.replication_lag) && entry.failure.is_none() {
        return builder.wait(key, Reason::Propagation, "removed, and still visible");
    }
    against.extend(gate::plane(builder, Plane::AzureRoles));
    let proposal = Proposal {
        key: key.into(),
        class: exit.class,
        charge: exit.charge,
        action: Action::Azure(AzureWrite::Delete { scope: found.scope.clone(), name: found.name }),
        before: format!("role {definition} at {scope}"),
        after: String::new(),
        against,
    };
    builder.propose_and_say(proposal, (ItemState::Pending, None), "");
}

/// Rights that somebody else hung on a group of ours: every member has them. Named, and left.
fn find_extras(builder: &mut PlanBuilder<'_>, groups: &Groups<'_>) {
    let owned: BTreeSet<Guid> = groups
        .keys()
        .filter_map(|key| usable(builder, groups, key))
        .filter(|(_, ownership)| *ownership == Some(Ownership::Owned))
        .map(|(id, _)| id)
        .collect();
    let is_open = |item: &&Item| Exit::of_right(item, builder.now()).is_none();
    let wanted: BTreeSet<(String, Guid)> = builder
        .items()
        .filter(is_open)
        .filter_map(wanted_right)
        .map(|(scope, id)| (scope.to_ascii_lowercase(), id))
        .collect();
    for (scope, part) in &builder.input.observed.azure {
        for it in part.read().into_iter().flatten().filter(|it| owned.contains(&it.principal)) {
            let in_ledger = builder.input.ledger.entries.values().any(|entry| {
                matches!(&entry.thing, Some(Thing::AzureRole { scope, definition, principal })
                    if Right { scope, definition: *definition, principal: *principal }.is(it))
            });
            if !in_ledger && !wanted.contains(&(scope.clone(), it.definition)) {
                let of = format!("group {} has", it.principal);
                builder.find(Plane::AzureRoles, Reason::DriftExtra, format!("{of} a role that we did not give"));
                builder.name_here(of, [format!("role {} at {}", it.definition, it.scope)]);
            }
        }
    }
}
