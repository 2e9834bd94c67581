//! Writes of Defender roles and of their assignments.
//!
//! As a script they take another tool than `az`. The Azure CLI's own application has no permission for them, and it
//! follows the redirect with which Microsoft answers what it has done, fails, and lets the person do it twice. Graph
//! PowerShell asks for the permission, and its script looks by name before and after.

use std::collections::BTreeSet;
use std::fmt;

use entente_model::Guid;

use crate::effect::{Describe, Effect, Gives, Receiver, Touches, What};
use crate::ledger::Thing;
use crate::observed::Listing;
use crate::script::{json, list, quoted};

/// What is done to a role or an assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    CreateRole {
        display_name: String,
        description: String,
        actions: BTreeSet<String>,
    },
    UpdateRole {
        id: String,
        display_name: String,
        description: String,
        actions: BTreeSet<String>,
    },
    DeleteRole {
        id: String,
    },
    CreateAssignment {
        display_name: String,
        description: String,
        role: String,
        principal: Guid,
        app_scopes: BTreeSet<String>,
    },
    DeleteAssignment {
        id: String,
    },
}

impl Describe for Write {
    fn effect(&self) -> Effect<'_> {
        let found_in = Listing::Defender;
        match self {
            Self::CreateRole { display_name: name, .. } => {
                Effect::Creates { name, found_in, as_thing: |id| Some(Thing::DefenderRole { id: id.into() }) }
            }
            Self::CreateAssignment { display_name: name, .. } => {
                Effect::Creates { name, found_in, as_thing: |id| Some(Thing::DefenderAssignment { id: id.into() }) }
            }
            Self::UpdateRole { id, display_name, .. } => Effect::Changes { id, name: display_name },
            Self::DeleteRole { id } | Self::DeleteAssignment { id } => Effect::Removes(id.into()),
        }
    }

    fn gives(&self) -> Gives {
        match self {
            Self::CreateRole { .. } | Self::UpdateRole { .. } => {
                Gives::Access { to: Receiver::Holders, what: What::Role }
            }
            Self::CreateAssignment { principal, .. } => {
                Gives::Access { to: Receiver::Group(*principal), what: What::Role }
            }
            Self::DeleteRole { .. } | Self::DeleteAssignment { .. } => Gives::Nothing,
        }
    }

    fn touches(&self) -> Touches {
        match self {
            Self::CreateAssignment { principal, .. } => Touches { users: Vec::new(), groups: vec![*principal] },
            Self::CreateRole { .. }
            | Self::UpdateRole { .. }
            | Self::DeleteRole { .. }
            | Self::DeleteAssignment { .. } => Touches::default(),
        }
    }

    fn script(&self, graph: &str) -> String {
        match self {
            Self::CreateRole { display_name, description, actions } => {
                create(graph, "roleDefinitions", display_name, &role(display_name, description, actions))
            }
            Self::UpdateRole { id, display_name, description, actions } => {
                let body = quoted(&role(display_name, description, actions));
                let uri = quoted(&url(graph, "roleDefinitions", Some(id)));
                powershell(&format!(
                    "Invoke-MgGraphRequest -Method PATCH -Uri {uri} -ContentType 'application/json' -Body {body}"
                ))
            }
            Self::CreateAssignment { display_name, description, role, principal, app_scopes } => {
                let body = format!(
                    r#"{{"displayName":{},"description":{},"roleDefinitionId":{},"principalIds":["{principal}"],"appScopeIds":{}}}"#,
                    json(display_name),
                    json(description),
                    json(role),
                    list(app_scopes)
                );
                create(graph, "roleAssignments", display_name, &body)
            }
            Self::DeleteAssignment { id } => delete(&url(graph, "roleAssignments", Some(id))),
            Self::DeleteRole { id } => delete(&url(graph, "roleDefinitions", Some(id))),
        }
    }
}

impl fmt::Display for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateRole { display_name, .. } => write!(f, "create Defender role {display_name}"),
            Self::UpdateRole { id, .. } => write!(f, "update Defender role {id}"),
            Self::CreateAssignment { display_name, principal, .. } => {
                write!(f, "create Defender assignment {display_name} for group {principal}")
            }
            Self::DeleteAssignment { id } => write!(f, "delete Defender assignment {id}"),
            Self::DeleteRole { id } => write!(f, "delete Defender role {id}"),
        }
    }
}

fn url(graph: &str, kind: &str, id: Option<&String>) -> String {
    let id = id.map(|id| format!("/{id}")).unwrap_or_default();
    format!("{graph}/beta/roleManagement/defender/{kind}{id}")
}

fn role(display_name: &str, description: &str, actions: &BTreeSet<String>) -> String {
    format!(
        r#"{{"displayName":{},"description":{},"rolePermissions":[{{"allowedResourceActions":{}}}]}}"#,
        json(display_name),
        json(description),
        list(actions)
    )
}

fn delete(url: &str) -> String {
    powershell(&format!("Invoke-MgGraphRequest -Method DELETE -Uri {}", quoted(url)))
}

/// Only where nothing of that name is there; what Microsoft answers is not taken for the outcome.
fn create(graph: &str, kind: &str, name: &str, body: &str) -> String {
    let (uri, name, body) = (quoted(&url(graph, kind, None)), quoted(name), quoted(body));
    let look =
        format!("(Invoke-MgGraphRequest -Method GET -Uri {uri}).value | Where-Object {{ $_.displayName -ceq {name} }}");
    powershell(&format!(
        "if (-not ({look})) {{ try {{ Invoke-MgGraphRequest -Method POST -Uri {uri} -ContentType 'application/json' -Body {body} }} catch {{ Write-Host \"Answered: $_\" }} }}\n\
         {look}\n\
         # Microsoft answers what it has done with a redirect, which shows as an error, and lists lag for minutes: if nothing is shown, wait half an hour before you run this again."
    ))
}

fn powershell(command: &str) -> String {
    format!(
        "# PowerShell, with the module Microsoft.Graph.Authentication\nConnect-MgGraph -Scopes RoleManagement.ReadWrite.Defender -NoWelcome\n{command}"
    )
}
