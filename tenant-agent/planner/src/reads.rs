//! What to look at before a plan is made: exactly what the plan asks of, and no more.
//!
//! Idle reads are few: known users by id in batches, each group's members, each scope and each role definition in use
//! once, Defender once. By mail or name what has no id yet or does not answer to it. A person who is named for removal is
//! also looked for by each address, among the users and in the recycle bin (three queries each), as long as the item
//! stands: a proof does not end that, because a deleted account can be restored for 30 days. By principal only until the
//! removal is proven.

use std::collections::{BTreeMap, BTreeSet};

use entente_model::desired::{AzureRoleBody, GroupBody, GroupKey, Item, ItemBody, ItemKey, MemberKey, UserBody, Want};
use entente_model::{Guid, Plane, PlaneMode, mail};

use crate::guardrail::Guardrail;
use crate::ledger::{Ledger, LedgerEntry, LedgerKey, Thing};
use crate::observed::Part;
use crate::path::groups::marker_name;
use crate::permission;

/// What to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadSet {
    pub user_ids: BTreeSet<Guid>,
    /// In lower case.
    pub mails: BTreeSet<String>,
    /// Addresses to look for in the recycle bin, in lower case.
    pub bin: BTreeSet<String>,
    /// Read also the users who are in these groups: whom our mark names, whatever the ledger knows.
    pub marked_in: BTreeSet<Guid>,
    /// The same for what is found by these names.
    pub marked_in_name: BTreeSet<String>,
    pub group_ids: BTreeSet<Guid>,
    pub group_names: BTreeSet<String>,
    /// Groups whose members to list.
    pub members: BTreeSet<Guid>,
    /// Of `group_names`: list the members of what is found, too.
    pub members_by_name: BTreeSet<String>,
    /// In lower case.
    pub azure_scopes: BTreeSet<String>,
    /// Role definitions by id, each with a scope at which to read it.
    pub azure_definitions: BTreeMap<Guid, String>,
    pub defender: bool,
    /// Users whose memberships to list, and whose Azure roles at each of `principal_scopes`.
    pub principals: BTreeSet<Guid>,
    /// Of `mails`: the same for the users found.
    pub principals_by_mail: BTreeSet<String>,
    pub principal_scopes: BTreeSet<String>,
    /// Groups that somebody is about to be added to: their Azure roles at each of `principal_scopes`, also those below.
    pub joined_groups: BTreeSet<Guid>,
    /// The same for a group whose list lacks one of these.
    pub expected_members: BTreeMap<Guid, BTreeSet<Guid>>,
}

impl ReadSet {
    /// The groups whose Azure roles to list, when it is known who is in which group.
    pub fn groups_to_join(&self, members: &BTreeMap<Guid, Part<BTreeSet<Guid>>>) -> BTreeSet<Guid> {
        let lacks = |(group, expected): &(&Guid, &BTreeSet<Guid>)| {
            members.get(group).and_then(Part::read).is_some_and(|there| !expected.is_subset(there))
        };
        let missing = self.expected_members.iter().filter(lacks).map(|(group, _)| *group);
        self.joined_groups.iter().copied().chain(missing).collect()
    }
}

