//! What a change names for removal, and which removals it ends.
//!
//! A person who leaves, is suspended or is deleted is removed as a whole, wherever the account may be; so is an account
//! that its operator's manifest no longer lists. A membership is named when someone took it away: the assignment was
//! deleted, or no longer reaches the person. Where only labels, `except`, names or tenants changed, access ends by
//! implication and under the customer's caps, because edits like these are often mistakes. What is granted again is no longer
//! removed. A removal in a tenant that is deleted stays: it is not proven, and says so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use entente_model::desired::{ItemKey, MAX_KNOWN};
use entente_model::intent::{Identity, Operator, OperatorState, ResourceName, Tenant};
use entente_model::revocation::{Cause, InTenant, Known, Revocation, Subject};
use entente_model::{Map, OperatorName, TenantName};

use crate::edit::{Edit, RemovalIn, Sighting};
use crate::index::{Account, Term};
use crate::people::{is_in, user_key};
use crate::touched::{Parts, Step, both};
use crate::view::{Grant, Place, is_member};

/// Removals that change, by id: as they are afterwards, or ended.
pub(crate) type Rows = BTreeMap<String, Option<Revocation>>;

/// The removals that a change makes, alters and ends.
pub(crate) fn removals(step: &Step<'_, '_>, edit: &Edit, changed: &[ResourceName], parts: &Parts) -> Rows {
    let mut departures = departures(step, changed);
    seen_since(step, edit, &mut departures);
    let mut change = Change { step, edit, departures, rows: Rows::new() };
    change.follow_proofs();
    change.gain_addresses(changed);
    change.end_leaves(changed);
    let named = change.compare(parts);
    for (subject, tenants) in named {
        change.name(subject, tenants);
    }
    change.name_departures();
    change.rows.retain(|id, row| {
        let tenants_left = row.as_ref().is_some_and(|row| !row.tenants.is_empty());
        if !tenants_left {
            *row = None;
        }
        step.before.intent.revocations.get(id).map(|old| &**old) != row.as_ref()
    });
    change.rows
}

struct Change<'c, 'w, 'a> {
    step: &'c Step<'w, 'a>,
    edit: &'c Edit,
    departures: BTreeMap<(&'a OperatorName, Account), Departure<'a>>,
    rows: Rows,
}

/// An account that is to have nothing any more.
#[derive(Clone, Copy)]
struct Departure<'a> {
    operator: &'a OperatorName,
    display_name: &'a str,
    identity: &'a Identity,
    cause: Cause,
    was_active: bool,
}

/// What is named for removal, before it is known in which tenants.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Named<'a> {
    operator: &'a OperatorName,
    identity: &'a Identity,
    display_name: &'a str,
    /// `None` for the whole person.
    membership: Option<ItemKey>,
    cause: Cause,
    /// The person was at work until now, so that what is still open is of an earlier removal.
    anew: bool,
}

impl Named<'_> {
    /// Whether this removal replaces an open one. Leaving outranks a suspension; repeating the same cause keeps the first request
    /// and its actor.
    fn supersedes(&self, row: &Revocation) -> bool {
        self.anew || (self.cause.is_leaver() && self.cause != row.cause && row.cause != Cause::Left)
    }
}

