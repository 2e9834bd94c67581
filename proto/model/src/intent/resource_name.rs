//! The kinds of resources, and their names.

use std::fmt;

use crate::name::{AssignmentName, HomeName, NameError, OperatorName, RoleVersion, SquadName, TenantName};

/// The name of any resource of intent. Sorts by collection, then by id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceName {
    HomeTenant(HomeName),
    Tenant(TenantName),
    Operator(OperatorName),
    Squad(SquadName),
    SocRole(RoleVersion),
    Assignment(AssignmentName),
}

/// The six kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    HomeTenant,
    Tenant,
    Operator,
    Squad,
    SocRole,
    Assignment,
}

impl Kind {
    pub const ALL: [Self; 6] =
        [Self::HomeTenant, Self::Tenant, Self::Operator, Self::Squad, Self::SocRole, Self::Assignment];

    /// As in a manifest's `kind`.
    pub fn word(self) -> &'static str {
        match self {
            Self::HomeTenant => "HomeTenant",
            Self::Tenant => "Tenant",
            Self::Operator => "Operator",
            Self::Squad => "Squad",
            Self::SocRole => "SocRole",
            Self::Assignment => "Assignment",
        }
    }

    /// As in a resource name.
    pub fn collection(self) -> &'static str {
        match self {
            Self::HomeTenant => HomeName::COLLECTION,
            Self::Tenant => TenantName::COLLECTION,
            Self::Operator => OperatorName::COLLECTION,
            Self::Squad => SquadName::COLLECTION,
            Self::SocRole => crate::name::RoleName::COLLECTION,
            Self::Assignment => AssignmentName::COLLECTION,
        }
    }
}

impl ResourceName {
    pub fn kind(&self) -> Kind {
        match self {
            Self::HomeTenant(_) => Kind::HomeTenant,
            Self::Tenant(_) => Kind::Tenant,
            Self::Operator(_) => Kind::Operator,
            Self::Squad(_) => Kind::Squad,
            Self::SocRole(_) => Kind::SocRole,
            Self::Assignment(_) => Kind::Assignment,
        }
    }
}

impl fmt::Display for ResourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HomeTenant(name) => name.fmt(f),
            Self::Tenant(name) => name.fmt(f),
            Self::Operator(name) => name.fmt(f),
            Self::Squad(name) => name.fmt(f),
            Self::SocRole(name) => name.fmt(f),
            Self::Assignment(name) => name.fmt(f),
        }
    }
}

impl std::str::FromStr for ResourceName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let collection = text.split('/').next().unwrap_or_default();
        match Kind::ALL.into_iter().find(|kind| kind.collection() == collection) {
            Some(Kind::HomeTenant) => text.parse().map(Self::HomeTenant),
            Some(Kind::Tenant) => text.parse().map(Self::Tenant),
            Some(Kind::Operator) => text.parse().map(Self::Operator),
            Some(Kind::Squad) => text.parse().map(Self::Squad),
            Some(Kind::SocRole) => text.parse().map(Self::SocRole),
            Some(Kind::Assignment) => text.parse().map(Self::Assignment),
            None => Err(NameError::Collection {
                text: text.into(),
                collection: "homeTenants, tenants, operators, squads, socRoles or assignments",
            }),
        }
    }
}

crate::name::text_serde!(ResourceName);
