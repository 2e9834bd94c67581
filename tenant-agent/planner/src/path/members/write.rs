//! Writes of memberships: an account goes into a group, or out of it.

use std::fmt;

use entente_model::Guid;

use crate::effect::{Describe, Effect, Gives, Receiver, Touches, What};
use crate::ledger::Thing;

/// What is done to a membership. Ids are those of the customer's tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    Add { group: Guid, user: Guid },
    Remove { group: Guid, user: Guid },
}

impl Describe for Write {
    fn effect(&self) -> Effect<'_> {
        match self {
            Self::Add { group, user } => Effect::Puts(Thing::Member { group: *group, user: *user }),
            Self::Remove { group, user } => {
                Effect::Removes(Thing::Member { group: *group, user: *user }.object_id().into())
            }
        }
    }

    fn gives(&self) -> Gives {
        match self {
            Self::Add { group, user } => Gives::Access { to: Receiver::Account(*user), what: What::AllOfGroup(*group) },
            Self::Remove { .. } => Gives::Nothing,
        }
    }

    fn touches(&self) -> Touches {
        let (Self::Add { group, user } | Self::Remove { group, user }) = self;
        Touches { users: vec![*user], groups: vec![*group] }
    }

    fn script(&self, _: &str) -> String {
        match self {
            Self::Add { group, user } => format!("az ad group member add --group {group} --member-id {user}"),
            Self::Remove { group, user } => format!("az ad group member remove --group {group} --member-id {user}"),
        }
    }
}

impl fmt::Display for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add { group, user } => write!(f, "add user {user} to group {group}"),
            Self::Remove { group, user } => write!(f, "remove user {user} from group {group}"),
        }
    }
}
