//! Defender unified RBAC: custom roles, and their assignments to groups of ours.
//!
//! Its lists lag by minutes and names are not unique (measured, Graph beta): what was begun is looked up for longer
//! than elsewhere before it is begun again. Sets of actions are compared in canonical form, see `actions.rs`.

use std::collections::BTreeSet;
use std::time::Duration;

use entente_model::desired::{
    DefenderAssignmentBody, DefenderAssignmentKey, DefenderRoleBody, DefenderRoleKey, Item, ItemBody, ItemKey,
    PermissionGrant,
};
use entente_model::plan::ChangeClass;
use entente_model::report::{ItemState, Reason};
use entente_model::{Guid, Plane, PlaneMode};

use crate::builder::{PlanBuilder, Proposal};
use crate::gate;
use crate::ledger::{Charge, Claim, LedgerEntry, Ownership, Thing};
use crate::observed::{Defender, DefenderAssignment, DefenderRole, Part};
use crate::path::adopt;
use crate::path::groups::{Groups, say_no_group, usable};
use crate::path::lookup::{Found, Sought, look};
use crate::path::offboarding;
use crate::path::person::{Exit, ExitKind};
use crate::path::proof;
use crate::path::unsupported;
use crate::planes::defender::actions::{app_scopes, is_same, resolve_all};
use crate::verdict::Condition;
use crate::write::{Action, DefenderWrite};

pub(crate) fn decide(builder: &mut PlanBuilder<'_>, groups: &Groups<'_>) {
    let is_of_plane = |item: &&Item| item.key.plane() == Some(Plane::DefenderRoles) && !unsupported::is(item);
    for item in builder.items().filter(is_of_plane) {
        if builder.mode(Plane::DefenderRoles) == PlaneMode::None {
            let detail = "the plane defenderRoles is none";
            builder.say(&item.key, ItemState::Refused, Some(Reason::GuardrailPlane), detail);
            continue;
        }
        if let Some(exit) = Exit::of_right(item, builder.now()) {
            remove(builder, &item.key, exit, Vec::new());
            continue;
        }
        match builder.input.observed.defender() {
            Part::Unread(why) => builder.unread(&item.key, &why),
            Part::Read(tenant) => present(builder, item, tenant, groups),
        }
    }
}

fn present(builder: &mut PlanBuilder<'_>, item: &Item, tenant: &Defender, groups: &Groups<'_>) {
    match &item.body {
        ItemBody::DefenderRole(DefenderRoleBody { display_name, description, permissions }) => {
            role(builder, &item.key, tenant, &Wanted { display_name, description, permissions });
        }
        ItemBody::DefenderAssignment(DefenderAssignmentBody { display_name, data_sources }) => {
            let scopes = app_scopes(data_sources);
            assignment(builder, &item.key, tenant, groups, display_name, scopes);
        }
        // Bodies of other planes, and what is not understood (`unsupported.rs`).
        ItemBody::User(_)
        | ItemBody::Group(_)
        | ItemBody::Member(_)
        | ItemBody::AzureRole(_)
        | ItemBody::EntraRole(_)
        | ItemBody::Unknown => {}
    }
}

struct Wanted<'a> {
    display_name: &'a str,
    description: &'a str,
    permissions: &'a [PermissionGrant],
}

fn seek_role<'a>(
    builder: &mut PlanBuilder<'_>,
    key: &ItemKey,
    tenant: &'a Defender,
    name: &str,
) -> Found<'a, DefenderRole> {
    let mut entry = builder.entry_or_new(key);
    let id = match &entry.thing {
        Some(Thing::DefenderRole { id }) => id.clone(),
        _ => String::new(),
    };
    let sought = Sought {
        by_id: Part::Read(tenant.roles.iter().find(|role| role.id == id)),
        by_name: Part::Read(tenant.roles.iter().filter(|role| role.display_name == name).collect()),
        is_from: |_, _| Some(true),
        may_predate: false,
        thing: |role: &DefenderRole| Some(Thing::DefenderRole { id: role.id.clone() }),
        lag: builder.input.settings.defender_lag,
        removal_lag: builder.input.settings.replication_lag,
        unseen_for: Duration::ZERO,
        now: builder.input.now,
        begun: builder.input.observed.begun,
    };
    let found = look(&mut entry, sought);
    if builder.entry(key).is_some_and(|old| *old != entry) {
        builder.put(key, entry);
    }
    found
}

