//! What an item of a group lets people do, where in the tenant, and from when on; and what of it is more than before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use entente_model::capability::{self, Capability};
use entente_model::desired::{
    AzureRoleBody, AzureRoleKey, DefenderAssignmentBody, DefenderRoleBody, EntraRoleBody, EntraRoleKey, Item, ItemBody,
    ItemKey, Want,
};
use entente_model::intent::DataSource;
use entente_model::time::Phase;
use entente_model::{OperatorName, TenantName, Timestamp};
use serde::{Deserialize, Serialize};

/// Something that people are let do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    Known(Capability),
    /// In no row of the table: told by Microsoft's name.
    Unlisted(String),
}

/// Where in the tenant: an Azure scope or a Defender data source; and from when on, if not now.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Scope {
    pub(super) name: Arc<str>,
    pub(super) from: Option<Timestamp>,
}

/// Something, and where.
pub(super) type Held = (What, Scope);

/// What one item adds to a group.
#[derive(Debug)]
pub(super) enum Given {
    Nothing,
    /// A person, from when on if not now.
    Member(Option<Timestamp>),
    /// Rights at places of their own.
    Rights(Vec<Held>),
    /// Of a Defender role: what it lets do, wherever it is assigned.
    Permissions(Vec<(What, Option<Timestamp>)>),
    /// Of a Defender assignment.
    Places(Vec<Scope>),
}

impl Given {
    /// What is over gives nothing, and what comes later is told with its time.
    pub(super) fn of(item: &Item, now: Timestamp) -> Self {
        let from = match item.windows.phase(now) {
            _ if item.want != Want::Present => return Self::Nothing,
            Phase::Over => return Self::Nothing,
            Phase::Before(at) => Some(at),
            Phase::Open(_) => None,
        };
        match (&item.body, &item.key) {
            (ItemBody::Member(_), _) => Self::Member(from),
            (
                ItemBody::AzureRole(AzureRoleBody { definition, role_name, .. }),
                ItemKey::AzureRole(AzureRoleKey { scope, .. }),
            ) => {
                let place = Scope { name: scope.as_str().into(), from };
                let unlisted = || vec![What::Unlisted(format!("what the Azure role {role_name} lets people do"))];
                let whats = capability::of_azure_role(*definition).map_or_else(unlisted, known);
                Self::Rights(whats.into_iter().map(|what| (what, place.clone())).collect())
            }
            (ItemBody::EntraRole(EntraRoleBody { role_name }), ItemKey::EntraRole(EntraRoleKey { definition, .. })) => {
                let place = Scope { name: "directory".into(), from };
                let unlisted = || vec![What::Unlisted(format!("what the directory role {role_name} lets people do"))];
                let whats = capability::of_entra_role(*definition).map_or_else(unlisted, known);
                Self::Rights(whats.into_iter().map(|what| (what, place.clone())).collect())
            }
            (ItemBody::DefenderRole(DefenderRoleBody { permissions, .. }), _) => {
                let whats = permissions.iter().flat_map(|it| {
                    let unlisted =
                        || vec![What::Unlisted(format!("what {} lets people do in Defender", it.permission))];
                    let whats = capability::of_defender_permission(&it.permission).map_or_else(unlisted, known);
                    let from = from.max(it.withheld_until.filter(|until| now < *until));
                    whats.into_iter().map(move |what| (what, from))
                });
                Self::Permissions(whats.collect())
            }
            (ItemBody::DefenderAssignment(DefenderAssignmentBody { data_sources, .. }), _) => {
                let is_all = data_sources.contains(&DataSource::All);
                let sources = if is_all { &DataSource::EVERY[..] } else { data_sources };
                Self::Places(sources.iter().map(|it| Scope { name: it.word().into(), from }).collect())
            }
            (ItemBody::User(_) | ItemBody::Group(_), _) => Self::Nothing,
            // The server compiles its items itself: one of another kind, or with the body of another, is none of them.
            (ItemBody::AzureRole(_) | ItemBody::EntraRole(_) | ItemBody::Unknown, key) => {
                let place = Scope { name: "the tenant".into(), from };
                Self::Rights(vec![(What::Unlisted(format!("what {key} lets people do")), place)])
            }
        }
    }
}

/// What a Defender role gives where it is assigned. Both have to hold.
pub(super) fn assigned(permissions: &[(What, Option<Timestamp>)], places: &[Scope]) -> Vec<Held> {
    let at = |what: &What, from: Option<Timestamp>, place: &Scope| {
        (what.clone(), Scope { name: place.name.clone(), from: from.max(place.from) })
    };
    permissions.iter().flat_map(|(what, from)| places.iter().map(move |place| at(what, *from, place))).collect()
}

