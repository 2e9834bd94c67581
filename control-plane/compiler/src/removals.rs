//! What a change names for removal, and which removals it ends.
//!
//! A person who leaves, is suspended or is deleted is removed as a whole, wherever the account may be. A membership is
//! named when someone took it away: the assignment was deleted, or no longer reaches the person. Where only labels,
//! `except`, names or tenants changed, access ends by implication and under the customer's caps: such an edit is the
//! one that slips. What is granted again is no longer removed.

use std::collections::{BTreeMap, BTreeSet};

use entente_model::desired::ItemKey;
use entente_model::intent::{Identity, Operator, OperatorState, ResourceName};
use entente_model::revocation::{Cause, Revocation, Subject};
use entente_model::{OperatorName, TenantName};

use crate::edit::Edit;
use crate::index::Account;
use crate::roster::user_key;
use crate::touched::{Parts, Step, both};
use crate::world::{Grant, Place, is_member};

/// Removals that change, by id: as they are afterwards, or ended.
pub(crate) type Rows = BTreeMap<String, Option<Revocation>>;

/// The removals that a change makes, alters and ends.
pub(crate) fn removals(step: &Step<'_, '_>, edit: &Edit, changed: &[ResourceName], parts: &Parts) -> Rows {
    let mut change = Change { step, edit, leavers: leavers(step, changed), rows: Rows::new() };
    change.take_confirmed();
    change.forget_tenants(changed);
    let named = change.compare(parts);
    for (subject, tenants) in named {
        change.name(subject, tenants);
    }
    change.name_leavers();
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
    leavers: BTreeMap<&'a OperatorName, (&'a Operator, Cause)>,
    rows: Rows,
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
}

/// Those who are there before and work no more afterwards.
fn leavers<'a>(step: &Step<'_, 'a>, changed: &[ResourceName]) -> BTreeMap<&'a OperatorName, (&'a Operator, Cause)> {
    let mut leavers = BTreeMap::new();
    for name in changed {
        let ResourceName::Operator(name) = name else { continue };
        let Some(before) = step.before.intent.operators.get(name) else { continue };
        let after = step.after.intent.operators.get(name).map(|after| after.state);
        let cause = match (before.state, after) {
            (OperatorState::Left, None)
            | (OperatorState::Active | OperatorState::Suspended, Some(OperatorState::Left)) => Cause::Left,
            (_, None) => Cause::OperatorDeleted,
            (OperatorState::Active, Some(OperatorState::Suspended)) => Cause::Suspended,
            _ => continue,
        };
        leavers.insert(&before.name, (&**before, cause));
    }
    leavers
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

    fn take_confirmed(&mut self) {
        for confirmation in &self.edit.confirmed {
            self.drop_tenant(&confirmation.revocation, &confirmation.tenant);
        }
    }

    /// In a tenant that is no longer ours nothing can be removed.
    fn forget_tenants(&mut self, changed: &[ResourceName]) {
        for name in changed {
            let ResourceName::Tenant(name) = name else { continue };
            if self.step.after.intent.tenants.contains_key(name) {
                continue;
            }
            let rows = self.step.before.intent.revocations.values().filter(|row| row.tenants.contains(name));
            for id in rows.map(|row| row.id.clone()).collect::<Vec<_>>() {
                self.drop_tenant(&id, name);
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
                    if let Some(lost) = self.lost(key, &grants) {
                        named.entry(lost).or_default().insert(tenant.clone());
                    }
                }
            }
        }
        named
    }

    fn end_granted_again(&mut self, account: &Account, tenant: &TenantName, holds: &BTreeMap<ItemKey, Vec<Grant<'_>>>) {
        let holder = self.step.before.holder(account);
        for row in holder.removals.iter().filter(|row| row.tenants.contains(tenant)) {
            let granted_again = match &row.subject {
                Subject::Person => !holds.is_empty(),
                Subject::Membership(key) => holds.contains_key(key),
            };
            if granted_again {
                self.drop_tenant(&row.id, tenant);
            }
        }
    }

    /// How a lost membership is named, if it is.
    fn lost(&self, key: ItemKey, grants: &[Grant<'a>]) -> Option<Named<'a>> {
        let name = |grant: &Grant<'a>, membership, cause| Named {
            operator: &grant.operator.name,
            identity: grant.identity,
            display_name: &grant.operator.display_name,
            membership,
            cause,
        };
        if let Some(grant) = grants.iter().find(|grant| self.leavers.contains_key(&grant.operator.name)) {
            return Some(name(grant, None, self.leavers[&grant.operator.name].1));
        }
        grants.iter().find_map(|grant| Some(name(grant, Some(key.clone()), self.taken_away(grant)?)))
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

    /// A leaver is removed also where earlier removals are not confirmed, and where an agent still sees the account.
    fn name_leavers(&mut self) {
        for (operator, cause) in std::mem::take(&mut self.leavers).into_values() {
            for identity in &operator.identities {
                let account = Account::from(identity);
                let holder = self.step.before.holder(&account);
                let pending = holder.removals.iter().flat_map(|row| row.tenants.iter());
                let sightings = self
                    .edit
                    .still_there
                    .iter()
                    .filter(|it| it.home == account.home && it.object_id == account.object_id);
                let tenants = pending.chain(sightings.map(|it| &it.tenant));
                // The account may be another operator's by the same change.
                let is_over = |name: &TenantName| {
                    let tenant = self.step.after.intent.tenants.get(name);
                    tenant.is_some_and(|tenant| self.step.after.place(tenant).memberships(&account).is_empty())
                };
                let tenants: BTreeSet<TenantName> = tenants.filter(|name| is_over(name)).cloned().collect();
                let (operator, display_name) = (&operator.name, operator.display_name.as_str());
                self.name(Named { operator, identity, display_name, membership: None, cause }, tenants);
            }
        }
    }

    /// Writes a removal, or adds to the one that is there.
    fn name(&mut self, named: Named<'_>, mut tenants: BTreeSet<TenantName>) {
        if tenants.is_empty() {
            return;
        }
        let key = named.membership.clone().unwrap_or_else(|| user_key(named.identity));
        let id = format!("{}/{key}", named.operator.id());
        let (mut cause, mut actor, mut time) = (named.cause, self.edit.actor.clone(), self.edit.now);
        if let Some(row) = self.row(&id) {
            tenants.append(&mut row.tenants);
            // Leaving outranks a suspension; otherwise the first cause stands, and who gave it.
            let outranked = cause.is_leaver() && cause != row.cause && row.cause != Cause::Left;
            if !outranked {
                (cause, actor, time) = (row.cause, row.actor.clone(), row.time);
            }
        }
        let row = Revocation {
            id: id.clone(),
            operator: named.operator.clone(),
            display_name: named.display_name.into(),
            identity: named.identity.clone(),
            subject: named.membership.map_or(Subject::Person, Subject::Membership),
            tenants,
            cause,
            actor,
            time,
        };
        self.rows.insert(id, Some(row));
    }
}
