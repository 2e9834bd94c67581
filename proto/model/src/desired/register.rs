//! The register of every kind of item. The compiler finds the places that a new kind has to be added to.

use std::fmt;
use std::str::FromStr;

use super::azure::{AzureRoleBody, AzureRoleKey};
use super::defender::{DefenderAssignmentBody, DefenderAssignmentKey, DefenderRoleBody, DefenderRoleKey};
use super::entra::{EntraRoleBody, EntraRoleKey};
use super::groups::{GroupBody, GroupKey};
use super::kind::Kind;
use super::members::{MemberBody, MemberKey};
use super::users::{UserBody, UserKey};
use crate::name::{Guid, HomeName, RoleName};
use crate::plane::Plane;

macro_rules! kinds {
    ($($kind:ident: $key:ty => $body:ty;)*) => {
        /// What an item is about. Its text is the key: `member/l1-analyst/standard/nordwall/0b0de000-...`.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ItemKey {
            $($kind($key),)*
            /// A kind that this version does not know, or a known kind in another shape.
            Other(String),
        }

        /// The content of an item, beyond its key.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum ItemBody {
            $($kind($body),)*
            /// A kind that this version does not know, or content that it does not understand in full. It is kept and
            /// reported UNSUPPORTED.
            Unknown,
        }

        impl ItemKey {
            /// The word of every kind.
            pub const WORDS: &'static [&'static str] = &[$(<$key>::WORD,)*];

            /// The plane that the item is on. `None` for a kind that this version does not know.
            pub fn plane(&self) -> Option<Plane> {
                match self {
                    $(Self::$kind(key) => Some(key.plane()),)*
                    Self::Other(_) => None,
                }
            }

            /// The role that the item belongs to, if any.
            pub fn role(&self) -> Option<&RoleName> {
                match self {
                    $(Self::$kind(key) => key.role(),)*
                    Self::Other(_) => None,
                }
            }

            /// The person that the item is about, if any.
            pub fn person(&self) -> Option<(&HomeName, Guid)> {
                match self {
                    $(Self::$kind(key) => key.person(),)*
                    Self::Other(_) => None,
                }
            }

            /// The key, if this version knows its kind and shape.
            fn known(word: &str, parts: &[&str]) -> Option<Self> {
                $(if word == <$key>::WORD {
                    return <$key>::parse(parts).map(Self::$kind);
                })*
                None
            }
        }

        impl fmt::Display for ItemKey {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$kind(key) => {
                        write!(f, "{}/", <$key>::WORD)?;
                        key.write(f)
                    })*
                    Self::Other(key) => f.write_str(key),
                }
            }
        }

        impl ItemBody {
            /// Whether this is the kind of body that the key stands for.
            pub fn is_of(&self, key: &ItemKey) -> bool {
                match (self, key) {
                    $((Self::$kind(_), ItemKey::$kind(_)) => true,)*
                    _ => false,
                }
            }
        }

        $(impl From<$key> for ItemKey {
            fn from(key: $key) -> Self {
                Self::$kind(key)
            }
        })*
    };
}

kinds! {
    User: UserKey => UserBody;
    Group: GroupKey => GroupBody;
    Member: MemberKey => MemberBody;
    AzureRole: AzureRoleKey => AzureRoleBody;
    DefenderRole: DefenderRoleKey => DefenderRoleBody;
    DefenderAssignment: DefenderAssignmentKey => DefenderAssignmentBody;
    EntraRole: EntraRoleKey => EntraRoleBody;
}

impl ItemKey {
    /// The group through which the item reaches people, if any.
    pub fn group(&self) -> Option<GroupKey> {
        match self {
            Self::Member(key) => Some(key.group()),
            Self::AzureRole(key) => Some(key.group()),
            Self::DefenderAssignment(key) => Some(key.group()),
            Self::EntraRole(key) => Some(key.group()),
            Self::User(_) | Self::Group(_) | Self::DefenderRole(_) | Self::Other(_) => None,
        }
    }

    /// The items that must exist before this one can. The order of a plan follows from it.
    pub fn depends_on(&self) -> Vec<Self> {
        match self {
            Self::User(_) | Self::Group(_) | Self::DefenderRole(_) | Self::Other(_) => Vec::new(),
            Self::Member(key) => vec![key.group().into(), key.user().into()],
            Self::AzureRole(key) => vec![key.group().into()],
            Self::DefenderAssignment(key) => vec![key.assigned().into(), key.group().into()],
            Self::EntraRole(key) => vec![key.group().into()],
        }
    }
}

/// Longest key in bytes: an ARM scope of 512, and the rest of the key.
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
        let (word, rest) = text.split_once('/').ok_or_else(|| KeyError::Shape(text.into()))?;
        let parts: Vec<&str> = rest.split('/').collect();
        // A later version may spell a known kind differently: keep it like an unknown one.
        Ok(Self::known(word, &parts).unwrap_or_else(|| Self::Other(text.into())))
    }
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
            "group/l1-analyst/standard/roleAssignable",
            "member/l1-analyst/standard/roleAssignable/nordwall/0b0de000-0000-4000-8000-000000000003",
            "entraRole/l1-analyst/standard/5d6b6bb7-de71-4623-b4af-96380a352509",
            "pim/something/new",
        ] {
            assert_eq!(text.parse::<ItemKey>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_known_kind_of_another_shape_is_one_that_is_not_known() {
        for text in [
            "user/nordwall",
            "group/l1-analyst/gold",
            "group/l1-analyst/standard/dynamic",
            "azureRole/l1/standard/x",
            "member/a/standard/h/1",
            "entraRole/l1/standard",
        ] {
            assert_eq!(text.parse::<ItemKey>(), Ok(ItemKey::Other(text.into())));
        }
        assert!("user".parse::<ItemKey>().is_err());
        assert!(format!("x/{}", "y".repeat(MAX_KEY_BYTES)).parse::<ItemKey>().is_err());
    }
}
