//! All tenants, compiled, and kept compiled as intent changes.
//!
//! Nothing is changed in place: a change gives a new fleet that shares all but what differs, so that readers keep the
//! old one, and a commit that fails costs nothing to forget.

use std::collections::BTreeSet;
use std::sync::Arc;

use entente_model::desired::Item;
use entente_model::intent::{Intent, Manifest, Operator, OperatorState, ResourceName};
use entente_model::revocation::{Revocation, Subject};
use entente_model::{AssignmentName, Guid, HomeName, Map, TenantName};
use entente_seal::{Buckets, Delta, SealedItem};

use crate::index::{Account, Index, Term};
use crate::touched::{Part, Parts, Step, both};
use crate::view::{IntentView, Place};

/// Intent at one revision, and every tenant's items. Free to clone.
#[derive(Debug, Clone, Default)]
pub struct Fleet {
    pub(crate) intent: Intent,
    pub(crate) index: Index,
    tenants: Map<TenantName, Buckets>,
}

/// What is to be signed under one root.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Tenants whose items changed, and new ones. In order of name.
    pub tenants: Vec<Touched>,
    /// Tenants that are no longer in intent.
    pub gone: Vec<TenantName>,
}

/// One tenant of a batch.
#[derive(Debug, Clone)]
pub struct Touched {
    pub tenant: TenantName,
    pub entra_tenant: Guid,
    /// All of its items, with their digest and count for the header.
    pub items: Buckets,
    /// From the items before.
    pub delta: Delta,
}

/// A commit that is already made, as read from the store.
#[derive(Debug, Clone, Default)]
pub struct Replay {
    pub puts: Vec<Manifest>,
    pub deletes: Vec<ResourceName>,
    pub revocation_puts: Vec<Revocation>,
    pub revocation_deletes: Vec<String>,
}

impl Fleet {
    /// Compiles every tenant, as at start-up. Whether the intent is valid is not asked: it was when it was stored.
    pub fn compile_all(intent: Intent) -> Self {
        let index = Index::of(&intent);
        let (nothing, no_index) = (Intent::default(), Index::default());
        let step = Step { before: &IntentView::new(&nothing, &no_index), after: &IntentView::new(&intent, &index) };
        let whole = Part { whole: true, ..Part::default() };
        let parts = intent.tenants.keys().map(|name| (name.clone(), whole.clone())).collect();
        let (tenants, _) = Self::default().compiled(&step, &parts);
        Self { intent, index, tenants }
    }

    pub fn intent(&self) -> &Intent {
        &self.intent
    }

    /// A tenant's items.
    pub fn tenant(&self, name: &TenantName) -> Option<&Buckets> {
        self.tenants.get(name)
    }

    /// Every tenant's items, in order of name.
    pub fn tenants(&self) -> impl Iterator<Item = (&TenantName, &Buckets)> {
        self.tenants.iter()
    }

    /// The tenants that an assignment selects, whatever state they are in.
    pub fn matching(&self, assignment: &AssignmentName) -> Vec<TenantName> {
        let Some(assignment) = self.intent.assignments.get(assignment) else { return Vec::new() };
        self.view().selected(assignment).into_iter().map(|tenant| tenant.name.clone()).collect()
    }

    /// The assignments that select a tenant, in order of name.
    pub fn assignments_of(&self, tenant: &TenantName) -> Vec<AssignmentName> {
        let Some(tenant) = self.intent.tenants.get(tenant) else { return Vec::new() };
        self.view().selecting(tenant).into_iter().map(|assignment| assignment.name.clone()).collect()
    }

    /// Open removals of an account, in order of id.
    pub fn removals_of(&self, home: &HomeName, object_id: Guid) -> impl Iterator<Item = &Arc<Revocation>> {
        let account = Account { home: home.clone(), object_id };
        self.index.removals_of(account).filter_map(|id| self.intent.revocations.get(id))
    }

    /// Whether an account is, or was, one of our people's: an operator has it, or a removal of it is open.
    pub fn has_account(&self, home: &HomeName, object_id: Guid) -> bool {
        self.operators_with(home, object_id).next().is_some() || self.removals_of(home, object_id).next().is_some()
    }

    /// Whether an account belongs to a person who does not work any more: an agent that sees it must remove it.
    pub fn has_left(&self, home: &HomeName, object_id: Guid) -> bool {
        match self.operators_with(home, object_id).next() {
            Some(operator) => operator.state != OperatorState::Active,
            None => self.removals_of(home, object_id).any(|row| row.subject == Subject::Person),
        }
    }

