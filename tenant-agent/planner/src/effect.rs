//! What every write says of itself: what it does to what is remembered, who gets what by it, and whom it touches.
//!
//! The ledger's record of a call, the order of a plan and the second judge know writes by these alone.

use std::borrow::Cow;
use std::fmt;

use entente_model::Guid;

use crate::ledger::Thing;
use crate::observed::Listing;

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
