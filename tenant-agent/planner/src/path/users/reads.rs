//! What is looked at of people: the accounts that are known, those who are sought, and whom the marker group names.

use std::collections::BTreeMap;

use entente_model::Guid;
use entente_model::desired::{Item, ItemBody, ItemKey, UserBody, Want};

use crate::guardrail::Guardrail;
use crate::ledger::{Ledger, LedgerEntry, LedgerKey, Thing};
use crate::path::marks::marker_name;
use crate::permission;
use crate::reads::{ReadSet, Wanted, addresses, is_invitable};

pub(crate) fn reads(wanted: &Wanted<'_>, set: &mut ReadSet) {
    users(set, wanted.items, wanted.ledger, wanted.guardrail);
    marker(set, wanted.items, wanted.ledger, wanted.guardrail);
}

fn users(set: &mut ReadSet, items: &BTreeMap<ItemKey, Item>, ledger: &Ledger, guardrail: Option<&Guardrail>) {
    for item in items.values() {
        let ItemBody::User(UserBody { mail, .. }) = &item.body else { continue };
        let entry = ledger.get(&item.key);
        let id = entry.and_then(|entry| entry.guid());
        // An id that nothing answers to: by mail as well, before the person is invited anew. Of an address outside the file's
        // domains nothing is asked, whoever wants the person.
        let is_sought = id.is_none() || entry.is_some_and(|entry| entry.empty_since.is_some());
        if is_sought && guardrail.is_some_and(|guardrail| is_invitable(mail, guardrail)) {
            set.mails.insert(mail.to_ascii_lowercase());
        }
        if item.want != Want::Present {
            leaver(set, item, entry, guardrail);
        }
    }
    for item in items.values().filter(|item| matches!(item.key, ItemKey::Member(_))) {
        let (Want::Absent { since, known, .. }, Some(entry)) = (&item.want, ledger.get(&item.key)) else { continue };
        if entry.proof.as_ref().is_none_or(|proof| proof.named != *since)
            && let Some(Thing::Member { user, .. }) = &entry.thing
        {
            set.principals.insert(*user);
            set.user_ids.extend(known);
        }
    }
    for (key, entry) in ledger.items() {
        if !matches!(key, ItemKey::User(_)) {
            continue;
        }
        set.user_ids.extend(entry.guid());
        set.user_ids.extend(entry.accounts.keys());
        if let Some(intent) = entry.intent.as_ref().filter(|_| entry.guid().is_none() || entry.empty_since.is_some()) {
            set.mails.insert(intent.name.to_ascii_lowercase());
        }
    }
}

/// The marker group. While somebody leaves also by its name, with the users in it: what it marks is one of the ways by
/// which a leaver's accounts are found, and an id that answers nothing is no reason to leave it out.
fn marker(set: &mut ReadSet, items: &BTreeMap<ItemKey, Item>, ledger: &Ledger, guardrail: Option<&Guardrail>) {
    let entry = ledger.get(LedgerKey::Marker);
    let id = entry.and_then(|entry| entry.guid());
    set.group_ids.extend(id);
    set.members.extend(id);
    let leaves = items.values().any(|item| item.want != Want::Present);
    if leaves {
        set.marked_in.extend(id);
    }
    // Where nobody is marked, the group is only there from before: whom it names is of use for a leaver.
    let Some(guardrail) = guardrail.filter(|it| leaves || permission::marks(it)) else { return };
    if let Some(id) = id.filter(|_| permission::marks(guardrail)) {
        let ours = ledger.items().filter(|(key, entry)| matches!(key, ItemKey::User(_)) && entry.is_owned());
        set.expected_members.entry(id).or_default().extend(ours.filter_map(|(_, entry)| entry.guid()));
    }
    let name = marker_name(&guardrail.limits.name_prefix);
    if leaves {
        set.members_by_name.insert(name.clone());
        set.marked_in_name.insert(name.clone());
    }
    if leaves || id.is_none() || entry.is_some_and(|entry| entry.empty_since.is_some()) {
        set.group_names.insert(name);
    }
}

/// A person who is named for removal: by every id and address that is known, whether it has an answer already or not.
fn leaver(set: &mut ReadSet, item: &Item, entry: Option<&LedgerEntry>, guardrail: Option<&Guardrail>) {
    let Want::Absent { since, known, .. } = &item.want else { return };
    let own = entry.and_then(|entry| entry.guid());
    let others = entry.into_iter().flat_map(|entry| entry.accounts.keys().copied());
    let ids: Vec<Guid> = own.into_iter().chain(others).chain(known.iter().copied()).collect();
    set.user_ids.extend(&ids);
    let addresses = addresses(item, entry, guardrail);
    set.mails.extend(addresses.iter().cloned());
    if guardrail.is_some_and(|guardrail| guardrail.people.recycle_bin) {
        set.bin.extend(addresses.iter().cloned());
    }
    let proof = entry.and_then(|entry| entry.proof.as_ref());
    if proof.is_none_or(|proof| proof.named != *since) {
        set.principals.extend(ids);
        set.principals_by_mail.extend(addresses);
    }
}
