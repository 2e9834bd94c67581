//! Which tenants an assignment selects, and which assignments select a tenant.

use std::collections::BTreeMap;
use std::sync::Arc;

use entente_model::intent::{Assignment, ResourceName, Tenant};
use entente_model::{AssignmentName, SquadName};

use crate::index::Term;
use crate::view::IntentView;

impl<'a> IntentView<'a> {
    /// The tenants that an assignment selects, whatever state they are in. Each once.
    pub(crate) fn selected(&self, assignment: &Assignment) -> Vec<&'a Arc<Tenant>> {
        let selector = &assignment.tenants;
        let Some((key, value)) = selector.labels.first_key_value() else {
            let mut names: Vec<_> = selector.names.iter().filter(|name| !selector.except.contains(name)).collect();
            names.sort_unstable();
            names.dedup();
            return names.into_iter().filter_map(|name| self.intent.tenants.get(name)).collect();
        };
        let labelled = self.index.with(Term::Labelled(key.as_str().into(), value.as_str().into()));
        let labelled = labelled.filter_map(|name| match name {
            ResourceName::Tenant(name) => self.intent.tenants.get(name),
            _ => None,
        });
        // A well-formed selector has names or labels, not both; a hand-made one may have both.
        let named = selector.names.iter().filter_map(|name| self.intent.tenants.get(name));
        let all = labelled.chain(named).filter(|tenant| selector.matches(tenant));
        all.map(|tenant| (&tenant.name, tenant)).collect::<BTreeMap<_, _>>().into_values().collect()
    }

    /// The assignments that select a tenant, whatever state it is in, in order of name.
    pub(crate) fn selecting(&self, tenant: &Tenant) -> Vec<&'a Arc<Assignment>> {
        let naming = self.index.naming(ResourceName::Tenant(tenant.name.clone()));
        let by_label = tenant
            .labels
            .iter()
            .flat_map(|(key, value)| self.index.with(Term::Selects(key.as_str().into(), value.as_str().into())));
        let candidates = naming.chain(by_label).filter_map(|name| self.assignment(name));
        let matching = candidates.filter(|assignment| assignment.tenants.matches(tenant));
        matching.map(|it| (&it.name, it)).collect::<BTreeMap<_, _>>().into_values().collect()
    }

    /// The assignments of a squad.
    pub(crate) fn of_squad(&self, squad: &SquadName) -> impl Iterator<Item = &'a Arc<Assignment>> {
        let naming = self.index.naming(ResourceName::Squad(squad.clone()));
        naming.filter_map(|name| self.assignment(name))
    }

    pub(crate) fn assignment(&self, name: &ResourceName) -> Option<&'a Arc<Assignment>> {
        match name {
            ResourceName::Assignment(name) => self.intent.assignments.get(name),
            _ => None,
        }
    }

    /// Names of the assignments that pin a role, or name a tenant, and so on.
    pub(crate) fn assignments_naming(&self, name: ResourceName) -> impl Iterator<Item = &'a AssignmentName> {
        self.index.naming(name).filter_map(|name| match name {
            ResourceName::Assignment(name) => Some(name),
            _ => None,
        })
    }
}
