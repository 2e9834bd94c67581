//! Defender unified RBAC: the custom role, `defenderRole/l1-analyst`, and its assignment,
//! `defenderAssignment/l1-analyst/standard`.

use std::fmt;

use super::groups::{GroupKey, GroupKind};
use super::kind::{Kind, class, role};
use crate::intent::{DataSource, IdentityClass};
use crate::name::{Guid, HomeName, RoleName};
use crate::plane::Plane;
use crate::time::Timestamp;

/// A custom role in Defender.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DefenderRoleKey {
    pub role: RoleName,
}

/// The assignment of that custom role to a role's group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DefenderAssignmentKey {
    pub role: RoleName,
    pub class: IdentityClass,
}

/// What the custom role holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefenderRoleBody {
    pub display_name: String,
    pub description: String,
    pub permissions: Vec<PermissionGrant>,
}

/// What the assignment reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefenderAssignmentBody {
    pub display_name: String,
    pub data_sources: Vec<DataSource>,
}

/// One Defender permission of a role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PermissionGrant {
    /// A name of [`crate::catalog::defender_permission`].
    pub permission: String,
    /// An exemption withholds the permission until then.
    pub withheld_until: Option<Timestamp>,
}

impl DefenderAssignmentKey {
    pub fn group(&self) -> GroupKey {
        GroupKey { role: self.role.clone(), class: self.class, kind: GroupKind::Plain }
    }

    /// The custom role that is assigned.
    pub fn assigned(&self) -> DefenderRoleKey {
        DefenderRoleKey { role: self.role.clone() }
    }
}

impl Kind for DefenderRoleKey {
    const WORD: &'static str = "defenderRole";

    fn parse(parts: &[&str]) -> Option<Self> {
        let [id] = parts else { return None };
        Some(Self { role: role(id)? })
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.role.id())
    }

    fn plane(&self) -> Plane {
        Plane::DefenderRoles
    }

    fn role(&self) -> Option<&RoleName> {
        Some(&self.role)
    }

    fn person(&self) -> Option<(&HomeName, Guid)> {
        None
    }
}

impl Kind for DefenderAssignmentKey {
    const WORD: &'static str = "defenderAssignment";

    fn parse(parts: &[&str]) -> Option<Self> {
        let [id, word] = parts else { return None };
        Some(Self { role: role(id)?, class: class(word)? })
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.role.id(), self.class.word())
    }

    fn plane(&self) -> Plane {
        Plane::DefenderRoles
    }

    fn role(&self) -> Option<&RoleName> {
        Some(&self.role)
    }

    fn person(&self) -> Option<(&HomeName, Guid)> {
        None
    }
}
