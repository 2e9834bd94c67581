//! Whether what an item names is in the tenant, by this look alone: whoever gave it, and whatever is to come of it.
//!
//! An item's state says what is done about it: what is held, refused or not understood may be there all the same. What was
//! not read, or not understood, is in no answer here: nobody knows.

use std::collections::{BTreeMap, BTreeSet};

use entente_model::Guid;
use entente_model::desired::{ItemKey, UserKey};
use entente_model::report::AccountState;

use crate::builder::PlanBuilder;
use crate::ledger::Thing;
use crate::observed::{Group, Listing, Part};
use crate::path::Path;
use crate::path::groups::Groups;
use crate::path::lookup::Found;
use crate::path::members;
use crate::path::person::{People, Person};
use crate::planes::rules;

/// Of accounts, memberships and rights that something is said of.
pub(crate) fn of(builder: &PlanBuilder<'_>, path: &Path<'_>) -> BTreeMap<ItemKey, bool> {
    let is_there = |key: &ItemKey| (rules(key.plane()?).is_there)(builder, path, key);
    builder.reports.keys().filter_map(|key| Some((key.clone(), is_there(key)?))).collect()
}

/// One of them is; or none is, for certain.
fn any(parts: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let parts: Vec<_> = parts.into_iter().collect();
    if parts.contains(&Some(true)) { Some(true) } else { (!parts.contains(&None)).then_some(false) }
}

/// Whether a look-up has an answer: there, or certainly not.
pub(crate) fn is_certain<T>(found: &Found<'_, T>) -> bool {
    matches!(found, Found::There(..) | Found::Nothing)
}

pub(crate) fn account(builder: &PlanBuilder<'_>, people: &People<'_>, key: &ItemKey) -> Option<bool> {
    let known = builder.reports.get(key).map(|report| report.accounts.as_slice()).unwrap_or_default();
    if known.is_empty() {
        let found = &people.get(key)?.account;
        return is_certain(found).then_some(matches!(found, Found::There(..)));
    }
    any(known.iter().map(|it| match it.state {
        AccountState::Enabled | AccountState::Blocked => Some(true),
        AccountState::Deleted | AccountState::Gone => Some(false),
        AccountState::Unread | AccountState::Later(_) => None,
    }))
}

pub(crate) fn member(
    builder: &PlanBuilder<'_>,
    people: &People<'_>,
    groups: &Groups<'_>,
    key: &ItemKey,
) -> Option<bool> {
    let (home, object_id) = key.person()?;
    let person = people.get(&ItemKey::User(UserKey { home: home.clone(), object_id }));
    let group = carrier(groups, key);
    let mut users: BTreeSet<Guid> = person.and_then(Person::id).into_iter().collect();
    let accounts = builder.reports.get(key).into_iter().flat_map(|report| &report.accounts);
    users.extend(accounts.map(|account| account.id));
    let mut all: BTreeSet<Guid> = group.and_then(id).into_iter().collect();
    if let Some(Thing::Member { group, user }) = builder.entry(key).and_then(|entry| entry.thing.as_ref()) {
        all.insert(*group);
        users.insert(*user);
    }
    let is_whole = group.is_some_and(is_certain) && person.is_some_and(|person| is_certain(&person.account));
    let held = all.iter().map(|group| holds(builder, *group, &users));
    any(held.chain([is_whole.then_some(false)]))
}

/// Whether one of these is in the group.
fn holds(builder: &PlanBuilder<'_>, group: Guid, users: &BTreeSet<Guid>) -> Option<bool> {
    match builder.input.observed.members(group) {
        Part::Read(members) if !members.is_disjoint(users) => Some(true),
        Part::Read(_) => is_understood(builder, &Listing::Members(group)).then_some(false),
        Part::Unread(_) => {
            let is_gone = matches!(builder.input.observed.group(group), Part::Read(None));
            (is_gone && users.iter().all(|user| members::still_holds(builder, group, *user).is_ok())).then_some(false)
        }
    }
}

pub(crate) fn is_understood(builder: &PlanBuilder<'_>, listing: &Listing) -> bool {
    builder.input.observed.odd(listing).is_empty()
}

/// The group on which the rights of an item's role hang.
pub(crate) fn carrier<'a, 'b>(groups: &'b Groups<'a>, key: &ItemKey) -> Option<&'b Found<'a, Group>> {
    groups.get(&key.group()?.into())
}

pub(crate) fn id(found: &Found<'_, Group>) -> Option<Guid> {
    found.there().map(|(group, _)| group.id)
}
