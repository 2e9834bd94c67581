//! The agent's own role in Azure at each scope of the guardrail, and the condition that limits it.

use std::collections::BTreeSet;

use entente_cloud::{AssignmentsOf, Cloud, Condition, Failure, RoleAssignment, Scope};
use entente_model::{Guid, Plane, PlaneMode};
use entente_planner::condition;
use entente_planner::guardrail::Guardrail;
use uuid::Uuid;

use super::check::Check;
use crate::reasons;

/// Most scopes looked at: what a person reads through, and a minute of calls.
const MAX_SCOPES: usize = 20;

/// Azure built-in roles that may assign roles and are wider than the one that the agent needs.
const WIDER: [(&str, &str); 2] = [
    ("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "Owner"),
    ("18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", "User Access Administrator"),
];

/// Azure built-in roles, Reader.
const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";

const PRINTED: &str = "entente-agent permissions prints the command with the condition";

pub(super) async fn look(cloud: &Cloud, guardrail: Option<&Guardrail>) -> Vec<Check> {
    let (Some(guardrail), Ok(own)) = (guardrail, cloud.principal_object_id().await) else {
        let detail = "which scopes and roles are meant is not known";
        return vec![Check::unknown("Azure role", detail, "mend the guardrail and sign-in first")];
    };
    let scopes = &guardrail.azure.scopes;
    let mut checks = Vec::new();
    for scope in scopes.iter().take(MAX_SCOPES) {
        checks.push(at_scope(cloud, guardrail, scope, own).await);
    }
    if scopes.len() > MAX_SCOPES {
        let detail = format!("{} scopes more of the guardrail were not looked at", scopes.len() - MAX_SCOPES);
        checks.push(Check::unknown("Azure role", detail, "look at the agent's role there in the portal"));
    }
    checks
}

async fn at_scope(cloud: &Cloud, guardrail: &Guardrail, scope: &str, own: Uuid) -> Check {
    let name = format!("Azure role at {}", scope.rsplit('/').next().unwrap_or(scope));
    let Ok(parsed) = Scope::parse(scope) else {
        return Check::fault(name, format!("{scope:?} is no scope"), "mend azure.scopes in the guardrail");
    };
    let role = match guardrail.mode(Plane::AzureRoles) {
        PlaneMode::Manage => "Role Based Access Control Administrator",
        _ => "Reader",
    };
    let listed = match cloud.arm().list_role_assignments(&parsed, AssignmentsOf::Principal(own)).await {
        Ok(listed) => listed,
        Err(Failure::Refused(refusal)) => {
            let detail = format!("Azure does not let the agent read who has access there: {refusal}");
            return Check::fault(name, detail, format!("give the agent the role {role} at {scope}; {PRINTED}"));
        }
        Err(failure) => return Check::unknown(name, reasons::said(&failure), "run entente-agent doctor again"),
    };
    if guardrail.mode(Plane::AzureRoles) != PlaneMode::Manage {
        return Check::ok(name, "who has access there can be read");
    }
    if let Some(odd) = listed.odd.first() {
        let detail = format!("not all of the agent's assignments were understood: {odd}");
        return Check::unknown(name, detail, format!("look at the agent's assignments at {scope} in the portal"));
    }
    let below = format!("{}/", scope.to_lowercase());
    let above = listed.entries.into_iter().filter(|it| !it.scope.to_lowercase().starts_with(&below));
    judged(name, guardrail, scope, &above.collect::<Vec<_>>())
}

/// Judges the agent's own assignments at a scope and above it. All of them count, and the widest decides.
fn judged(name: String, guardrail: &Guardrail, scope: &str, assignments: &[RoleAssignment]) -> Check {
    let is = |it: &RoleAssignment, id: &str| id.parse::<Uuid>() == Ok(it.definition);
    for (id, wider) in WIDER {
        if assignments.iter().any(|it| is(it, id) && it.condition == Condition::None) {
            let detail = format!("the agent is {wider}: a thief of it may give anyone any right there");
            return Check::fault(name, detail, format!("take {wider} away; {PRINTED}"));
        }
    }
    let own: Vec<_> = assignments.iter().filter(|it| is(it, condition::RBAC_ADMINISTRATOR)).collect();
    if own.is_empty() {
        let detail =
            "no assignment of the agent's own lets it assign roles there; one by a group is not seen from here";
        return Check::unknown(
            name,
            detail,
            format!("unless it has the role by a group, give it at {scope}; {PRINTED}"),
        );
    }
    if own.iter().any(|it| it.condition == Condition::None) {
        let detail = "the agent may give anyone any role there: no condition limits it";
        return Check::fault(name, detail, format!("give it with the condition instead; {PRINTED}"));
    }
    let wanted = condition::text(guardrail).unwrap_or_default();
    let texts: Vec<&str> = own.iter().filter_map(|it| text(&it.condition)).collect();
    if texts.len() == own.len() && texts.iter().all(|text| words(text) == words(&wanted)) {
        return alone(name, scope, assignments);
    }
    let named: BTreeSet<Guid> = texts.iter().flat_map(|text| ids(text)).collect();
    let lacking: Vec<&str> =
        condition::roles(guardrail).into_iter().filter(|(_, id)| !named.contains(id)).map(|(role, _)| role).collect();
    if texts.len() == own.len() && !lacking.is_empty() {
        let detail = format!("the condition does not let the agent assign {}", lacking.join(", "));
        return Check::fault(name, detail, format!("replace the condition; {PRINTED}"));
    }
    let detail = "a condition limits what the agent may assign there, and it is not word by word the guardrail's";
    Check::unknown(
        name,
        detail,
        format!("hold the condition at {scope} against the one that entente-agent permissions prints"),
    )
}

/// The condition limits the agent only if it holds no other role that can assign roles. What other roles can do is
/// unknown here.
fn alone(name: String, scope: &str, assignments: &[RoleAssignment]) -> Check {
    let harmless = [condition::RBAC_ADMINISTRATOR, READER].map(str::parse::<Uuid>);
    let others = assignments.iter().filter(|it| !harmless.contains(&Ok(it.definition)));
    let others: BTreeSet<String> = others.map(|it| it.definition.to_string()).collect();
    if others.is_empty() {
        let detail = "by its own assignments the agent may assign the guardrail's roles there, and no others";
        return Check::ok(name, detail);
    }
    let others = others.into_iter().collect::<Vec<_>>().join(", ");
    let detail = format!("the condition is the guardrail's, and the agent holds other roles beside it: {others}");
    Check::unknown(
        name,
        detail,
        format!("see whether one of them lets it assign roles, and take away at {scope} what it does not need"),
    )
}

fn text(condition: &Condition) -> Option<&str> {
    match condition {
        Condition::Text(text) => Some(text),
        Condition::None | Condition::Unsaid => None,
    }
}

/// Drops spaces and lines, which the portal adds and removes.
fn words(condition: &str) -> String {
    condition.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_lowercase()
}

/// The role definitions that a condition names: in braces, separated by commas.
fn ids(condition: &str) -> Vec<Guid> {
    let between = condition.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    between.flat_map(|list| list.split(',')).filter_map(|id| id.trim().parse().ok()).collect()
}
