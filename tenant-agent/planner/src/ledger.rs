//! What the agent remembers of its own doing: the pure form. Where it rests is `entente-agent`'s business.
//!
//! Written before a call (the intent) and after it (the outcome), see [`crate::record`], and with what a plan
//! learned ([`Update`]). An id in here is ownership; a mark in the tenant alone only proposes adoption. Nothing here
//! knows what should be: see [`crate::plan`].

mod key;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use entente_model::desired::{GroupKey, ItemKey, MAX_KNOWN, Version};
use entente_model::report::{Reason, RemovalProof};
use entente_model::{Guid, Timestamp};
use serde::{Deserialize, Serialize};

use crate::moment::Moment;
pub use key::LedgerKey;

/// Everything remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Ledger {
    pub entries: BTreeMap<LedgerKey, LedgerEntry>,
    /// People known to have left, by home object id.
    pub left: BTreeMap<Guid, Left>,
    /// People whose account the customer deleted, by home object id: they outlive the entries, as the person may be wanted
    /// again later. Each was invited once under the file's cap, so that the cap bounds them.
    pub deleted: BTreeMap<Guid, Deletion>,
    /// What counts against the caps, oldest first. Those older than [`DAY`] are dropped.
    pub events: Vec<Event>,
}

/// The span over which caps count.
pub const DAY: Duration = Duration::from_secs(86_400);

/// One item as we know it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LedgerEntry {
    /// The epoch in which the item was last desired: only within it does its absence remove.
    pub epoch: u64,
    /// Set once the id is known. For what is written idempotently, already before the call, until that is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thing: Option<Thing>,
    pub ownership: Ownership,
    /// A creation that was begun and has not been seen in the tenant yet: until then an id is no ownership, as the
    /// answer to an invitation may name a guest who was there before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<Attempt>,
    /// Since when look-ups for something that should be visible come back empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub empty_since: Option<Moment>,
    /// First read back as it should be. What is missing after that is drift.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied: Option<Timestamp>,
    /// The last write whose effect may not be visible yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written: Option<Timestamp>,
    /// When our own removal of it was answered, until it is written anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<Timestamp>,
    /// Since when we delete this user ourselves: that it is gone then is not the customer's doing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleting: Option<Timestamp>,
    /// Our own block on this user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<Block>,
    /// Since when that removal is named of which `sessions_revoked`, `first_empty` and `proof` are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub named: Option<Timestamp>,
    /// When we ended this user's sessions, for the present leave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sessions_revoked: Option<Timestamp>,
    /// First read that found nothing left of what was named for removal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_empty: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<RemovalProof>,
    /// Every other account of the person that was ever seen here: from before, restored from the recycle bin, or the
    /// customer's own. Of a group: those of ours that were deleted, and may be restored. At most [`MAX_KNOWN`].
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub accounts: BTreeMap<Guid, Claim>,
    /// Every address under which the person was invited or looked up here, in lower case. At most [`MAX_KNOWN`].
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub addresses: BTreeSet<String>,
    /// Since when a field that is missing, or has changed, speaks for taking something away. It takes a second look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubted: Option<Moment>,
    /// Shown to the service provider, never logged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redeem_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// What an entry stands for in the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Thing {
    User {
        id: Guid,
    },
    Group {
        id: Guid,
    },
    Member {
        group: Guid,
        user: Guid,
    },
    AzureRole {
        scope: String,
        definition: Guid,
        principal: Guid,
    },
    DefenderRole {
        id: String,
    },
    DefenderAssignment {
        id: String,
    },
    /// A directory role over the whole tenant.
    EntraRole {
        definition: Guid,
        principal: Guid,
    },
}

impl Thing {
    /// As reports show it.
    pub fn object_id(&self) -> String {
        match self {
            Self::User { id } | Self::Group { id } => id.to_string(),
            Self::Member { group, user } => format!("{group}/{user}"),
            Self::AzureRole { scope, definition, principal } => format!("{scope}|{definition}|{principal}"),
            Self::DefenderRole { id } | Self::DefenderAssignment { id } => id.clone(),
            Self::EntraRole { definition, principal } => format!("{definition}|{principal}"),
        }
    }

