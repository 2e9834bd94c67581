//! Directory roles: one of the few that are open, over the whole tenant, for a role-assignable group of ours.
//!
//! A principal holds a role there once, under an id that Microsoft chooses. What is there and was not begun by us was given by
//! others: it counts, and is not ours to take away.

use std::collections::BTreeSet;

use entente_model::desired::{GroupKind, Item, ItemBody, ItemKey};
use entente_model::plan::ChangeClass;
use entente_model::report::{ItemState, Reason};
use entente_model::{Guid, Plane, PlaneMode};

use super::gate::{excess, name};
use crate::builder::{PlanBuilder, Proposal};
use crate::gate;
use crate::ledger::{Charge, Claim, Ownership, Thing};
use crate::observed::{EntraAssignment, Listing, Part};
use crate::path::groups::{Groups, say_no_group, usable};
use crate::path::offboarding;
use crate::path::person::Exit;
use crate::path::proof;
use crate::verdict::Condition;
use crate::write::{Action, EntraWrite};

pub(crate) fn decide(builder: &mut PlanBuilder<'_>, groups: &Groups<'_>) {
    for item in builder.items() {
        let (ItemKey::EntraRole(role), ItemBody::EntraRole(_)) = (&item.key, &item.body) else { continue };
        if builder.mode(Plane::EntraRoles) == PlaneMode::None {
            let detail = "the plane entraRoles is none";
            builder.say(&item.key, ItemState::Refused, Some(Reason::GuardrailPlane), detail);
            continue;
        }
        if let Some(exit) = Exit::of_right(item, builder.now()) {
            remove(builder, &item.key, exit, Vec::new());
            continue;
        }
        let group = role.group().into();
        match usable(builder, groups, &group) {
            Some((principal, _)) => assign(builder, item, role.definition, principal),
            None => say_no_group(builder, groups, &group, &item.key),
        }
    }
    find_extras(builder, groups);
    note_definitions(builder);
}

/// Over the whole tenant; one that is held over a part is another thing.
fn is(it: &EntraAssignment, definition: Guid) -> bool {
    it.definition == definition && it.part.is_none()
}

fn assign(builder: &mut PlanBuilder<'_>, item: &Item, definition: Guid, principal: Guid) {
    let key = &item.key;
    let held = match builder.input.observed.entra(principal) {
        Part::Read(held) => held,
        Part::Unread(why) => return builder.unread(key, &why),
    };
    if remove_of_old_group(builder, key, principal) {
        return;
    }
    let mut against = super::gate::against(builder, definition);
    let because = super::gate::because(builder, definition);
    if held.iter().any(|it| is(it, definition)) {
        return there(builder, key, definition, principal, &against, &because);
    }
    // What was read once may be missing again for minutes (Graph: replicas of the directory).
    let entry = builder.entry_or_new(key);
    let lag = builder.input.settings.entra_lag;
    let is_new = builder.may_lag(entry.written, lag) || builder.may_lag(entry.applied, lag);
    if is_new && entry.failure.is_none() && entry.removed.is_none() {
        return builder.wait(key, Reason::Propagation, "written, and not visible yet, or not everywhere");
    }
    against.extend(gate::plane(builder, Plane::EntraRoles));
    if builder.protects_group(principal) {
        against.push(Condition::Refused(Reason::GuardrailProtected));
    }
    let going = builder.missing_state(key);
    let proposal = Proposal {
        key: key.into(),
        class: ChangeClass::Grant,
        charge: Charge::Other,
        action: Action::Entra(EntraWrite::Assign { definition, principal }),
        before: String::new(),
        after: format!("{} over the whole tenant", name(definition)),
        against,
    };
    builder.propose_and_say(proposal, going, &because);
}

fn there(
    builder: &mut PlanBuilder<'_>,
    key: &ItemKey,
    definition: Guid,
    principal: Guid,
    against: &[Condition],
    because: &str,
) {
    let thing = Thing::EntraRole { definition, principal };
    if builder.entry(key).is_some_and(|entry| entry.thing.is_some()) {
        builder.applied(key, thing);
    } else {
        builder.applied_by_others(key, thing.object_id());
    }
    builder.say_if_refused(key, against, because);
}

/// What hung on a group of ours that is gone goes before it is given to the new one: the old group may be restored.
fn remove_of_old_group(builder: &mut PlanBuilder<'_>, key: &ItemKey, principal: Guid) -> bool {
    let Some(Thing::EntraRole { definition, principal: old }) = builder.entry_or_new(key).thing else { return false };
    let entries = &builder.input.ledger.entries;
    let is_made_by_us = entries.values().any(|entry| entry.accounts.get(&old) == Some(&Claim::Ours));
    if old == principal || !is_made_by_us {
        return false;
    }
    let held = builder.input.observed.entra(old).read().copied();
    let Some(found) = held.into_iter().flatten().find(|it| is(it, definition)) else { return false };
    let proposal = Proposal {
        key: key.into(),
        class: ChangeClass::OtherRemoval,
        charge: Charge::Other,
        action: Action::Entra(EntraWrite::Remove { id: found.id.clone() }),
        before: format!("{} for a group of ours that is gone", name(definition)),
        after: String::new(),
        against: gate::plane(builder, Plane::EntraRoles),
    };
    builder.propose_and_say(proposal, (ItemState::Pending, None), "our group was deleted; what hung on it goes first")
}

