//! One write, with nothing left to choose when it is carried out, and what it says of itself.
//!
//! What each plane writes is in the plane's folder; what the ledger, the order of a plan and the second judge need to know
//! of any write are the few effects here. What a field becomes on the wire is `entente-cloud`'s; that a write may be
//! done at all is [`crate::plan`]'s.

use std::borrow::Cow;
use std::fmt;
use std::mem::discriminant;

use entente_model::Guid;

use crate::ledger::Thing;
use crate::observed::Listing;
pub use crate::path::groups::write::Write as GroupWrite;
pub use crate::path::members::write::Write as MemberWrite;
pub use crate::path::users::write::Write as UserWrite;
pub use crate::planes::azure::write::Write as AzureWrite;
pub use crate::planes::defender::write::Write as DefenderWrite;

/// Where a person lands after redeeming (Graph: invitation, inviteRedirectUrl): their own list of applications.
pub const INVITE_REDIRECT: &str = "https://myapplications.microsoft.com";

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    User(UserWrite),
    Group(GroupWrite),
    Member(MemberWrite),
    Azure(AzureWrite),
    Defender(DefenderWrite),
}

/// What every write says of itself. There are no defaults: a write that has nothing to say says so.
pub trait Describe: fmt::Display {
    fn effect(&self) -> Effect<'_>;

    /// Who gets what by it.
    fn gives(&self) -> Gives;

    /// The users and groups that it changes, or hangs something on.
    fn touches(&self) -> Touches;

    /// What a person would run for the same result. `graph` is the origin of Microsoft Graph in the tenant's cloud.
    fn script(&self, graph: &str) -> String;
}

/// What a write does to what is remembered.
#[derive(Debug, Clone)]
pub enum Effect<'a> {
    /// Makes an object whose id only the answer tells. It is remembered before the call, and looked up instead of repeated.
    Creates {
        /// The mail address or display name by which it is looked up.
        name: &'a str,
        /// The list that would show it.
        found_in: Listing,
        /// From the id that is answered.
        as_thing: fn(&str) -> Option<Thing>,
    },
    /// The same twice as once: ours from before the call on, as its answer may be lost.
    Puts(Thing),
    /// The object of that id gets this name and content.
    Changes {
        id: &'a str,
        name: &'a str,
    },
    /// The object of that id, as [`Thing::object_id`] has it; an Azure assignment by its name.
    Removes(Cow<'a, str>),
    Account(AccountEffect),
}

/// What is done to an account that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountEffect {
    Blocks { user: Guid, blind: bool },
    EndsSessions { user: Guid },
    Deletes { user: Guid },
    Unblocks { user: Guid },
}

impl Effect<'_> {
    /// Whether it takes access away, or nothing.
    pub fn is_removal(&self) -> bool {
        match self {
            Self::Creates { .. } | Self::Puts(_) | Self::Changes { .. } => false,
            Self::Removes(_) => true,
            Self::Account(effect) => match effect {
                AccountEffect::Blocks { .. } | AccountEffect::EndsSessions { .. } | AccountEffect::Deletes { .. } => {
                    true
                }
                AccountEffect::Unblocks { .. } => false,
            },
        }
    }
}

/// Who gets what by a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gives {
    Nothing,
    Access {
        to: Receiver,
        what: What,
    },
    /// More than this version knows the meaning of: it is never done.
    Unknown,
}

/// Who gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receiver {
    Account(Guid),
    /// A person whose account the write makes.
    Invited,
    /// Everybody in the group.
    Group(Guid),
    /// Everybody who has the role now or gets it later.
    Holders,
}

/// What is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// To sign in, with whatever the account holds.
    SignIn,
    /// All that hangs on a group, by whomever.
    AllOfGroup(Guid),
    /// A role of the plane, whose meaning the plane's own judge tells.
    Role,
}

/// Users and groups of the tenant that a write is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touches {
    pub users: Vec<Guid>,
    pub groups: Vec<Guid>,
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
            (Self::User(_) | Self::Group(_) | Self::Member(_) | Self::Azure(_) | Self::Defender(_), _) => false,
        }
    }

    fn write(&self) -> &dyn Describe {
        match self {
            Self::User(write) => write,
            Self::Group(write) => write,
            Self::Member(write) => write,
            Self::Azure(write) => write,
            Self::Defender(write) => write,
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
