//! Which of the provider's people have access in this tenant, and to what. The customer learns it from the agent alone.

use std::collections::BTreeMap;

use entente_model::desired::{
    self, AzureRoleBody, DefenderAssignmentKey, DefenderRoleBody, DefenderRoleKey, EntraRoleBody, GroupKey, GroupKind,
    Item, ItemBody, ItemKey, MemberBody, PermissionGrant, UserBody, UserKey, Want,
};
use entente_model::report::{ItemReport, ItemState, Reason};
use entente_model::{RoleName, Timestamp, catalog};
use serde::{Deserialize, Serialize};

/// Most memberships listed: several times what a provider has in one tenant.
const MAX_HERE: usize = 5_000;

/// People who are desired or still present, and what each role gives.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Here {
    /// Every membership, and every leaver's account, that was not read back as gone. Waiting and refused ones are
    /// included.
    pub people: Vec<Membership>,
    /// How many more there are than are listed.
    #[serde(default)]
    pub more: usize,
    /// The rights of a role's members, by role.
    pub rights: BTreeMap<String, Vec<Right>>,
}

/// One person in one role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Membership {
    /// The operator's name at the provider, or the account's key once it is no longer desired.
    pub operator: String,
    pub display_name: String,
    pub mail: String,
    /// Empty for the account of a leaver.
    pub role: String,
    pub state: ItemState,
    pub reason: Option<Reason>,
    /// Whether the last look found the membership or the account, whatever is done about it. Unset if unknown.
    #[serde(default)]
    pub there: Option<bool>,
    /// Desired to end, or desired no more.
    pub leaving: bool,
    pub until: Option<Timestamp>,
    /// The provider's assignments that give it, sorted.
    #[serde(default)]
    pub grounds: Vec<Ground>,
    /// Since when it has this state.
    pub since: Timestamp,
}

/// Why somebody has access, in the provider's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ground {
    pub assignment: String,
    pub justification: String,
    pub ticket: Option<String>,
}

/// One right of a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Right {
    pub what: String,
    pub state: ItemState,
    pub reason: Option<Reason>,
    pub detail: String,
    /// Whether the last look found the role's group to have it, whatever is done about it. Unset if unknown.
    #[serde(default)]
    pub there: Option<bool>,
    /// Desired to end, or desired no more.
    #[serde(default)]
    pub leaving: bool,
}

/// How many of a number of things are present, and of how many it is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    pub there: usize,
    pub unknown: usize,
    pub all: usize,
}

impl Count {
    fn of(each: impl Iterator<Item = Option<bool>>) -> Self {
        let none = Self { there: 0, unknown: 0, all: 0 };
        each.fold(none, |Self { there, unknown, all }, it| Self {
            there: there + usize::from(it == Some(true)),
            unknown: unknown + usize::from(it.is_none()),
            all: all + 1,
        })
    }
}

impl Count {
    /// What a person has of a group's rights, as a member or not.
    pub fn of_person(self, is_member: Option<bool>) -> Self {
        match is_member {
            Some(true) => self,
            Some(false) => Self { there: 0, unknown: 0, ..self },
            None => Self { there: 0, unknown: self.there + self.unknown, ..self },
        }
    }
}

impl Membership {
    /// Whether the membership is present; `None` if unknown.
    pub fn is_there(&self) -> Option<bool> {
        known(self.there, self.state)
    }
}

impl Right {
    /// Whether the role's group has the right; `None` if unknown.
    pub fn is_there(&self) -> Option<bool> {
        known(self.there, self.state)
    }
}

impl Here {
    /// Builds the list from the desired state, the last report of every item, and what the last look found present or
    /// absent.
    pub fn of(desired: &[Item], reports: &BTreeMap<ItemKey, ItemReport>, there: &BTreeMap<ItemKey, bool>) -> Self {
        let by_key: BTreeMap<&ItemKey, &Item> = desired.iter().map(|item| (&item.key, item)).collect();
        let mut here = Self::default();
        // Removed items are gone.
        for (key, report) in reports.iter().filter(|(_, report)| report.state != ItemState::Removed) {
            let item = by_key.get(key).copied();
            let person = |role: &str| Membership {
                there: known(there.get(key).copied(), report.state),
                ..membership(key, role, item, report, &by_key)
            };
            match key {
                ItemKey::Member(member) => here.person(person(&label(&member.group()))),
                ItemKey::User(_) if leaves(item) => here.person(person("")),
                ItemKey::AzureRole(_) | ItemKey::EntraRole(_) => {
                    here.right(key, item, report, there.get(key).copied());
                }
                ItemKey::DefenderRole(DefenderRoleKey { role }) => {
                    let is_whole = report.state == ItemState::Applied;
                    let report = assignment(role, reports).filter(|_| is_whole).unwrap_or(report);
                    here.right(key, item, report, assigned(role, reports, there));
                }
                // Said with the role that it assigns; an account and a group give nothing by themselves.
                ItemKey::DefenderAssignment(_) | ItemKey::User(_) | ItemKey::Group(_) => {}
                ItemKey::Other(_) => here.right(key, item, report, there.get(key).copied()),
            }
        }
        here
    }

