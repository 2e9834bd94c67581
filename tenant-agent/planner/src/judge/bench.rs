//! What the second judge knows: the plan's input, what is remembered, and the faults that were found. Each plane's own judge
//! asks here, and nothing here asks a plane.

use entente_model::Guid;
use entente_model::desired::{GroupKey, GroupKind, Item, ItemKey};

use super::facts::is_thing;
use crate::change::Change;
use crate::guardrail::Guardrail;
use crate::input::Input;
use crate::ledger::{Claim, Ledger, LedgerEntry, LedgerKey};
use crate::observed::{Part, User};
use crate::write::Action;

/// A rule that a plan breaks. What may be done all the same is [`crate::salvage`]'s to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub rule: &'static str,
    pub detail: String,
    /// Whose item it is about; `None` for a fault that leaving out one item would not mend.
    pub key: Option<LedgerKey>,
    /// Which change of that item; `None` for all of them.
    pub action: Option<Action>,
}

pub(crate) struct Judge<'a> {
    pub(crate) input: &'a Input<'a>,
    /// With what the plan itself learned.
    pub(super) ledger: Ledger,
    pub(super) faults: Vec<Fault>,
}

impl Judge<'_> {
    pub(crate) fn unless(&mut self, holds: bool, rule: &'static str, change: &Change) {
        if !holds {
            let (key, action) = (Some(change.key.clone()), Some(change.action.clone()));
            self.faults.push(Fault { rule, detail: format!("{}: {}", change.key, change.action), key, action });
        }
    }

    pub(super) fn whole(&mut self, rule: &'static str, detail: String) {
        self.faults.push(Fault { rule, detail, key: None, action: None });
    }

    pub(super) fn item(&mut self, rule: &'static str, key: &LedgerKey) {
        self.faults.push(Fault { rule, detail: key.to_string(), key: Some(key.clone()), action: None });
    }

    /// The item that a change is for, if it is desired.
    pub(super) fn wanted(&self, change: &Change) -> Option<&Item> {
        self.input.items.get(change.key.item()?)
    }

    /// Whether the object is one that we made, or had made once.
    pub(crate) fn owns(&self, id: Guid) -> bool {
        self.ledger.entries.values().any(|it| (is_thing(it, id) && it.is_owned()) || was_ours(it, id))
    }

    /// Whether the object is one that we made, had made once, or use with the customer's leave.
    pub(crate) fn knows(&self, id: Guid) -> bool {
        self.ledger.entries.values().any(|it| is_thing(it, id) || was_ours(it, id))
    }

    /// What is remembered of the item that a change is for.
    pub(crate) fn entry(&self, change: &Change) -> Option<&LedgerEntry> {
        self.ledger.get(&change.key)
    }

    /// The group of a key, as far as it is remembered.
    pub(crate) fn group(&self, key: &GroupKey) -> Option<Guid> {
        self.ledger.get(ItemKey::Group(key.clone())).and_then(LedgerEntry::guid)
    }

    /// The kind of a group that is remembered.
    pub(crate) fn kind_of(&self, group: Guid) -> Option<GroupKind> {
        kind_of(&self.ledger, group)
    }

    pub(crate) fn seen(&self, id: Guid) -> Option<&User> {
        let by_id = self.input.observed.users.get(&id).and_then(Part::read).and_then(Option::as_ref);
        by_id.or_else(|| {
            let found = self.input.observed.users_by_mail.values().filter_map(Part::read).flatten();
            found.into_iter().find(|user| user.id == Some(id))
        })
    }

    pub(crate) fn marker(&self) -> Option<Guid> {
        self.ledger.get(LedgerKey::Marker).and_then(|entry| entry.guid())
    }
}

/// By the key under which a group is remembered.
pub(super) fn kind_of(ledger: &Ledger, group: Guid) -> Option<GroupKind> {
    let is_it = |entry: &LedgerEntry| is_thing(entry, group) || entry.accounts.contains_key(&group);
    ledger
        .items()
        .find_map(|(key, entry)| if let ItemKey::Group(key) = key { is_it(entry).then_some(key.kind) } else { None })
}

pub(super) fn was_ours(entry: &LedgerEntry, id: Guid) -> bool {
    entry.accounts.get(&id) == Some(&Claim::Ours)
}

/// What is peculiar to the writes of a plane. There are no defaults: a plane that has nothing to say says so.
pub(crate) trait Opinion {
    /// The write itself: that the file lets it be done, that it changes and takes away only what we made, and that what was
    /// seen bears it.
    fn write(&self, judge: &mut Judge<'_>, change: &Change);

    /// What a role that is given lets people do.
    fn role(&self, judge: &mut Judge<'_>, change: &Change, guardrail: &Guardrail);
}
