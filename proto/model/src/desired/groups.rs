//! Groups, one of each kind that a role needs for each identity class: `group/l1-analyst/standard`.

use std::fmt;

use super::kind::{Kind, class, role};
use crate::intent::IdentityClass;
use crate::name::{Guid, HomeName, RoleName};
use crate::plane::Plane;

/// What a group can carry, which is decided when it is made and never changes (Graph: `isAssignableToRole`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum GroupKind {
    /// Azure and Defender roles.
    #[default]
    Plain,
    /// Directory roles, and nothing else of ours. Only who may manage directory roles may change who is in it.
    RoleAssignable,
}

impl GroupKind {
    /// The part of a key that names the kind; a plain group's key has none.
    const ROLE_ASSIGNABLE: &'static str = "roleAssignable";

    /// A key's parts without the one at `at` that names the kind, if one does.
    pub(super) fn split<'a>(parts: &[&'a str], at: usize) -> (Self, Vec<&'a str>) {
        let mut rest = parts.to_vec();
        if rest.get(at) == Some(&Self::ROLE_ASSIGNABLE) {
            rest.remove(at);
            return (Self::RoleAssignable, rest);
        }
        (Self::Plain, rest)
    }

    /// As a part of a key, with the slash before it.
    pub(super) fn part(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::RoleAssignable => "/roleAssignable",
        }
    }
}

/// The group on which a role's rights hang.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupKey {
    pub role: RoleName,
    pub class: IdentityClass,
    pub kind: GroupKind,
}

impl GroupKey {
    /// The plane on which its members are. To put somebody into a role-assignable group is to give its roles.
    pub fn plane_of_members(&self) -> Plane {
        match self.kind {
            GroupKind::Plain => Plane::Memberships,
            GroupKind::RoleAssignable => Plane::EntraRoles,
        }
    }
}

/// What a group should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupBody {
    pub display_name: String,
    pub description: String,
}

impl Kind for GroupKey {
    const WORD: &'static str = "group";

    fn parse(parts: &[&str]) -> Option<Self> {
        let (kind, parts) = GroupKind::split(parts, 2);
        let [id, word] = parts[..] else { return None };
        Some(Self { role: role(id)?, class: class(word)?, kind })
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}{}", self.role.id(), self.class.word(), self.kind.part())
    }

    fn plane(&self) -> Plane {
        match self.kind {
            GroupKind::Plain => Plane::Groups,
            GroupKind::RoleAssignable => Plane::EntraRoles,
        }
    }

    fn role(&self) -> Option<&RoleName> {
        Some(&self.role)
    }

    fn person(&self) -> Option<(&HomeName, Guid)> {
        None
    }
}
