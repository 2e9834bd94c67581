//! Intent at one revision, with what looking at it more than once would cost kept for the time of one compilation.
//!
//! An [`AccountIndex`] is one account over all tenants, a [`Place`] one tenant with the assignments that select it. What an
//! account is granted in a place follows from the place's few assignments, never from all that the account has.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use entente_model::desired::{Item, ItemKey};
use entente_model::intent::{
    Assignment, Identity, Intent, Operator, OperatorState, ResourceName, SocRole, Squad, Tenant, TenantState, UserType,
};
use entente_model::revocation::Revocation;
use entente_model::{AssignmentName, Guid, OperatorName, SquadName, TenantName, Window, Windows};
use entente_seal::SealedItem;

use crate::index::{Account, Index, Term};

/// Intent and its index.
pub(crate) struct IntentView<'a> {
    pub intent: &'a Intent,
    pub index: &'a Index,
    accounts: RefCell<HashMap<Account, Rc<AccountIndex<'a>>>>,
    selections: Rc<RefCell<Selections<'a>>>,
}

/// What selects each tenant that has been asked for.
type Selections<'a> = HashMap<&'a TenantName, Rc<[Selected<'a>]>>;

/// An assignment and its role.
type Selected<'a> = (&'a Arc<Assignment>, &'a Arc<SocRole>);

/// An account, over all tenants.
pub(crate) struct AccountIndex<'a> {
    /// The active operators who have the account: one, in valid intent.
    pub persons: Vec<(&'a Arc<Operator>, &'a Identity)>,
    /// Its removals, in order of id.
    pub removals: Vec<&'a Arc<Revocation>>,
    /// When a person is in a squad, as far as it has been asked.
    in_squads: RefCell<InSquads>,
    /// Its items as compiled so far: tenants share them, because few differ.
    pub items: RefCell<HashMap<ItemsKey, Rc<AccountItems>>>,
}

/// The items of one account in one tenant.
pub(crate) type AccountItems = Vec<(Item, SealedItem)>;

/// Everything that an account's items depend on, within one [`AccountIndex`].
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct ItemsKey {
    pub granted: Vec<(ItemKey, OperatorName, Windows, BTreeSet<AssignmentName>)>,
    /// By their place among the account's, each with the accounts that are known here.
    pub removals: Vec<(usize, BTreeSet<Guid>)>,
    pub user_type: UserType,
}

type InSquads = HashMap<(OperatorName, SquadName), Rc<[Window]>>;

/// A tenant, and what assignments bring there.
pub(crate) struct Place<'w, 'a> {
    pub view: &'w IntentView<'a>,
    pub tenant: &'a Arc<Tenant>,
    /// Assignments that select it, and their roles, in order of name. None unless the tenant is ACTIVE.
    pub assignments: Rc<[Selected<'a>]>,
}

/// One assignment, as it reaches one account in one tenant.
#[derive(Clone)]
pub(crate) struct Grant<'a> {
    pub operator: &'a Arc<Operator>,
    pub identity: &'a Identity,
    pub assignment: &'a Arc<Assignment>,
    pub role: &'a Arc<SocRole>,
    /// The squad's member and the assignment, together. Never empty.
    pub windows: Windows,
}

impl<'a> IntentView<'a> {
    pub(crate) fn new(intent: &'a Intent, index: &'a Index) -> Self {
        Self { intent, index, accounts: RefCell::default(), selections: Rc::default() }
    }

    /// A view with the same tenants, assignments and roles, so that what selects a tenant here selects it there.
    pub(crate) fn alike(&self, intent: &'a Intent, index: &'a Index) -> Self {
        Self { selections: self.selections.clone(), ..Self::new(intent, index) }
    }