    /// How many people have a role.
    pub fn holders(&self) -> Count {
        let mut by_person: BTreeMap<&str, Option<bool>> = BTreeMap::new();
        for it in &self.people {
            // An account without a membership has no role.
            let there = if it.role.is_empty() { Some(false) } else { it.is_there() };
            let any = by_person.entry(&it.operator).or_insert(Some(false));
            *any = match (*any, there) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (None, _) | (_, None) => None,
                _ => Some(false),
            };
        }
        Count::of(by_person.into_values())
    }

    fn person(&mut self, membership: Membership) {
        if self.people.len() < MAX_HERE {
            self.people.push(membership);
        } else {
            self.more += 1;
        }
    }

    fn right(&mut self, key: &ItemKey, item: Option<&Item>, report: &ItemReport, there: Option<bool>) {
        let by_role = key.role().map(|role| role.id().to_owned()).unwrap_or_default();
        let role = key.group().map_or(by_role, |group| label(&group));
        let what = match item.map(|item| &item.body) {
            Some(ItemBody::AzureRole(AzureRoleBody { role_name, scope, .. })) => format!("{role_name} at {scope}"),
            Some(ItemBody::DefenderRole(DefenderRoleBody { permissions, .. })) => {
                let names: Vec<_> = permissions.iter().map(permission).collect();
                format!("Defender: {}", names.join(", "))
            }
            Some(ItemBody::EntraRole(EntraRoleBody { role_name })) => {
                format!("{} in the directory", directory_role(key, role_name))
            }
            _ => key.to_string(),
        };
        let (state, reason, detail) = (report.state, report.reason, report.detail.clone());
        let right = Right { what, state, reason, detail, there: known(there, state), leaving: leaves(item) };
        self.rights.entry(role).or_default().push(right);
    }

    /// How many of a role's rights are present, of those that should be. A right that the guardrail has refused since
    /// counts too.
    pub fn count(&self, role: &str) -> Count {
        let rights = self.rights.get(role).map(Vec::as_slice).unwrap_or_default();
        Count::of(rights.iter().filter(|it| !it.leaving).map(Right::is_there))
    }
}

/// The role by whose group somebody has rights. Directory roles hang on a group of their own.
fn label(group: &GroupKey) -> String {
    match group.kind {
        GroupKind::Plain => group.role.id().to_owned(),
        GroupKind::RoleAssignable => format!("{} (directory)", group.role.id()),
    }
}

/// By the catalogue's name: the one that travels is the provider's text.
pub(crate) fn directory_role<'a>(key: &ItemKey, told: &'a str) -> &'a str {
    let ItemKey::EntraRole(key) = key else { return told };
    catalog::ENTRA_ROLES.iter().find(|role| role.id == key.definition).map_or(told, |role| role.name)
}

/// An applied item is present, also in the file of an older agent.
fn known(there: Option<bool>, state: ItemState) -> Option<bool> {
    there.or((state == ItemState::Applied).then_some(true))
}

/// Names a permission. One that an exemption withholds carries the end of the exemption, as the role lacks it until
/// then.
pub(crate) fn permission(it: &PermissionGrant) -> String {
    let withheld = it.withheld_until.map(|until| format!(" (withheld until {until})"));
    format!("{}{}", it.permission, withheld.unwrap_or_default())
}

pub(crate) fn leaves(item: Option<&Item>) -> bool {
    item.is_none_or(|item| item.want != Want::Present)
}

fn is_of(role: &RoleName, key: &ItemKey) -> bool {
    matches!(key, ItemKey::DefenderAssignment(DefenderAssignmentKey { role: it, .. }) if it == role)
}

/// The report of the role's assignment, by which a Defender role takes effect.
fn assignment<'a>(role: &RoleName, reports: &'a BTreeMap<ItemKey, ItemReport>) -> Option<&'a ItemReport> {
    reports.iter().find(|(key, _)| is_of(role, key)).map(|(_, report)| report)
}

/// Whether one of the role's assignments is present. The answer is no only if it is no for each of them.
fn assigned(role: &RoleName, reports: &BTreeMap<ItemKey, ItemReport>, there: &BTreeMap<ItemKey, bool>) -> Option<bool> {
    let each: Vec<_> = reports.keys().filter(|key| is_of(role, key)).map(|key| there.get(key).copied()).collect();
    let is_told = !each.is_empty() && !each.contains(&None);
    if each.contains(&Some(true)) { Some(true) } else { is_told.then_some(false) }
}

