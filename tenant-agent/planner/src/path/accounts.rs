//! Every account of a person who is named for removal: the person leaves, not one account.
//!
//! Known by the ledger, by the control plane, by the address under the customer's file, by our mark, and from the
//! recycle bin. How each of them ends is in `offboarding.rs`; what they still hold in `residue.rs`.

use std::collections::{BTreeMap, BTreeSet};

use entente_model::Guid;
use entente_model::desired::{Item, ItemBody, ItemKey, UserBody, UserKey, Want};
use entente_model::report::bounds::MAX_ACCOUNTS;
use entente_model::report::{AccountState, KnownAccount, Reason};

use crate::builder::PlanBuilder;
use crate::ledger::{Claim, LedgerEntry, LedgerKey};
use crate::observed::{Listing, Part, Unread, User};
use crate::path::marks::{self, Marks};
use crate::reads;

/// One of them.
pub(crate) struct Account<'a> {
    pub id: Guid,
    pub user: Option<&'a User>,
    pub state: AccountState,
    /// Whether the control plane is told the name: of one that it knows by an id alone it is not.
    pub named: bool,
    /// Made by us, and so ours to block.
    pub ours: bool,
    /// Why it is not known whether it was made by us.
    pub doubt: Option<Unread>,
}

/// All of them, and what could not be looked at.
#[derive(Default)]
pub(crate) struct Accounts<'a> {
    pub all: Vec<Account<'a>>,
    /// Asked for, and not answered or not understood.
    pub missing: Vec<(String, Unread)>,
    /// Not asked for, or closed to us by the customer's choice.
    pub unseen: Vec<String>,
}

impl Account<'_> {
    pub fn name(&self) -> String {
        self.upn().unwrap_or_else(|| self.id.to_string())
    }

    fn upn(&self) -> Option<String> {
        self.user.filter(|_| self.named).map(|user| user.upn.clone())
    }

    /// Under which the ledger keeps what we did to it.
    pub fn ledger_key(&self, builder: &PlanBuilder<'_>, person: &ItemKey) -> LedgerKey {
        let is_main = builder.entry(person).and_then(LedgerEntry::guid) == Some(self.id);
        if is_main { person.into() } else { LedgerKey::Account(self.id) }
    }
}

impl Accounts<'_> {
    /// As many as a report may hold, those that can sign in before the others.
    pub fn known(&self) -> Vec<KnownAccount> {
        let known = |it: &Account<'_>| KnownAccount {
            id: it.id,
            name: it.upn().unwrap_or_default(),
            state: it.state,
            owned: it.ours,
        };
        let mut all: Vec<KnownAccount> = self.all.iter().map(known).collect();
        if all.len() > MAX_ACCOUNTS {
            all.sort_by_key(|it| (it.state.is_shut(), !it.owned));
            all.truncate(MAX_ACCOUNTS);
        }
        all
    }
}

/// The account of a membership, for its own removal: by its person's item where there is one.
pub(crate) fn of_member<'a>(builder: &PlanBuilder<'a>, key: &ItemKey, item: &'a Item) -> Accounts<'a> {
    let Some((home, object_id)) = key.person() else { return Accounts::default() };
    let user = ItemKey::User(UserKey { home: home.clone(), object_id });
    // Only the ids: whether the person may still sign in is not what this removal is about.
    let mut finder = Finder::new(builder, &user, item);
    finder.by_id();
    finder.finish()
}

pub(crate) fn of<'a>(builder: &PlanBuilder<'a>, key: &ItemKey, item: &'a Item) -> Accounts<'a> {
    let mut finder = Finder::new(builder, key, item);
    finder.by_id();
    finder.by_address();
    finder.by_mark();
    finder.in_bin();
    finder.finish()
}

/// Which of these accounts are of the person whose membership this is.
pub(crate) fn of_person(builder: &PlanBuilder<'_>, member: &Item, ids: &BTreeSet<Guid>) -> Vec<Guid> {
    let Some((home, object_id)) = member.key.person() else { return Vec::new() };
    let key = ItemKey::User(UserKey { home: home.clone(), object_id });
    let known = match &member.want {
        Want::Absent { known, .. } => known,
        Want::Present => &NONE,
    };
    let entry = builder.entry(&key);
    let own = entry.into_iter().flat_map(|it| it.guid().into_iter().chain(it.accounts.keys().copied()));
    let all: BTreeSet<Guid> = own.chain(known.iter().copied()).collect();
    all.intersection(ids).copied().filter(|id| !is_anothers(builder, &key, *id)).collect()
}

