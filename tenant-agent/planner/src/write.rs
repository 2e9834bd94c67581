//! One write, with nothing left to choose when it is carried out, and what it says of itself.
//!
//! What each plane writes is in the plane's folder; what the ledger, the order of a plan and the second judge need to know
//! of any write are the few effects here. What a field becomes on the wire is `entente-cloud`'s; that a write may be
//! done at all is [`crate::plan`]'s.

use std::fmt;
use std::mem::discriminant;

pub use crate::effect::{AccountEffect, Describe, Effect, Gives, Receiver, Touches, What};
pub use crate::path::groups::write::Write as GroupWrite;
pub use crate::path::members::write::Write as MemberWrite;
pub use crate::path::users::write::{INVITE_REDIRECT, Write as UserWrite};
pub use crate::planes::azure::write::Write as AzureWrite;
pub use crate::planes::defender::write::Write as DefenderWrite;
pub use crate::planes::entra::write::Write as EntraWrite;

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    User(UserWrite),
    Group(GroupWrite),
    Member(MemberWrite),
    Azure(AzureWrite),
    Defender(DefenderWrite),
    Entra(EntraWrite),
}

impl Action {
    /// Whether two are the same write of different objects.
    pub fn is_alike(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::User(a), Self::User(b)) => discriminant(a) == discriminant(b),
            (Self::Group(a), Self::Group(b)) => discriminant(a) == discriminant(b),
            (Self::Member(a), Self::Member(b)) => discriminant(a) == discriminant(b),
            (Self::Azure(a), Self::Azure(b)) => discriminant(a) == discriminant(b),
            (Self::Defender(a), Self::Defender(b)) => discriminant(a) == discriminant(b),
            (Self::Entra(a), Self::Entra(b)) => discriminant(a) == discriminant(b),
            (
                Self::User(_) | Self::Group(_) | Self::Member(_) | Self::Azure(_) | Self::Defender(_) | Self::Entra(_),
                _,
            ) => false,
        }
    }

    fn write(&self) -> &dyn Describe {
        match self {
            Self::User(write) => write,
            Self::Group(write) => write,
            Self::Member(write) => write,
            Self::Azure(write) => write,
            Self::Defender(write) => write,
            Self::Entra(write) => write,
        }
    }
}

impl Describe for Action {
    fn effect(&self) -> Effect<'_> {
        self.write().effect()
    }

    fn gives(&self) -> Gives {
        self.write().gives()
    }

    fn touches(&self) -> Touches {
        self.write().touches()
    }

    fn script(&self, graph: &str) -> String {
        self.write().script(graph)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write().fmt(f)
    }
}
