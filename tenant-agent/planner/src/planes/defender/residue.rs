//! Defender roles that others gave a person.

use entente_model::report::Reason;
use entente_model::{Guid, Plane, PlaneMode};

use crate::builder::PlanBuilder;
use crate::observed::{Listing, Part};
use crate::path::residue::{Residue, odd};

pub(crate) fn residue(builder: &PlanBuilder<'_>, id: Guid, found: &mut Residue) {
    if builder.mode(Plane::DefenderRoles) == PlaneMode::None {
        return;
    }
    match builder.input.observed.defender() {
        Part::Read(defender) => {
            let held = defender.assignments.iter().filter(|it| it.principals.contains(&id));
            found.others.extend(held.map(|it| format!("Defender assignment {}", it.display_name)));
        }
        // Where unified RBAC is not active, it gives nothing.
        Part::Unread(why) if why.reason == Reason::UnifiedRbacInactive => {
            found.unseen.push("Defender roles: unified RBAC is not active".into());
        }
        Part::Unread(why) => found.missing.push(("defenderRoles".into(), why)),
    }
    odd(builder, &Listing::Defender, "defenderRoles", found);
}
