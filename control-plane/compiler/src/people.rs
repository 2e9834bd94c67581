//! What one account should have in one tenant: the user, its memberships, and what is named for removal.
//!
//! Every item about a person carries the account in its key, so that accounts never meet: a change to one is compiled
//! without looking at the others.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use entente_model::Windows;
use entente_model::desired::{Ground, Item, ItemBody, ItemKey, MemberBody, MemberKey, UserBody, UserKey, Want};
use entente_model::intent::{Assignment, Identity, OperatorState, Tenant, TenantState, UserType};
use entente_model::revocation::{Revocation, Subject};
use entente_model::{AssignmentName, Guid, OperatorName};
use entente_seal::SealedItem;

use crate::index::Account;
use crate::rights::kinds;
use crate::view::{AccountIndex, AccountItems, Grant, IntentView, ItemsKey, Place};

/// A removal, and the accounts that are known of the person in the tenant.
type Removal<'a> = (&'a Revocation, &'a BTreeSet<Guid>);

/// Memberships that are granted: to which operator, when, and by which assignments.
type Granted<'a> = BTreeMap<ItemKey, (&'a OperatorName, Windows, BTreeSet<AssignmentName>)>;

impl<'a> Place<'_, 'a> {
    /// The memberships that an account is granted, each with the grants it rests on.
    pub(crate) fn memberships(&self, account: &Account) -> BTreeMap<ItemKey, Vec<Grant<'a>>> {
        let mut memberships: BTreeMap<ItemKey, Vec<Grant<'a>>> = BTreeMap::new();
        for grant in self.grants(&self.view.account_index(account)) {
            for key in self.member_keys(&grant) {
                memberships.entry(key).or_default().push(grant.clone());
            }
        }
        memberships
    }

    /// What an account should have here.
    pub(crate) fn items_of(&self, account: &Account) -> Rc<AccountItems> {
        let (index, tenant) = (self.view.account_index(account), self.tenant);
        let reaches = |row: &Revocation| tenant.state != TenantState::Offboarded && is_in(row, tenant);
        let here = index.removals.iter().enumerate().filter(|(_, row)| reaches(row));
        let removals = here.map(|(at, row)| (at, row.tenants[&tenant.name].known.ids.clone())).collect();
        let grants = self.grants(&index);
        let mut granted = Granted::new();
        for grant in &grants {
            let none = || (&grant.operator.name, Windows::default(), BTreeSet::new());
            for key in self.member_keys(grant) {
                let (_, windows, by) = granted.entry(key).or_insert_with(none);
                *windows = windows.union(&grant.windows);
                by.insert(grant.assignment.name.clone());
            }
        }
        let granted = granted.into_iter().map(|(key, (operator, windows, by))| (key, operator.clone(), windows, by));
        let granted = granted.collect();
        let key = ItemsKey { granted, removals, user_type: tenant.user_type };
        if let Some(items) = index.items.borrow().get(&key) {
            return items.clone();
        }
        let items = Rc::new(self.view.make(&index, &key));
        index.items.borrow_mut().insert(key, items.clone());
        items
    }

    /// A place in each group that the role has here.
    fn member_keys(&self, grant: &Grant<'_>) -> impl Iterator<Item = ItemKey> {
        let Grant { role, identity, .. } = *grant;
        kinds(self.tenant, role).into_iter().map(move |kind| {
            let (home, object_id) = (identity.home.clone(), identity.object_id);
            MemberKey { role: role.name.clone(), class: role.identity_class, kind, home, object_id }.into()
        })
    }

    /// Every account that the tenant's items may be about.
    pub(crate) fn accounts(&self) -> BTreeSet<Account> {
        let intent = self.view.intent;
        let rows = intent.revocations.values().filter(|row| is_in(row, self.tenant));
        let mut accounts: BTreeSet<Account> = rows.map(|row| (&row.identity).into()).collect();
        for (assignment, role) in self.assignments.iter() {
            let operators = self.view.persons(assignment).into_iter().filter_map(|name| intent.operators.get(name));
            let working = operators.filter(|operator| operator.state == OperatorState::Active);
            let identities = working.filter_map(|operator| operator.identity(&self.tenant.home, role.identity_class));
            accounts.extend(identities.map(Account::from));
        }
        accounts
    }
}

