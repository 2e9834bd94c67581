//! What a change lets people do, and no longer lets them do: what each person's groups give in each tenant, before and after,
//! in the words that customers consent to ([`entente_model::capability`]).
//!
//! Counted by the compiled items alone. Whether a customer's guardrail lets any of it happen is not asked here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use entente_model::capability::{self, Capability};
use entente_model::desired::{Digest, Item, ItemBody, ItemKey, Want};
use entente_model::intent::DataSource;
use entente_model::time::Phase;
use entente_model::{Guid, HomeName, OperatorName, TenantName, Timestamp};
use entente_seal::{Buckets, SealedItem};
use serde::{Deserialize, Serialize};

use super::impact::Sides;

/// Most changes of rights in an answer: each is a line on a screen, and more are a number.
const MAX_CHANGES: usize = 20;

/// Most names of people, and of tenants, of one change of rights.
const MAX_NAMES: usize = 50;

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

/// Something that people are let do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Known(Capability),
    /// In no row of the table: told by Microsoft's name.
    Unlisted(String),
}

/// Something, and where in the tenant: an Azure scope or a Defender data source.
type Held = (What, Arc<str>);

/// An account.
pub(super) type Person = (HomeName, Guid);

/// Rights that come, and rights that go.
type Difference = (Vec<Right>, Vec<Right>);

/// Groups of a person, by role and class, before and after.
type Groups<'a> = [BTreeSet<&'a str>; 2];

/// Counts over tenants.
pub(super) struct Rights {
    now: Timestamp,
    /// What one item gives, by its leaf: the same in many tenants is opened once.
    opened: BTreeMap<Digest, Arc<[Held]>>,
    changes: BTreeMap<Difference, BTreeMap<Person, BTreeSet<TenantName>>>,
}

impl Rights {
    pub(super) fn new(now: Timestamp) -> Self {
        Self { now, opened: BTreeMap::new(), changes: BTreeMap::new() }
    }

    /// Compares one tenant with what it was.
    pub(super) fn count(&mut self, compared: &Sides<'_>) {
        let keys = || compared.keys.iter().copied();
        let changed: BTreeSet<&str> = keys().filter_map(role_of).collect();
        let persons: BTreeSet<&str> = keys().filter_map(|key| member_of(key).map(|(_, person)| person)).collect();
        if changed.is_empty() && persons.is_empty() {
            return;
        }
        let sides = [compared.before, compared.after];
        let mut people: BTreeMap<&str, Groups<'_>> = BTreeMap::new();
        for (at, side) in sides.into_iter().enumerate() {
            for item in side.iter() {
                let Some((group, person)) = member_of(item.key()) else { continue };
                if self.is_member(item) {
                    people.entry(person).or_default()[at].insert(group);
                }
            }
        }
        let is_of = |group: &&str| changed.iter().any(|role| group.split('/').next() == Some(*role));
        people.retain(|person, groups| persons.contains(person) || groups.iter().flatten().any(is_of));
        let gives = sides.map(|side| self.gives(side));
        let mut alike: BTreeMap<Groups<'_>, Vec<&str>> = BTreeMap::new();
        people.into_iter().for_each(|(person, groups)| alike.entry(groups).or_default().push(person));
        for ([was, is], persons) in alike {
            let held = |side: usize, groups: &BTreeSet<&str>| -> BTreeSet<Held> {
                groups.iter().filter_map(|group| gives[side].get(group)).flatten().cloned().collect()
            };
            let (was, is) = (held(0, &was), held(1, &is));
            let difference = (beyond(&is, &was), beyond(&was, &is));
            if difference.0.is_empty() && difference.1.is_empty() {
                continue;
            }
            let of = self.changes.entry(difference).or_default();
            for person in persons.into_iter().filter_map(account) {
                of.entry(person).or_default().insert(compared.tenant.clone());
            }
        }
    }

    /// Everybody whose rights change.
    pub(super) fn people(&self) -> impl Iterator<Item = &Person> {
        self.changes.values().flat_map(BTreeMap::keys)
    }