pub(crate) fn ground(it: &desired::Ground) -> Ground {
    Ground {
        assignment: it.assignment.id().to_owned(),
        justification: it.justification.clone(),
        ticket: it.ticket.clone(),
    }
}

fn membership(
    key: &ItemKey,
    role: &str,
    item: Option<&Item>,
    report: &ItemReport,
    by_key: &BTreeMap<&ItemKey, &Item>,
) -> Membership {
    let user = key.person().map(|(home, id)| ItemKey::User(UserKey { home: home.clone(), object_id: id }));
    let body = user.as_ref().and_then(|key| by_key.get(key)).map(|item| &item.body);
    let (operator, display_name, mail) = match body {
        Some(ItemBody::User(UserBody { operator, display_name, mail, .. })) => {
            (operator.id().to_owned(), display_name.clone(), mail.clone())
        }
        _ => (user.map(|it| it.to_string()).unwrap_or_default(), String::new(), String::new()),
    };
    let grounds = match item.map(|item| &item.body) {
        Some(ItemBody::Member(MemberBody { grounds })) => grounds.as_slice(),
        _ => &[],
    };
    Membership {
        operator,
        display_name,
        mail,
        role: role.to_owned(),
        state: report.state,
        reason: report.reason,
        there: None,
        leaving: leaves(item),
        until: item.and_then(|item| item.windows.as_slice().last().and_then(|window| window.end)),
        grounds: grounds.iter().map(ground).collect(),
        since: report.since,
    }
}

#[cfg(test)]
mod tests {
    use entente_model::desired::Item;
    use entente_model::intent::{IdentityClass, UserType};
    use entente_model::{AssignmentName, Guid, HomeName, OperatorName, Windows};

    use entente_model::desired::{AzureRoleKey, MemberKey};

    use super::*;

    const MAYA: Guid = Guid::from_u128(1);

    fn role() -> RoleName {
        RoleName::from_id("l1").unwrap()
    }

    fn report(key: ItemKey, state: ItemState) -> ItemReport {
        ItemReport {
            key,
            state,
            reason: (state == ItemState::Refused).then_some(Reason::GuardrailCapability),
            detail: String::new(),
            object_id: None,
            owned: true,
            redeem_url: None,
            script: None,
            accounts: Vec::new(),
            proof: None,
            revision: 1,
            since: Timestamp::from_unix(0),
        }
    }

    fn item(key: &ItemKey, body: ItemBody) -> Item {
        Item { key: key.clone(), want: Want::Present, windows: Windows::always(), body }
    }

    #[test]
    fn who_is_in_a_role_is_listed_with_what_it_gives_and_what_is_refused() {
        let home = HomeName::from_id("nordwall").unwrap();
        let user = ItemKey::User(UserKey { home: home.clone(), object_id: MAYA });
        let member = ItemKey::Member(MemberKey::of(
            &GroupKey { role: role(), class: IdentityClass::Standard, kind: GroupKind::Plain },
            &home,
            MAYA,
        ));
        let scope = "/subscriptions/1/resourceGroups/rg";
        let right = |id: u128| {
            ItemKey::AzureRole(AzureRoleKey::new(role(), IdentityClass::Standard, scope, Guid::from_u128(id)))
        };
        let azure = |name: &str, id: u128| {
            ItemBody::AzureRole(AzureRoleBody {
                scope: scope.into(),
                definition: Guid::from_u128(id),
                role_name: name.into(),
            })
        };
        let person = ItemBody::User(UserBody {
            operator: OperatorName::from_id("maya").unwrap(),
            display_name: "Maya Berg".into(),
            upn: "maya@nordwall.example".into(),
            mail: "maya@nordwall.example".into(),
            user_type: UserType::Guest,
            home_tenant: Guid::from_u128(9),
        });
        let ground = desired::Ground {
            assignment: AssignmentName::from_id("nordic").unwrap(),
            justification: "Nordic L1".into(),
            ticket: Some("T-12".into()),
        };
        let desired = [
            item(&user, person),
            item(&member, ItemBody::Member(MemberBody { grounds: vec![ground] })),
            item(&right(2), azure("Responder", 2)),
            item(&right(3), azure("Playbook Operator", 3)),
        ];
        let states = [
            (user, ItemState::Applied),
            (member.clone(), ItemState::Applied),
            (right(2), ItemState::Applied),
            (right(3), ItemState::Refused),
        ];
        let mut reports: BTreeMap<_, _> =
            states.into_iter().map(|(key, state)| (key.clone(), report(key, state))).collect();
        let there = BTreeMap::new();
        let here = Here::of(&desired, &reports, &there);
        assert_eq!(here.people.len(), 1);
        assert_eq!((here.people[0].operator.as_str(), here.people[0].leaving), ("maya", false));
        assert_eq!(here.people[0].grounds[0].ticket.as_deref(), Some("T-12"));
        // The guardrail refuses it since, and nobody knows whether it is there.
        assert_eq!(here.count("l1"), Count { there: 1, unknown: 1, all: 2 });
        for (seen, there) in [(true, 2), (false, 1)] {
            let there_now = BTreeMap::from([(right(3), seen)]);
            let here = Here::of(&desired, &reports, &there_now);
            assert_eq!(here.count("l1"), Count { there, unknown: 0, all: 2 }, "whatever the guardrail says");
        }
        // No longer desired, and not read back as gone: still here, and leaving.
        let here = Here::of(&desired[..1], &reports, &there);
        assert!(here.people[0].leaving, "{here:?}");
        assert_eq!(
            here.count("l1"),
            Count { there: 0, unknown: 0, all: 0 },
            "what is to go is no part of what should be there"
        );
        reports.get_mut(&member).unwrap().state = ItemState::Removed;
        assert!(Here::of(&desired, &reports, &there).people.is_empty());
        // An account that is left of somebody who leaves is here, without any role.
        let here = Here::of(&[], &reports, &there);
        assert_eq!((here.people.len(), here.people[0].role.as_str()), (1, ""));
    }