fn role(builder: &mut PlanBuilder<'_>, key: &ItemKey, tenant: &Defender, wanted: &Wanted<'_>) {
    wake_for_exemptions(builder, wanted.permissions);
    let actions = match resolve_all(wanted.permissions, tenant, builder.now()) {
        Ok(actions) => actions,
        Err(missing) => {
            let detail = format!("the tenant knows no permission {}", missing.join(", "));
            return builder.say(key, ItemState::Refused, Some(Reason::PermissionNotInTenant), detail);
        }
    };
    let verified = builder.mode(Plane::DefenderRoles) == PlaneMode::Verify;
    match seek_role(builder, key, tenant, wanted.display_name) {
        Found::Unread(why) => builder.unread(key, &why),
        Found::Waiting(reason) => await_it(builder, key, reason),
        Found::Many(roles) => {
            let detail = format!("{} Defender roles are called {}", roles.len(), wanted.display_name);
            builder.say(key, ItemState::Refused, Some(Reason::Ambiguous), detail);
        }
        Found::Nothing => write_role(builder, key, wanted, None, actions),
        Found::There(role, None) if verified && is_same(&role.actions, &actions) => {
            builder.applied_by_others(key, role.id.clone());
        }
        Found::There(role, None) if verified => write_role(builder, key, wanted, Some(role), actions),
        Found::There(role, None) => {
            let against = unmarked(&role.description, wanted.description);
            let thing = Thing::DefenderRole { id: role.id.clone() };
            if adopt::adopt(builder, key, thing, Charge::Free, against, &role.display_name) {
                compare(builder, key, wanted, role, actions);
            }
        }
        Found::There(role, Some(_)) => compare(builder, key, wanted, role, actions),
    }
}

fn unmarked(description: &str, mark: &str) -> Vec<Condition> {
    if description == mark { Vec::new() } else { vec![Condition::Refused(Reason::NotOurs)] }
}

fn wake_for_exemptions(builder: &mut PlanBuilder<'_>, permissions: &[PermissionGrant]) {
    for until in permissions.iter().filter_map(|grant| grant.withheld_until) {
        if until > builder.now() {
            builder.wake_at(until);
        }
    }
}

fn await_it(builder: &mut PlanBuilder<'_>, key: &ItemKey, reason: Reason) {
    match builder.missing_state(key) {
        (ItemState::Drifted, drift) => {
            builder.say(key, ItemState::Drifted, drift, "it is gone; looked up before it is made anew")
        }
        _ => builder.wait(key, reason, "Defender's lists lag by minutes"),
    }
}

fn compare(
    builder: &mut PlanBuilder<'_>,
    key: &ItemKey,
    wanted: &Wanted<'_>,
    role: &DefenderRole,
    actions: BTreeSet<String>,
) {
    if is_same(&role.actions, &actions) {
        builder.applied(key, Thing::DefenderRole { id: role.id.clone() });
        let because = super::gate::because(builder, wanted.permissions);
        return builder.say_if_refused(key, &super::gate::against(builder, wanted.permissions), &because);
    }
    let entry = builder.entry_or_new(key);
    if builder.may_lag(entry.written, builder.input.settings.replication_lag) && entry.failure.is_none() {
        return builder.wait(key, Reason::Propagation, "written, and not visible yet");
    }
    write_role(builder, key, wanted, Some(role), actions);
}

