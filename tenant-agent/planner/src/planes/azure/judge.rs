//! The second judge of Azure role assignments.

use entente_model::{Guid, Plane, PlaneMode};

use super::write::Write;
use crate::assignment_name;
use crate::capability::{self, Capability, Definition};
use crate::change::Change;
use crate::guardrail::Guardrail;
use crate::judge::bench::{Judge, Opinion};
use crate::ledger::Thing;
use crate::observed::Part;

impl Opinion for Write {
    fn role(&self, judge: &mut Judge<'_>, change: &Change, guardrail: &Guardrail) {
        match self {
            Self::Put { scope, definition, .. } => assigned(judge, change, guardrail, scope, *definition),
            Self::Delete { .. } => {}
        }
    }

    fn write(&self, judge: &mut Judge<'_>, change: &Change) {
        match self {
            // That its group is ours is asked of all that is given.
            Self::Put { .. } => {}
            Self::Delete { name, .. } => {
                let is_ours = judge.entry(change).is_some_and(|it| match &it.thing {
                    Some(Thing::AzureRole { scope, definition, principal }) => {
                        assignment_name(scope, *principal, *definition) == *name
                    }
                    Some(
                        Thing::User { .. }
                        | Thing::Group { .. }
                        | Thing::Member { .. }
                        | Thing::DefenderRole { .. }
                        | Thing::DefenderAssignment { .. }
                        | Thing::EntraRole { .. },
                    )
                    | None => false,
                });
                judge.unless(is_ours, "deletes only assignments of ours", change);
            }
        }
    }
}

/// A role at a scope that somebody gets.
fn assigned(judge: &mut Judge<'_>, change: &Change, guardrail: &Guardrail, scope: &str, definition: Guid) {
    let scope = format!("{}/", scope.to_lowercase());
    let below = |above: &String| scope.starts_with(&format!("{}/", above.to_lowercase().trim_end_matches('/')));
    judge.unless(guardrail.azure.scopes.iter().any(below), "assigns only in the scopes", change);
    if let Some(home) = &guardrail.protected.agent_home {
        let above_home = format!("{}/", home.to_lowercase()).starts_with(&scope);
        judge.unless(!below(home) && !above_home, "never at the agent's home", change);
    }
    let listed = guardrail.azure.roles.values().any(|id| *id == definition);
    judge.unless(listed, "assigns only the listed roles", change);
    let capabilities = capability::of_azure_role(definition);
    let fits = capabilities.is_some_and(|all| all.iter().all(|it| guardrail.capabilities.allow.contains(it)));
    judge.unless(fits, "gives only allowed capabilities", change);
    if guardrail.mode(Plane::AzureRoles) != PlaneMode::None {
        let shown = judge.input.observed.azure_definitions.get(&definition).and_then(Part::read);
        let fits = shown.and_then(Option::as_ref).is_some_and(|shown| holds_only(guardrail, shown));
        judge.unless(fits, "gives only roles whose definition, as Azure shows it, is allowed", change);
    }
}

/// Whether every action of a definition has a meaning, and the file allows it without asking.
fn holds_only(guardrail: &Guardrail, definition: &Definition) -> bool {
    let judged = capability::judge(&guardrail.capabilities.beside_named(definition));
    let allowed = |it: &Capability| guardrail.capabilities.allow.contains(it);
    judged.unknown.is_empty() && judged.capabilities.iter().all(|(capability, _)| allowed(capability))
}

/// What somebody who joins the group gets.
pub(crate) fn joins(judge: &mut Judge<'_>, change: &Change, guardrail: &Guardrail, group: Guid) {
    let observed = judge.input.observed;
    let of_group = observed.group_azure.get(&group);
    let lists = observed.azure.values().chain(of_group.into_iter().flat_map(|all| all.values()));
    for it in lists.filter_map(Part::read).flatten().filter(|it| it.principal == group) {
        assigned(judge, change, guardrail, &it.scope, it.definition);
    }
    let is_read = |scope: &String| {
        of_group.is_some_and(|all| all.iter().any(|(at, it)| at.eq_ignore_ascii_case(scope) && it.read().is_some()))
    };
    let looked = guardrail.mode(Plane::AzureRoles) == PlaneMode::None || guardrail.azure.scopes.iter().all(is_read);
    judge.unless(looked, "adds nobody to a group whose Azure roles were not read", change);
}