/// Whether it is the account of somebody else who works here.
fn is_anothers(builder: &PlanBuilder<'_>, person: &ItemKey, id: Guid) -> bool {
    builder.input.ledger.items().any(|(key, entry)| {
        let works = builder.input.items.get(key).is_some_and(|item| item.want == Want::Present);
        key != person && works && matches!(key, ItemKey::User(_)) && entry.guid() == Some(id)
    })
}

struct Finder<'d, 'a> {
    builder: &'d PlanBuilder<'a>,
    key: &'d ItemKey,
    entry: Option<&'d LedgerEntry>,
    known: &'a BTreeSet<Guid>,
    item: &'a Item,
    addresses: BTreeSet<String>,
    found: BTreeMap<Guid, Part<Option<&'a User>>>,
    deleted: BTreeSet<Guid>,
    marks: Marks,
    accounts: Accounts<'a>,
}

/// Addresses that a receipt names of those that were not looked up: as many as a person reads. The rest is counted.
const NAMED: usize = 10;

static NONE: BTreeSet<Guid> = BTreeSet::new();

impl<'d, 'a> Finder<'d, 'a> {
    fn new(builder: &'d PlanBuilder<'a>, key: &'d ItemKey, item: &'a Item) -> Self {
        let known = match &item.want {
            Want::Absent { known, .. } => known,
            Want::Present => &NONE,
        };
        let entry = builder.entry(key);
        let addresses = reads::addresses(item, entry, builder.guardrail());
        Self {
            builder,
            key,
            entry,
            known,
            item,
            addresses,
            found: BTreeMap::new(),
            deleted: BTreeSet::new(),
            marks: marks::of(builder),
            accounts: Accounts::default(),
        }
    }

    fn by_id(&mut self) {
        let own =
            self.entry.into_iter().flat_map(|entry| entry.guid().into_iter().chain(entry.accounts.keys().copied()));
        let ids: Vec<Guid> = own.chain(self.known.iter().copied()).collect();
        for id in ids {
            let user = self.builder.input.observed.user(id);
            self.found.insert(id, user);
        }
    }

    fn by_address(&mut self) {
        self.outside();
        for address in self.addresses.clone() {
            let listing = Listing::UsersByMail(address.clone());
            match self.builder.input.observed.by_mail(&address) {
                Part::Read(users) => users.iter().for_each(|user| self.add(user)),
                Part::Unread(why) => self.accounts.missing.push((format!("who has the address {address}"), why)),
            }
            self.odd(&listing, &format!("who has the address {address}"));
        }
    }

    /// Addresses that are not looked up: all of them without a readable file, those of other domains than the file's with
    /// one.
    fn outside(&mut self) {
        let Some(guardrail) = self.builder.guardrail() else {
            let why = Unread {
                reason: Reason::GuardrailUnreadable,
                detail: "without a readable guardrail nobody is looked up by address".into(),
            };
            return self.accounts.missing.push(("who has the person's addresses".into(), why));
        };
        let outside = reads::addresses_outside(self.item, self.entry, guardrail);
        if outside.is_empty() {
            return;
        }
        let more = outside.len().saturating_sub(NAMED);
        let named: Vec<String> = outside.into_iter().take(NAMED).collect();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let named = named.join(", ");
        self.accounts.unseen.push(format!("accounts of {named}{more}: not of the guardrail's provider.mailDomains"));
    }

    fn add(&mut self, user: &'a User) {
        let Some(id) = user.id.filter(|id| !is_anothers(self.builder, self.key, *id)) else { return };
        // What was read by id is the better look: lists lag.
        let is_there = self.found.get(&id).is_some_and(|part| matches!(part, Part::Read(Some(_))));
        if !is_there {
            self.found.insert(id, Part::Read(Some(user)));
        }
    }

    /// The accounts that we marked once, and that no entry explains: after the loss of a ledger, or of an id.
    fn by_mark(&mut self) {
        let what = "which accounts our group marks";
        self.accounts.missing.extend(self.marks.missing.iter().map(|why| (what.to_owned(), why.clone())));
        let is_explained = |id: &Guid| is_anothers(self.builder, self.key, *id) || self.found.contains_key(id);
        for id in self.marks.accounts.iter().filter(|id| !is_explained(id)).copied().collect::<Vec<_>>() {
            match self.builder.input.observed.user(id) {
                Part::Read(Some(user)) if !user.addresses.is_disjoint(&self.addresses) => self.add(user),
                Part::Read(_) => {}
                Part::Unread(why) => self.accounts.missing.push((format!("whose the marked account {id} is"), why)),
            }
        }
    }

