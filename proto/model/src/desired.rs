//! What one customer tenant should hold: derived from intent, never edited, never stored.
//!
//! An [`Item`] is one thing, PRESENT or ABSENT, under a key that stays the same as long as it means the same. Its
//! bytes, digests and signatures are `entente-seal`'s.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::intent::{DataSource, IdentityClass, UserType};
use crate::name::{AssignmentName, Guid, HomeName, OperatorName, RoleName};
use crate::plane::Plane;
use crate::revocation::Cause;
use crate::time::{Timestamp, Windows};

/// Most items of one tenant: 500 people with 50 memberships each, which is twice the largest tenant foreseen.
pub const MAX_ITEMS: usize = 25_000;

/// SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Which history, and which store revision in it, a state was compiled from. Later is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Version {
    pub epoch: u64,
    pub revision: u64,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.revision)
    }
}

/// The leaf that is signed for one tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub entra_tenant: Guid,
    pub version: Version,
    /// Of the compiler that made the items.
    pub compiler: u32,
    /// Of all items.
    pub digest: Digest,
    pub count: u32,
}

/// Until when a state counts as fresh. Moves an agent's revision without a new state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    pub entra_tenant: Guid,
    pub version: Version,
    pub digest: Digest,
    pub fresh_until: Timestamp,
}

/// One thing that should be there, or should not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub key: ItemKey,
    pub want: Want,
    /// When it should be there. The agent keeps them, so that access begins and ends on time when it is cut off.
    /// Scaffold items hold always; for an ABSENT item they say nothing.
    pub windows: Windows,
    pub body: ItemBody,
}

/// Whether an item should be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Want {
    Present,
    /// Named for removal: never capped, and confirmed by two empty reads.
    Absent {
        cause: Cause,
        actor: String,
        since: Timestamp,
        /// Accounts of the person in this tenant, as agents have reported them, in this removal and before. A proof
        /// names each of them. At most [`MAX_KNOWN`].
        known: BTreeSet<Guid>,
        /// Every address ever used for the person, in lower case. At most [`MAX_KNOWN`].
        addresses: BTreeSet<String>,
    },
}

/// Most accounts, and most addresses, that are known of one person in one tenant: a person has one or two of each, and
/// whoever makes more is looked at by a person.
pub const MAX_KNOWN: usize = 32;

/// What the item is, beyond its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemBody {
    User {
        operator: OperatorName,
        display_name: String,
        upn: String,
        /// Where the invitation goes.
        mail: String,
        user_type: UserType,
        /// The Entra tenant in which the person signs in.
        home_tenant: Guid,
    },
    Group {
        display_name: String,
        description: String,
    },
    Member {
        /// Why: the assignments that give it, by name. At most [`MAX_GROUNDS`]; for people, nothing hangs on them.
        grounds: Vec<Ground>,
    },
    AzureRole {
        scope: String,
        definition: Guid,
        role_name: String,
    },
    DefenderRole {
        display_name: String,
        description: String,
        permissions: Vec<PermissionGrant>,
    },
    DefenderAssignment {
        display_name: String,
        data_sources: Vec<DataSource>,
    },
    /// Of a kind that this version does not know, or with something in it that it does not understand. Kept, and reported
    /// UNSUPPORTED.
    Unknown,
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

/// One Defender permission of a role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PermissionGrant {
    /// A name of [`crate::catalog::defender_permission`].
    pub permission: String,
    /// An exemption withholds it until then.
    pub withheld_until: Option<Timestamp>,
}

/// What an item is about. Its text is the key: `member/l1-analyst/standard/nordwall/0b0de000-...`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemKey {
    User {
        home: HomeName,
        object_id: Guid,
    },
    Group {
        role: RoleName,
        class: IdentityClass,
    },
    Member {
        role: RoleName,
        class: IdentityClass,
        home: HomeName,
        object_id: Guid,
    },
    /// The scope is in lower case, as ARM compares scopes without regard to case; the body keeps the spelling.
    AzureRole {
        role: RoleName,
        class: IdentityClass,
        scope: String,
        definition: Guid,
    },
    DefenderRole {
        role: RoleName,
    },
    DefenderAssignment {
        role: RoleName,
        class: IdentityClass,
    },
    /// Of a kind that this version does not know, or of a known kind in another shape.
    Other(String),
}

impl ItemKey {
    pub fn azure_role(role: RoleName, class: IdentityClass, scope: &str, definition: Guid) -> Self {
        Self::AzureRole { role, class, scope: scope.to_ascii_lowercase(), definition }
    }

    /// The plane that the item is on; none for a kind that this version does not know.
    pub fn plane(&self) -> Option<Plane> {
        match self {
            Self::User { .. } => Some(Plane::Users),
            Self::Group { .. } => Some(Plane::Groups),
            Self::Member { .. } => Some(Plane::Memberships),
            Self::AzureRole { .. } => Some(Plane::AzureRoles),
            Self::DefenderRole { .. } | Self::DefenderAssignment { .. } => Some(Plane::DefenderRoles),
            Self::Other(_) => None,
        }
    }

