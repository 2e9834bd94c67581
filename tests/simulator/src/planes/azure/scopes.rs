//! Scopes of Azure: which exist, and which reach which, from `/` by management groups down to a resource.
//!
//! Compared without regard to case, as Azure Resource Manager does.

use super::state::Azure;
use crate::control::seed::{ManagementGroupSeed, ResourceGroupSeed, SubscriptionSeed};

/// A hierarchy of management groups that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum BadHierarchy {
    #[error("management group {group}: its parent {parent:?} is not seeded")]
    Parent { group: String, parent: String },
    #[error("management group {group}: it is its own ancestor, or there are two of that name")]
    Circle { group: String },
    #[error("management group {group}: subscription {subscription:?} is not seeded, or in another group too")]
    Subscription { group: String, subscription: String },
}

impl Azure {
    /// Whether something assigned at `outer` reaches `inner`.
    pub fn covers(&self, outer: &str, inner: &str) -> bool {
        let (outer, inner) = (normal(outer), normal(inner));
        if inner == outer || inner.strip_prefix(&outer).is_some_and(|rest| rest.starts_with('/')) {
            return true;
        }
        management_group(&outer).is_some_and(|group| self.groups_above(&inner).iter().any(|above| above == group))
    }

    /// The management groups above a scope, nearest first, the root group last; in small letters.
    fn groups_above(&self, scope: &str) -> Vec<String> {
        let parts: Vec<&str> = scope.split('/').filter(|part| !part.is_empty()).collect();
        let parent = |group: &ManagementGroupSeed| group.parent.clone();
        let mut next = match parts.as_slice() {
            ["subscriptions", id, ..] => {
                let holds = |group: &&ManagementGroupSeed| group.subscriptions.iter().any(|one| same(one, id));
                self.management_groups.iter().find(holds).map(|group| group.name.clone())
            }
            _ => match management_group(scope) {
                Some(name) if same(name, &self.root_group) => return Vec::new(),
                Some(name) => self.management_group(name).and_then(parent),
                None => return Vec::new(),
            },
        };
        let mut above = Vec::new();
        while let Some(name) = next {
            next = self.management_group(&name).and_then(parent);
            above.push(name.to_lowercase());
        }
        above.push(self.root_group.to_lowercase());
        above
    }

    pub fn management_group(&self, name: &str) -> Option<&ManagementGroupSeed> {
        self.management_groups.iter().find(|group| same(&group.name, name))
    }

    /// Whether a scope can carry assignments here.
    pub fn scope_exists(&self, scope: &str) -> bool {
        let scope = normal(scope);
        let parts: Vec<&str> = scope.split('/').filter(|part| !part.is_empty()).collect();
        match parts.as_slice() {
            ["providers", "microsoft.management", "managementgroups", name] => {
                same(name, &self.root_group) || self.management_group(name).is_some()
            }
            [] | ["providers", ..] => true,
            ["subscriptions", id, "resourcegroups", name, ..] => {
                let named = |group: &ResourceGroupSeed| same(&group.name, name);
                self.subscription(id).is_some_and(|one| one.resource_groups.iter().any(named))
            }
            ["subscriptions", id, ..] => self.subscription(id).is_some(),
            _ => false,
        }
    }

    pub fn subscription(&self, id: &str) -> Option<&SubscriptionSeed> {
        self.subscriptions.iter().find(|one| same(&one.id, id))
    }

    /// Refuses groups that hang nowhere, in a circle, or on subscriptions that are not there.
    pub fn check_hierarchy(&self) -> Result<(), BadHierarchy> {
        for group in &self.management_groups {
            let name = || group.name.clone();
            let mut seen = vec![group.name.to_lowercase()];
            let mut at = group;
            while let Some(parent) = &at.parent {
                let missing = || BadHierarchy::Parent { group: name(), parent: parent.clone() };
                at = self.management_group(parent).ok_or_else(missing)?;
                if seen.contains(&at.name.to_lowercase()) {
                    return Err(BadHierarchy::Circle { group: name() });
                }
                seen.push(at.name.to_lowercase());
            }
            if self.management_groups.iter().filter(|other| same(&other.name, &group.name)).count() > 1 {
                return Err(BadHierarchy::Circle { group: name() });
            }
            for id in &group.subscriptions {
                let holders =
                    self.management_groups.iter().flat_map(|other| &other.subscriptions).filter(|one| same(one, id));
                if self.subscription(id).is_none() || holders.count() > 1 {
                    return Err(BadHierarchy::Subscription { group: name(), subscription: id.clone() });
                }
            }
        }
        Ok(())
    }
}