    /// Whether [`Self::alike`] made one of them from the other.
    pub(crate) fn is_alike(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.selections, &other.selections)
    }

    /// A tenant, and what selects it, looked up once.
    pub(crate) fn place(&self, tenant: &'a Arc<Tenant>) -> Place<'_, 'a> {
        let known = self.selections.borrow().get(&tenant.name).cloned();
        let assignments = known.unwrap_or_else(|| {
            let is_active = tenant.state == TenantState::Active;
            let selecting = if is_active { self.selecting(tenant) } else { Vec::new() };
            let roles = selecting.into_iter().filter_map(|it| Some((it, self.intent.roles.get(&it.role)?)));
            let selected: Rc<[Selected<'a>]> = roles.collect();
            self.selections.borrow_mut().insert(&tenant.name, selected.clone());
            selected
        });
        Place { view: self, tenant, assignments }
    }

    /// An account, looked up once.
    pub(crate) fn account_index(&self, account: &Account) -> Rc<AccountIndex<'a>> {
        if let Some(index) = self.accounts.borrow().get(account) {
            return index.clone();
        }
        let rows = self.index.removals_of(account.clone()).filter_map(|id| self.intent.revocations.get(id));
        let index = Rc::new(AccountIndex {
            persons: self.persons_with(account),
            removals: rows.collect(),
            in_squads: RefCell::default(),
            items: RefCell::default(),
        });
        self.accounts.borrow_mut().insert(account.clone(), index.clone());
        index
    }

    fn persons_with(&self, account: &Account) -> Vec<(&'a Arc<Operator>, &'a Identity)> {
        if !self.intent.home_tenants.contains_key(&account.home) {
            return Vec::new();
        }
        let named = self.index.with(Term::Has(account.clone())).filter_map(|name| match name {
            ResourceName::Operator(name) => self.intent.operators.get(name),
            _ => None,
        });
        let working = named.filter(|operator| operator.state == OperatorState::Active);
        let identities = working.flat_map(|operator| operator.identities.iter().map(move |it| (operator, it)));
        identities.filter(|(_, identity)| Account::from(*identity) == *account).collect()
    }

    /// The assignments that reach an operator, in all tenants.
    pub(crate) fn assignments_of(&self, operator: &OperatorName) -> Vec<&'a Arc<Assignment>> {
        let mut all = Vec::new();
        for name in self.index.naming(ResourceName::Operator(operator.clone())) {
            match name {
                ResourceName::Assignment(name) => {
                    let assignment = self.intent.assignments.get(name);
                    all.extend(assignment.filter(|it| it.operator.as_ref() == Some(operator)));
                }
                ResourceName::Squad(name) => {
                    let squad = self.intent.squads.get(name).filter(|squad| is_member(squad, operator));
                    all.extend(squad.into_iter().flat_map(|squad| self.of_squad(&squad.name)));
                }
                _ => {}
            }
        }
        all
    }

    /// The operators that an assignment is for.
    pub(crate) fn persons(&self, assignment: &'a Assignment) -> Vec<&'a OperatorName> {
        let squad = assignment.squad.as_ref().and_then(|squad| self.intent.squads.get(squad));
        let members = squad.into_iter().flat_map(|squad| squad.members.iter().map(|member| &member.operator));
        members.chain(&assignment.operator).collect()
    }
}

impl<'a> Place<'_, 'a> {
    /// What the tenant's assignments grant an account.
    pub(crate) fn grants(&self, account: &AccountIndex<'a>) -> Vec<Grant<'a>> {
        let mut grants = Vec::new();
        for &(operator, identity) in account.persons.iter().filter(|(_, identity)| identity.home == self.tenant.home) {
            let fitting = self.assignments.iter().filter(|(_, role)| role.identity_class == identity.class);
            for &(assignment, role) in fitting {
                let windows = self.windows(account, operator, assignment);
                if !windows.is_never() {
                    grants.push(Grant { operator, identity, assignment, role, windows });
                }
            }
        }
        grants
    }

    /// When an assignment reaches an operator.
    fn windows(&self, account: &AccountIndex<'a>, operator: &Operator, assignment: &Assignment) -> Windows {
        let whole = assignment.window();
        let direct = (assignment.operator.as_ref() == Some(&operator.name)).then_some(whole);
        let member = assignment.squad.as_ref().map(|squad| account.membership(self.view.intent, &operator.name, squad));
        let member = member.iter().flat_map(|windows| windows.iter()).filter_map(|window| window.intersect(whole));
        direct.into_iter().chain(member).collect::<Vec<_>>().into()
    }
}

impl AccountIndex<'_> {
    /// When an operator is in a squad.
    fn membership(&self, intent: &Intent, operator: &OperatorName, squad: &SquadName) -> Rc<[Window]> {
        let key = (operator.clone(), squad.clone());
        let make = || {
            let members = intent.squads.get(squad).into_iter().flat_map(|squad| &squad.members);
            members.filter(|member| member.operator == *operator).map(|member| member.window()).collect()
        };
        self.in_squads.borrow_mut().entry(key).or_insert_with(make).clone()
    }
}

pub(crate) fn is_member(squad: &Squad, operator: &OperatorName) -> bool {
    squad.members.iter().any(|member| member.operator == *operator)
}
