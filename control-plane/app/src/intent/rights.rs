//! What a change lets people do, and no longer lets them do: what each person's groups give in each tenant, before and after,
//! in the words that customers consent to ([`entente_model::capability`]).
//!
//! Counted by the compiled items alone. Whether a customer's guardrail lets any of it happen is not asked here.

mod held;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use entente_compiler::Touched;
use entente_model::desired::{Digest, GroupKey, ItemKey};
use entente_model::{Guid, HomeName, OperatorName, TenantName, Timestamp};
use entente_seal::{Buckets, SealedItem};

use held::{Given, Held, assigned, beyond, from_then};
pub use held::{Right, RightsChange};

/// Most changes of rights in an answer: each is a line on a screen, and more are a number.
const MAX_CHANGES: usize = 20;

/// Most names of people, and of tenants, of one change of rights.
const MAX_NAMES: usize = 50;

/// An account.
pub(super) type Person = (HomeName, Guid);

/// Rights that come, and rights that go.
type Difference = (Vec<Right>, Vec<Right>);

/// A group, and from when on somebody is in it, if not now.
type Joined = (GroupKey, Option<Timestamp>);

/// Groups of a person, before and after.
type Groups = [BTreeSet<Joined>; 2];

/// Counts over tenants.
pub(super) struct Rights {
    now: Timestamp,
    /// What one item gives, by its leaf: the same in many tenants is opened once.
    opened: BTreeMap<Digest, Arc<Given>>,
    changes: BTreeMap<Difference, BTreeMap<Person, BTreeSet<TenantName>>>,
}

impl Rights {
    pub(super) fn new(now: Timestamp) -> Self {
        Self { now, opened: BTreeMap::new(), changes: BTreeMap::new() }
    }

    /// Compares one tenant with what it was.
    pub(super) fn count(&mut self, compared: &Sides<'_>) {
        let (mut changed, mut persons) = (BTreeSet::new(), BTreeSet::new());
        for key in compared.keys.iter().filter_map(|key| key.parse::<ItemKey>().ok()) {
            if let ItemKey::Member(member) = &key {
                persons.insert((member.home.clone(), member.object_id));
            } else if is_right(&key) {
                changed.extend(key.role().cloned());
            }
        }
        if changed.is_empty() && persons.is_empty() {
            return;
        }
        let sides = [compared.before, compared.after];
        let mut people: BTreeMap<Person, Groups> = BTreeMap::new();
        for (at, side) in sides.into_iter().enumerate() {
            for item in side.iter() {
                let Some(ItemKey::Member(member)) = item.key().parse().ok() else { continue };
                if let Given::Member(joins) = *self.given(item) {
                    let groups = people.entry((member.home.clone(), member.object_id)).or_default();
                    groups[at].insert((member.group(), joins));
                }
            }
        }
        let is_of = |(group, _): &Joined| changed.contains(&group.role);
        people.retain(|person, groups| persons.contains(person) || groups.iter().flatten().any(is_of));
        let gives = sides.map(|side| self.gives(side));
        let mut alike: BTreeMap<Groups, Vec<Person>> = BTreeMap::new();
        people.into_iter().for_each(|(person, groups)| alike.entry(groups).or_default().push(person));
        for ([was, is], persons) in alike {
            let held = |side: usize, groups: &BTreeSet<Joined>| -> BTreeSet<Held> {
                let of_each = groups.iter().filter_map(|(group, joins)| Some((gives[side].get(group)?, *joins)));
                of_each.flat_map(|(held, joins)| held.iter().map(move |it| from_then(it, joins))).collect()
            };
            let (was, is) = (held(0, &was), held(1, &is));
            let difference = (beyond(&is, &was), beyond(&was, &is));
            if difference.0.is_empty() && difference.1.is_empty() {
                continue;
            }
            let of = self.changes.entry(difference).or_default();
            for person in persons {
                of.entry(person).or_default().insert(compared.tenant.clone());
            }
        }
    }

    /// Everybody whose rights change.
    pub(super) fn people(&self) -> impl Iterator<Item = &Person> {
        self.changes.values().flat_map(BTreeMap::keys)
    }

