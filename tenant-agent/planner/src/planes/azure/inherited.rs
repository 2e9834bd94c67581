//! The Azure roles that hang on a group, by a role's items or by somebody else: each new member has them.

use std::collections::{BTreeMap, BTreeSet};

use entente_model::desired::{GroupKey, ItemKey};
use entente_model::{Guid, Plane, PlaneMode};

use super::gate;
use super::reads::azure_scopes;
use crate::builder::PlanBuilder;
use crate::ledger::Thing;
use crate::observed::{AzureAssignment, Listing, Part};
use crate::path::inherited::Carrier;
use crate::planes::azure::reads::{made_right, wanted_right};
use crate::verdict::Condition;

pub(crate) fn against(builder: &PlanBuilder<'_>, group: &Carrier, found: &mut Vec<(String, Condition)>) {
    let ours = group.key.as_ref().map(|key| azure_rights(builder, key)).unwrap_or_default();
    for (key, (scope, definition)) in &ours {
        if has_azure_role(builder, group.id, scope, *definition) {
            found.extend(gate::against(builder, scope, *definition).into_iter().map(|it| (key.to_string(), it)));
        }
    }
    let of_items = ours.values().map(|(scope, id)| (scope.to_ascii_lowercase(), *id)).collect();
    azure_of_others(builder, group.id, &of_items, found);
    azure_unread(builder, group.id, found);
}

/// Whether what the group holds may be readable soon.
pub(crate) fn is_on_its_way(builder: &PlanBuilder<'_>, group: Guid) -> bool {
    let Some(azure) = builder.input.observed.group_azure.get(&group) else { return true };
    azure.values().any(|part| matches!(part, Part::Unread(why) if why.is_passing()))
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
            found.extend(gate::against(builder, &it.scope, it.definition).into_iter().map(|it| (what.clone(), it)));
        }
    }
}

/// Where the group's roles were not looked at, it may have any.
fn azure_unread(builder: &PlanBuilder<'_>, group: Guid, found: &mut Vec<(String, Condition)>) {
    if builder.mode(Plane::AzureRoles) == PlaneMode::None {
        return;
    }
    let of_group = builder.input.observed.group_azure.get(&group);
    let scopes = azure_scopes(builder.input.items, builder.input.ledger, builder.guardrail());
    for scope in scopes {
        let is_read = of_group.and_then(|all| all.get(&scope)).is_some_and(|part| part.read().is_some());
        let listing = Listing::AzureOf(group, scope.clone());
        if !is_read || !builder.input.observed.odd(&listing).is_empty() {
            found.push((format!("what the group holds at {scope}"), Condition::Unread));
        }
    }
}

/// At every scope that was read, and above it; below it where the group was looked up.
fn azure_roles_of<'d>(builder: &'d PlanBuilder<'_>, group: Guid) -> impl Iterator<Item = &'d AzureAssignment> {
    let at_scopes = builder.input.observed.azure.values();
    let of_group = builder.input.observed.group_azure.get(&group).into_iter().flat_map(BTreeMap::values);
    at_scopes.chain(of_group).filter_map(Part::read).flatten().filter(move |it| it.principal == group)
}

/// Scope and role definition of each Azure item of the group, desired or remembered.
fn azure_rights(builder: &PlanBuilder<'_>, group: &GroupKey) -> BTreeMap<ItemKey, (String, Guid)> {
    let is_of = |key: &ItemKey| matches!(key, ItemKey::AzureRole(_)) && key.group().as_ref() == Some(group);
    let made = builder.input.ledger.items().filter_map(|(key, entry)| Some((key, made_right(entry)?)));
    let wanted = builder.items().filter_map(|item| Some((&item.key, wanted_right(item)?)));
    let all = made.chain(wanted).filter(|(key, _)| is_of(key));
    all.map(|(key, (scope, definition))| (key.clone(), (scope.clone(), definition))).collect()
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
