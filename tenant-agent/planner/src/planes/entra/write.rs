//! Writes of directory roles.

use std::fmt;

use entente_model::Guid;

use crate::capability;
use crate::effect::{Describe, Effect, Gives, Receiver, Touches, What};
use crate::ledger::Thing;
use crate::script::{rest, shell};

/// What is done about a directory role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Over the whole tenant. A principal holds a role once: twice is once.
    Assign { definition: Guid, principal: Guid },
    /// The assignment's id is Microsoft's, and looked up.
    Remove { id: String },
}

impl Describe for Write {
    fn effect(&self) -> Effect<'_> {
        match self {
            Self::Assign { definition, principal } => {
                Effect::Puts(Thing::EntraRole { definition: *definition, principal: *principal })
            }
            Self::Remove { id } => Effect::Removes(id.into()),
        }
    }

    fn gives(&self) -> Gives {
        match self {
            Self::Assign { definition, .. } if capability::of_entra_role(*definition).is_none() => Gives::Unknown,
            Self::Assign { principal, .. } => Gives::Access { to: Receiver::Group(*principal), what: What::Role },
            Self::Remove { .. } => Gives::Nothing,
        }
    }

    fn touches(&self) -> Touches {
        match self {
            Self::Assign { principal, .. } => Touches { users: Vec::new(), groups: vec![*principal] },
            Self::Remove { .. } => Touches::default(),
        }
    }

    fn script(&self, graph: &str) -> String {
        let url = format!("{graph}/v1.0/roleManagement/directory/roleAssignments");
        match self {
            Self::Assign { definition, principal } => {
                let body = format!(
                    r#"{{"principalId":"{principal}","roleDefinitionId":"{definition}","directoryScopeId":"/"}}"#
                );
                rest("post", &url, &body)
            }
            Self::Remove { id } => format!("az rest --method delete --url {}", shell(&format!("{url}/{id}"))),
        }
    }
}

impl fmt::Display for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Assign { definition, principal } => {
                write!(f, "give directory role {definition} to group {principal}")
            }
            Self::Remove { id } => write!(f, "delete directory role assignment {id}"),
        }
    }
}
