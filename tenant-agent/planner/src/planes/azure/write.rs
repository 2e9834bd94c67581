//! Writes of Azure role assignments.

use std::fmt;

use entente_model::Guid;

use crate::capability;
use crate::effect::{Describe, Effect, Gives, Receiver, Touches, What};
use crate::ledger::Thing;
use crate::script::shell;

/// What is done to a role assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Named after what it says, so that twice is once ([`crate::assignment_name`]).
    Put {
        name: Guid,
        scope: String,
        definition: Guid,
        principal: Guid,
        description: String,
    },
    Delete {
        scope: String,
        name: Guid,
    },
}

impl Describe for Write {
    fn effect(&self) -> Effect<'_> {
        match self {
            Self::Put { scope, definition, principal, .. } => {
                Effect::Puts(Thing::AzureRole { scope: scope.clone(), definition: *definition, principal: *principal })
            }
            Self::Delete { name, .. } => Effect::Removes(name.to_string().into()),
        }
    }

    fn gives(&self) -> Gives {
        match self {
            // A role without a row in our table may let people do anything.
            Self::Put { definition, .. } if capability::of_azure_role(*definition).is_none() => Gives::Unknown,
            Self::Put { principal, .. } => Gives::Access { to: Receiver::Group(*principal), what: What::Role },
            Self::Delete { .. } => Gives::Nothing,
        }
    }

    fn touches(&self) -> Touches {
        match self {
            Self::Put { principal, .. } => Touches { users: Vec::new(), groups: vec![*principal] },
            Self::Delete { .. } => Touches::default(),
        }
    }

    fn script(&self, _: &str) -> String {
        match self {
            Self::Put { name, scope, definition, principal, description } => format!(
                "az role assignment create --name {name} --role {definition} --assignee-object-id {principal} --assignee-principal-type Group --scope {} --description {}",
                shell(scope),
                shell(description)
            ),
            Self::Delete { scope, name } => format!(
                "az role assignment delete --ids {}",
                shell(&format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"))
            ),
        }
    }
}

impl fmt::Display for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put { scope, definition, principal, .. } => {
                write!(f, "assign role {definition} at {scope} to group {principal}")
            }
            Self::Delete { scope, name } => write!(f, "delete role assignment {name} at {scope}"),
        }
    }
}
