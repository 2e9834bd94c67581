//! What one item asks of the customer: what it is, who asks for it and why, and what it needs of the guardrail.

use std::collections::BTreeMap;

use entente_model::desired::{
    AzureRoleBody, AzureRoleKey, DefenderAssignmentKey, DefenderRoleBody, DefenderRoleKey, EntraRoleBody, EntraRoleKey,
    GroupBody, GroupKey, Item, ItemBody, ItemKey, MemberBody, MemberKey, UserBody, UserKey, Want,
};
use entente_model::{RoleName, Timestamp};
use entente_planner::need::{self, Need};
use serde::{Deserialize, Serialize};

use crate::here::{self, Ground};

/// Empty for an item that is no longer desired, and in a file of an older agent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Asked {
    /// What the item is, in words.
    pub what: String,
    /// Named for removal, or no longer desired.
    pub leaving: bool,
    /// The provider's assignments that ask for it, by name. For a membership, its own; for anything else, those of the
    /// memberships that need it.
    pub grounds: Vec<Ground>,
    /// Empty for an item that is to go.
    pub needs: Vec<Need>,
}

impl Asked {
    /// Describes one item by the desired state.
    pub fn of(key: &ItemKey, desired: &BTreeMap<&ItemKey, &Item>, now: Timestamp) -> Self {
        let item = desired.get(key).copied();
        let leaving = here::leaves(item);
        let needs = item.filter(|_| !leaving).map(|item| need::of(item, desired, now)).unwrap_or_default();
        Self { what: what(key, desired), leaving, grounds: grounds(key, desired), needs }
    }
}

fn grounds(key: &ItemKey, desired: &BTreeMap<&ItemKey, &Item>) -> Vec<Ground> {
    let is_for = |member: &ItemKey| match key {
        ItemKey::Member(_) => member == key,
        ItemKey::User(_) => member.person() == key.person(),
        _ => key.role().is_some() && member.role() == key.role(),
    };
    let mut all: Vec<Ground> = Vec::new();
    for item in desired.values().filter(|item| item.want == Want::Present && is_for(&item.key)) {
        let ItemBody::Member(MemberBody { grounds }) = &item.body else { continue };
        let new = grounds.iter().map(here::ground);
        for ground in new {
            if !all.contains(&ground) {
                all.push(ground);
            }
        }
    }
    all.sort_by(|one, other| one.assignment.cmp(&other.assignment));
    all
}

fn what(key: &ItemKey, desired: &BTreeMap<&ItemKey, &Item>) -> String {
    let role = |role: &RoleName| format!("for the role {}", role.id());
    match (key, desired.get(key).map(|item| &item.body)) {
        (ItemKey::User(_), _) => format!("the account of {}", person(key, desired)),
        (ItemKey::Member(MemberKey { role, home, object_id, .. }), _) => {
            let user = ItemKey::User(UserKey { home: home.clone(), object_id: *object_id });
            format!("{} in the role {}", person(&user, desired), role.id())
        }
        (ItemKey::Group(GroupKey { role: of, .. }), Some(ItemBody::Group(GroupBody { display_name, .. }))) => {
            format!("the group {display_name}, {}", role(of))
        }
        (
            ItemKey::AzureRole(AzureRoleKey { role: of, .. }),
            Some(ItemBody::AzureRole(AzureRoleBody { scope, role_name, .. })),
        ) => {
            format!("{role_name} at {scope}, {}", role(of))
        }
        (
            ItemKey::DefenderRole(DefenderRoleKey { role: of }),
            Some(ItemBody::DefenderRole(DefenderRoleBody { permissions, .. })),
        ) => {
            let names: Vec<String> = permissions.iter().map(here::permission).collect();
            format!("the Defender role with {}, {}", names.join(", "), role(of))
        }
        (ItemKey::DefenderAssignment(DefenderAssignmentKey { role: of, .. }), _) => {
            format!("what gives the Defender role, {}", role(of))
        }
        (ItemKey::EntraRole(EntraRoleKey { role: of, .. }), Some(ItemBody::EntraRole(EntraRoleBody { role_name }))) => {
            format!("the directory role {}, {}", here::directory_role(key, role_name), role(of))
        }
        (key, _) => key.to_string(),
    }
}

fn person(user: &ItemKey, desired: &BTreeMap<&ItemKey, &Item>) -> String {
    match desired.get(user).map(|item| &item.body) {
        Some(ItemBody::User(UserBody { display_name, mail, .. })) => format!("{display_name} <{mail}>"),
        _ => user.to_string(),
    }
}
