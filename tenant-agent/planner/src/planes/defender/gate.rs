//! What the file says to the permissions of a Defender role that are not withheld.

use entente_model::desired::{
    DefenderAssignmentKey, DefenderRoleBody, DefenderRoleKey, ItemBody, ItemKey, PermissionGrant,
};
use entente_model::report::Reason;

use crate::builder::PlanBuilder;
use crate::capability::{self, Capability};
use crate::gate::{capabilities, lacking};
use crate::verdict::{self, Condition};

/// What the permissions of a Defender role that are not withheld let people do.
pub(crate) fn against(builder: &PlanBuilder<'_>, permissions: &[PermissionGrant]) -> Vec<Condition> {
    let Some(guardrail) = builder.guardrail() else { return Vec::new() };
    let now = builder.now();
    let given = permissions.iter().filter(|grant| grant.withheld_until.is_none_or(|until| until <= now));
    let wanted: Option<Vec<&[Capability]>> =
        given.map(|grant| capability::of_defender_permission(&grant.permission)).collect();
    vec![capabilities(guardrail, wanted.map(|lists| lists.concat()))]
}

/// Of a Defender role's permissions that are not withheld.
pub(crate) fn because(builder: &PlanBuilder<'_>, permissions: &[PermissionGrant]) -> String {
    let Some(guardrail) = builder.guardrail() else { return String::new() };
    let now = builder.now();
    let given = permissions.iter().filter(|grant| grant.withheld_until.is_none_or(|until| until <= now));
    let wanted: Option<Vec<&[Capability]>> =
        given.map(|grant| capability::of_defender_permission(&grant.permission)).collect();
    lacking(guardrail, wanted.map(|lists| lists.concat())).unwrap_or_default()
}

/// Why the file does not allow what was given, if so. An assignment gives what its role holds.
pub(crate) fn refusal(builder: &PlanBuilder<'_>, key: &ItemKey) -> Option<Reason> {
    let item = builder.wanted(&ItemKey::DefenderRole(DefenderRoleKey { role: key.role()?.clone() }))?;
    let ItemBody::DefenderRole(DefenderRoleBody { permissions, .. }) = &item.body else { return None };
    verdict::refusal(&against(builder, permissions))
}

pub(crate) fn describe(key: &ItemKey) -> String {
    match key {
        ItemKey::DefenderRole(DefenderRoleKey { role }) => format!("the Defender role of {}", role.id()),
        ItemKey::DefenderAssignment(DefenderAssignmentKey { role, .. }) => {
            format!("what {} may do in Defender", role.id())
        }
        ItemKey::User(_)
        | ItemKey::Group(_)
        | ItemKey::Member(_)
        | ItemKey::AzureRole(_)
        | ItemKey::EntraRole(_)
        | ItemKey::Other(_) => key.to_string(),
    }
}
