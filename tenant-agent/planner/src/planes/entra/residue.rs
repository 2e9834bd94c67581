//! Directory roles that others gave a person.

use entente_model::{Guid, Plane, PlaneMode};

use super::gate::name;
use crate::builder::PlanBuilder;
use crate::observed::{EntraAssignment, Listing, Part};
use crate::path::residue::{Residue, not_asked, odd};

pub(crate) fn residue(builder: &PlanBuilder<'_>, id: Guid, found: &mut Residue) {
    if builder.mode(Plane::EntraRoles) == PlaneMode::None {
        return;
    }
    match builder.input.observed.rights.get(&id).and_then(|rights| rights.entra.as_ref()) {
        Some(Part::Read(all)) => {
            for it in all {
                let text = describe(it);
                // What is held over the whole tenant shows among the memberships too.
                if !found.others.contains(&text) {
                    found.others.push(text);
                }
            }
        }
        Some(Part::Unread(why)) => found.missing.push(("entraRoles".into(), why.clone())),
        None => found.missing.push(("entraRoles".into(), not_asked())),
    }
    odd(builder, &Listing::EntraOf(id), "entraRoles", found);
}

/// In the words of the memberships.
fn describe(it: &EntraAssignment) -> String {
    let name = name(it.definition);
    match &it.part {
        None => format!("directory role {name}"),
        Some(part) => format!("directory role {name} at {part}"),
    }
}