fn write_role(
    builder: &mut PlanBuilder<'_>,
    key: &ItemKey,
    wanted: &Wanted<'_>,
    now: Option<&DefenderRole>,
    actions: BTreeSet<String>,
) {
    let both = |role: &DefenderRole| role.actions.union(&actions).cloned().collect();
    // Only taking away is the safe direction: it needs no leave to give.
    let narrows = now.is_some_and(|role| is_same(&role.actions, &both(role)));
    let (class, mut against) = match narrows {
        true => (ChangeClass::OtherRemoval, Vec::new()),
        false => (ChangeClass::Grant, super::gate::against(builder, wanted.permissions)),
    };
    against.extend(gate::plane(builder, Plane::DefenderRoles));
    against.extend(gate::prefix(builder, wanted.display_name));
    let (display_name, description) = (wanted.display_name.to_string(), wanted.description.to_string());
    let list = |actions: &BTreeSet<String>| actions.iter().cloned().collect::<Vec<_>>().join(" ");
    let (before, after) = (now.map(|role| list(&role.actions)).unwrap_or_default(), list(&actions));
    let because = if narrows { String::new() } else { super::gate::because(builder, wanted.permissions) };
    let going = match now {
        Some(_) if builder.entry(key).is_some_and(|entry| entry.applied.is_some()) => {
            (ItemState::Drifted, Some(Reason::DriftChanged))
        }
        _ => builder.missing_state(key),
    };
    let action = match now {
        Some(role) => {
            Action::Defender(DefenderWrite::UpdateRole { id: role.id.clone(), display_name, description, actions })
        }
        None => Action::Defender(DefenderWrite::CreateRole { display_name, description, actions }),
    };
    let proposal = Proposal { key: key.into(), class, charge: Charge::Other, action, before, after, against };
    builder.propose_and_say(proposal, going, &because);
}

fn seek_assignment<'a>(
    builder: &mut PlanBuilder<'_>,
    key: &ItemKey,
    tenant: &'a Defender,
    name: &str,
) -> Found<'a, DefenderAssignment> {
    let mut entry = builder.entry_or_new(key);
    let id = match &entry.thing {
        Some(Thing::DefenderAssignment { id }) => id.clone(),
        _ => String::new(),
    };
    let sought = Sought {
        by_id: Part::Read(tenant.assignments.iter().find(|it| it.id == id)),
        by_name: Part::Read(tenant.assignments.iter().filter(|it| it.display_name == name).collect()),
        is_from: |_, _| Some(true),
        may_predate: false,
        thing: |it: &DefenderAssignment| Some(Thing::DefenderAssignment { id: it.id.clone() }),
        lag: builder.input.settings.defender_lag,
        removal_lag: builder.input.settings.replication_lag,
        unseen_for: Duration::ZERO,
        now: builder.input.now,
        begun: builder.input.observed.begun,
    };
    let found = look(&mut entry, sought);
    if builder.entry(key).is_some_and(|old| *old != entry) {
        builder.put(key, entry);
    }
    found
}