    fn operators_with(&self, home: &HomeName, object_id: Guid) -> impl Iterator<Item = &Arc<Operator>> {
        let names = self.index.with(Term::Has(Account { home: home.clone(), object_id }));
        names.filter_map(|name| match name {
            ResourceName::Operator(name) => self.intent.operators.get(name),
            _ => None,
        })
    }

    /// Follows a commit of another replica.
    pub fn follow(&self, replay: Replay) -> (Self, Batch) {
        let mut after = self.intent.clone();
        let changed: BTreeSet<ResourceName> =
            replay.puts.iter().map(Manifest::name).chain(replay.deletes.iter().cloned()).collect();
        let changed: Vec<ResourceName> = changed.into_iter().collect();
        let puts = replay.revocation_puts.iter().map(|row| row.id.clone());
        let rows: Vec<String> = puts.chain(replay.revocation_deletes.iter().cloned()).collect();
        for name in &replay.deletes {
            after.remove(name);
        }
        for id in &replay.revocation_deletes {
            after.end_revocation(id);
        }
        replay.puts.into_iter().for_each(|manifest| after.put(manifest));
        replay.revocation_puts.into_iter().for_each(|row| after.put_revocation(row));
        let index = self.index.with_resources(&self.intent, &after, &changed);
        let index = index.with_removals(&self.intent, &after, &rows);
        let step = Step { before: &self.view(), after: &IntentView::new(&after, &index) };
        let mut parts = step.touched(&changed);
        step.touched_by_removals(&rows, &mut parts);
        self.moved(&step, &parts)
    }

    pub(crate) fn view(&self) -> IntentView<'_> {
        IntentView::new(&self.intent, &self.index)
    }

    /// The fleet after a step that reaches these parts.
    pub(crate) fn moved(&self, step: &Step<'_, '_>, parts: &Parts) -> (Self, Batch) {
        let (tenants, batch) = self.compiled(step, parts);
        (Self { intent: step.after.intent.clone(), index: step.after.index.clone(), tenants }, batch)
    }

    fn compiled(&self, step: &Step<'_, '_>, parts: &Parts) -> (Map<TenantName, Buckets>, Batch) {
        let (mut tenants, mut batch) = (self.tenants.clone(), Batch::default());
        for (name, part) in parts {
            let [old, new] = both(step, name);
            let Some(tenant) = new else {
                batch.gone.extend(tenants.remove(name).map(|_| name.clone()));
                continue;
            };
            let old = old.map(|old| sealed(&step.before.place(old), part)).unwrap_or_default();
            let delta = difference(old, sealed(&step.after.place(tenant), part));
            let known = tenants.get(name);
            if known.is_some() && delta.is_empty() {
                continue;
            }
            let items = known.cloned().unwrap_or_default().apply(&delta);
            tenants.insert(name.clone(), items.clone());
            batch.tenants.push(Touched { tenant: name.clone(), entra_tenant: tenant.entra_tenant, items, delta });
        }
        (tenants, batch)
    }
}

/// Every item of a tenant, in no particular order.
pub(crate) fn whole(place: &Place<'_, '_>) -> Vec<(Item, SealedItem)> {
    let rights = place.rights().into_iter().map(|item| (SealedItem::seal(&item), item));
    let mut items: Vec<_> = rights.map(|(sealed, item)| (item, sealed)).collect();
    for account in place.accounts() {
        items.extend(place.items_of(&account).iter().cloned());
    }
    items
}

/// The items of a part, in order of key.
fn sealed(place: &Place<'_, '_>, part: &Part) -> Vec<SealedItem> {
    let mut items = Vec::new();
    if part.whole || part.rights {
        items.extend(place.rights().iter().map(SealedItem::seal));
    }
    let mut add = |account| items.extend(place.items_of(account).iter().map(|(_, sealed)| sealed.clone()));
    if part.whole {
        place.accounts().iter().for_each(&mut add);
    } else {
        part.accounts.iter().for_each(&mut add);
    }
    items.sort_unstable_by(|a, b| a.key().cmp(b.key()));
    items
}

/// What turns one sorted list into the other.
fn difference(old: Vec<SealedItem>, new: Vec<SealedItem>) -> Delta {
    let find = |items: &[SealedItem], key: &str| items.binary_search_by(|item| item.key().cmp(key)).ok();
    let removed = old.iter().filter(|item| find(&new, item.key()).is_none()).map(|item| item.key().into()).collect();
    let differs = |item: &SealedItem| find(&old, item.key()).is_none_or(|at| old[at] != *item);
    Delta { removed, upserts: new.iter().filter(|item| differs(item)).cloned().collect() }
}

impl PartialEq for Fleet {
    /// The same intent compiled to the same items. All else follows from these.
    fn eq(&self, other: &Self) -> bool {
        self.intent == other.intent && self.tenants == other.tenants
    }
}
