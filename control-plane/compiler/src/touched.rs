//! What a change reaches: which tenants, and in them which accounts, or the groups and their rights, or all.
//!
//! May say too much, never too little: what is reached is compiled before and after, and only differences go on.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use entente_model::intent::{Assignment, Operator, ResourceName, Squad, SquadMember, Tenant};
use entente_model::revocation::InTenant;
use entente_model::{AssignmentName, OperatorName, SquadName, TenantName};

use crate::index::Account;
use crate::view::IntentView;

/// What of a tenant is to be compiled anew.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Part {
    pub whole: bool,
    pub rights: bool,
    pub accounts: BTreeSet<Account>,
}

/// The parts that a change reaches.
pub(crate) type Parts = BTreeMap<TenantName, Part>;

/// Intent before a change, and after it.
#[derive(Clone, Copy)]
pub(crate) struct Step<'w, 'a> {
    pub before: &'w IntentView<'a>,
    pub after: &'w IntentView<'a>,
}

impl<'a> Step<'_, 'a> {
    fn views(&self) -> [&IntentView<'a>; 2] {
        [self.before, self.after]
    }

    /// What changed resources reach.
    pub(crate) fn touched(&self, changed: &[ResourceName]) -> Parts {
        let mut parts = Parts::new();
        for name in changed {
            match name {
                ResourceName::Tenant(name) => parts.entry(name.clone()).or_default().whole = true,
                ResourceName::HomeTenant(_) => self.by_home(name, &mut parts),
                ResourceName::SocRole(_) => self.by_role(name, &mut parts),
                ResourceName::Operator(name) => self.by_operator(name, &mut parts),
                ResourceName::Squad(name) => self.by_squad(name, &mut parts),
                ResourceName::Assignment(name) => self.by_assignment(name, &mut parts),
            }
        }
        parts
    }

    /// What changed removals reach.
    pub(crate) fn touched_by_removals(&self, changed: &[String], parts: &mut Parts) {
        for id in changed {
            let rows = [self.before.intent.revocations.get(id), self.after.intent.revocations.get(id)];
            let is_same = |tenant: &TenantName| match rows {
                [Some(old), Some(new)] => {
                    let same = (old.cause, &old.actor, old.time) == (new.cause, &new.actor, new.time);
                    let [was, is] = [old, new].map(|row| row.tenants.get(tenant));
                    let known = |it: Option<&InTenant>| it.map(|it| (it.entra_tenant, it.known.ids.clone()));
                    same && old.addresses == new.addresses && was.is_some() && known(was) == known(is)
                }
                _ => false,
            };
            for row in rows.into_iter().flatten() {
                let account = Account::from(&row.identity);
                for tenant in row.tenants.keys().filter(|tenant| !is_same(tenant)) {
                    parts.entry(tenant.clone()).or_default().accounts.insert(account.clone());
                }
            }
        }
    }

    fn by_home(&self, home: &ResourceName, parts: &mut Parts) {
        for name in self.views().into_iter().flat_map(|view| view.index.naming(home.clone())) {
            if let ResourceName::Tenant(name) = name {
                parts.entry(name.clone()).or_default().whole = true;
            }
        }
        // Removals of its accounts may be pending in tenants that have another home by now.
        for row in self
            .after
            .intent
            .revocations
            .values()
            .filter(|row| ResourceName::HomeTenant(row.identity.home.clone()) == *home)
        {
            row.tenants.keys().for_each(|tenant| parts.entry(tenant.clone()).or_default().whole = true);
        }
    }

    fn by_role(&self, role: &ResourceName, parts: &mut Parts) {
        for view in self.views() {
            let pinning = view.assignments_naming(role.clone()).filter_map(|name| view.intent.assignments.get(name));
            for tenant in pinning.flat_map(|assignment| view.selected(assignment)) {
                parts.entry(tenant.name.clone()).or_default().whole = true;
            }
        }
    }

    fn by_operator(&self, name: &OperatorName, parts: &mut Parts) {
        let operators = self.views().map(|view| view.intent.operators.get(name));
        let accounts = accounts(operators.into_iter().flatten());
        let [before, after] = self.views().map(|view| view.assignments_of(name));
        before.iter().for_each(|assignment| reach(self.before, assignment, &accounts, parts));
        // Leavers are in every tenant: what selects the same tenants as before need not be asked again.
        let asked: HashSet<_> = before.into_iter().map(Arc::as_ptr).collect();
        let is_new = |it: &&Arc<Assignment>| !self.before.is_alike(self.after) || !asked.contains(&Arc::as_ptr(it));
        after.into_iter().filter(is_new).for_each(|assignment| reach(self.after, assignment, &accounts, parts));
    }

    fn by_squad(&self, name: &SquadName, parts: &mut Parts) {
        let squads = self.views().map(|view| view.intent.squads.get(name));
        let accounts = self.accounts_of(differing_members(squads[0], squads[1]));
        if accounts.is_empty() {
            return;
        }
        for view in self.views() {
            for assignment in view.of_squad(name) {
                reach(view, assignment, &accounts, parts);
            }
        }
    }

    fn by_assignment(&self, name: &AssignmentName, parts: &mut Parts) {
        let assignments = self.views().map(|view| view.intent.assignments.get(name));
        let [old, new] = assignments;
        let grants_same = matches!((old, new), (Some(old), Some(new)) if same_grant(old, new));
        let tenants = [old.map(|it| self.before.selected(it)), new.map(|it| self.after.selected(it))];
        let [before, after] = tenants.map(|tenants| tenants.unwrap_or_default());
        let in_both: BTreeSet<&TenantName> = {
            let after: BTreeSet<_> = after.iter().map(|tenant| &tenant.name).collect();
            before.iter().map(|tenant| &tenant.name).filter(|name| after.contains(name)).collect()
        };
        let same_role = matches!((old, new), (Some(old), Some(new)) if old.role == new.role);
        let forms = assignments.into_iter().zip(self.views());
        let reached = forms.filter_map(|(it, view)| Some(view.persons(it?))).flatten().collect();
        let accounts = self.accounts_of(reached);
        for tenant in before.iter().chain(&after).map(|tenant| &tenant.name) {
            let stays = in_both.contains(tenant);
            if stays && grants_same {
                continue;
            }
            let part = parts.entry(tenant.clone()).or_default();
            part.rights |= !(stays && same_role);
            part.accounts.extend(accounts.iter().cloned());
        }
    }

    fn accounts_of(&self, operators: BTreeSet<&OperatorName>) -> BTreeSet<Account> {
        let both = operators.into_iter().flat_map(|name| self.views().map(|view| view.intent.operators.get(name)));
        accounts(both.flatten())
    }
}