/// Takes away what we gave.
pub(crate) fn remove(builder: &mut PlanBuilder<'_>, key: &ItemKey, exit: Exit, mut against: Vec<Condition>) {
    let entry = builder.entry_or_new(key);
    let Some(Thing::EntraRole { definition, principal }) = entry.thing else {
        return offboarding::ended(builder, key, exit);
    };
    let found = match builder.input.observed.entra(principal) {
        Part::Unread(why) => return builder.unread(key, &why),
        Part::Read(held) => held.iter().find(|it| is(it, definition)),
    };
    let Some(found) = found else {
        // It may be the entry that was not understood.
        let odd = builder.input.observed.not_understood(&Listing::EntraOf(principal)).next();
        return match odd {
            Some(why) => builder.unread(key, &why),
            None => offboarding::ended_unless_on_its_way(builder, key, exit),
        };
    };
    proof::note_not_empty(builder, key);
    if builder.may_lag(entry.removed, builder.input.settings.entra_lag) && entry.failure.is_none() {
        return builder.wait(key, Reason::Propagation, "removed, and still visible");
    }
    against.extend(gate::plane(builder, Plane::EntraRoles));
    let proposal = Proposal {
        key: key.into(),
        class: exit.class,
        charge: exit.charge,
        action: Action::Entra(EntraWrite::Remove { id: found.id.clone() }),
        before: format!("{} over the whole tenant", name(definition)),
        after: String::new(),
        against,
    };
    builder.propose_and_say(proposal, (ItemState::Pending, None), "");
}

/// Roles that somebody else gave to a group of ours: every member has them. Named, and left.
fn find_extras(builder: &mut PlanBuilder<'_>, groups: &Groups<'_>) {
    let is_carrier = |key: &&ItemKey| matches!(key, ItemKey::Group(key) if key.kind == GroupKind::RoleAssignable);
    let usable = groups.keys().filter(is_carrier).filter_map(|key| usable(builder, groups, key));
    // Those that were deleted too: who restores one restores what it holds.
    let carriers = builder.input.ledger.items().filter(|(key, _)| is_carrier(key));
    let old = carriers.flat_map(|(_, entry)| entry.accounts.iter()).filter(|(_, claim)| **claim == Claim::Ours);
    let mut owned: BTreeSet<Guid> = old.map(|(id, _)| *id).collect();
    owned.extend(usable.filter(|(_, ownership)| *ownership == Some(Ownership::Owned)).map(|(id, _)| id));
    let wanted: BTreeSet<Guid> = builder
        .items()
        .filter(|item| Exit::of_right(item, builder.now()).is_none())
        .filter_map(|item| if let ItemKey::EntraRole(key) = &item.key { Some(key.definition) } else { None })
        .collect();
    for group in owned {
        for it in builder.input.observed.entra(group).read().copied().into_iter().flatten() {
            let thing = Some(Thing::EntraRole { definition: it.definition, principal: group });
            let in_ledger =
                it.part.is_none() && builder.input.ledger.entries.values().any(|entry| entry.thing == thing);
            let is_wanted = it.part.is_none() && wanted.contains(&it.definition);
            if !in_ledger && !is_wanted {
                let of = format!("group {group} has");
                builder.find(Plane::EntraRoles, Reason::NotOurs, format!("{of} a directory role that we did not give"));
                builder.name_here(of, [format!("directory role {}", name(it.definition))]);
            }
        }
    }
}

/// Names every role in use that holds more than it did, and looks again for what was not read.
fn note_definitions(builder: &mut PlanBuilder<'_>) {
    if builder.mode(Plane::EntraRoles) == PlaneMode::None {
        return;
    }
    let keys = builder.input.items.keys().chain(builder.input.ledger.items().map(|(key, _)| key));
    let definition = |key: &ItemKey| if let ItemKey::EntraRole(key) = key { Some(key.definition) } else { None };
    let in_use: BTreeSet<Guid> = keys.filter_map(definition).collect();
    for definition in in_use {
        if matches!(builder.input.observed.entra_definition(definition), Part::Unread(why) if why.is_passing()) {
            builder.recheck();
        }
        let excess = excess(builder, definition);
        if !excess.is_empty() {
            let detail = format!(
                "{}: {excess}. It is given to nobody more until the guardrail allows the action by its name \
                 (capabilities.actions)",
                name(definition)
            );
            builder.find(Plane::EntraRoles, Reason::GuardrailCapability, detail);
        }
    }
}
