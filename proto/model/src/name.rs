//! Names and ids as types, so the compiler tells a squad's name from a tenant's.
//!
//! A resource name is `collection/id`. The id is a short slug that is safe in URLs, file names, group names and logs.
//! [`crate::intent`] has the resources themselves.

use std::fmt;
use std::str::FromStr;

/// Longest id. It leaves room for a prefix and a class in a mail nickname, which Entra ID limits to 64 (Graph: group).
pub const MAX_ID_CHARS: usize = 40;

/// Why a text is not a valid name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("{text:?} is not a name in {collection}/: write {collection}/ID")]
    Collection { text: String, collection: &'static str },
    #[error("{id:?} is not an id: use 1 to 40 lower-case letters, digits and hyphens, starting with a letter or digit")]
    Id { id: String },
    #[error("{text:?} does not pin a version: write socRoles/ID@N, with N from 1")]
    Version { text: String },
    #[error("{text:?} is not a GUID: write 8-4-4-4-12 hexadecimal digits")]
    Guid { text: String },
}

fn check_id(id: &str) -> Result<(), NameError> {
    let ok_char = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let ok =
        (1..=MAX_ID_CHARS).contains(&id.len()) && id.chars().all(ok_char) && !id.starts_with('-') && !id.ends_with('-');
    if ok { Ok(()) } else { Err(NameError::Id { id: id.into() }) }
}

/// Serde through `Display` and `FromStr`, so the text form is the only form.
macro_rules! text_serde {
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'_, str> as serde::Deserialize>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use text_serde;

macro_rules! resource_name {
    ($(#[$doc:meta])* $type:ident, $collection:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(std::sync::Arc<str>);

        impl $type {
            /// The collection that the name begins with.
            pub const COLLECTION: &'static str = $collection;

            /// From the id alone, as in a key or a file name.
            pub fn from_id(id: &str) -> Result<Self, NameError> {
                check_id(id)?;
                Ok(Self(id.into()))
            }

            /// The part after the slash.
            pub fn id(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}/{}", $collection, self.0)
            }
        }

        impl FromStr for $type {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                let id = text
                    .strip_prefix(concat!($collection, "/"))
                    .ok_or_else(|| NameError::Collection { text: text.into(), collection: $collection })?;
                Self::from_id(id)
            }
        }

        text_serde!($type);
    };
}

resource_name!(
    /// `tenants/{tenant}`: one customer's Entra tenant.
    TenantName,
    "tenants"
);
resource_name!(
    /// `homeTenants/{home}`: a tenant of the service provider's own.
    HomeName,
    "homeTenants"
);
resource_name!(
    /// `operators/{operator}`: a person of the SOC.
    OperatorName,
    "operators"
);
resource_name!(
    /// `squads/{squad}`.
    SquadName,
    "squads"
);
resource_name!(
    /// `socRoles/{role}`, without a version.
    RoleName,
    "socRoles"
);
resource_name!(
    /// `assignments/{assignment}`.
    AssignmentName,
    "assignments"
);
resource_name!(
    /// `principals/{principal}`: a person or a program that calls the API.
    PrincipalName,
    "principals"
);
resource_name!(
    /// `enrollmentTokens/{token}`: a right to enrol one agent, once.
    TokenName,
    "enrollmentTokens"
);

/// `socRoles/{role}@{version}`: one immutable version of a SOC role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleVersion {
    pub role: RoleName,
    pub version: u32,
}

impl fmt::Display for RoleVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.role, self.version)
    }
}

impl FromStr for RoleVersion {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let wrong = || NameError::Version { text: text.into() };
        let (role, version) = text.split_once('@').ok_or_else(wrong)?;
        // Refuse `+3` and `03`: they would be second spellings of one name.
        let plain = version.bytes().all(|b| b.is_ascii_digit()) && !version.starts_with('0');
        let version = if plain { version.parse().ok() } else { None };
        Ok(Self { role: role.parse()?, version: version.ok_or_else(wrong)? })
    }
}

text_serde!(RoleVersion);

/// `tenants/{tenant}/agents/{agent}`: one enrolled agent. The control plane assigns its id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentName {
    pub tenant: TenantName,
    agent: std::sync::Arc<str>,
}

impl AgentName {
    pub fn new(tenant: TenantName, agent: &str) -> Result<Self, NameError> {
        check_id(agent)?;
        Ok(Self { tenant, agent: agent.into() })
    }

    pub fn agent_id(&self) -> &str {
        &self.agent
    }
}

impl fmt::Display for AgentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/agents/{}", self.tenant, self.agent)
    }
}

impl FromStr for AgentName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let wrong = || NameError::Collection { text: text.into(), collection: "tenants/TENANT/agents" };
        let (tenant, agent) = text.split_once("/agents/").ok_or_else(wrong)?;
        Self::new(tenant.parse()?, agent)
    }
}

text_serde!(AgentName);

/// An id that Microsoft assigned: a tenant, a user, a role definition. Always in lower case, so ids can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid(uuid::Uuid);

impl Guid {
    pub const fn from_u128(value: u128) -> Self {
        Self(uuid::Uuid::from_u128(value))
    }

    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    pub fn as_uuid(&self) -> uuid::Uuid {
        self.0
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for Guid {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        // `uuid` also accepts braces, urns and bare hex. One spelling is enough, and the nil id names nothing.
        let parsed = (text.len() == 36).then(|| text.parse::<uuid::Uuid>().ok()).flatten();
        parsed.filter(|id| !id.is_nil()).map(Self).ok_or_else(|| NameError::Guid { text: text.into() })
    }
}

text_serde!(Guid);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_as_written() {
        for text in ["tenants/contoso", "tenants/a", "tenants/7-eleven"] {
            assert_eq!(text.parse::<TenantName>().unwrap().to_string(), text);
        }
        assert_eq!("socRoles/l1-analyst@3".parse::<RoleVersion>().unwrap().to_string(), "socRoles/l1-analyst@3");
        assert_eq!("tenants/contoso/agents/a1".parse::<AgentName>().unwrap().to_string(), "tenants/contoso/agents/a1");
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in ["contoso", "tenants/", "tenants/Contoso", "tenants/a/b", "squads/a", "tenants/-a", "tenants/a_b"] {
            assert!(text.parse::<TenantName>().is_err(), "{text}");
        }
        for text in
            ["socRoles/a", "socRoles/a@", "socRoles/a@0", "socRoles/a@03", "socRoles/a@+3", "socRoles/a@9999999999"]
        {
            assert!(text.parse::<RoleVersion>().is_err(), "{text}");
        }
        for text in ["", "0c0de000", "{0c0de000-0000-4000-8000-000000000001}", "00000000-0000-0000-0000-000000000000"] {
            assert!(text.parse::<Guid>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_guid_has_one_spelling() {
        let guid: Guid = "0C0DE000-0000-4000-8000-00000000000A".parse().unwrap();
        assert_eq!(guid.to_string(), "0c0de000-0000-4000-8000-00000000000a");
    }
}