/// Accounts of those who are there before and work no more afterwards, and accounts that are theirs no more.
fn departures<'a>(
    step: &Step<'_, 'a>,
    changed: &[ResourceName],
) -> BTreeMap<(&'a OperatorName, Account), Departure<'a>> {
    let mut departures = BTreeMap::new();
    for name in changed {
        let ResourceName::Operator(name) = name else { continue };
        let Some(operator) = step.before.intent.operators.get(name) else { continue };
        let after = step.after.intent.operators.get(name);
        let whole = why_gone(operator.state, after.map(|after| after.state));
        let was_active = operator.state == OperatorState::Active;
        for identity in &operator.identities {
            let account = Account::from(identity);
            let kept = after.is_some_and(|after| after.identities.iter().any(|it| Account::from(it) == account));
            let Some(cause) = whole.or((!kept).then_some(Cause::IdentityDropped)) else { continue };
            let departure = Departure::of(operator, identity, cause, was_active);
            departures.insert((&operator.name, account), departure);
        }
    }
    departures
}

/// Accounts that an agent still sees though their operator had left before: by the operator's state or, if no operator has the
/// account any more, by a removal of it that is open elsewhere.
fn seen_since<'a>(
    step: &Step<'_, 'a>,
    edit: &Edit,
    departures: &mut BTreeMap<(&'a OperatorName, Account), Departure<'a>>,
) {
    for sighting in &edit.still_there {
        let account = Account { home: sighting.home.clone(), object_id: sighting.object_id };
        let mut operators = step.before.index.with(Term::Has(account.clone())).filter_map(|name| match name {
            ResourceName::Operator(name) => step.before.intent.operators.get(name),
            _ => None,
        });
        let seen: Vec<Departure<'a>> = match operators.next() {
            // One, in valid intent.
            Some(operator) => gone(operator, &account).into_iter().collect(),
            None => open(&step.before.account_index(&account).removals),
        };
        for departure in seen {
            departures.entry((departure.operator, account.clone())).or_insert(departure);
        }
    }
}

fn gone<'a>(operator: &'a Operator, account: &Account) -> Option<Departure<'a>> {
    let cause = match operator.state {
        OperatorState::Active => return None,
        OperatorState::Suspended => Cause::Suspended,
        OperatorState::Left => Cause::Left,
    };
    let identity = operator.identities.iter().find(|it| Account::from(*it) == *account)?;
    Some(Departure::of(operator, identity, cause, false))
}

fn open<'a>(removals: &[&'a Arc<Revocation>]) -> Vec<Departure<'a>> {
    let whole = removals.iter().filter(|row| row.subject == Subject::Person);
    whole
        .map(|row| Departure {
            operator: &row.operator,
            display_name: &row.display_name,
            identity: &row.identity,
            cause: row.cause,
            was_active: false,
        })
        .collect()
}

/// Why a person works no more, if a change of state says so. `None` afterwards is a deletion.
fn why_gone(before: OperatorState, after: Option<OperatorState>) -> Option<Cause> {
    match (before, after) {
        (OperatorState::Left, None) | (OperatorState::Active | OperatorState::Suspended, Some(OperatorState::Left)) => {
            Some(Cause::Left)
        }
        (_, None) => Some(Cause::OperatorDeleted),
        (OperatorState::Active, Some(OperatorState::Suspended)) => Some(Cause::Suspended),
        _ => None,
    }
}

impl<'a> Change<'_, '_, 'a> {
    /// A removal as it stands so far.
    fn row(&mut self, id: &str) -> Option<&mut Revocation> {
        if !self.rows.contains_key(id) {
            let row = self.step.before.intent.revocations.get(id)?;
            self.rows.insert(id.into(), Some((**row).clone()));
        }
        self.rows.get_mut(id)?.as_mut()
    }

    fn drop_tenant(&mut self, id: &str, tenant: &TenantName) {
        if let Some(row) = self.row(id) {
            row.tenants.remove(tenant);
        }
    }

    /// What agents have proven, seen again or come to know, and what has been watched for long enough.
    fn follow_proofs(&mut self) {
        let (edit, now) = (self.edit, self.edit.now);
        for place in &edit.amended {
            let Some(row) = self.row(&place.revocation) else { continue };
            let identity = row.identity.clone();
            let fresh = self.in_tenant(&place.tenant, &identity);
            self.alter(place, |it| {
                it.known.merge(&fresh.known);
                it.never_enrolled &= fresh.never_enrolled;
            });
        }
        for place in &edit.proven {
            self.alter(place, |it| it.proven = it.proven.or(Some(now)));
        }
        for place in &edit.came_back {
            self.alter(place, |it| it.came_back = it.proven.take().map(|_| now).or(it.came_back));
        }
        for id in &edit.watched {
            if self.row(id).is_some_and(|row| row.is_over(now)) {
                self.rows.insert(id.clone(), None);
            }
        }
    }