    /// The widest first, with how many more there are.
    pub(super) fn told(self, names: &BTreeMap<Person, OperatorName>) -> (Vec<RightsChange>, u32) {
        let mut all = Vec::new();
        for ((added, removed), persons) in self.changes {
            let mut by_tenants: BTreeMap<BTreeSet<TenantName>, BTreeSet<OperatorName>> = BTreeMap::new();
            for (person, tenants) in persons {
                by_tenants.entry(tenants).or_default().extend(names.get(&person).cloned());
            }
            let one = |(tenants, people): (BTreeSet<TenantName>, BTreeSet<OperatorName>)| RightsChange {
                added: added.clone(),
                removed: removed.clone(),
                people: people.len() as u32,
                operator_names: people.into_iter().take(MAX_NAMES).collect(),
                tenants: tenants.len() as u32,
                tenant_names: tenants.into_iter().take(MAX_NAMES).collect(),
            };
            all.extend(by_tenants.into_iter().map(one));
        }
        all.sort_by_key(|it| std::cmp::Reverse(u64::from(it.people) * u64::from(it.tenants)));
        let more = all.len().saturating_sub(MAX_CHANGES) as u32;
        all.truncate(MAX_CHANGES);
        (all, more)
    }

    /// Whether a membership is, or will be, there. One that is over gives nothing.
    fn is_member(&mut self, item: &SealedItem) -> bool {
        let now = self.now;
        let open = || {
            let is_meant = |it: &Item| it.want == Want::Present && it.windows.phase(now) != Phase::Over;
            let some: Arc<[Held]> = Arc::new([(What::Unlisted(String::new()), Arc::from(""))]);
            if item.open().is_ok_and(|it| is_meant(&it)) { some } else { Arc::new([]) }
        };
        !self.opened.entry(item.leaf()).or_insert_with(open).is_empty()
    }

    /// What each group gives, by role and class.
    fn gives<'b>(&mut self, side: &'b Buckets) -> BTreeMap<&'b str, Vec<Held>> {
        let mut gives: BTreeMap<&str, Vec<Held>> = BTreeMap::new();
        let (mut defender, mut sources) = (BTreeMap::<&str, Arc<[Held]>>::new(), Vec::<(&str, Arc<[Held]>)>::new());
        for item in side.iter() {
            let (kind, rest) = item.key().split_once('/').unwrap_or_default();
            match kind {
                "azureRole" => {
                    let group = group_of(rest);
                    gives.entry(group).or_default().extend(self.held(item).iter().cloned());
                }
                "defenderRole" => drop(defender.insert(rest, self.held(item))),
                "defenderAssignment" => sources.push((rest, self.held(item))),
                _ => {}
            }
        }
        for (group, places) in sources {
            let role = group.split('/').next().unwrap_or_default();
            let whats = defender.get(role).into_iter().flat_map(|held| held.iter()).map(|(what, _)| what);
            let all = whats.flat_map(|what| places.iter().map(|(_, place)| (what.clone(), place.clone())));
            gives.entry(group).or_default().extend(all);
        }
        gives
    }

    fn held(&mut self, item: &SealedItem) -> Arc<[Held]> {
        let now = self.now;
        let open = || item.open().map(|item| held(&item, now)).unwrap_or_default().into();
        self.opened.entry(item.leaf()).or_insert_with(open).clone()
    }
}

/// What an item of a group gives now. Of a Defender assignment, the places alone.
fn held(item: &Item, now: Timestamp) -> Vec<Held> {
    if item.want != Want::Present || !matches!(item.windows.phase(now), Phase::Open(_)) {
        return Vec::new();
    }
    match (&item.body, &item.key) {
        (ItemBody::AzureRole { definition, role_name, .. }, ItemKey::AzureRole { scope, .. }) => {
            let place: Arc<str> = scope.as_str().into();
            let unlisted = || vec![What::Unlisted(format!("what the Azure role {role_name} lets people do"))];
            let whats = capability::of_azure_role(*definition).map_or_else(unlisted, known);
            whats.into_iter().map(|what| (what, place.clone())).collect()
        }
        (ItemBody::DefenderRole { permissions, .. }, _) => {
            let given = permissions.iter().filter(|it| it.withheld_until.is_none_or(|until| until <= now));
            let whats = given.flat_map(|it| {
                let unlisted = || vec![What::Unlisted(format!("what {} lets people do in Defender", it.permission))];
                capability::of_defender_permission(&it.permission).map_or_else(unlisted, known)
            });
            whats.map(|what| (what, Arc::from(""))).collect()
        }
        (ItemBody::DefenderAssignment { data_sources, .. }, _) => {
            let is_all = data_sources.contains(&DataSource::All);
            let sources = if is_all { &DataSource::EVERY[..] } else { data_sources };
            sources.iter().map(|it| (What::Unlisted(String::new()), Arc::from(it.word()))).collect()
        }
        _ => Vec::new(),
    }
}

