//! Leavers stay gone, an account is one person's, and an assigned operator has the account that the role asks for.

use std::collections::{BTreeMap, BTreeSet};

use entente_model::intent::{Assignment, Identity, Operator, OperatorState, ResourceName, TenantState};
use entente_model::revocation::{Cause, Subject};
use entente_model::violation::Fault;
use entente_model::{HomeName, OperatorName, TenantName};

use super::faults::Faults;
use crate::index::{Account, Term};
use crate::touched::Step;

pub(super) fn check(step: &Step<'_, '_>, changed: &[ResourceName], rejoins: &[OperatorName], faults: &mut Faults) {
    for name in changed {
        let ResourceName::Operator(name) = name else { continue };
        let Some(operator) = step.after.intent.operators.get(name) else { continue };
        stays_gone(step, operator, rejoins.contains(name), faults);
        has_accounts_alone(step, operator, faults);
    }
    for ((assignment, homes), operators) in reached(step, changed) {
        for operator in operators {
            has_the_account(step, assignment, &homes, operator, faults);
        }
    }
}

fn stays_gone(step: &Step<'_, '_>, operator: &Operator, rejoins: bool, faults: &mut Faults) {
    let before = step.before.intent.operators.get(&operator.name);
    let has_left = before.is_some_and(|before| before.state == OperatorState::Left);
    let text = match operator.state {
        OperatorState::Left => return,
        _ if has_left && !rejoins => {
            let rejoin = format!("`entente operators rejoin {}`", operator.name.id());
            let text = format!("has left; write state: LEFT in the manifest, or run {rejoin}");
            return faults.add(&operator.name, "state", Fault::Conflict, text);
        }
        OperatorState::Suspended => return,
        OperatorState::Active if !is_leaving(step, operator, rejoins) => return,
        OperatorState::Active if rejoins => {
            "has an account of somebody who left and is not proven gone everywhere; wait for that"
        }
        OperatorState::Active => "has left and is not proven gone everywhere; wait for that, or use `operators rejoin`",
    };
    faults.add(&operator.name, "state", Fault::Conflict, text);
}

/// Whether someone who left, and is not proven gone everywhere, would work again by this change: under that name, or
/// under another that the account comes to.
fn is_leaving(step: &Step<'_, '_>, operator: &Operator, rejoins: bool) -> bool {
    let at_work = step.before.intent.operators.get(&operator.name).filter(|it| it.state == OperatorState::Active);
    let accounts = |operator: &Operator| operator.identities.iter().map(Account::from).collect::<BTreeSet<_>>();
    let had = at_work.map(|before| accounts(before)).unwrap_or_default();
    let new = &accounts(operator) - &had;
    step.before.intent.revocations.values().any(|row| {
        let is_own = row.operator == operator.name;
        // An operator rejoins for themselves and brings no other person back.
        let comes_back = (is_own && at_work.is_none()) || new.contains(&(&row.identity).into());
        let is_open = row.cause == Cause::Left && row.subject == Subject::Person && !row.is_complete();
        comes_back && !(is_own && rejoins) && is_open
    })
}

fn has_accounts_alone(step: &Step<'_, '_>, operator: &Operator, faults: &mut Faults) {
    let own = ResourceName::Operator(operator.name.clone());
    for (at, identity) in operator.identities.iter().enumerate() {
        let earlier = &operator.identities[..at];
        let other = |term: Term| step.after.index.with(term).find(|name| **name != own).map(ToString::to_string);
        let within = |same: &dyn Fn(&Identity) -> bool| {
            let twice = earlier.iter().any(|other| other.home == identity.home && same(other));
            twice.then(|| "another identity here".to_owned())
        };
        let same_id = within(&|other| other.object_id == identity.object_id);
        if let Some(holder) = same_id.or_else(|| other(Term::Has(identity.into()))) {
            let text =
                format!("{} belongs to {holder}; an account is one person's, and of one class", identity.object_id);
            faults.add(&operator.name, &format!("identities[{at}].objectId"), Fault::Conflict, text);
        }
        let same_mail = within(&|other| other.mail.eq_ignore_ascii_case(&identity.mail));
        if let Some(holder) = same_mail.or_else(|| other(Term::Mail(identity.mail.to_ascii_lowercase()))) {
            // Two invitations to one address end in one user (Graph: invitation-post).
            let text = format!("{} belongs to {holder}; give each account an address of its own", identity.mail);
            faults.add(&operator.name, &format!("identities[{at}].mail"), Fault::Conflict, text);
        }
    }
}

/// The homes that an assignment's tenants ask for, each with one of the tenants.
type Homes<'a> = BTreeMap<&'a HomeName, &'a TenantName>;

/// Which operators to check again, and for which assignment.
fn reached<'a>(
    step: &Step<'_, 'a>,
    changed: &[ResourceName],
) -> Vec<((&'a Assignment, Homes<'a>), BTreeSet<&'a OperatorName>)> {
    let (view, intent) = (step.after, step.after.intent);
    let mut reached = Vec::new();
    let homes = |assignment: &Assignment| {
        let active = view.selected(assignment).into_iter().filter(|tenant| tenant.state == TenantState::Active);
        active.map(|tenant| (&tenant.home, &tenant.name)).collect::<Homes<'a>>()
    };
    let all = |assignment: &'a Assignment| view.persons(assignment).into_iter().collect::<BTreeSet<_>>();
    for name in changed {
        match name {
            ResourceName::Assignment(name) => {
                let assignment = intent.assignments.get(name).into_iter();
                reached.extend(assignment.map(|it| ((&**it, homes(it)), all(it))));
            }
            ResourceName::Squad(name) => {
                reached.extend(view.of_squad(name).map(|it| ((&**it, homes(it)), all(it))));
            }
            ResourceName::Operator(name) => {
                let operator = intent.operators.get(name).filter(|it| it.state == OperatorState::Active);
                if let Some(operator) = operator {
                    let assignments = view.assignments_of(&operator.name).into_iter();
                    reached.extend(assignments.map(|it| ((&**it, homes(it)), [&operator.name].into())));
                }
            }
            ResourceName::Tenant(name) => {
                let tenant = intent.tenants.get(name).filter(|tenant| tenant.state == TenantState::Active);
                if let Some(tenant) = tenant {
                    let home: Homes<'a> = [(&tenant.home, &tenant.name)].into();
                    reached.extend(view.selecting(tenant).into_iter().map(|it| ((&**it, home.clone()), all(it))));
                }
            }
            ResourceName::HomeTenant(_) | ResourceName::SocRole(_) => {}
        }
    }
    reached
}

fn has_the_account(
    step: &Step<'_, '_>,
    assignment: &Assignment,
    homes: &Homes<'_>,
    operator: &OperatorName,
    faults: &mut Faults,
) {
    let (intent, role) = (step.after.intent, &assignment.role);
    let (Some(operator), Some(role)) = (intent.operators.get(operator), intent.roles.get(role)) else { return };
    if operator.state != OperatorState::Active {
        return;
    }
    for (home, tenant) in homes.iter().filter(|(home, _)| operator.identity(home, role.identity_class).is_none()) {
        let (class, name) = (role.identity_class.word(), &assignment.name);
        let text = format!("has no {class} identity in {home}, which {name} needs in {tenant}; add one");
        faults.add(&operator.name, "identities", Fault::NotFound, text);
    }
}