    /// What must be there before this can be.
    pub fn depends_on(&self) -> Vec<Self> {
        let group = |role: &RoleName, class: &IdentityClass| Self::Group { role: role.clone(), class: *class };
        match self {
            Self::User { .. } | Self::Group { .. } | Self::DefenderRole { .. } | Self::Other(_) => Vec::new(),
            Self::Member { role, class, home, object_id } => {
                vec![group(role, class), Self::User { home: home.clone(), object_id: *object_id }]
            }
            Self::AzureRole { role, class, .. } => vec![group(role, class)],
            Self::DefenderAssignment { role, class } => {
                vec![Self::DefenderRole { role: role.clone() }, group(role, class)]
            }
        }
    }

    /// The role that it belongs to, if to one.
    pub fn role(&self) -> Option<&RoleName> {
        match self {
            Self::Group { role, .. }
            | Self::Member { role, .. }
            | Self::AzureRole { role, .. }
            | Self::DefenderRole { role }
            | Self::DefenderAssignment { role, .. } => Some(role),
            Self::User { .. } | Self::Other(_) => None,
        }
    }

    /// The person whom it is about, if it is about one.
    pub fn person(&self) -> Option<(&HomeName, Guid)> {
        match self {
            Self::User { home, object_id } | Self::Member { home, object_id, .. } => Some((home, *object_id)),
            _ => None,
        }
    }
}

impl fmt::Display for ItemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User { home, object_id } => write!(f, "user/{}/{object_id}", home.id()),
            Self::Group { role, class } => write!(f, "group/{}/{}", role.id(), class.word()),
            Self::Member { role, class, home, object_id } => {
                write!(f, "member/{}/{}/{}/{object_id}", role.id(), class.word(), home.id())
            }
            Self::AzureRole { role, class, scope, definition } => {
                write!(f, "azureRole/{}/{}{scope}/{definition}", role.id(), class.word())
            }
            Self::DefenderRole { role } => write!(f, "defenderRole/{}", role.id()),
            Self::DefenderAssignment { role, class } => {
                write!(f, "defenderAssignment/{}/{}", role.id(), class.word())
            }
            Self::Other(key) => f.write_str(key),
        }
    }
}

/// Longest key in bytes: an ARM scope of 512 and what stands around it.
pub const MAX_KEY_BYTES: usize = 768;

/// Why a text is not an item's key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("an item key has {0} bytes; at most {MAX_KEY_BYTES} are taken")]
    TooLong(usize),
    #[error("{0:?} is not an item key")]
    Shape(String),
}

impl FromStr for ItemKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        if text.len() > MAX_KEY_BYTES {
            return Err(KeyError::TooLong(text.len()));
        }
        let (kind, rest) = text.split_once('/').ok_or_else(|| KeyError::Shape(text.into()))?;
        let parts: Vec<&str> = rest.split('/').collect();
        // A later version may spell a known kind otherwise: kept like one that is not known.
        Ok(known(kind, &parts).unwrap_or_else(|| Self::Other(text.into())))
    }
}

/// A key of a kind and a shape that this version knows.
fn known(kind: &str, parts: &[&str]) -> Option<ItemKey> {
    let role = |id: &str| RoleName::from_id(id).ok();
    let home = |id: &str| HomeName::from_id(id).ok();
    Some(match (kind, parts) {
        ("user", [of, id]) => ItemKey::User { home: home(of)?, object_id: id.parse().ok()? },
        ("group", [id, word]) => ItemKey::Group { role: role(id)?, class: class(word)? },
        ("member", [id, word, of, object_id]) => ItemKey::Member {
            role: role(id)?,
            class: class(word)?,
            home: home(of)?,
            object_id: object_id.parse().ok()?,
        },
        ("azureRole", [id, word, scope @ .., definition]) if !scope.is_empty() => {
            let scope = format!("/{}", scope.join("/"));
            ItemKey::azure_role(role(id)?, class(word)?, &scope, definition.parse().ok()?)
        }
        ("defenderRole", [id]) => ItemKey::DefenderRole { role: role(id)? },
        ("defenderAssignment", [id, word]) => ItemKey::DefenderAssignment { role: role(id)?, class: class(word)? },
        _ => return None,
    })
}

fn class(word: &str) -> Option<IdentityClass> {
    [IdentityClass::Standard, IdentityClass::Privileged].into_iter().find(|class| class.word() == word)
}

crate::name::text_serde!(ItemKey);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back_as_written() {
        for text in [
            "user/nordwall/0b0de000-0000-4000-8000-000000000003",
            "group/l1-analyst/standard",
            "member/l1-analyst/privileged/nordwall/0b0de000-0000-4000-8000-000000000003",
            "azureRole/l1-analyst/standard/subscriptions/11111111-1111-4111-8111-111111111111/resourcegroups/rg-sentinel/3e150937-b8fe-4cfb-8069-0eaf05ecd056",
            "defenderRole/l1-analyst",
            "defenderAssignment/l1-analyst/standard",
            "pim/something/new",
        ] {
            assert_eq!(text.parse::<ItemKey>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_known_kind_of_another_shape_is_one_that_is_not_known() {
        for text in ["user/nordwall", "group/l1-analyst/gold", "azureRole/l1/standard/x", "member/a/standard/h/1"] {
            assert_eq!(text.parse::<ItemKey>(), Ok(ItemKey::Other(text.into())));
        }
        assert!("user".parse::<ItemKey>().is_err());
        assert!(format!("x/{}", "y".repeat(MAX_KEY_BYTES)).parse::<ItemKey>().is_err());
    }
}
