//! What a change touches, counted from the compiled difference before anything is sent. What it lets people do is
//! [`super::rights`]'s.

use std::collections::{BTreeMap, BTreeSet};

use entente_compiler::{Advance, Fleet};
use entente_model::desired::{Digest, ItemKey, Want};
use entente_model::intent::Intent;
use entente_model::{OperatorName, PrincipalName, TenantName, Timestamp};
use entente_seal::{Buckets, SealedItem};
use serde::{Deserialize, Serialize};

use super::rights::{Person, Rights, RightsChange, Sides};

/// Most names in an answer: what fits a screen, and more is a number anyhow.
const MAX_NAMES: usize = 100;

/// Counts, and the first names.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Impact {
    /// Tenants whose desired state changes.
    pub tenants: u32,
    /// People whose access changes somewhere.
    pub people: u32,
    /// Items that become desired, over all tenants.
    pub items_added: u32,
    /// Items that are no longer desired, named removals included.
    pub items_removed: u32,
    /// Items that stay desired, and are something else: another content, another end.
    #[serde(default)]
    pub items_changed: u32,
    /// In order; the first 100.
    pub tenant_names: Vec<TenantName>,
    /// In order; the first 100.
    pub operator_names: Vec<OperatorName>,
    /// All principals that end, because they are tied to people who work no more. In order.
    #[serde(default)]
    pub ended_principals: Vec<PrincipalName>,
    /// What people are let do, and what not any more; what reaches most first.
    #[serde(default)]
    pub rights: Vec<RightsChange>,
    /// How many more changes of rights there are.
    #[serde(default)]
    pub more_rights: u32,
}

/// Counts items by their leaf: what is the same in many tenants is opened once.
#[derive(Default)]
struct Tally {
    opened: BTreeMap<Digest, bool>,
    people: BTreeSet<Person>,
    added: u32,
    removed: u32,
    changed: u32,
}

impl Impact {
    pub(super) fn of(before: &Fleet, advance: &Advance, now: Timestamp) -> Self {
        let (mut tally, mut rights) = (Tally::default(), Rights::new(now));
        let nothing = Buckets::default();
        let gone = advance.batch.gone.iter();
        let touched =
            advance.batch.tenants.iter().map(|it| Sides::of(before.tenant(&it.tenant).unwrap_or(&nothing), it));
        let deleted = gone.clone().filter_map(|tenant| Some(Sides::of_gone(tenant, before.tenant(tenant)?, &nothing)));
        for sides in touched.chain(deleted) {
            tally.count(&sides);
            rights.count(&sides);
        }
        tally.people.extend(rights.people().cloned());
        let mut tenants: Vec<_> = advance.batch.tenants.iter().map(|touched| &touched.tenant).chain(gone).collect();
        tenants.sort();
        let names = names(&tally.people, [before.intent(), advance.fleet.intent()]);
        let operators: BTreeSet<OperatorName> = names.values().cloned().collect();
        let (rights, more_rights) = rights.told(&names);
        Self {
            tenants: tenants.len() as u32,
            people: operators.len() as u32,
            items_added: tally.added,
            items_removed: tally.removed,
            items_changed: tally.changed,
            tenant_names: tenants.into_iter().take(MAX_NAMES).cloned().collect(),
            operator_names: operators.into_iter().take(MAX_NAMES).collect(),
            ended_principals: Vec::new(),
            rights,
            more_rights,
        }
    }
}

impl Tally {
    fn count(&mut self, sides: &Sides<'_>) {
        for key in &sides.keys {
            let was = sides.before.get(key).is_some_and(|item| self.is_present(item));
            let is = sides.after.get(key).is_some_and(|item| self.is_present(item));
            self.added += u32::from(is && !was);
            self.removed += u32::from(was && !is);
            self.changed += u32::from(was && is);
            self.person(key);
        }
    }

    fn is_present(&mut self, item: &SealedItem) -> bool {
        let open = || item.open().is_ok_and(|item| item.want == Want::Present);
        *self.opened.entry(item.leaf()).or_insert_with(open)
    }

    fn person(&mut self, key: &str) {
        if let Some((home, id)) = key.parse::<ItemKey>().ok().as_ref().and_then(ItemKey::person) {
            self.people.insert((home.clone(), id));
        }
    }
}

/// Who they are, in either state of intent: a deleted operator is in the former only.
fn names(people: &BTreeSet<Person>, intents: [&Intent; 2]) -> BTreeMap<Person, OperatorName> {
    if people.is_empty() {
        return BTreeMap::new();
    }
    let all = intents.into_iter().flat_map(|intent| intent.operators.values());
    let accounts = all.flat_map(|operator| operator.identities.iter().map(move |it| (it, &operator.name)));
    let named = accounts.map(|(it, name)| ((it.home.clone(), it.object_id), name.clone()));
    named.filter(|(person, _)| people.contains(person)).collect()
}