    fn in_bin(&mut self) {
        if !self.builder.guardrail().is_some_and(|guardrail| guardrail.people.recycle_bin) {
            return self.accounts.unseen.push("the recycle bin: the guardrail does not let the agent look".into());
        }
        for address in self.addresses.clone() {
            match self.builder.input.observed.bin.get(&address) {
                Some(Part::Read(users)) => users.iter().filter_map(|user| user.id).for_each(|id| {
                    self.deleted.insert(id);
                    self.found.entry(id).or_insert(Part::Read(None));
                }),
                // The customer need not grant what it takes to look there. Any other refusal is an answer that was not
                // understood.
                Some(Part::Unread(why)) if why.reason == Reason::PermissionMissing => {
                    self.accounts.unseen.push(format!("the recycle bin: {}", why.reason.word()));
                }
                Some(Part::Unread(why)) => self.accounts.missing.push(("the recycle bin".into(), why.clone())),
                None => {
                    let why = Unread { reason: Reason::Unread, detail: "read at the next look".into() };
                    self.accounts.missing.push(("the recycle bin".into(), why));
                }
            }
            self.odd(&Listing::Bin(address), "the recycle bin");
        }
    }

    fn odd(&mut self, listing: &Listing, what: &str) {
        let odd = self.builder.input.observed.not_understood(listing);
        self.accounts.missing.extend(odd.map(|why| (what.to_owned(), why)));
    }

    fn finish(mut self) -> Accounts<'a> {
        for (id, part) in std::mem::take(&mut self.found) {
            let (user, state) = match part {
                Part::Read(Some(user)) => {
                    if user.enabled.is_none() {
                        let detail = "the answer does not say whether it is enabled".into();
                        let why = Unread { reason: Reason::Unread, detail };
                        self.accounts.missing.push((format!("account {id}"), why));
                    }
                    (Some(user), user.account_state())
                }
                Part::Read(None) if self.deleted.contains(&id) => (None, AccountState::Deleted),
                Part::Read(None) => (None, AccountState::Gone),
                Part::Unread(why) => {
                    self.accounts.missing.push((format!("account {id}"), why));
                    (None, AccountState::Unread)
                }
            };
            let ours = self.is_ours(id);
            let doubt = self.marks.missing.first().filter(|_| !ours && self.known.contains(&id)).cloned();
            if let (Some(why), AccountState::Enabled) = (&doubt, state) {
                self.accounts
                    .missing
                    .push((format!("whether we made the account {id}, which is enabled"), why.clone()));
            }
            let named = ours || self.is_found_by_name(id, user);
            self.accounts.all.push(Account { id, user, state, named, ours, doubt });
        }
        let count = self.accounts.all.len();
        if count > MAX_ACCOUNTS {
            let detail = format!("{count} accounts are more than a proof can name; a person looks at them");
            let why = Unread { reason: Reason::CloudRefused, detail };
            self.accounts.missing.push(("the accounts of the person".into(), why));
        }
        self.accounts.unseen.sort();
        self.accounts.unseen.dedup();
        self.accounts
    }

    /// By the ledger, or by an address that the file lets us look up. The control plane, which may name any id, does not
    /// learn whose it is.
    fn is_found_by_name(&self, id: Guid, user: Option<&User>) -> bool {
        let is_own = self.entry.is_some_and(|entry| entry.guid() == Some(id));
        is_own || user.is_some_and(|user| !user.addresses.is_disjoint(&self.addresses))
    }

    /// By the ledger; or by the mark in the tenant and the control plane's memory together: either alone could be
    /// somebody else's doing.
    fn is_ours(&self, id: Guid) -> bool {
        let by_entry = self.entry.is_some_and(|entry| {
            (entry.guid() == Some(id) && entry.is_owned()) || entry.accounts.get(&id) == Some(&Claim::Ours)
        });
        by_entry || (self.marks.accounts.contains(&id) && self.known.contains(&id))
    }
}

/// Remembers the accounts that were found: each stays the person's. One that is new begins the proof anew.
pub(crate) fn note(builder: &mut PlanBuilder<'_>, key: &ItemKey, accounts: &Accounts<'_>) {
    let mut entry = builder.entry_or_new(key);
    let before = entry.clone();
    for account in accounts.all.iter().filter(|account| Some(account.id) != before.guid()) {
        entry.note_account(account.id, if account.ours { Claim::Ours } else { Claim::Theirs });
    }
    if let Some(ItemBody::User(UserBody { mail, .. })) = builder.input.items.get(key).map(|item| &item.body) {
        entry.note_address(mail);
    }
    let is_new = entry.accounts.keys().any(|id| !before.accounts.contains_key(id));
    if is_new {
        (entry.first_empty, entry.proof) = (None, None);
    }
    if entry != before {
        builder.put(key, entry);
    }
}