fn known(all: &[Capability]) -> Vec<What> {
    all.iter().copied().map(What::Known).collect()
}

/// What is held here and not there, each thing once.
fn beyond(here: &BTreeSet<Held>, there: &BTreeSet<Held>) -> Vec<Right> {
    let mut all = BTreeMap::new();
    for (what, place) in here {
        let mut same = there.iter().filter(|(other, _)| other == what).peekable();
        let in_part = same.peek().is_some();
        if !same.any(|(_, other)| covers(other, place)) {
            all.insert(what, in_part);
        }
    }
    all.into_iter().map(|(what, in_part)| right(what, in_part)).collect()
}

fn right(what: &What, in_part: bool) -> Right {
    match what {
        What::Known(it) => Right { capability: it.word().into(), phrase: it.phrase().into(), in_part },
        What::Unlisted(text) => Right { capability: String::new(), phrase: text.clone(), in_part },
    }
}

/// Whether one place is the other, or an Azure scope above it. Keys hold scopes in lower case.
fn covers(above: &str, place: &str) -> bool {
    place.strip_prefix(above).is_some_and(|rest| rest.is_empty() || above.starts_with('/') && rest.starts_with('/'))
}

/// The role that a right's item belongs to.
fn role_of(key: &str) -> Option<&str> {
    let (kind, rest) = key.split_once('/')?;
    matches!(kind, "azureRole" | "defenderRole" | "defenderAssignment").then(|| rest.split('/').next())?
}

/// The group and the person of a membership.
fn member_of(key: &str) -> Option<(&str, &str)> {
    let rest = key.strip_prefix("member/")?;
    let group = group_of(rest);
    Some((group, rest[group.len()..].trim_start_matches('/')))
}

/// Role and class, of `role/class/...`.
fn group_of(rest: &str) -> &str {
    let mut slashes = rest.match_indices('/').map(|(at, _)| at);
    &rest[..slashes.nth(1).unwrap_or(rest.len())]
}

fn account(person: &str) -> Option<Person> {
    let (home, id) = person.split_once('/')?;
    Some((HomeName::from_id(home).ok()?, id.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_taken_apart() {
        assert_eq!(member_of("member/l1/standard/nordwall/0b0d"), Some(("l1/standard", "nordwall/0b0d")));
        assert_eq!(role_of("azureRole/l1/standard/subscriptions/1/2"), Some("l1"));
        assert_eq!([role_of("defenderRole/l1"), role_of("group/l1/standard")], [Some("l1"), None]);
        assert_eq!(group_of("l1/standard"), "l1/standard");
    }

    #[test]
    fn a_scope_within_another_is_no_more_and_a_wider_one_is_more_in_part() {
        let at = |place: &str| BTreeSet::from([(What::Known(Capability::ReadLogs), Arc::from(place))]);
        let [wide, narrow] = [at("/subscriptions/1"), at("/subscriptions/1/resourcegroups/a")];
        assert_eq!(beyond(&narrow, &wide), []);
        assert!(beyond(&at("/subscriptions/10"), &at("/subscriptions/1"))[0].in_part);
        let more = beyond(&wide, &narrow);
        assert_eq!((more[0].capability.as_str(), more[0].in_part), ("readLogs", true));
        assert!(!beyond(&wide, &BTreeSet::new())[0].in_part);
    }
}
