//! Groups, one for each role and identity class: `group/l1-analyst/standard`.

use std::fmt;

use super::kind::{Kind, class, role};
use crate::intent::IdentityClass;
use crate::name::{Guid, HomeName, RoleName};
use crate::plane::Plane;

/// The group on which a role's rights hang.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupKey {
    pub role: RoleName,
    pub class: IdentityClass,
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
        let [id, word] = parts else { return None };
        Some(Self { role: role(id)?, class: class(word)? })
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.role.id(), self.class.word())
    }

    fn plane(&self) -> Plane {
        Plane::Groups
    }

    fn role(&self) -> Option<&RoleName> {
        Some(&self.role)
    }

    fn person(&self) -> Option<(&HomeName, Guid)> {
        None
    }
}
