//! Names that must exist, must not go while they are used, and must not be given to two; and what never changes.

use std::sync::Arc;

use entente_model::RoleName;
use entente_model::intent::{Intent, Kind, ResourceName, SocRole, Tenant, TenantState};
use entente_model::violation::Fault;

use super::faults::Faults;
use crate::index::{Term, references};
use crate::touched::Step;

pub(super) fn check(step: &Step<'_, '_>, changed: &[ResourceName], faults: &mut Faults) {
    for name in changed {
        if exists(step.after.intent, name) {
            names_what_exists(step, name, faults);
            keeps_what_never_changes(step, name, faults);
        } else {
            is_not_in_use(step, name, faults);
        }
        if let ResourceName::Tenant(tenant) = name
            && let Some(tenant) = step.after.intent.tenants.get(tenant)
        {
            is_one_resource(step, tenant, faults);
            exempts_roles_that_exist(step, tenant, faults);
        }
    }
}

pub(super) fn exists(intent: &Intent, name: &ResourceName) -> bool {
    match name {
        ResourceName::HomeTenant(name) => intent.home_tenants.contains_key(name),
        ResourceName::Tenant(name) => intent.tenants.contains_key(name),
        ResourceName::Operator(name) => intent.operators.contains_key(name),
        ResourceName::Squad(name) => intent.squads.contains_key(name),
        ResourceName::SocRole(name) => intent.roles.contains_key(name),
        ResourceName::Assignment(name) => intent.assignments.contains_key(name),
    }
}

fn names_what_exists(step: &Step<'_, '_>, name: &ResourceName, faults: &mut Faults) {
    for (field, named) in references(step.after.intent, name) {
        if !exists(step.after.intent, &named) {
            let near = faults.near(named.to_string(), alike(step.after.intent, named.kind()));
            let remedy =
                near.map_or_else(|| "create it, or name another".into(), |near| format!("did you mean {near}?"));
            faults.add(name, &field, Fault::NotFound, format!("{named} does not exist; {remedy}"));
        }
    }
}

/// Names of one kind.
fn alike(intent: &Intent, kind: Kind) -> Box<dyn Iterator<Item = String> + '_> {
    match kind {
        Kind::HomeTenant => Box::new(intent.home_tenants.keys().map(ToString::to_string)),
        Kind::Tenant => Box::new(intent.tenants.keys().map(ToString::to_string)),
        Kind::Operator => Box::new(intent.operators.keys().map(ToString::to_string)),
        Kind::Squad => Box::new(intent.squads.keys().map(ToString::to_string)),
        Kind::SocRole => Box::new(intent.roles.keys().map(ToString::to_string)),
        Kind::Assignment => Box::new(intent.assignments.keys().map(ToString::to_string)),
    }
}

fn keeps_what_never_changes(step: &Step<'_, '_>, name: &ResourceName, faults: &mut Faults) {
    let (before, after) = (step.before.intent, step.after.intent);
    let differs = |old: Option<_>, new: Option<_>| old.is_some() && new.is_some() && old != new;
    match name {
        ResourceName::SocRole(role) if is_another(before.roles.get(role), after.roles.get(role)) => {
            let next = format!("{}@{}", role.role, role.version.saturating_add(1));
            let text = format!("is stored with other content, and a version never changes; write {next}");
            faults.add(name, "version", Fault::Immutable, text);
        }
        ResourceName::Tenant(tenant) => {
            let id = |intent: &Intent| intent.tenants.get(tenant).map(|it| it.entra_tenant);
            if differs(id(before), id(after)) {
                let text = "cannot change: an agent is bound to it; delete the tenant and create another";
                faults.add(name, "entraTenant", Fault::Immutable, text);
            }
        }
        ResourceName::HomeTenant(home) => {
            let id = |intent: &Intent| intent.home_tenants.get(home).map(|it| it.entra_tenant);
            if differs(id(before), id(after)) {
                let text = "cannot change: accounts are bound to it; create another home tenant";
                faults.add(name, "entraTenant", Fault::Immutable, text);
            }
        }
        _ => {}
    }
}

fn is_another(old: Option<&Arc<SocRole>>, new: Option<&Arc<SocRole>>) -> bool {
    matches!((old, new), (Some(old), Some(new)) if !old.is_same_version(new))
}

fn is_not_in_use(step: &Step<'_, '_>, name: &ResourceName, faults: &mut Faults) {
    let mut users = step.after.index.naming(name.clone());
    if let Some(user) = users.next() {
        let others = users.count();
        let more = if others == 0 { String::new() } else { format!(" and {others} more") };
        let text = format!("is named by {user}{more}; change or delete what names it first");
        faults.add(name, "name", Fault::InUse, text);
        return;
    }
    match name {
        // A label selects without naming. Going without a word would leave our people in the customer's tenant.
        ResourceName::Tenant(tenant) => {
            let tenant = step.before.intent.tenants.get(tenant);
            let selecting = tenant.map(|tenant| step.after.selecting(tenant)).unwrap_or_default();
            if let Some(assignment) = selecting.first() {
                let text =
                    format!("is selected by {}; change its labels, or except the tenant, first", assignment.name);
                faults.add(name, "name", Fault::InUse, text);
                return;
            }
            // Its agent goes with it, so no agent would remove what ends by the same change, and no removal would name it.
            let tenant = tenant.filter(|tenant| tenant.state == TenantState::Active);
            let ending = tenant.map(|tenant| step.before.selecting(tenant)).unwrap_or_default();
            if let Some(assignment) = ending.first() {
                let text = format!(
                    "is selected by {} until this change, and loses its agent by it, so that people would keep what they have there; \
                     change that first, and delete the tenant when `entente removals` shows nothing open there",
                    assignment.name
                );
                faults.add(name, "name", Fault::InUse, text);
            }
        }
        ResourceName::HomeTenant(home) => {
            let mut rows = step.after.intent.revocations.values();
            if let Some(row) = rows.find(|row| row.identity.home == *home) {
                let text = format!(
                    "a removal of {} is not proven everywhere, or is still watched; wait for its end",
                    row.operator
                );
                faults.add(name, "name", Fault::InUse, text);
            }
        }
        _ => {}
    }
}

fn is_one_resource(step: &Step<'_, '_>, tenant: &Tenant, faults: &mut Faults) {
    let own = ResourceName::Tenant(tenant.name.clone());
    if let Some(other) = step.after.index.with(Term::EntraTenant(tenant.entra_tenant)).find(|name| **name != own) {
        let text = format!("{} is {other} already; keep one of the two", tenant.entra_tenant);
        faults.add(own, "entraTenant", Fault::Conflict, text);
    }
}

/// A slip in the name would withhold nothing, and the customer would be none the wiser.
fn exempts_roles_that_exist(step: &Step<'_, '_>, tenant: &Tenant, faults: &mut Faults) {
    let exists = |role: &RoleName| step.after.intent.roles.keys().any(|pinned| pinned.role == *role);
    for (at, exemption) in tenant.exemptions.iter().enumerate().filter(|(_, exemption)| !exists(&exemption.role)) {
        let known = step.after.intent.roles.keys().map(|pinned| pinned.role.to_string());
        let near = faults.near(exemption.role.to_string(), known);
        let near = near.map(|near| format!("did you mean {near}? Else ")).unwrap_or_default();
        let text =
            format!("{} does not exist in any version; {near}name another, or end the exemption", exemption.role);
        faults.add(&tenant.name, &format!("exemptions[{at}].role"), Fault::NotFound, text);
    }
}