    /// The id of a user or a group.
    pub fn guid(&self) -> Option<Guid> {
        match self {
            Self::User { id } | Self::Group { id } => Some(*id),
            Self::Member { .. }
            | Self::AzureRole { .. }
            | Self::DefenderRole { .. }
            | Self::DefenderAssignment { .. }
            | Self::EntraRole { .. } => None,
        }
    }
}

/// Whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Ownership {
    /// Made by us: may be changed and removed.
    #[default]
    Owned,
    /// There before us and used with the customer's leave: never deleted, never blocked.
    Adopted,
}

/// A creation that was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// Logged before the call.
    pub at: Timestamp,
    /// Microsoft's time at the look-up just before the call. Without it nothing that turns up is taken for ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked: Option<Timestamp>,
    /// The mail address or display name by which it is looked up.
    pub name: String,
    /// The look-up just before the call was empty. Without that, what turns up is not taken for ours.
    pub absent_before: bool,
}

impl Attempt {
    /// Whether what was created then may have come of this: not before the look that did not find it, both by Microsoft's
    /// clock. `None` where its answer does not say when it was created.
    pub fn may_have_made(&self, created: Option<Timestamp>) -> Option<bool> {
        created.map(|created| self.looked.is_some_and(|looked| created >= looked))
    }
}

/// Our block on a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Block {
    pub at: Timestamp,
    /// Answered. Nothing is decided by it: an account that is found disabled was enabled when we began, and so is taken for
    /// blocked by us.
    pub confirmed: bool,
    /// Written without a look at the account just before: whether the customer had blocked it already is not known, so
    /// that this block is never lifted by us.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub blind: bool,
}

/// Another account of a person, beside the one that the entry stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Claim {
    /// Made by our own invitation, once.
    Ours,
    Theirs,
}

/// The last attempt, which failed for certain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    pub reason: Reason,
    pub detail: String,
    /// How often in a row.
    pub attempts: u32,
    /// Not before this.
    pub retry_at: Timestamp,
}

/// Since when somebody is known to have left, and in which epoch it was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Left {
    pub since: Timestamp,
    pub epoch: u64,
    /// The revision of the state that was held when it was said beside that state; see `plan/aside.rs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aside: Option<u64>,
}

impl Left {
    /// Whether it was said beside the state that is held at this version, and holds against it.
    pub fn is_aside(&self, held: Version) -> bool {
        self.epoch == held.epoch && self.aside.is_some_and(|revision| held.revision <= revision)
    }
}

/// The customer deleted a person's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deletion {
    /// When it was certain.
    pub at: Timestamp,
    /// When the customer allowed one new invitation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<Timestamp>,
}

/// Something that counts against a cap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    pub at: Timestamp,
    pub charge: Charge,
    pub key: LedgerKey,
}

/// Which cap a change counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Charge {
    /// Leavers, end dates, and what gives no access.
    Free,
    /// A person let in.
    Joiner,
    /// An item changed otherwise.
    Other,
    /// An item removed because it is no longer in the desired state.
    Implied,
}

/// One thing to remember. Applying it twice is the same as once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Update {
    /// Replaces the entry of a key.
    Put(LedgerKey, Box<LedgerEntry>),
    Forget(LedgerKey),
    Left(Guid, Left),
    /// The person was regranted in the epoch that said they left.
    Rejoined(Guid),
    Deleted(Guid, Deletion),
    /// The account is there again, or the customer's leave to invite the person is used.
    Readmitted(Guid),
    Charged(Event),
}

impl Ledger {
    pub fn get(&self, key: impl Into<LedgerKey>) -> Option<&LedgerEntry> {
        self.entries.get(&key.into())
    }

    /// The entries of items, without the agent's own notes.
    pub fn items(&self) -> impl Iterator<Item = (&ItemKey, &LedgerEntry)> {
        self.entries.iter().filter_map(|(key, entry)| Some((key.item()?, entry)))
    }

