//! What is looked at in Azure: each scope and role definition in use, and what people and groups hold by principal.

use std::collections::{BTreeMap, BTreeSet};

use entente_model::Guid;
use entente_model::desired::{AzureRoleBody, Item, ItemBody, ItemKey, Want};

use crate::guardrail::Guardrail;
use crate::ledger::{Ledger, LedgerEntry, Thing};
use crate::reads::{ReadSet, Wanted};

pub(crate) fn reads(wanted: &Wanted<'_>, set: &mut ReadSet) {
    let Wanted { items, ledger, guardrail } = *wanted;
    set.azure_scopes = item_scopes(items, ledger);
    set.azure_definitions = azure_rights(items, ledger).map(|(scope, id)| (id, scope.to_ascii_lowercase())).collect();
    set.principal_scopes = azure_scopes(items, ledger, guardrail);
    joined(set, items, ledger);
}

/// Groups that have a member to come, and who is to be in the others: a new member has what the group has, whoever gave it.
fn joined(set: &mut ReadSet, items: &BTreeMap<ItemKey, Item>, ledger: &Ledger) {
    for item in items.values().filter(|item| item.want == Want::Present) {
        let ItemKey::Member(member) = &item.key else { continue };
        let group = ledger.get(ItemKey::from(member.group()));
        let Some(group) = group.and_then(LedgerEntry::guid) else { continue };
        let entry = ledger.get(&item.key).filter(|entry| entry.applied.is_some());
        match entry.and_then(|entry| entry.thing.as_ref()) {
            Some(Thing::Member { group: of, user }) if *of == group => {
                set.expected_members.entry(group).or_default().insert(*user);
            }
            _ => _ = set.joined_groups.insert(group),
        }
    }
}

/// Scope and role definition of each item and entry.
pub(crate) fn azure_rights<'a>(
    items: &'a BTreeMap<ItemKey, Item>,
    ledger: &'a Ledger,
) -> impl Iterator<Item = (&'a String, Guid)> + use<'a> {
    items.values().filter_map(wanted_right).chain(ledger.entries.values().filter_map(made_right))
}

/// Scope and role definition of an item.
pub(crate) fn wanted_right(item: &Item) -> Option<(&String, Guid)> {
    let ItemBody::AzureRole(AzureRoleBody { scope, definition, .. }) = &item.body else { return None };
    Some((scope, *definition))
}

/// Scope and role definition of what we gave.
pub(crate) fn made_right(entry: &LedgerEntry) -> Option<(&String, Guid)> {
    let Some(Thing::AzureRole { scope, definition, .. }) = &entry.thing else { return None };
    Some((scope, *definition))
}

/// Where items and entries have assignments, in lower case.
fn item_scopes(items: &BTreeMap<ItemKey, Item>, ledger: &Ledger) -> BTreeSet<String> {
    azure_rights(items, ledger).map(|(scope, _)| scope.to_ascii_lowercase()).collect()
}

/// Where a leaver is looked up by principal: those, and every scope of the guardrail; in lower case.
pub(crate) fn azure_scopes(
    items: &BTreeMap<ItemKey, Item>,
    ledger: &Ledger,
    guardrail: Option<&Guardrail>,
) -> BTreeSet<String> {
    let mut scopes = item_scopes(items, ledger);
    let allowed = guardrail.into_iter().flat_map(|guardrail| &guardrail.azure.scopes);
    scopes.extend(allowed.map(|scope| scope.to_ascii_lowercase()));
    scopes
}
