//! What to look at before a plan is made: exactly what the plan asks of, and no more.
//!
//! Idle reads are few: known users by id in batches, each group's members, each scope and each role definition in use
//! once, Defender once. By mail or name what has no id yet or does not answer to it. A person who is named for removal is
//! also looked for by each address, among the users and in the recycle bin (three queries each), as long as the item
//! stands: a proof does not end that, because a deleted account can be restored for 30 days. By principal only until the
//! removal is proven.

use std::collections::{BTreeMap, BTreeSet};

use entente_model::desired::{Item, ItemBody, ItemKey, UserBody, Want};
use entente_model::{Guid, Plane, PlaneMode, mail};

use crate::guardrail::Guardrail;
use crate::ledger::{Ledger, LedgerEntry};
use crate::observed::Part;
use crate::planes::rules;

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
    /// Groups whose directory roles to list.
    pub entra_principals: BTreeSet<Guid>,
    /// The same for `principals`, for the users found by `principals_by_mail`, and for role-assignable groups that are found
    /// by name.
    pub entra: bool,
    /// Directory roles to read, by id.
    pub entra_definitions: BTreeSet<Guid>,
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

/// What the reads of a plan follow from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub items: &'a BTreeMap<ItemKey, Item>,
    pub ledger: &'a Ledger,
    pub guardrail: Option<&'a Guardrail>,
}

impl Wanted<'_> {
    /// Whether the file lets the agent look at a plane; without a readable file it looks at all that it gave.
    pub fn reads(&self, plane: Plane) -> bool {
        self.guardrail.is_none_or(|guardrail| guardrail.mode(plane) != PlaneMode::None)
    }
}

/// What a plan of these would ask of.
pub fn reads(items: &BTreeMap<ItemKey, Item>, ledger: &Ledger, guardrail: Option<&Guardrail>) -> ReadSet {
    let wanted = Wanted { items, ledger, guardrail };
    let mut set = ReadSet::default();
    for plane in Plane::ALL.iter().copied().filter(|plane| wanted.reads(*plane)) {
        (rules(plane).reads)(&wanted, &mut set);
    }
    set
}
