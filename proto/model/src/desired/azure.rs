//! Azure role assignments: `azureRole/l1-analyst/standard/subscriptions/.../{role definition}`.

use std::fmt;

use super::groups::{GroupKey, GroupKind};
use super::kind::{Kind, class, role};
use crate::intent::IdentityClass;
use crate::name::{Guid, HomeName, RoleName};
use crate::plane::Plane;

/// A role definition at a scope, assigned to a role's group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AzureRoleKey {
    pub role: RoleName,
    pub class: IdentityClass,
    /// In lower case, as ARM ignores case in scopes. The body keeps the spelling.
    pub scope: String,
    pub definition: Guid,
}

/// What is assigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AzureRoleBody {
    pub scope: String,
    pub definition: Guid,
    pub role_name: String,
}

impl AzureRoleKey {
    pub fn new(role: RoleName, class: IdentityClass, scope: &str, definition: Guid) -> Self {
        Self { role, class, scope: scope.to_ascii_lowercase(), definition }
    }

    pub fn group(&self) -> GroupKey {
        GroupKey { role: self.role.clone(), class: self.class, kind: GroupKind::Plain }
    }
}

impl Kind for AzureRoleKey {
    const WORD: &'static str = "azureRole";

    fn parse(parts: &[&str]) -> Option<Self> {
        let [id, word, scope @ .., definition] = parts else { return None };
        if scope.is_empty() {
            return None;
        }
        let scope = format!("/{}", scope.join("/"));
        Some(Self::new(role(id)?, class(word)?, &scope, definition.parse().ok()?))
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}{}/{}", self.role.id(), self.class.word(), self.scope, self.definition)
    }

    fn plane(&self) -> Plane {
        Plane::AzureRoles
    }

    fn role(&self) -> Option<&RoleName> {
        Some(&self.role)
    }

    fn person(&self) -> Option<(&HomeName, Guid)> {
        None
    }
}
