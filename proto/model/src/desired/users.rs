//! Accounts of people: `user/nordwall/0b0de000-...`.

use std::fmt;

use super::kind::{Kind, home};
use crate::intent::UserType;
use crate::name::{Guid, HomeName, OperatorName, RoleName};
use crate::plane::Plane;

/// A person's account, identified by where the person signs in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserKey {
    pub home: HomeName,
    /// In the home tenant.
    pub object_id: Guid,
}

/// What an account should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserBody {
    pub operator: OperatorName,
    pub display_name: String,
    pub upn: String,
    /// Where the invitation goes.
    pub mail: String,
    pub user_type: UserType,
    /// The Entra tenant in which the person signs in.
    pub home_tenant: Guid,
}

impl Kind for UserKey {
    const WORD: &'static str = "user";

    fn parse(parts: &[&str]) -> Option<Self> {
        let [of, id] = parts else { return None };
        Some(Self { home: home(of)?, object_id: id.parse().ok()? })
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.home.id(), self.object_id)
    }

    fn plane(&self) -> Plane {
        Plane::Users
    }

    fn role(&self) -> Option<&RoleName> {
        None
    }

    fn person(&self) -> Option<(&HomeName, Guid)> {
        Some((&self.home, self.object_id))
    }
}