/// What a person holds of it who joins the group then.
pub(super) fn from_then((what, place): &Held, joins: Option<Timestamp>) -> Held {
    (what.clone(), Scope { name: place.name.clone(), from: place.from.max(joins) })
}

fn known(all: &[Capability]) -> Vec<What> {
    all.iter().copied().map(What::Known).collect()
}

/// What is held here and not there, or there only later; each thing once.
pub(super) fn beyond(here: &BTreeSet<Held>, there: &BTreeSet<Held>) -> Vec<Right> {
    let mut all: BTreeMap<&What, (bool, Option<Timestamp>)> = BTreeMap::new();
    for (what, place) in here {
        // What comes later is none of it yet.
        let mut same = there.iter().filter(|(other, at)| other == what && at.from <= place.from).peekable();
        let in_part = same.peek().is_some();
        if !same.any(|(_, other)| covers(&other.name, &place.name)) {
            let (part, from) = all.entry(what).or_insert((in_part, place.from));
            (*part, *from) = (*part && in_part, (*from).min(place.from));
        }
    }
    all.into_iter().map(|(what, (in_part, from))| right(what, in_part, from)).collect()
}

fn right(what: &What, in_part: bool, from: Option<Timestamp>) -> Right {
    let (capability, phrase) = match what {
        What::Known(it) => (it.word().to_owned(), it.phrase().to_owned()),
        What::Unlisted(text) => (String::new(), text.clone()),
    };
    Right { capability, phrase, in_part, from }
}

/// Whether one place is the other, or an Azure scope above it. Keys hold scopes in lower case.
fn covers(above: &str, place: &str) -> bool {
    place.strip_prefix(above).is_some_and(|rest| rest.is_empty() || above.starts_with('/') && rest.starts_with('/'))
}

/// What a right lets people do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Right {
    /// As a guardrail writes it; empty for what is in no row of the table.
    pub capability: String,
    /// For people.
    pub phrase: String,
    /// They have it already, or keep it, somewhere else in the tenant.
    pub in_part: bool,
    /// From when on, if not now.
    pub from: Option<Timestamp>,
}

/// The same change of rights, for all of these people in all of these tenants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RightsChange {
    pub added: Vec<Right>,
    pub removed: Vec<Right>,
    pub people: u32,
    /// In order; the first 50.
    pub operator_names: Vec<OperatorName>,
    pub tenants: u32,
    /// In order; the first 50.
    pub tenant_names: Vec<TenantName>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(name: &str, from: Option<i64>) -> BTreeSet<Held> {
        let place = Scope { name: name.into(), from: from.map(Timestamp::from_unix) };
        BTreeSet::from([(What::Known(Capability::ReadLogs), place)])
    }

    #[test]
    fn a_scope_within_another_is_no_more_and_a_wider_one_is_more_in_part() {
        let [wide, narrow] = [at("/subscriptions/1", None), at("/subscriptions/1/resourcegroups/a", None)];
        assert_eq!(beyond(&narrow, &wide), []);
        assert!(beyond(&at("/subscriptions/10", None), &at("/subscriptions/1", None))[0].in_part);
        let more = beyond(&wide, &narrow);
        assert_eq!((more[0].capability.as_str(), more[0].in_part), ("readLogs", true));
        assert!(!beyond(&wide, &BTreeSet::new())[0].in_part);
    }

    #[test]
    fn users_d04_what_comes_later_is_told_with_its_day_and_what_is_put_off_is_lost_until_then() {
        let [now, later] = [at("/a", None), at("/a", Some(1_000))];
        let comes = beyond(&later, &BTreeSet::new());
        assert_eq!((comes[0].from, comes[0].in_part), (Some(Timestamp::from_unix(1_000)), false));
        assert_eq!(beyond(&later, &now), [], "they have it");
        let lost = beyond(&now, &later);
        assert_eq!((lost[0].from, lost[0].in_part), (None, false));
    }

    #[test]
    fn a_defender_permission_that_is_withheld_comes_when_both_it_and_its_assignment_hold() {
        let [early, late] = [Some(Timestamp::from_unix(5)), Some(Timestamp::from_unix(9))];
        let what = || What::Known(Capability::ReadLogs);
        let place = Scope { name: "mde".into(), from: late };
        let held = assigned(&[(what(), early), (what(), None)], std::slice::from_ref(&place));
        assert!(held.iter().all(|(_, at)| at.from == late), "{held:?}");
    }
}
