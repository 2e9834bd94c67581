//! What can be looked up in intent besides names: one inverted index, from a term to the resources that it is true of.
//!
//! Kept from change to change; only the terms that a change adds or takes away are written.

use std::collections::BTreeSet;
use std::sync::Arc;

use entente_model::intent::{Assignment, Identity, Intent, Operator, ResourceName, Squad, Tenant};
use entente_model::{Guid, HomeName, Map};

/// An account in one of our tenants.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Account {
    pub home: HomeName,
    pub object_id: Guid,
}

impl From<&Identity> for Account {
    fn from(identity: &Identity) -> Self {
        Self { home: identity.home.clone(), object_id: identity.object_id }
    }
}

/// Something that is true of a resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Term {
    /// It names that resource.
    Names(ResourceName),
    /// A tenant that carries the label.
    Labelled(Arc<str>, Arc<str>),
    /// An assignment whose first label this is.
    Selects(Arc<str>, Arc<str>),
    /// A tenant with that Entra id.
    EntraTenant(Guid),
    /// An operator who has that account.
    Has(Account),
    /// An operator who is invited there. In lower case, as Entra ID compares addresses without regard to case.
    Mail(String),
}

/// The index of one intent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Index {
    terms: Map<(Term, ResourceName), ()>,
    /// Ids of removals, by the account that loses access.
    removals: Map<(Account, String), ()>,
}

impl Index {
    pub(crate) fn of(intent: &Intent) -> Self {
        let nothing = Intent::default();
        let names = names(intent).collect::<Vec<_>>();
        let rows = intent.revocations.keys().cloned().collect::<Vec<_>>();
        Self::default().with_resources(&nothing, intent, &names).with_removals(&nothing, intent, &rows)
    }

    /// The index after these resources have changed.
    pub(crate) fn with_resources(&self, before: &Intent, after: &Intent, changed: &[ResourceName]) -> Self {
        let mut index = self.clone();
        for name in changed {
            let (old, new) = (terms(before, name), terms(after, name));
            for term in old.difference(&new) {
                index.terms.remove(&(term.clone(), name.clone()));
            }
            for term in new.difference(&old) {
                index.terms.insert((term.clone(), name.clone()), ());
            }
        }
        index
    }

    /// The index after these removals have changed.
    pub(crate) fn with_removals(&self, before: &Intent, after: &Intent, changed: &[String]) -> Self {
        let mut index = self.clone();
        for id in changed {
            if let Some(row) = before.revocations.get(id) {
                index.removals.remove(&((&row.identity).into(), id.clone()));
            }
            if let Some(row) = after.revocations.get(id) {
                index.removals.insert(((&row.identity).into(), id.clone()), ());
            }
        }
        index
    }

    /// The resources of which a term is true, in order of name.
    pub(crate) fn with(&self, term: Term) -> impl Iterator<Item = &ResourceName> + use<'_> {
        let entries = self.terms.iter_from(|(other, _)| *other < term).map(|(entry, ())| entry);
        entries.take_while(move |(other, _)| *other == term).map(|(_, name)| name)
    }

    /// The resources that name this one.
    pub(crate) fn naming(&self, name: ResourceName) -> impl Iterator<Item = &ResourceName> + use<'_> {
        self.with(Term::Names(name))
    }

    /// Ids of the removals of an account.
    pub(crate) fn removals_of(&self, account: Account) -> impl Iterator<Item = &String> + use<'_> {
        let entries = self.removals.iter_from(|(other, _)| *other < account).map(|(entry, ())| entry);
        entries.take_while(move |(other, _)| *other == account).map(|(_, id)| id)
    }
}

/// Every resource of an intent.
pub(crate) fn names(intent: &Intent) -> impl Iterator<Item = ResourceName> {
    let homes = intent.home_tenants.keys().cloned().map(ResourceName::HomeTenant);
    let tenants = intent.tenants.keys().cloned().map(ResourceName::Tenant);
    let operators = intent.operators.keys().cloned().map(ResourceName::Operator);
    let squads = intent.squads.keys().cloned().map(ResourceName::Squad);
    let roles = intent.roles.keys().cloned().map(ResourceName::SocRole);
    let assignments = intent.assignments.keys().cloned().map(ResourceName::Assignment);
    homes.chain(tenants).chain(operators).chain(squads).chain(roles).chain(assignments)
}