fn assignment(
    builder: &mut PlanBuilder<'_>,
    key: &ItemKey,
    tenant: &Defender,
    groups: &Groups<'_>,
    name: &str,
    scopes: BTreeSet<String>,
) {
    let ItemKey::DefenderAssignment(assignment) = key else { return };
    let verified = builder.mode(Plane::DefenderRoles) == PlaneMode::Verify;
    let Some(role) = role_id(builder, tenant, &assignment.assigned().into(), verified) else {
        return builder.say(key, ItemState::Waiting, Some(Reason::Dependency), "the Defender role is not there");
    };
    let group_key = assignment.group().into();
    let Some((group, _)) = usable(builder, groups, &group_key) else {
        return say_no_group(builder, groups, &group_key, key);
    };
    let fits = |it: &DefenderAssignment| it.role == role && it.principals.contains(&group) && it.app_scopes == scopes;
    match seek_assignment(builder, key, tenant, name) {
        Found::There(it, Some(_)) if fits(it) => {
            builder.applied(key, Thing::DefenderAssignment { id: it.id.clone() });
            if let Some(permissions) = permissions_of(builder, key) {
                let because = super::gate::because(builder, permissions);
                builder.say_if_refused(key, &super::gate::against(builder, permissions), &because);
            }
            if it.principals.len() > 1 {
                let detail = format!("Defender assignment {name} names others beside our group");
                builder.find(Plane::DefenderRoles, Reason::DriftExtra, detail);
            }
        }
        Found::There(it, Some(Ownership::Owned)) if it.role == role && is_of_old_group(builder, &group_key, it) => {
            let exit = Exit { charge: Charge::Other, ..Exit::implied() };
            let against = gate::plane(builder, Plane::DefenderRoles);
            delete(builder, key, tenant, &it.id, exit, against);
        }
        Found::There(_, Some(_)) => {
            let detail = "somebody changed it; a person deletes it, and it is made anew";
            builder.say(key, ItemState::Drifted, Some(Reason::DriftChanged), detail);
        }
        Found::Unread(why) => builder.unread(key, &why),
        Found::Waiting(reason) => await_it(builder, key, reason),
        Found::There(it, None) if fits(it) => builder.applied_by_others(key, it.id.clone()),
        Found::There(..) | Found::Many(_) if !verified => {
            let detail = format!("an assignment {name} is there, and is not ours or not alone");
            builder.say(key, ItemState::Refused, Some(Reason::Ambiguous), detail);
        }
        Found::There(_, None) | Found::Many(_) | Found::Nothing => {
            create_assignment(builder, key, name, role, group, scopes);
        }
    }
}

/// Whether it names just a group of ours that was deleted since: then nobody changed it.
fn is_of_old_group(builder: &PlanBuilder<'_>, group: &ItemKey, it: &DefenderAssignment) -> bool {
    let group = builder.entry(group);
    let was_ours = |id: &Guid| group.is_some_and(|entry| entry.accounts.get(id) == Some(&Claim::Ours));
    !it.principals.is_empty() && it.principals.iter().all(was_ours)
}

/// The role's id, where it is ours, or where the plane is only verified the only one of its name.
fn role_id(builder: &mut PlanBuilder<'_>, tenant: &Defender, key: &ItemKey, verified: bool) -> Option<String> {
    let ItemBody::DefenderRole(DefenderRoleBody { display_name, .. }) = &builder.input.items.get(key)?.body else {
        return None;
    };
    let (role, ownership) = seek_role(builder, key, tenant, display_name).there()?;
    (verified || ownership.is_some()).then(|| role.id.clone())
}

/// What the role of an assignment is to hold.
fn permissions_of<'a>(builder: &PlanBuilder<'a>, key: &ItemKey) -> Option<&'a [PermissionGrant]> {
    let ItemKey::DefenderAssignment(DefenderAssignmentKey { role, .. }) = key else { return None };
    let item = builder.input.items.get(&ItemKey::DefenderRole(DefenderRoleKey { role: role.clone() }))?;
    let ItemBody::DefenderRole(DefenderRoleBody { permissions, .. }) = &item.body else { return None };
    Some(permissions)
}

fn create_assignment(
    builder: &mut PlanBuilder<'_>,
    key: &ItemKey,
    name: &str,
    role: String,
    principal: Guid,
    app_scopes: BTreeSet<String>,
) {
    let mut against = gate::plane(builder, Plane::DefenderRoles);
    against.extend(gate::prefix(builder, name));
    // An assignment gives what its role holds.
    let mut because = String::new();
    if let Some(permissions) = permissions_of(builder, key) {
        against.extend(super::gate::against(builder, permissions));
        because = super::gate::because(builder, permissions);
    }
    if builder.protects_group(principal) {
        against.push(Condition::Refused(Reason::GuardrailProtected));
    }
    let going = builder.missing_state(key);
    let description = format!("Entente: {key}");
    let action = Action::Defender(DefenderWrite::CreateAssignment {
        display_name: name.into(),
        description,
        role,
        principal,
        app_scopes,
    });
    let (class, charge) = (ChangeClass::Grant, Charge::Other);
    let after = format!("assignment {name}");
    let proposal = Proposal { key: key.into(), class, charge, action, before: String::new(), after, against };
    builder.propose_and_say(proposal, going, &because);
}

