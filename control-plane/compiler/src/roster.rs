//! What one account should have in one tenant: the user, its memberships, and what is named for removal.
//!
//! Every item about a person carries the account in its key, so that accounts never meet: a change to one is compiled
//! without looking at the others.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use entente_model::Windows;
use entente_model::desired::{Item, ItemBody, ItemKey, Want};
use entente_model::intent::{Identity, OperatorState, Tenant, TenantState, UserType};
use entente_model::revocation::{Revocation, Subject};
use entente_model::{Guid, OperatorName};
use entente_seal::SealedItem;

use crate::index::Account;
use crate::world::{Grant, Holder, World};

/// The items of one account in one tenant.
pub(crate) type Roster = Vec<(Item, SealedItem)>;

/// All that a roster depends on, within one [`Holder`].
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct RosterKey {
    grants: Vec<usize>,
    removals: Vec<usize>,
    user_type: UserType,
}

impl<'a> Holder<'a> {
    /// The grants that count in a tenant, by their place.
    fn counting(&self, tenant: &Tenant) -> Vec<usize> {
        if tenant.state != TenantState::Active {
            return Vec::new();
        }
        let counts = |grant: &Grant<'_>| grant.identity.home == tenant.home && grant.assignment.tenants.matches(tenant);
        (0..self.grants.len()).filter(|at| counts(&self.grants[*at])).collect()
    }

    /// The memberships that the account is granted in a tenant, each with the grants it rests on.
    pub(crate) fn memberships(&self, tenant: &Tenant) -> BTreeMap<ItemKey, Vec<&Grant<'a>>> {
        let mut memberships: BTreeMap<ItemKey, Vec<&Grant<'a>>> = BTreeMap::new();
        for grant in self.counting(tenant).into_iter().map(|at| &self.grants[at]) {
            memberships.entry(member_key(grant)).or_default().push(grant);
        }
        memberships
    }
}

impl World<'_> {
    /// What an account should have in a tenant.
    pub(crate) fn roster(&self, tenant: &Tenant, account: &Account) -> Rc<Roster> {
        let holder = self.holder(account);
        let removals = holder.removals.iter().enumerate();
        let reaches = |row: &Revocation| tenant.state != TenantState::Offboarded && row.tenants.contains(&tenant.name);
        let removals: Vec<usize> = removals.filter(|(_, row)| reaches(row)).map(|(at, _)| at).collect();
        let key = RosterKey { grants: holder.counting(tenant), removals, user_type: tenant.user_type };
        if let Some(roster) = holder.rosters.borrow().get(&key) {
            return roster.clone();
        }
        let roster = Rc::new(self.make(&holder, &key));
        holder.rosters.borrow_mut().insert(key, roster.clone());
        roster
    }

    fn make(&self, holder: &Holder<'_>, key: &RosterKey) -> Roster {
        let rows: Vec<&Revocation> = key.removals.iter().map(|at| &**holder.removals[*at]).collect();
        let grants = || key.grants.iter().map(|at| &holder.grants[*at]);
        let mut items = BTreeMap::new();
        // A person who is named for removal is granted nothing, whatever else stands.
        let user = self.removed_user(&rows, key.user_type);
        if user.is_none() {
            for grant in grants() {
                let member =
                    items.entry(member_key(grant)).or_insert_with(|| present(member_key(grant), ItemBody::Member));
                member.windows = member.windows.union(&grant.windows);
            }
        }
        for row in &rows {
            if let Subject::Membership(member) = &row.subject {
                items.insert(member.clone(), absent(member.clone(), row, ItemBody::Member));
            }
        }
        let user = user.or_else(|| {
            let granted: BTreeSet<&ItemKey> =
                items.values().filter(|it| it.want == Want::Present).map(|it| &it.key).collect();
            let windows = items
                .values()
                .filter(|it| granted.contains(&it.key))
                .fold(Windows::default(), |all, it| all.union(&it.windows));
            let grant = grants().find(|grant| granted.contains(&member_key(grant)))?;
            let body =
                self.user_body(&grant.operator.name, &grant.operator.display_name, grant.identity, key.user_type);
            Some(Item { windows, ..present(user_key(grant.identity), body) })
        });
        let all = items.into_values().chain(user);
        all.map(|item| (SealedItem::seal(&item), item)).map(|(sealed, item)| (item, sealed)).collect()
    }

    /// The user, ABSENT, if a removal names the whole person. Of several, the latest speaks.
    fn removed_user(&self, rows: &[&Revocation], user_type: UserType) -> Option<Item> {
        let whole = rows.iter().filter(|row| row.subject == Subject::Person);
        let row = whole.max_by_key(|row| (row.time, &row.id))?;
        let body = self.user_body(&row.operator, &row.display_name, &row.identity, user_type);
        Some(absent(user_key(&row.identity), row, body))
    }

    fn user_body(&self, operator: &OperatorName, name: &str, identity: &Identity, user_type: UserType) -> ItemBody {
        // A home tenant outlives the removals from it (see `validate`), so that the nil id is never seen.
        let home_tenant = self.intent.home_tenants.get(&identity.home).map_or(Guid::from_u128(0), |it| it.entra_tenant);
        ItemBody::User {
            operator: operator.clone(),
            display_name: name.into(),
            upn: identity.upn.clone(),
            mail: identity.mail.clone(),
            user_type,
            home_tenant,
        }
    }

    /// Every account that a tenant's items may be about.
    pub(crate) fn accounts_in(&self, tenant: &Tenant) -> BTreeSet<Account> {
        let rows = self.intent.revocations.values().filter(|row| row.tenants.contains(&tenant.name));
        let mut accounts: BTreeSet<Account> = rows.map(|row| (&row.identity).into()).collect();
        for assignment in self.selecting(tenant) {
            let Some(role) = self.intent.roles.get(&assignment.role) else { continue };
            let squad = assignment.squad.as_ref().and_then(|squad| self.intent.squads.get(squad));
            let members = squad.into_iter().flat_map(|squad| squad.members.iter().map(|member| &member.operator));
            let operators = members.chain(&assignment.operator).filter_map(|name| self.intent.operators.get(name));
            let active = operators.filter(|operator| operator.state == OperatorState::Active);
            let identities = active.filter_map(|operator| operator.identity(&tenant.home, role.identity_class));
            accounts.extend(identities.map(Account::from));
        }
        accounts
    }
}

fn present(key: ItemKey, body: ItemBody) -> Item {
    Item { key, want: Want::Present, windows: Windows::default(), body }
}

fn absent(key: ItemKey, row: &Revocation, body: ItemBody) -> Item {
    let want = Want::Absent { cause: row.cause, actor: row.actor.clone(), since: row.time };
    Item { key, want, windows: Windows::default(), body }
}

pub(crate) fn user_key(identity: &Identity) -> ItemKey {
    ItemKey::User { home: identity.home.clone(), object_id: identity.object_id }
}

fn member_key(grant: &Grant<'_>) -> ItemKey {
    ItemKey::Member {
        role: grant.role.name.clone(),
        class: grant.role.identity_class,
        home: grant.identity.home.clone(),
        object_id: grant.identity.object_id,
    }
}