    fn alter(&mut self, place: &RemovalIn, change: impl FnOnce(&mut InTenant)) {
        if let Some(it) = self.row(&place.revocation).and_then(|row| row.tenants.get_mut(&place.tenant)) {
            change(it);
        }
    }

    /// An address that an operator comes to have while a removal of the account is open is one to look for, too.
    fn gain_addresses(&mut self, changed: &[ResourceName]) {
        for name in changed {
            let ResourceName::Operator(name) = name else { continue };
            let operator = self.step.after.intent.operators.get(name);
            for identity in operator.into_iter().flat_map(|operator| &operator.identities) {
                let index = self.step.before.account_index(&identity.into());
                for row in &index.removals {
                    let row = self.row(&row.id).expect("a removal of an account is in intent");
                    add_addresses(&mut row.addresses, addresses(identity));
                }
            }
        }
    }

    /// Marks what is left of an earlier leave, of the same operator or of an earlier one with that name and account: it is no part
    /// of the next leave.
    fn end_leaves(&mut self, changed: &[ResourceName]) {
        for name in changed {
            let ResourceName::Operator(name) = name else { continue };
            let [before, after] = [self.step.before, self.step.after].map(|view| view.intent.operators.get(name));
            let Some(after) = after.filter(|it| it.state != OperatorState::Left) else { continue };
            if before.is_some_and(|it| it.state != OperatorState::Left) {
                continue;
            }
            let identities = before.into_iter().chain([after]).flat_map(|it| &it.identities);
            let mut rows = BTreeSet::new();
            for identity in identities {
                let index = self.step.before.account_index(&identity.into());
                let of_leave = index.removals.iter().filter(|row| row.operator == *name && row.cause == Cause::Left);
                rows.extend(of_leave.map(|row| row.id.clone()));
            }
            for id in rows {
                let row = self.row(&id).expect("a removal of an account is in intent");
                row.tenants.values_mut().for_each(|it| it.of_earlier_leave = true);
            }
        }
    }