    #[test]
    fn somebody_has_no_right_of_a_group_that_they_are_not_in() {
        let group = Count { there: 2, unknown: 1, all: 3 };
        assert_eq!(group.of_person(Some(true)), group);
        assert_eq!(group.of_person(Some(false)), Count { there: 0, unknown: 0, all: 3 });
        assert_eq!(group.of_person(None), Count { there: 0, unknown: 3, all: 3 });
    }

    #[test]
    fn a_defender_role_is_had_by_its_assignment_also_where_both_are_refused_since() {
        let (role_key, given) = (
            ItemKey::DefenderRole(DefenderRoleKey { role: role() }),
            ItemKey::DefenderAssignment(DefenderAssignmentKey { role: role(), class: IdentityClass::Standard }),
        );
        let withheld = PermissionGrant {
            permission: "response.manage".into(),
            withheld_until: "2026-12-01T00:00:00Z".parse().ok(),
        };
        let permissions = vec![withheld];
        let body = ItemBody::DefenderRole(DefenderRoleBody {
            display_name: "l1".into(),
            description: String::new(),
            permissions,
        });
        let desired = [item(&role_key, body)];
        let reports: BTreeMap<_, _> =
            [&role_key, &given].map(|key| (key.clone(), report(key.clone(), ItemState::Refused))).into();
        let count = |there: BTreeMap<ItemKey, bool>| Here::of(&desired, &reports, &there).count("l1");
        let what = &Here::of(&desired, &reports, &BTreeMap::new()).rights["l1"][0].what;
        assert_eq!(what, "Defender: response.manage (withheld until 2026-12-01T00:00:00Z)");
        assert_eq!(count([(given.clone(), true)].into()), Count { there: 1, unknown: 0, all: 1 });
        assert_eq!(count([(given.clone(), false)].into()), Count { there: 0, unknown: 0, all: 1 });
        assert_eq!(count(BTreeMap::new()), Count { there: 0, unknown: 1, all: 1 });
    }

    #[test]
    fn who_has_a_role_is_counted_by_what_is_there_and_not_by_what_is_done_about_it() {
        let member = |name: &str, state, there, role: &str| Membership {
            operator: name.into(),
            display_name: String::new(),
            mail: String::new(),
            role: role.into(),
            state,
            reason: None,
            there,
            leaving: false,
            until: None,
            grounds: Vec::new(),
            since: Timestamp::from_unix(0),
        };
        let people = vec![
            member("held", ItemState::Held, Some(true), "l1"),
            member("refused", ItemState::Refused, Some(true), "l1"),
            member("twice", ItemState::Waiting, Some(false), "l1"),
            member("twice", ItemState::Unsupported, Some(true), "l2"),
            member("waits", ItemState::Waiting, Some(false), "l1"),
            member("unread", ItemState::Waiting, None, "l1"),
            member("unread", ItemState::Waiting, Some(false), "l2"),
            member("account", ItemState::Held, Some(true), ""),
            // As an older agent wrote it.
            member("before", ItemState::Applied, None, "l1"),
        ];
        let here = Here { people, ..Here::default() };
        assert_eq!(here.holders(), Count { there: 4, unknown: 1, all: 7 });
    }
}