/// The name in `/providers/microsoft.management/managementgroups/{name}`, and nothing below one.
pub fn management_group(scope: &str) -> Option<&str> {
    let parts: Vec<&str> = scope.split('/').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        [one, two, three, name]
            if same(one, "providers") && same(two, "Microsoft.Management") && same(three, "managementGroups") =>
        {
            Some(name)
        }
        _ => None,
    }
}

/// `/subscriptions/{id}` of a scope in a subscription, however it is spelt.
pub fn subscription_of(scope: &str) -> Option<&str> {
    let mut parts = scope.split('/').filter(|part| !part.is_empty());
    let first = parts.next()?;
    parts.next().filter(|_| same(first, "subscriptions"))
}

/// Scopes differ in case and slashes only for people. The root is the empty string.
pub fn normal(scope: &str) -> String {
    scope.split('/').filter(|part| !part.is_empty()).fold(String::new(), |path, part| path + "/" + &part.to_lowercase())
}

fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUPS: &str = "/providers/Microsoft.Management/managementGroups";

    fn azure() -> Azure {
        let group = |name: &str, parent: Option<&str>, subscriptions: &[&str]| ManagementGroupSeed {
            name: name.into(),
            parent: parent.map(str::to_owned),
            subscriptions: subscriptions.iter().map(|one| one.to_string()).collect(),
            ..Default::default()
        };
        let subscription = |id: &str| SubscriptionSeed { id: id.into(), ..Default::default() };
        Azure {
            root_group: "root".into(),
            subscriptions: vec![subscription("a"), subscription("b")],
            management_groups: vec![group("Corp", None, &[]), group("prod", Some("corp"), &["A"])],
            ..Azure::default()
        }
    }

    #[test]
    fn a_scope_reaches_what_is_below_it_and_nothing_beside_it() {
        let azure = azure();
        azure.check_hierarchy().unwrap();
        let group = |name: &str| format!("{GROUPS}/{name}");
        assert!(azure.covers("/subscriptions/A", "/subscriptions/a/resourceGroups/rg"));
        assert!(azure.covers("/", "/subscriptions/a") && azure.covers("/", &group("prod")));
        assert!(!azure.covers("/subscriptions/a/resourceGroups/rg", "/subscriptions/a"));
        assert!(!azure.covers("/subscriptions/a/resourceGroups/rg", "/subscriptions/a/resourceGroups/rg2"));
        assert!(azure.covers(&group("PROD"), "/subscriptions/a/resourceGroups/rg"));
        assert!(azure.covers(&group("corp"), "/SUBSCRIPTIONS/a") && azure.covers(&group("corp"), &group("prod")));
        assert!(!azure.covers(&group("prod"), &group("corp")) && !azure.covers(&group("corp"), "/subscriptions/b"));
        assert!(azure.covers(&group("root"), "/subscriptions/b") && azure.covers(&group("root"), &group("corp")));
        assert!(!azure.covers(&group("root"), "/") && !azure.covers("/subscriptions/a", &group("prod")));
    }

    #[test]
    fn a_hierarchy_that_cannot_be_is_refused() {
        let mut circle = azure();
        circle.management_groups[0].parent = Some("prod".into());
        assert!(matches!(circle.check_hierarchy(), Err(BadHierarchy::Circle { .. })));
        let mut orphan = azure();
        orphan.management_groups[0].parent = Some("nobody".into());
        assert!(matches!(orphan.check_hierarchy(), Err(BadHierarchy::Parent { .. })));
        let mut twice = azure();
        twice.management_groups[0].subscriptions = vec!["a".into()];
        assert!(matches!(twice.check_hierarchy(), Err(BadHierarchy::Subscription { .. })));
    }
}