    /// Compares what each touched account holds, tenant by tenant. Ends what is granted again, and returns what is
    /// lost and named.
    fn compare(&mut self, parts: &Parts) -> BTreeMap<Named<'a>, BTreeSet<TenantName>> {
        let step = *self.step;
        let mut named: BTreeMap<Named<'a>, BTreeSet<TenantName>> = BTreeMap::new();
        for (tenant, part) in parts {
            let [old, Some(new)] = both(&step, tenant) else { continue };
            let (old, new) = (old.map(|old| step.before.place(old)), step.after.place(new));
            let mut accounts = part.accounts.clone();
            if part.whole {
                accounts.extend(old.as_ref().map(Place::accounts).unwrap_or_default());
                accounts.extend(new.accounts());
            }
            for account in accounts {
                let held = old.as_ref().map(|old| old.memberships(&account)).unwrap_or_default();
                let holds = new.memberships(&account);
                self.end_granted_again(&account, tenant, &holds);
                for (key, grants) in held.into_iter().filter(|(key, _)| !holds.contains_key(key)) {
                    if let Some(lost) = self.lost(key, &grants, holds.is_empty()) {
                        named.entry(lost).or_default().insert(tenant.clone());
                    }
                }
            }
        }
        named
    }

    fn end_granted_again(&mut self, account: &Account, tenant: &TenantName, holds: &BTreeMap<ItemKey, Vec<Grant<'_>>>) {
        let index = self.step.before.account_index(account);
        let place = self.step.after.intent.tenants.get(tenant);
        for row in index.removals.iter().filter(|row| place.is_some_and(|place| is_in(row, place))) {
            let granted_again = match &row.subject {
                Subject::Person => !holds.is_empty(),
                Subject::Membership(key) => holds.contains_key(key),
            };
            if granted_again {
                self.drop_tenant(&row.id, tenant);
            }
        }
    }

    /// How a lost membership is named, if it is. The account as a whole only where it holds nothing any more: by the
    /// same change it may have become another operator's.
    fn lost(&self, key: ItemKey, grants: &[Grant<'a>], is_all: bool) -> Option<Named<'a>> {
        let departure =
            |grant: &Grant<'a>| self.departures.get(&(&grant.operator.name, grant.identity.into())).filter(|_| is_all);
        if let Some(departure) = grants.iter().find_map(departure) {
            return Some(departure.named());
        }
        grants.iter().find_map(|grant| {
            Some(Named {
                operator: &grant.operator.name,
                identity: grant.identity,
                display_name: &grant.operator.display_name,
                membership: Some(key.clone()),
                cause: self.taken_away(grant)?,
                anew: false,
            })
        })
    }

    /// Why a grant ended, if someone took it away.
    fn taken_away(&self, grant: &Grant<'_>) -> Option<Cause> {
        let (was, after) = (grant.assignment, self.step.after.intent);
        let Some(is) = after.assignments.get(&was.name) else { return Some(Cause::AssignmentDeleted) };
        let reached = match &was.squad {
            // Another squad in its place is a reorganisation, not a removal of each member.
            Some(squad) if is.squad.as_ref() != Some(squad) => true,
            Some(squad) => after.squads.get(squad).is_some_and(|squad| is_member(squad, &grant.operator.name)),
            None => is.operator == was.operator,
        };
        (!reached).then_some(Cause::MemberDropped)
    }

    /// An account is removed also where earlier removals are not confirmed, and where an agent still sees it.
    fn name_departures(&mut self) {
        for ((_, account), departure) in std::mem::take(&mut self.departures) {
            let index = self.step.before.account_index(&account);
            let pending = index.removals.iter().flat_map(|row| row.tenants.keys());
            let is_it = |it: &&Sighting| it.home == account.home && it.object_id == account.object_id;
            let sightings = self.edit.still_there.iter().filter(is_it).map(|it| &it.tenant);
            // The account may be another operator's by the same change.
            let is_over = |name: &TenantName| {
                let tenant = self.step.after.intent.tenants.get(name);
                tenant.is_some_and(|tenant| self.step.after.place(tenant).memberships(&account).is_empty())
            };
            let tenants = pending.chain(sightings).filter(|name| is_over(name)).cloned().collect();
            self.name(departure.named(), tenants);
        }
    }

    /// Writes a removal. At most one removal per subject and tenant is open: tenants of an open removal move to this one if it
    /// supersedes the open one, and stay there otherwise.
    fn name(&mut self, named: Named<'_>, mut names: BTreeSet<TenantName>) {
        let key = named.membership.clone().unwrap_or_else(|| user_key(named.identity));
        let subject = format!("{}/{key}@", named.operator.id());
        let id = format!("{subject}{}", self.edit.number);
        let (mut cause, mut actor) = (named.cause, self.edit.actor.clone());
        let (mut known, mut addresses) = (BTreeMap::new(), self.addresses(&named));
        let tenants = &self.step.after.intent.tenants;
        for open in self.ids(&subject, &named.identity.into()) {
            let Some(row) = self.row(&open) else { continue };
            // Within one change it is one removal.
            let is_this = open == id;
            if is_this {
                (cause, actor) = (row.cause, row.actor.clone());
            }
            if is_this || named.supersedes(row) {
                known.append(&mut take_over(row, tenants));
                add_addresses(&mut addresses, row.addresses.iter().cloned());
            } else {
                names.retain(|name| !tenants.get(name).is_some_and(|it| is_in(row, it)));
            }
        }
        names.extend(known.keys().cloned());
        if names.is_empty() {
            return;
        }
        let in_tenant = |name: TenantName| {
            let mut it = self.in_tenant(&name, named.identity);
            known.get(&name).into_iter().for_each(|former| it.known.merge(former));
            (name, it)
        };
        let row = Revocation {
            id: id.clone(),
            operator: named.operator.clone(),
            display_name: named.display_name.into(),
            identity: named.identity.clone(),
            subject: named.membership.clone().map_or(Subject::Person, Subject::Membership),
            tenants: names.into_iter().map(in_tenant).collect(),
            addresses,
            cause,
            actor,
            time: self.edit.now,
        };
        self.rows.insert(id, Some(row));
    }

    /// What is known of an account in a tenant when its removal is named.
    fn in_tenant(&self, tenant: &TenantName, identity: &Identity) -> InTenant {
        let memory = self.edit.memory.as_deref();
        InTenant {
            entra_tenant: self.step.after.intent.tenants.get(tenant).map(|it| it.entra_tenant),
            known: memory.map(|it| it.known(tenant, &identity.home, identity.object_id)).unwrap_or_default(),
            never_enrolled: memory.is_some_and(|it| !it.was_enrolled(tenant)),
            ..InTenant::default()
        }
    }

    /// Every address that the account has or had, but for what is another person's by now: accounts of that address are
    /// theirs.
    fn addresses(&self, named: &Named<'_>) -> BTreeSet<String> {
        let (identity, operator) = (named.identity, named.operator);
        let former = self.edit.memory.as_deref();
        let former = former.map(|it| it.former_addresses(operator, &identity.home, identity.object_id));
        let is_others = |address: &String| {
            let mut owners = self.step.after.index.with(Term::Mail(address.clone()));
            owners.any(|owner| *owner != ResourceName::Operator(operator.clone()))
        };
        let mut all = BTreeSet::new();
        add_addresses(&mut all, addresses(identity).chain(former.unwrap_or_default()).filter(|it| !is_others(it)));
        all
    }

    /// Removals of one subject, of this change and of earlier ones.
    fn ids(&self, subject: &str, account: &Account) -> BTreeSet<String> {
        let index = self.step.before.account_index(account);
        let earlier = index.removals.iter().map(|row| &row.id).filter(|id| id.starts_with(subject));
        let now = self.rows.range(subject.to_owned()..).map(|(id, _)| id).take_while(|id| id.starts_with(subject));
        earlier.chain(now).cloned().collect()
    }
}

/// Moves known accounts to the later removal. In tenants without an agent the earlier removal stays, unproven.
fn take_over(row: &mut Revocation, tenants: &Map<TenantName, Arc<Tenant>>) -> BTreeMap<TenantName, Known> {
    let is_here = |name: &&TenantName| tenants.get(*name).is_some_and(|it| is_in(row, it));
    let here: Vec<_> = row.tenants.keys().filter(is_here).cloned().collect();
    let known = |name| Some((TenantName::clone(&name), row.tenants.remove(&name)?.known));
    here.into_iter().filter_map(known).collect()
}

/// Addresses of an account, as they are compared.
fn addresses(identity: &Identity) -> impl Iterator<Item = String> {
    [&identity.mail, &identity.upn].map(|it| it.to_ascii_lowercase()).into_iter()
}

fn add_addresses(all: &mut BTreeSet<String>, more: impl Iterator<Item = String>) {
    for address in more {
        if all.len() < MAX_KNOWN {
            all.insert(address);
        }
    }
}

impl<'a> Departure<'a> {
    fn of(operator: &'a Operator, identity: &'a Identity, cause: Cause, was_active: bool) -> Self {
        Self { operator: &operator.name, display_name: &operator.display_name, identity, cause, was_active }
    }

    fn named(&self) -> Named<'a> {
        Named {
            operator: self.operator,
            identity: self.identity,
            display_name: self.display_name,
            membership: None,
            cause: self.cause,
            anew: self.was_active,
        }
    }
}