fn is_role(key: &ItemKey) -> bool {
    matches!(key, ItemKey::DefenderRole(_))
}

/// Removes an assignment or a role of ours; a role only when no assignment names it any more.
pub(crate) fn remove(builder: &mut PlanBuilder<'_>, key: &ItemKey, exit: Exit, mut against: Vec<Condition>) {
    let entry = builder.entry_or_new(key);
    if entry.thing.is_none() && entry.intent.is_none() {
        return offboarding::ended(builder, key, exit);
    }
    let tenant = match builder.input.observed.defender() {
        Part::Read(tenant) => tenant,
        Part::Unread(why) => return builder.unread(key, &why),
    };
    let name = entry.intent.as_ref().map(|intent| intent.name.clone()).unwrap_or_default();
    let found = if is_role(key) {
        seek_role(builder, key, tenant, &name).map(|it| it.id.as_str())
    } else {
        seek_assignment(builder, key, tenant, &name).map(|it| it.id.as_str())
    };
    match found {
        Found::There(id, Some(Ownership::Owned)) => {
            against.extend(gate::plane(builder, Plane::DefenderRoles));
            delete(builder, key, tenant, id, exit, against);
        }
        Found::Unread(why) => builder.unread(key, &why),
        // Begun, and never seen: it may yet turn up.
        Found::Waiting(reason) if builder.entry(key).is_some_and(is_on_its_way) => {
            builder.wait(key, reason, "looked up before it is given up");
        }
        Found::Waiting(_) | Found::Nothing => offboarding::ended(builder, key, exit),
        // Adopted, and so the customer's.
        Found::There(..) if exit.kind == ExitKind::Implied => builder.forget(key),
        Found::There(..) => say_left(builder, key, Reason::NotOurs, "it was there before us"),
        Found::Many(_) => say_left(builder, key, Reason::Ambiguous, "several are called so; none is certainly ours"),
    }
}

fn is_on_its_way(entry: &LedgerEntry) -> bool {
    entry.applied.is_none() && entry.removed.is_none() && entry.proof.is_none()
}

fn say_left(builder: &mut PlanBuilder<'_>, key: &ItemKey, reason: Reason, detail: &str) {
    proof::note_not_empty(builder, key);
    builder.say(key, ItemState::Residual, Some(reason), detail);
}

fn delete(
    builder: &mut PlanBuilder<'_>,
    key: &ItemKey,
    tenant: &Defender,
    id: &str,
    exit: Exit,
    against: Vec<Condition>,
) {
    proof::note_not_empty(builder, key);
    let is_role = is_role(key);
    if is_role && tenant.assignments.iter().any(|it| it.role == id) {
        // Ours are looked at for themselves until they are gone; a customer's may stay for ever.
        return builder.say(key, ItemState::Waiting, Some(Reason::Dependency), "its assignments go first");
    }
    let entry = builder.entry_or_new(key);
    if builder.may_lag(entry.written, builder.input.settings.replication_lag) && entry.failure.is_none() {
        return builder.wait(key, Reason::Propagation, "written, and not visible yet");
    }
    let action = match is_role {
        true => Action::Defender(DefenderWrite::DeleteRole { id: id.into() }),
        false => Action::Defender(DefenderWrite::DeleteAssignment { id: id.into() }),
    };
    let (class, charge) = (exit.class, exit.charge);
    let before = if is_role { "Defender role" } else { "Defender assignment" }.into();
    let proposal = Proposal { key: key.into(), class, charge, action, before, after: String::new(), against };
    builder.propose_and_say(proposal, (ItemState::Pending, None), "");
}