impl IntentView<'_> {
    fn make(&self, index: &AccountIndex<'_>, key: &ItemsKey) -> AccountItems {
        let rows: Vec<Removal<'_>> = key.removals.iter().map(|(at, known)| (&**index.removals[*at], known)).collect();
        let mut items: BTreeMap<ItemKey, Item> = BTreeMap::new();
        for removal in &rows {
            if let Subject::Membership(member) = &removal.0.subject {
                items.insert(
                    member.clone(),
                    absent(member.clone(), *removal, ItemBody::Member(MemberBody { grounds: Vec::new() })),
                );
            }
        }
        let user = self.removed_user(&rows, key.user_type);
        // A person who is named for removal is granted nothing, whatever else stands.
        let granted = key.granted.iter().filter(|(member, ..)| user.is_none() && !items.contains_key(member));
        let granted: Vec<_> = granted.collect();
        let user = user.or_else(|| {
            let (member, operator, ..) = granted.first()?;
            let windows = granted.iter().fold(Windows::default(), |all, (_, _, windows, _)| all.union(windows));
            let is_theirs =
                |identity: &Identity| matches!(member, ItemKey::Member(MemberKey { class, .. }) if *class == identity.class);
            let mut persons = index.persons.iter();
            let (operator, identity) = persons.find(|(it, identity)| it.name == *operator && is_theirs(identity))?;
            let body = self.user_body(&operator.name, &operator.display_name, identity, key.user_type);
            Some(Item { windows, ..present(user_key(identity), body) })
        });
        for (member, _, windows, by) in granted {
            let windows = windows.clone();
            let body =
                ItemBody::Member(MemberBody { grounds: by.iter().filter_map(|name| self.ground(name)).collect() });
            items.insert(member.clone(), Item { windows, ..present(member.clone(), body) });
        }
        items
            .into_values()
            .chain(user)
            .map(|item| (SealedItem::seal(&item), item))
            .map(|(it, item)| (item, it))
            .collect()
    }

    fn ground(&self, name: &AssignmentName) -> Option<Ground> {
        let Assignment { justification, ticket, .. } = &**self.intent.assignments.get(name)?;
        Some(Ground { assignment: name.clone(), justification: justification.clone(), ticket: ticket.clone() })
    }

    /// The user, ABSENT, if a removal names the whole person. Of several, the latest speaks.
    fn removed_user(&self, rows: &[Removal<'_>], user_type: UserType) -> Option<Item> {
        let whole = rows.iter().filter(|(row, _)| row.subject == Subject::Person);
        let removal = whole.max_by_key(|(row, _)| (row.time, &row.id))?;
        let row = removal.0;
        let body = self.user_body(&row.operator, &row.display_name, &row.identity, user_type);
        Some(absent(user_key(&row.identity), *removal, body))
    }

    fn user_body(&self, operator: &OperatorName, name: &str, identity: &Identity, user_type: UserType) -> ItemBody {
        // A home tenant outlives the removals from it (see `validate`), so that the nil id is never seen.
        let home_tenant = self.intent.home_tenants.get(&identity.home).map_or(Guid::from_u128(0), |it| it.entra_tenant);
        ItemBody::User(UserBody {
            operator: operator.clone(),
            display_name: name.into(),
            upn: identity.upn.clone(),
            mail: identity.mail.clone(),
            user_type,
            home_tenant,
        })
    }
}

fn present(key: ItemKey, body: ItemBody) -> Item {
    Item { key, want: Want::Present, windows: Windows::default(), body }
}

fn absent(key: ItemKey, (row, known): Removal<'_>, body: ItemBody) -> Item {
    let want = Want::Absent {
        cause: row.cause,
        actor: row.actor.clone(),
        since: row.time,
        known: known.clone(),
        addresses: row.addresses.clone(),
    };
    Item { key, want, windows: Windows::default(), body }
}

/// Whether a removal is of that tenant, and not of another that had its name.
pub(crate) fn is_in(row: &Revocation, tenant: &Tenant) -> bool {
    let it = row.tenants.get(&tenant.name);
    it.is_some_and(|it| it.entra_tenant.is_none_or(|entra| entra == tenant.entra_tenant))
}

pub(crate) fn user_key(identity: &Identity) -> ItemKey {
    ItemKey::User(UserKey { home: identity.home.clone(), object_id: identity.object_id })
}
