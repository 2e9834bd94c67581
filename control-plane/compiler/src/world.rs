//! Intent at one revision, with what looking at it more than once would cost kept for the time of one compilation.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use entente_model::intent::{Assignment, Identity, Intent, Operator, OperatorState, ResourceName, SocRole, Squad};
use entente_model::revocation::Revocation;
use entente_model::{OperatorName, SquadName, Windows};

use crate::index::{Account, Index, Term};
use crate::roster::{Roster, RosterKey};

/// Intent and its index.
pub(crate) struct World<'a> {
    pub intent: &'a Intent,
    pub index: &'a Index,
    holders: RefCell<HashMap<Account, Rc<Holder<'a>>>>,
}

/// All that an account is granted, over all tenants.
pub(crate) struct Holder<'a> {
    pub grants: Vec<Grant<'a>>,
    /// Removals of the account, in order of id.
    pub removals: Vec<&'a Arc<Revocation>>,
    /// What has been made of some of the grants: tenants share it, as few differ.
    pub rosters: RefCell<HashMap<RosterKey, Rc<Roster>>>,
}

/// One assignment, as it reaches one account. Which tenants it counts in is for [`crate::roster`].
pub(crate) struct Grant<'a> {
    pub operator: &'a Arc<Operator>,
    pub identity: &'a Identity,
    pub assignment: &'a Arc<Assignment>,
    pub role: &'a Arc<SocRole>,
    /// The squad's member and the assignment, together. Never empty.
    pub windows: Windows,
}

impl<'a> World<'a> {
    pub(crate) fn new(intent: &'a Intent, index: &'a Index) -> Self {
        Self { intent, index, holders: RefCell::default() }
    }

    /// What an account is granted, worked out once.
    pub(crate) fn holder(&self, account: &Account) -> Rc<Holder<'a>> {
        if let Some(holder) = self.holders.borrow().get(account) {
            return holder.clone();
        }
        let operators = self.operators_with(account);
        let grants = operators.into_iter().flat_map(|operator| self.grants(operator, account)).collect();
        let removals =
            self.index.removals_of(account.clone()).filter_map(|id| self.intent.revocations.get(id)).collect();
        let holder = Rc::new(Holder { grants, removals, rosters: RefCell::default() });
        self.holders.borrow_mut().insert(account.clone(), holder.clone());
        holder
    }

    /// Those who have an account: one, in valid intent.
    pub(crate) fn operators_with(&self, account: &Account) -> Vec<&'a Arc<Operator>> {
        let named = self.index.with(Term::Has(account.clone()));
        named.filter_map(|name| self.operator(name)).collect()
    }

    fn operator(&self, name: &ResourceName) -> Option<&'a Arc<Operator>> {
        match name {
            ResourceName::Operator(name) => self.intent.operators.get(name),
            _ => None,
        }
    }

    fn grants(&self, operator: &'a Arc<Operator>, account: &Account) -> Vec<Grant<'a>> {
        if operator.state != OperatorState::Active || !self.intent.home_tenants.contains_key(&account.home) {
            return Vec::new();
        }
        let identities = operator.identities.iter().filter(|identity| Account::from(*identity) == *account);
        let assignments = self.assignments_of(&operator.name);
        let pairs =
            identities.flat_map(|identity| assignments.iter().map(move |(it, windows)| (identity, *it, windows)));
        pairs
            .filter_map(|(identity, assignment, windows)| {
                let role = self.intent.roles.get(&assignment.role)?;
                let fits = role.identity_class == identity.class && !windows.is_never();
                fits.then(|| Grant { operator, identity, assignment, role, windows: windows.clone() })
            })
            .collect()
    }

    /// The assignments that reach an operator, each with when it does.
    pub(crate) fn assignments_of(&self, operator: &OperatorName) -> Vec<(&'a Arc<Assignment>, Windows)> {
        let mut all = Vec::new();
        for name in self.index.naming(ResourceName::Operator(operator.clone())) {
            match name {
                ResourceName::Assignment(name) => {
                    let assignment = self.intent.assignments.get(name);
                    let direct = assignment.filter(|it| it.operator.as_ref() == Some(operator));
                    all.extend(direct.map(|it| (it, vec![it.window()].into())));
                }
                ResourceName::Squad(name) => all.extend(self.through_squad(name, operator)),
                _ => {}
            }
        }
        all
    }

    fn through_squad(&self, squad: &SquadName, operator: &OperatorName) -> Vec<(&'a Arc<Assignment>, Windows)> {
        let Some(squad) = self.intent.squads.get(squad) else { return Vec::new() };
        if !is_member(squad, operator) {
            return Vec::new();
        }
        let members = || squad.members.iter().filter(|member| member.operator == *operator);
        let windows = |assignment: &Assignment| {
            members().filter_map(|member| member.window().intersect(assignment.window())).collect::<Vec<_>>().into()
        };
        self.of_squad(&squad.name).map(|assignment| (assignment, windows(assignment))).collect()
    }
}

pub(crate) fn is_member(squad: &Squad, operator: &OperatorName) -> bool {
    squad.members.iter().any(|member| member.operator == *operator)
}