fn terms(intent: &Intent, name: &ResourceName) -> BTreeSet<Term> {
    let mut terms: BTreeSet<Term> = references(intent, name).into_iter().map(|(_, name)| Term::Names(name)).collect();
    match name {
        ResourceName::Tenant(name) => terms.extend(intent.tenants.get(name).into_iter().flat_map(|it| of_tenant(it))),
        ResourceName::Operator(name) => {
            terms.extend(intent.operators.get(name).into_iter().flat_map(|it| of_operator(it)));
        }
        ResourceName::Assignment(name) => {
            let first = intent.assignments.get(name).and_then(|it| it.tenants.labels.first_key_value());
            terms.extend(first.map(|(key, value)| Term::Selects(key.as_str().into(), value.as_str().into())));
        }
        ResourceName::HomeTenant(_) | ResourceName::Squad(_) | ResourceName::SocRole(_) => {}
    }
    terms
}

fn of_tenant(tenant: &Tenant) -> impl Iterator<Item = Term> {
    let labels = tenant.labels.iter().map(|(key, value)| Term::Labelled(key.as_str().into(), value.as_str().into()));
    labels.chain([Term::EntraTenant(tenant.entra_tenant)])
}

fn of_operator(operator: &Operator) -> impl Iterator<Item = Term> {
    operator
        .identities
        .iter()
        .flat_map(|identity| [Term::Has(identity.into()), Term::Mail(identity.mail.to_ascii_lowercase())])
}

/// What a resource names, and in which field.
pub(crate) fn references(intent: &Intent, name: &ResourceName) -> Vec<(String, ResourceName)> {
    match name {
        ResourceName::HomeTenant(_) | ResourceName::SocRole(_) => Vec::new(),
        ResourceName::Tenant(name) => {
            let home = intent.tenants.get(name).map(|it| ResourceName::HomeTenant(it.home.clone()));
            home.into_iter().map(|home| ("home".into(), home)).collect()
        }
        ResourceName::Operator(name) => intent.operators.get(name).map(|it| by_operator(it)).unwrap_or_default(),
        ResourceName::Squad(name) => intent.squads.get(name).map(|it| by_squad(it)).unwrap_or_default(),
        ResourceName::Assignment(name) => intent.assignments.get(name).map(|it| by_assignment(it)).unwrap_or_default(),
    }
}

fn by_operator(operator: &Operator) -> Vec<(String, ResourceName)> {
    let identities = operator.identities.iter().enumerate();
    identities
        .map(|(at, identity)| (format!("identities[{at}].home"), ResourceName::HomeTenant(identity.home.clone())))
        .collect()
}

fn by_squad(squad: &Squad) -> Vec<(String, ResourceName)> {
    let operator = |name: &entente_model::OperatorName| ResourceName::Operator(name.clone());
    let members = squad.members.iter().enumerate();
    let members = members.map(|(at, member)| (format!("members[{at}].operator"), operator(&member.operator)));
    std::iter::once(("owner".into(), operator(&squad.owner))).chain(members).collect()
}

fn by_assignment(assignment: &Assignment) -> Vec<(String, ResourceName)> {
    let tenants = |field: &str, names: &[entente_model::TenantName]| {
        let named = names.iter().enumerate();
        named
            .map(|(at, name)| (format!("tenants.{field}[{at}]"), ResourceName::Tenant(name.clone())))
            .collect::<Vec<_>>()
    };
    let mut all = vec![
        ("role".into(), ResourceName::SocRole(assignment.role.clone())),
        ("owner".into(), ResourceName::Operator(assignment.owner.clone())),
    ];
    all.extend(assignment.squad.iter().map(|name| ("squad".into(), ResourceName::Squad(name.clone()))));
    all.extend(assignment.operator.iter().map(|name| ("operator".into(), ResourceName::Operator(name.clone()))));
    all.extend(tenants("names", &assignment.tenants.names));
    all.extend(tenants("except", &assignment.tenants.except));
    all
}
