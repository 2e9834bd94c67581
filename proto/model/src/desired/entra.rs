//! Directory roles of Entra: `entraRole/l1-analyst/standard/5d6b6bb7-...`.

use std::fmt;

use super::groups::{GroupKey, GroupKind};
use super::kind::{Kind, class, role};
use crate::intent::IdentityClass;
use crate::name::{Guid, HomeName, RoleName};
use crate::plane::Plane;

/// A directory role over the whole tenant, for a role's role-assignable group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntraRoleKey {
    pub role: RoleName,
    pub class: IdentityClass,
    /// The id of the built-in role's template, the same in every tenant.
    pub definition: Guid,
}

/// What the directory role is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntraRoleBody {
    pub role_name: String,
}

impl EntraRoleKey {
    pub fn group(&self) -> GroupKey {
        GroupKey { role: self.role.clone(), class: self.class, kind: GroupKind::RoleAssignable }
    }
}

impl Kind for EntraRoleKey {
    const WORD: &'static str = "entraRole";

    fn parse(parts: &[&str]) -> Option<Self> {
        let [id, word, definition] = parts else { return None };
        Some(Self { role: role(id)?, class: class(word)?, definition: definition.parse().ok()? })
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.role.id(), self.class.word(), self.definition)
    }

    fn plane(&self) -> Plane {
        Plane::EntraRoles
    }

    fn role(&self) -> Option<&RoleName> {
        Some(&self.role)
    }

    fn person(&self) -> Option<(&HomeName, Guid)> {
        None
    }
}
