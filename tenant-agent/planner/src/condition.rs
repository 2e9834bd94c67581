//! The condition (ABAC) on the agent's own role assignment, ready to use: which roles it may assign and delete.
//!
//! Azure judges writing and deleting by different attributes, so both stand in it (Azure: delegate role assignments
//! with conditions). It does not limit what the role reads.

use entente_model::{Guid, Plane, PlaneMode};

use crate::capability::{self, Answer};
use crate::guardrail::Guardrail;

/// Azure: built-in roles, Role Based Access Control Administrator.
pub const RBAC_ADMINISTRATOR: &str = "f58310d9-a9f6-439a-9e8d-f62e7b41a168";

/// What a person runs to give the agent its role at each scope; none if the agent assigns nothing. The text stands in a
/// here-document, as a shell would read its quotes and exclamation marks.
pub fn script(guardrail: &Guardrail) -> Option<String> {
    let condition = text(guardrail)?;
    let mut lines = vec!["CONDITION=$(cat <<'END'".into(), condition, "END".into(), ")".into()];
    lines.extend(guardrail.azure.scopes.iter().map(|scope| {
        format!(
            "az role assignment create --role {RBAC_ADMINISTRATOR} --assignee-object-id \"$AGENT\" \
             --assignee-principal-type ServicePrincipal --scope '{scope}' --condition \"$CONDITION\" \
             --condition-version 2.0"
        )
    }));
    Some(lines.join("\n"))
}

/// Only these roles, and only for groups; none where the file lets the agent assign none.
pub fn text(guardrail: &Guardrail) -> Option<String> {
    let given = roles(guardrail);
    if guardrail.mode(Plane::AzureRoles) != PlaneMode::Manage || given.is_empty() {
        return None;
    }
    let list = |ids: Vec<Guid>| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let given = list(given.into_iter().map(|(_, id)| id).collect());
    let named = list(guardrail.azure.roles.values().copied().collect());
    let attribute = |of: &str, name: &str| format!("@{of}[Microsoft.Authorization/roleAssignments:{name}]");
    let is_one =
        |of: &str, ids: &str| format!("{} ForAnyOfAnyValues:GuidEquals {{{ids}}}", attribute(of, "RoleDefinitionId"));
    let groups =
        format!("{} ForAnyOfAnyValues:StringEqualsIgnoreCase {{'Group'}}", attribute("Request", "PrincipalType"));
    let unless = |action: &str, holds: String| {
        format!("(\n (!(ActionMatches{{'Microsoft.Authorization/roleAssignments/{action}'}}))\n OR\n ({holds})\n)")
    };
    // What is deleted may be from before the file was narrowed, and may have lost its group, and then shows another type.
    let write = unless("write", format!("{}\n  AND {groups}", is_one("Request", &given)));
    Some(format!("{write}\nAND\n{}", unless("delete", is_one("Resource", &named))))
}

/// The roles of the file that it lets the agent assign: those that let people do no more than it allows.
pub fn roles(guardrail: &Guardrail) -> Vec<(&str, Guid)> {
    let is_given = |id: &Guid| {
        let wanted = capability::of_azure_role(*id);
        wanted.is_some_and(|wanted| !matches!(guardrail.capabilities.answer(wanted), Answer::Never(_)))
    };
    let named = guardrail.azure.roles.iter().filter(|(_, id)| is_given(id));
    named.map(|(name, id)| (name.as_str(), *id)).collect()
}
