//! What one customer tenant should hold. It is derived from intent, and never edited or stored.
//!
//! An [`Item`] is one thing, PRESENT or ABSENT, under a key that does not change while its meaning stays the same.
//! `entente-seal` knows its bytes, digests and signatures. Each plane has a file with its keys and bodies;
//! `register.rs` lists them all.

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

/// Most items of one tenant: 500 people with 50 memberships each, twice the largest tenant that we expect.
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

/// The history and the store revision from which a state was compiled. Later is greater.
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
    /// The version of the compiler that made the items.
    pub compiler: u32,
    /// The digest over all items.
    pub digest: Digest,
    pub count: u32,
}

/// Until when a state counts as fresh. A lease moves an agent's revision without a new state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    pub entra_tenant: Guid,
    pub version: Version,
    pub digest: Digest,
    pub fresh_until: Timestamp,
}

/// One thing that should exist, or should not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub key: ItemKey,
    pub want: Want,
    /// When it should exist. The agent knows the windows, so access begins and ends on time even while it is offline.
    /// Groups and roles should always exist, except an Azure role that an exemption withholds. For an ABSENT item the
    /// windows mean nothing.
    pub windows: Windows,
    pub body: ItemBody,
}

/// Whether an item should exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Want {
    Present,
    /// Named for removal: never capped, and confirmed by two empty reads.
    Absent {
        cause: Cause,
        actor: String,
        since: Timestamp,
        /// Accounts of the person in this tenant that agents have reported, for this removal and before it. A proof
        /// names each of them. At most [`MAX_KNOWN`].
        known: BTreeSet<Guid>,
        /// Every address ever used for the person, in lower case. At most [`MAX_KNOWN`].
        addresses: BTreeSet<String>,
    },
}

/// Most accounts, and most addresses, known for one person in one tenant. A person has one or two of each; more need a
/// look by a person.
pub const MAX_KNOWN: usize = 32;