/// What a plan of these would ask of.
pub fn reads(items: &BTreeMap<ItemKey, Item>, ledger: &Ledger, guardrail: Option<&Guardrail>) -> ReadSet {
    let reads_plane = |plane| guardrail.is_none_or(|guardrail| guardrail.mode(plane) != PlaneMode::None);
    let mut set = ReadSet::default();
    if reads_plane(Plane::Users) {
        users(&mut set, items, ledger, guardrail);
        marker(&mut set, items, ledger, guardrail);
    }
    if reads_plane(Plane::Groups) {
        groups(&mut set, items, ledger);
        if guardrail.is_some_and(|guardrail| guardrail.mode(Plane::Groups) == PlaneMode::Verify) {
            set.members_by_name = set.group_names.clone();
        }
    }
    if reads_plane(Plane::AzureRoles) {
        set.azure_scopes = item_scopes(items, ledger);
        set.azure_definitions =
            azure_rights(items, ledger).map(|(scope, id)| (id, scope.to_ascii_lowercase())).collect();
        set.principal_scopes = azure_scopes(items, ledger, guardrail);
        joined(&mut set, items, ledger);
    }
    // What others gave to our groups, a new member has too.
    let is_defender = |key: &ItemKey| matches!(key.plane(), Some(Plane::DefenderRoles | Plane::Memberships));
    let has_defender = items.keys().chain(ledger.items().map(|(key, _)| key)).any(is_defender)
        || !set.principals.is_empty()
        || !set.principals_by_mail.is_empty();
    set.defender = reads_plane(Plane::DefenderRoles) && has_defender;
    set
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

/// Every address under which a leaver is looked for, in lower case: of those ever used for the person, the ones that the
/// customer's file lets us look up. Without a readable file none.
pub(crate) fn addresses(item: &Item, entry: Option<&LedgerEntry>, guardrail: Option<&Guardrail>) -> BTreeSet<String> {
    let Some(guardrail) = guardrail else { return BTreeSet::new() };
    ever_used(item, entry).into_iter().filter(|address| is_in_domains(address, guardrail)).collect()
}

/// Addresses of the person that the customer's file does not let us look up, in lower case; also the name under which
/// they sign in at home.
pub(crate) fn addresses_outside(item: &Item, entry: Option<&LedgerEntry>, guardrail: &Guardrail) -> BTreeSet<String> {
    let mut all = ever_used(item, entry);
    if let ItemBody::User(UserBody { upn, .. }) = &item.body {
        all.insert(upn.to_ascii_lowercase());
    }
    all.into_iter().filter(|address| !address.is_empty() && !is_in_domains(address, guardrail)).collect()
}

fn ever_used(item: &Item, entry: Option<&LedgerEntry>) -> BTreeSet<String> {
    let ItemBody::User(UserBody { mail, .. }) = &item.body else { return BTreeSet::new() };
    let also = match &item.want {
        Want::Absent { addresses, .. } => addresses.clone(),
        Want::Present => BTreeSet::new(),
    };
    let noted = entry.into_iter().flat_map(|entry| {
        let begun = entry.intent.as_ref().map(|intent| intent.name.clone());
        entry.addresses.iter().cloned().chain(begun)
    });
    let all = [mail.clone()].into_iter().chain(also).chain(noted);
    all.map(|address| address.to_ascii_lowercase()).collect()
}

/// Whether the file's domains and Microsoft's own rules let somebody be invited at this address. The whole of it is judged:
/// several of them, or one within another, are none.
pub(crate) fn is_invitable(address: &str, guardrail: &Guardrail) -> bool {
    mail::check(address).is_ok() && is_in_domains(address, guardrail)
}

pub(crate) fn is_in_domains(address: &str, guardrail: &Guardrail) -> bool {
    let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
    guardrail.provider.mail_domains.iter().any(|allowed| allowed.eq_ignore_ascii_case(domain))
}

fn groups(set: &mut ReadSet, items: &BTreeMap<ItemKey, Item>, ledger: &Ledger) {
    for item in items.values() {
        let ItemBody::Group(GroupBody { display_name, .. }) = &item.body else { continue };
        let entry = ledger.get(&item.key);
        if entry.is_none_or(|entry| entry.guid().is_none() || entry.empty_since.is_some()) {
            set.group_names.insert(display_name.clone());
        }
    }
    for (key, entry) in ledger.items() {
        match (key, &entry.thing) {
            (ItemKey::Group(_), thing) => {
                let id = thing.as_ref().and_then(Thing::guid);
                let ids: Vec<Guid> = id.into_iter().chain(entry.accounts.keys().copied()).collect();
                set.group_ids.extend(&ids);
                set.members.extend(&ids);
                // No longer desired, and still on its way.
                let unseen = entry.intent.as_ref().filter(|_| id.is_none() || entry.empty_since.is_some());
                set.group_names.extend(unseen.map(|intent| intent.name.clone()));
            }
            (ItemKey::Member(_), Some(Thing::Member { group, .. })) => _ = set.members.insert(*group),
            _ => {}
        }
    }
}

/// Groups that have a member to come, and who is to be in the others: a new member has what the group has, whoever gave it.
fn joined(set: &mut ReadSet, items: &BTreeMap<ItemKey, Item>, ledger: &Ledger) {
    for item in items.values().filter(|item| item.want == Want::Present) {
        let ItemKey::Member(MemberKey { role, class, .. }) = &item.key else { continue };
        let group = ledger.get(&ItemKey::Group(GroupKey { role: role.clone(), class: *class }));
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
fn azure_rights<'a>(
    items: &'a BTreeMap<ItemKey, Item>,
    ledger: &'a Ledger,
) -> impl Iterator<Item = (&'a String, Guid)> + use<'a> {
    let wanted = items.values().filter_map(|item| match &item.body {
        ItemBody::AzureRole(AzureRoleBody { scope, definition, .. }) => Some((scope, *definition)),
        _ => None,
    });
    let made = ledger.entries.values().filter_map(|entry| match &entry.thing {
        Some(Thing::AzureRole { scope, definition, .. }) => Some((scope, *definition)),
        _ => None,
    });
    wanted.chain(made)
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
