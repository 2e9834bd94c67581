//! What assignments come to in the tenants that they select: how many there are, one version of each role, and a scope
//! for everything that needs one.
//!
//! Names of groups need no check: in one tenant they differ by role and class, and a tenant is one resource.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use entente_model::intent::{Assignment, Attribute, ResourceName, RoleItem, SocRole, Tenant, TenantState};
use entente_model::violation::Fault;
use entente_model::{AssignmentName, TenantName};

use super::expectation::{self, counts};
use super::faults::Faults;
use crate::rights::holds;
use crate::touched::{Step, both};

pub(super) fn check(step: &Step<'_, '_>, changed: &[ResourceName], faults: &mut Faults) {
    for name in recounted(step, changed) {
        if let Some(assignment) = step.after.intent.assignments.get(&name) {
            selects_as_many_as_expected(step, assignment, faults);
        }
    }
    for name in reshaped(step, changed) {
        let tenant = step.after.intent.tenants.get(&name);
        if let Some(tenant) = tenant.filter(|tenant| tenant.state == TenantState::Active) {
            let assignments = step.after.selecting(tenant);
            has_one_version_of_each_role(tenant, &assignments, faults);
            for assignment in assignments {
                if let Some(role) = step.after.intent.roles.get(&assignment.role) {
                    has_its_scopes(tenant, assignment, role, faults);
                }
            }
        }
    }
}

/// Assignments that may select more or fewer tenants than before.
fn recounted(step: &Step<'_, '_>, changed: &[ResourceName]) -> BTreeSet<AssignmentName> {
    let mut recounted = BTreeSet::new();
    for name in changed {
        match name {
            ResourceName::Assignment(name) => drop(recounted.insert(name.clone())),
            ResourceName::Tenant(name) => {
                let [old, new] = both(step, name);
                let selecting = |tenant: &Arc<Tenant>| step.after.selecting(tenant);
                let [old, new] = [old, new].map(|tenant| tenant.filter(|tenant| counts(tenant)));
                let [old, new] = [old, new].map(|tenant| tenant.map(selecting).unwrap_or_default());
                let [old, new] = [old, new].map(|all| all.iter().map(|it| it.name.clone()).collect::<BTreeSet<_>>());
                recounted.extend(old.symmetric_difference(&new).cloned());
            }
            _ => {}
        }
    }
    recounted
}

fn selects_as_many_as_expected(step: &Step<'_, '_>, assignment: &Assignment, faults: &mut Faults) {
    let Some(expected) = assignment.tenants.expect else { return };
    let found = step.after.selected(assignment).into_iter().filter(|tenant| counts(tenant)).count();
    if !expected.allows(found) {
        let near = faults.may_propose().then(|| expectation::near(step.after.intent, &assignment.tenants, expected));
        let text = expectation::missed(&assignment.tenants, expected, found, near.flatten());
        faults.add(&assignment.name, "tenants.expect", Fault::Conflict, text);
    }
}

/// Tenants that other assignments, roles or scopes may meet in than before.
fn reshaped(step: &Step<'_, '_>, changed: &[ResourceName]) -> BTreeSet<TenantName> {
    let mut reshaped = BTreeSet::new();
    for name in changed {
        match name {
            ResourceName::Tenant(name) => drop(reshaped.insert(name.clone())),
            ResourceName::Assignment(name) => {
                let [old, new] = [step.before, step.after].map(|view| view.intent.assignments.get(name));
                let Some(new) = new else { continue };
                if old.is_none_or(|old| (&old.role, &old.tenants) != (&new.role, &new.tenants)) {
                    reshaped.extend(step.after.selected(new).into_iter().map(|tenant| tenant.name.clone()));
                }
            }
            _ => {}
        }
    }
    reshaped
}

fn has_one_version_of_each_role(tenant: &Tenant, assignments: &[&Arc<Assignment>], faults: &mut Faults) {
    let mut first = BTreeMap::new();
    for assignment in assignments {
        let other: &Arc<Assignment> = first.entry(&assignment.role.role).or_insert(assignment);
        if other.role != assignment.role {
            let (name, role) = (&other.name, &other.role);
            let text = format!("{} has {role} by {name}; pin one version of a role in a tenant", tenant.name);
            faults.add(&assignment.name, "role", Fault::Conflict, text);
        }
    }
}

fn has_its_scopes(tenant: &Tenant, assignment: &Assignment, role: &SocRole, faults: &mut Faults) {
    let azure = role.items.iter().filter_map(|item| match item {
        RoleItem::AzureRoles(item) => Some(item),
        RoleItem::DefenderRoles(_) | RoleItem::EntraRoles(_) | RoleItem::Refused(_) => None,
    });
    for item in azure {
        // Where the condition cannot hold whatever the scope, none is needed.
        let by_scope = item.when.as_ref().is_some_and(|it| it.attribute == Attribute::WorkspacePermissionSource);
        let needed = by_scope || holds(item.when.as_ref(), tenant, None);
        let missing = item.at.as_ref().filter(|name| needed && !tenant.scopes.contains_key(*name));
        if let Some(scope) = missing {
            let text = format!(
                "is missing, and {} needs it in {}; write its ARM scopes, or except the tenant",
                role.pinned(),
                assignment.name
            );
            faults.add(&tenant.name, &format!("scopes.{scope}"), Fault::NotFound, text);
        }
    }
}
