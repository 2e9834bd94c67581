//! The planes of a customer tenant. Each grants one kind of access, so the customer allows each one separately.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

macro_rules! planes {
    ($($(#[$doc:meta])* $plane:ident $word:literal $(or $also:literal)?;)*) => {
        /// A plane that this version supports. The same word stands in intent, guardrail, desired state, reports and
        /// the API.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Plane {
            $($(#[$doc])* $plane,)*
        }

        impl Plane {
            pub const ALL: &'static [Self] = &[$(Self::$plane,)*];

            /// The word that people write.
            pub fn word(self) -> &'static str {
                match self { $(Self::$plane => $word,)* }
            }

            /// The plane with this word, or with Microsoft's word for it.
            pub fn of(word: &str) -> Option<Self> {
                match word {
                    $($word $(| $also)? => Some(Self::$plane),)*
                    _ => None,
                }
            }
        }

        /// Every word that a plane may have: those of [`RESERVED`] are known so that the error says what is amiss.
        const WORDS: &[&str] = &[$($word,)* RESERVED[0], RESERVED[1], RESERVED[2]];
    };
}

planes! {
    /// B2B users: invitation, block, removal.
    Users "users";
    /// Assigned security groups, one for each role and identity class.
    Groups "groups";
    /// The members of those groups.
    Memberships "memberships";
    /// Azure role assignments, Microsoft Sentinel's among them.
    AzureRoles "azureRoles" or "azure_rbac";
    /// Defender unified RBAC roles and their assignments.
    DefenderRoles "defenderRoles" or "defender_urbac";
    /// Directory roles of Entra, and the role-assignable groups on which they hang, with their members.
    EntraRoles "entraRoles" or "entra";
}

/// Words of planes that this version does not carry out. Where one is written, it is refused by that reason.
pub const RESERVED: [&str; 3] = ["crossTenantTrust", "pim", "lighthouse"];

/// A plane as written: a supported one, or a word of [`RESERVED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaneWord {
    Plane(Plane),
    Reserved(&'static str),
}

impl PlaneWord {
    pub fn word(self) -> &'static str {
        match self {
            Self::Plane(plane) => plane.word(),
            Self::Reserved(word) => word,
        }
    }
}

impl Serialize for PlaneWord {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.word())
    }
}

impl<'de> Deserialize<'de> for PlaneWord {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let word = <std::borrow::Cow<'_, str>>::deserialize(d)?;
        let reserved = || RESERVED.into_iter().find(|it| *it == word);
        let found = Plane::of(&word).map(Self::Plane).or_else(|| reserved().map(Self::Reserved));
        found.ok_or_else(|| de::Error::unknown_variant(&word, WORDS))
    }
}

impl fmt::Display for Plane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// How far the customer lets the agent go on a plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PlaneMode {
    /// Neither read nor written.
    #[default]
    None,
    /// Read and reported. A person makes the change with the script that the agent prints.
    Verify,
    /// Read, written within the guardrail, and read back.
    Manage,
}

impl PlaneMode {
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Verify => "verify",
            Self::Manage => "manage",
        }
    }
}

impl fmt::Display for PlaneMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

crate::word::words!(Plane: Plane::ALL);
crate::word::words!(PlaneMode: &[PlaneMode::None, PlaneMode::Verify, PlaneMode::Manage]);
