//! Memberships: `member/l1-analyst/standard/nordwall/0b0de000-...`.

use std::fmt;

use super::groups::{GroupKey, GroupKind};
use super::kind::{Kind, class, home, role};
use super::users::UserKey;
use crate::intent::IdentityClass;
use crate::name::{AssignmentName, Guid, HomeName, RoleName};
use crate::plane::Plane;

/// A person's membership in a role's group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberKey {
    pub role: RoleName,
    pub class: IdentityClass,
    /// Of the group.
    pub kind: GroupKind,
    pub home: HomeName,
    /// In the home tenant.
    pub object_id: Guid,
}

/// Why the membership is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberBody {
    /// The assignments that give it, by name. At most [`MAX_GROUNDS`]. They inform people; no right depends on them.
    pub grounds: Vec<Ground>,
}

/// Most assignments that a membership names. People usually have a role by one or two.
pub const MAX_GROUNDS: usize = 8;

/// Why a person has a role: the assignment, its justification and its ticket.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ground {
    pub assignment: AssignmentName,
    pub justification: String,
    pub ticket: Option<String>,
}

impl MemberKey {
    /// A person's place in that group.
    pub fn of(group: &GroupKey, home: &HomeName, object_id: Guid) -> Self {
        let GroupKey { role, class, kind } = group.clone();
        Self { role, class, kind, home: home.clone(), object_id }
    }

    pub fn group(&self) -> GroupKey {
        GroupKey { role: self.role.clone(), class: self.class, kind: self.kind }
    }

    pub fn user(&self) -> UserKey {
        UserKey { home: self.home.clone(), object_id: self.object_id }
    }
}

impl Kind for MemberKey {
    const WORD: &'static str = "member";

    fn parse(parts: &[&str]) -> Option<Self> {
        let (kind, parts) = GroupKind::split(parts, 2);
        let [id, word, of, object_id] = parts[..] else { return None };
        Some(Self { role: role(id)?, class: class(word)?, kind, home: home(of)?, object_id: object_id.parse().ok()? })
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (class, kind) = (self.class.word(), self.kind.part());
        write!(f, "{}/{class}{kind}/{}/{}", self.role.id(), self.home.id(), self.object_id)
    }

    fn plane(&self) -> Plane {
        self.group().plane_of_members()
    }

    fn role(&self) -> Option<&RoleName> {
        Some(&self.role)
    }

    fn person(&self) -> Option<(&HomeName, Guid)> {
        Some((&self.home, self.object_id))
    }
}
