//! The directory roles that hang on a group, by a role's items or by somebody else: each new member has them.

use entente_model::desired::GroupKind;
use entente_model::{Guid, Plane, PlaneMode};

use super::gate;
use crate::builder::PlanBuilder;
use crate::observed::{Listing, Part};
use crate::path::inherited::Carrier;
use crate::verdict::Condition;

pub(crate) fn against(builder: &PlanBuilder<'_>, group: &Carrier, found: &mut Vec<(String, Condition)>) {
    if !may_hold_roles(builder, group.id) {
        return;
    }
    let what = "what the group holds in the directory";
    if builder.mode(Plane::EntraRoles) == PlaneMode::None {
        return found.push((what.into(), Condition::Unread));
    }
    let Part::Read(held) = builder.input.observed.entra(group.id) else {
        return found.push((what.into(), Condition::Unread));
    };
    if !builder.input.observed.odd(&Listing::EntraOf(group.id)).is_empty() {
        found.push((what.into(), Condition::Unread));
    }
    for it in held {
        let name = format!("the directory role {}", gate::name(it.definition));
        found.extend(gate::against(builder, it.definition).into_iter().map(|it| (name.clone(), it)));
    }
}

/// Of a group that is seen to be no role-assignable one, Entra refuses to make a holder.
fn may_hold_roles(builder: &PlanBuilder<'_>, group: Guid) -> bool {
    let seen = builder.input.observed.group(group).read().copied().flatten();
    seen.and_then(|it| it.kind) != Some(GroupKind::Plain)
}

/// Whether what the group holds may be readable soon.
pub(crate) fn is_on_its_way(builder: &PlanBuilder<'_>, group: Guid) -> bool {
    let is_passing = matches!(builder.input.observed.entra(group), Part::Unread(why) if why.is_passing());
    may_hold_roles(builder, group) && is_passing
}