    /// The widest first, with how many more there are.
    pub(super) fn told(self, names: &BTreeMap<Person, OperatorName>) -> (Vec<RightsChange>, u32) {
        let mut all = Vec::new();
        for ((added, removed), persons) in self.changes {
            let mut by_tenants: BTreeMap<BTreeSet<TenantName>, BTreeSet<OperatorName>> = BTreeMap::new();
            for (person, tenants) in persons {
                by_tenants.entry(tenants).or_default().extend(names.get(&person).cloned());
            }
            let one = |(tenants, people): (BTreeSet<TenantName>, BTreeSet<OperatorName>)| RightsChange {
                added: added.clone(),
                removed: removed.clone(),
                people: people.len() as u32,
                operator_names: people.into_iter().take(MAX_NAMES).collect(),
                tenants: tenants.len() as u32,
                tenant_names: tenants.into_iter().take(MAX_NAMES).collect(),
            };
            all.extend(by_tenants.into_iter().map(one));
        }
        all.sort_by_key(|it| std::cmp::Reverse(u64::from(it.people) * u64::from(it.tenants)));
        let more = all.len().saturating_sub(MAX_CHANGES) as u32;
        all.truncate(MAX_CHANGES);
        (all, more)
    }

    /// What each group gives.
    fn gives(&mut self, side: &Buckets) -> BTreeMap<GroupKey, Vec<Held>> {
        let mut gives: BTreeMap<GroupKey, Vec<Held>> = BTreeMap::new();
        let (mut defender, mut assignments) = (BTreeMap::new(), Vec::new());
        for item in side.iter() {
            let Some(key) = item.key().parse::<ItemKey>().ok().filter(is_right) else { continue };
            let given = self.given(item);
            match (&*given, key.group()) {
                (Given::Rights(held), Some(group)) => gives.entry(group).or_default().extend(held.iter().cloned()),
                (Given::Permissions(_), None) => _ = key.role().map(|role| defender.insert(role.clone(), given)),
                (Given::Places(_), Some(group)) => assignments.push((group, given)),
                _ => {}
            }
        }
        for (group, places) in assignments {
            if let (Some(Given::Permissions(whats)), Given::Places(places)) =
                (defender.get(&group.role).map(|it| &**it), &*places)
            {
                gives.entry(group).or_default().extend(assigned(whats, places));
            }
        }
        gives
    }

    fn given(&mut self, item: &SealedItem) -> Arc<Given> {
        let now = self.now;
        let open = || Arc::new(item.open().map_or(Given::Nothing, |item| Given::of(&item, now)));
        self.opened.entry(item.leaf()).or_insert_with(open).clone()
    }
}

/// One tenant before and after.
pub(super) struct Sides<'a> {
    pub(super) tenant: &'a TenantName,
    pub(super) before: &'a Buckets,
    pub(super) after: &'a Buckets,
    /// Of the items that differ.
    pub(super) keys: Vec<&'a str>,
}

impl<'a> Sides<'a> {
    pub(super) fn of(before: &'a Buckets, touched: &'a Touched) -> Self {
        let removed = touched.delta.removed.iter().map(|key| &**key);
        let keys = touched.delta.upserts.iter().map(|item| item.key()).chain(removed).collect();
        Self { tenant: &touched.tenant, before, after: &touched.items, keys }
    }

    /// Of a tenant that is deleted: nothing is desired there any more.
    pub(super) fn of_gone(tenant: &'a TenantName, before: &'a Buckets, nothing: &'a Buckets) -> Self {
        Self { tenant, before, after: nothing, keys: before.iter().map(|item| item.key()).collect() }
    }
}

/// Whether what people may do follows from it.
fn is_right(key: &ItemKey) -> bool {
    match key {
        ItemKey::AzureRole(_) | ItemKey::DefenderRole(_) | ItemKey::DefenderAssignment(_) | ItemKey::EntraRole(_) => {
            true
        }
        ItemKey::User(_) | ItemKey::Group(_) | ItemKey::Member(_) | ItemKey::Other(_) => false,
    }
}
