//! What Azure's role definitions say now: Microsoft moves them, and the customer consented to what they were.
//!
//! A role that has come to hold more than the file allows is given to nobody more, by an assignment or by a membership,
//! and is named with the action. What is there stays: that it is too much is the customer's to judge. Without a look at
//! the definition nothing is given.

use std::collections::BTreeSet;

use entente_model::report::Reason;
use entente_model::{Guid, Plane, PlaneMode, catalog};

use crate::builder::PlanBuilder;
use crate::capability::{Answer, beyond, judge};
use crate::guardrail::Guardrail;
use crate::observed::Part;
use crate::planes::azure::reads::azure_rights;
use crate::verdict::Condition;

/// What stands against giving the role, beside what its row in our own table says.
pub(crate) fn against(builder: &PlanBuilder<'_>, guardrail: &Guardrail, definition: Guid) -> Option<Condition> {
    // At none the agent does not look, and the row alone says.
    if builder.mode(Plane::AzureRoles) == PlaneMode::None {
        return None;
    }
    let now = match builder.input.observed.definition(definition) {
        Part::Read(Some(now)) => now,
        Part::Read(None) => return Some(Condition::Refused(Reason::GuardrailCapability)),
        Part::Unread(_) => return Some(Condition::Unread),
    };
    let judged = judge(&guardrail.capabilities.beside_named(now));
    if !judged.unknown.is_empty() {
        return Some(Condition::Refused(Reason::GuardrailCapability));
    }
    let wanted: Vec<_> = judged.set().into_iter().collect();
    match guardrail.capabilities.answer(&wanted) {
        Answer::Allowed => None,
        Answer::Ask(_) => Some(Condition::NeedsApproval(Reason::CapabilityApproval)),
        Answer::Never(_) => Some(Condition::Refused(Reason::GuardrailCapability)),
    }
}

/// What of the definition goes beyond the file, in words; empty where nothing does, or where it was not read.
pub(crate) fn excess(builder: &PlanBuilder<'_>, definition: Guid) -> String {
    let Some(guardrail) = builder.guardrail() else { return String::new() };
    match builder.input.observed.definition(definition) {
        Part::Read(Some(now)) => match beyond(guardrail, now) {
            all if all.is_empty() => String::new(),
            all => format!("the role holds more than the guardrail allows: {}", all.join("; ")),
        },
        Part::Read(None) => "Azure shows no definition of this role".into(),
        Part::Unread(_) => String::new(),
    }
}

/// Names every role in use that holds more than the file allows, and looks again for what was not read.
pub(crate) fn note(builder: &mut PlanBuilder<'_>) {
    if builder.mode(Plane::AzureRoles) == PlaneMode::None {
        return;
    }
    for definition in in_use(builder) {
        if matches!(builder.input.observed.definition(definition), Part::Unread(why) if why.is_passing()) {
            builder.recheck();
        }
        let excess = excess(builder, definition);
        if !excess.is_empty() {
            let known = catalog::AZURE_ROLES.iter().find(|role| role.id == definition);
            let name = known.map_or_else(|| definition.to_string(), |role| role.name.to_string());
            let detail = format!(
                "{name}: {excess}. It is given to nobody more until the guardrail allows \
                 that, or the action by its name (capabilities.actions)"
            );
            builder.find(Plane::AzureRoles, Reason::GuardrailCapability, detail);
        }
    }
}

fn in_use(builder: &PlanBuilder<'_>) -> BTreeSet<Guid> {
    azure_rights(builder.input.items, builder.input.ledger).map(|(_, definition)| definition).collect()
}
