//! The second judge of directory roles.

use std::collections::BTreeSet;

use entente_model::desired::{GroupKind, ItemKey};
use entente_model::{Guid, Plane, PlaneMode, catalog};

use super::actions::{Beyond, beyond};
use super::write::Write;
use crate::capability;
use crate::change::Change;
use crate::guardrail::Guardrail;
use crate::judge::bench::{Judge, Opinion};
use crate::ledger::{LedgerKey, Thing};
use crate::observed::{EntraAssignment, Listing, Part};

impl Opinion for Write {
    fn role(&self, judge: &mut Judge<'_>, change: &Change, guardrail: &Guardrail) {
        match self {
            Self::Assign { definition, .. } => given(judge, change, guardrail, *definition),
            Self::Remove { .. } => {}
        }
    }

    fn write(&self, judge: &mut Judge<'_>, change: &Change) {
        match self {
            Self::Assign { definition, principal } => {
                let is_of_key = if let LedgerKey::Item(ItemKey::EntraRole(key)) = &change.key {
                    key.definition == *definition && judge.group(&key.group()) == Some(*principal)
                } else {
                    false
                };
                judge.unless(is_of_key, "gives the directory role of its item, to that item's group", change);
            }
            Self::Remove { id } => {
                let thing = judge.entry(change).and_then(|it| it.thing.as_ref());
                let is_ours = if let Some(Thing::EntraRole { definition, principal }) = thing {
                    let held = judge.input.observed.entra.get(principal).and_then(Part::read);
                    let is_it =
                        |it: &EntraAssignment| it.id == *id && it.definition == *definition && it.part.is_none();
                    held.is_some_and(|held| held.iter().any(is_it))
                } else {
                    false
                };
                judge.unless(is_ours, "takes away only directory roles that we gave", change);
            }
        }
    }
}

/// A role that somebody gets. What is closed is closed whatever the file says.
fn given(judge: &mut Judge<'_>, change: &Change, guardrail: &Guardrail, definition: Guid) {
    let is_closed = catalog::CLOSED_ENTRA_ROLES.iter().any(|role| role.id == definition);
    let is_open = catalog::ENTRA_ROLES.iter().any(|role| role.id == definition);
    judge.unless(is_open && !is_closed, "never gives a directory role that is not on the open list", change);
    let is_listed = guardrail.entra.roles.values().any(|id| *id == definition);
    judge.unless(is_listed, "gives only the listed directory roles", change);
    let lets = capability::of_entra_role(definition);
    let fits = lets.is_some_and(|all| all.iter().all(|it| guardrail.capabilities.allow.contains(it)));
    judge.unless(fits, "gives only allowed capabilities", change);
    let fits = beyond(guardrail, judge.input.observed, definition) == Beyond::More(BTreeSet::new());
    judge.unless(fits, "gives only directory roles whose definition, as the tenant shows it, was judged", change);
}

/// What somebody who joins the group gets.
pub(crate) fn joins(judge: &mut Judge<'_>, change: &Change, guardrail: &Guardrail, group: Guid) {
    let observed = judge.input.observed;
    let seen = observed.groups.get(&group).and_then(Part::read).and_then(Option::as_ref);
    if seen.is_some_and(|it| it.kind == Some(GroupKind::Plain)) {
        return;
    }
    let held = observed.entra.get(&group).and_then(Part::read);
    let is_read = guardrail.mode(Plane::EntraRoles) != PlaneMode::None
        && held.is_some()
        && observed.odd(&Listing::EntraOf(group)).is_empty();
    judge.unless(is_read, "adds nobody to a role-assignable group whose directory roles were not read", change);
    for it in held.into_iter().flatten() {
        given(judge, change, guardrail, it.definition);
    }
}