    pub fn apply(&mut self, update: &Update) {
        match update {
            Update::Put(key, entry) => drop(self.entries.insert(key.clone(), (**entry).clone())),
            Update::Forget(key) => drop(self.entries.remove(key)),
            Update::Left(person, left) => drop(self.left.insert(*person, *left)),
            Update::Rejoined(person) => drop(self.left.remove(person)),
            Update::Deleted(person, deletion) => drop(self.deleted.insert(*person, *deletion)),
            Update::Readmitted(person) => drop(self.deleted.remove(person)),
            Update::Charged(event) => self.charge(event),
        }
    }

    pub fn apply_all<'a>(&mut self, updates: impl IntoIterator<Item = &'a Update>) {
        updates.into_iter().for_each(|update| self.apply(update));
    }

    /// What the customer's leave to invite somebody again is remembered by; none where it is not needed.
    pub fn allow_again(&self, person: Guid, now: Timestamp) -> Option<Update> {
        let held = self.deleted.get(&person).filter(|deletion| deletion.allowed.is_none())?;
        Some(Update::Deleted(person, Deletion { allowed: Some(now), ..*held }))
    }

    /// The key of a group that is ours, or was once.
    pub fn group_of(&self, id: Guid) -> Option<&GroupKey> {
        let is_it = |entry: &LedgerEntry| entry.thing == Some(Thing::Group { id }) || entry.accounts.contains_key(&id);
        self.items()
            .find_map(|(key, entry)| if let ItemKey::Group(key) = key { is_it(entry).then_some(key) } else { None })
    }

    /// Whether a membership still names this user or group: what was adopted is known for as long, or the membership
    /// would no longer be ours to remove.
    pub fn is_named(&self, id: Guid) -> bool {
        let mut members = self.items().filter(|(key, _)| matches!(key, ItemKey::Member(_)));
        let names = |thing: &Thing| matches!(thing, Thing::Member { group, user } if *group == id || *user == id);
        members.any(|(_, entry)| entry.thing.as_ref().is_some_and(names))
    }

    /// A key counts once a day, so that a second attempt costs nothing.
    fn charge(&mut self, event: &Event) {
        self.events.retain(|old| event.at.since(old.at) < DAY);
        let counted = self.events.iter().any(|old| old.key == event.key && old.charge == event.charge);
        if event.charge != Charge::Free && !counted {
            self.events.push(event.clone());
        }
    }

    /// Keys that count against a cap now, with the time at which each ceases to. What is dated more than a day ahead is of a
    /// time that was refuted since, and would count for as long as that was off.
    pub fn charged(&self, charge: Charge, now: Timestamp) -> BTreeMap<&LedgerKey, Timestamp> {
        let counts = |event: &&Event| event.charge == charge && now.since(event.at) < DAY && event.at.since(now) <= DAY;
        self.events.iter().filter(counts).map(|event| (&event.key, event.at.plus(DAY))).collect()
    }
}

impl LedgerEntry {
    /// Keeps another account of the person. One that was ours stays ours.
    pub fn note_account(&mut self, id: Guid, claim: Claim) {
        let is_room = self.accounts.len() < MAX_KNOWN;
        match self.accounts.get_mut(&id) {
            Some(known) if claim == Claim::Ours => *known = claim,
            Some(_) => {}
            None if is_room => drop(self.accounts.insert(id, claim)),
            None => {}
        }
    }

    pub fn note_address(&mut self, address: &str) {
        if self.addresses.len() < MAX_KNOWN {
            self.addresses.insert(address.to_ascii_lowercase());
        }
    }

    /// The id of the user or group that it stands for.
    pub fn guid(&self) -> Option<Guid> {
        self.thing.as_ref().and_then(Thing::guid)
    }

    /// Begun, and not yet seen to be ours or somebody else's.
    pub fn is_undecided(&self) -> bool {
        self.intent.as_ref().is_some_and(|intent| intent.absent_before)
    }

    /// Ours, and seen to be: an id that was answered and not looked at yet is not.
    pub fn is_owned(&self) -> bool {
        self.ownership == Ownership::Owned && self.intent.is_none()
    }
}