/// Whether two forms of an assignment give the same people the same role at the same time, wherever they do.
fn same_grant(old: &Assignment, new: &Assignment) -> bool {
    let why = |it: &Assignment| (it.justification.clone(), it.ticket.clone());
    (&old.squad, &old.operator, &old.role, old.start, old.end)
        == (&new.squad, &new.operator, &new.role, new.start, new.end)
        && why(old) == why(new)
}

fn reach(view: &IntentView<'_>, assignment: &Assignment, accounts: &BTreeSet<Account>, parts: &mut Parts) {
    for tenant in view.selected(assignment) {
        let here = accounts.iter().filter(|account| account.home == tenant.home);
        parts.entry(tenant.name.clone()).or_default().accounts.extend(here.cloned());
    }
}

fn accounts<'a>(operators: impl Iterator<Item = &'a Arc<Operator>>) -> BTreeSet<Account> {
    operators.flat_map(|operator| &operator.identities).map(Account::from).collect()
}

/// Whose membership is not the same in both.
fn differing_members<'a>(old: Option<&'a Arc<Squad>>, new: Option<&'a Arc<Squad>>) -> BTreeSet<&'a OperatorName> {
    let [old, new] = [old, new].map(by_operator);
    old.keys().chain(new.keys()).copied().filter(|operator| old.get(operator) != new.get(operator)).collect()
}

fn by_operator(squad: Option<&Arc<Squad>>) -> BTreeMap<&OperatorName, Vec<&SquadMember>> {
    let mut members: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for member in squad.into_iter().flat_map(|squad| &squad.members) {
        members.entry(&member.operator).or_default().push(member);
    }
    members
}

/// A tenant as it is before and after, where it is there at all.
pub(crate) fn both<'a>(step: &Step<'_, 'a>, name: &TenantName) -> [Option<&'a Arc<Tenant>>; 2] {
    [step.before.intent.tenants.get(name), step.after.intent.tenants.get(name)]
}
