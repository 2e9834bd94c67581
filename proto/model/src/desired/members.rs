//! Memberships: `member/l1-analyst/standard/nordwall/0b0de000-...`.

use std::fmt;

use super::groups::GroupKey;
use super::kind::{Kind, class, home, role};
use super::users::UserKey;
use crate::intent::IdentityClass;
use crate::name::{AssignmentName, Guid, HomeName, RoleName};
use crate::plane::Plane;

/// A person's place in a role's group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberKey {
    pub role: RoleName,
    pub class: IdentityClass,
    pub home: HomeName,
    /// In the home tenant.
    pub object_id: Guid,
}

/// Why the membership is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberBody {
    /// The assignments that give it, by name. At most [`MAX_GROUNDS`]; for people, nothing hangs on them.
    pub grounds: Vec<Ground>,
}

/// Most assignments that a membership tells: people are in a role by one or two.
pub const MAX_GROUNDS: usize = 8;

/// Why somebody is in a role: an assignment, and what it says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ground {
    pub assignment: AssignmentName,
    pub justification: String,
    pub ticket: Option<String>,
}

impl MemberKey {
    pub fn group(&self) -> GroupKey {
        GroupKey { role: self.role.clone(), class: self.class }
    }

    pub fn user(&self) -> UserKey {
        UserKey { home: self.home.clone(), object_id: self.object_id }
    }
}

impl Kind for MemberKey {
    const WORD: &'static str = "member";

    fn parse(parts: &[&str]) -> Option<Self> {
        let [id, word, of, object_id] = parts else { return None };
        Some(Self { role: role(id)?, class: class(word)?, home: home(of)?, object_id: object_id.parse().ok()? })
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.role.id(), self.class.word(), self.home.id(), self.object_id)
    }

    fn plane(&self) -> Plane {
        Plane::Memberships
    }

    fn role(&self) -> Option<&RoleName> {
        Some(&self.role)
    }

    fn person(&self) -> Option<(&HomeName, Guid)> {
        Some((&self.home, self.object_id))
    }
}
