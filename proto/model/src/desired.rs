//! What one customer tenant should hold: derived from intent, never edited, never stored.
//!
//! An [`Item`] is one thing, PRESENT or ABSENT, under a key that stays the same as long as it means the same. Its
//! bytes, digests and signatures are `entente-seal`'s. Each plane has a file with its keys and bodies; `register.rs`
//! names them all.

mod azure;
mod defender;
mod entra;
mod groups;
mod kind;
mod members;
mod register;
mod users;

use std::collections::BTreeSet;
use std::fmt;

pub use azure::{AzureRoleBody, AzureRoleKey};
pub use defender::{DefenderAssignmentBody, DefenderAssignmentKey, DefenderRoleBody, DefenderRoleKey, PermissionGrant};
pub use entra::{EntraRoleBody, EntraRoleKey};
pub use groups::{GroupBody, GroupKey, GroupKind};
pub use kind::Kind;
pub use members::{Ground, MAX_GROUNDS, MemberBody, MemberKey};
pub use register::{ItemBody, ItemKey, KeyError, MAX_KEY_BYTES};
pub use users::{UserBody, UserKey};

use crate::cause::Cause;
use crate::name::Guid;
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
