//! The register of planes: what the rest of the planner asks of each of them. A plane that is missing here does not
//! compile, and one that has nothing to say to a question says so.
//!
//! People, their groups and who is in them are the path on which rights reach a person ([`crate::path`]); the other planes
//! are rights, one folder each.

pub(crate) mod azure;
pub(crate) mod defender;
pub(crate) mod entra;

use std::time::Duration;

use entente_model::desired::ItemKey;
use entente_model::report::Reason;
use entente_model::{Guid, Plane};

use crate::builder::PlanBuilder;
use crate::guardrail::{Faults, Guardrail};
use crate::input::Settings;
use crate::ledger::LedgerEntry;
use crate::observed::{Looked, Observed};
use crate::path::inherited::Carrier;
use crate::path::person::Exit;
use crate::path::residue::Residue;
use crate::path::{Path, groups, members, users};
use crate::permission::Permission;
use crate::reads::{ReadSet, Wanted};
use crate::verdict::Condition;

/// What is asked of a plane. Every field is to be given: a plane that has nothing to say says so.
pub(crate) struct Rules {
    /// By when Microsoft's own caches follow a change: from then on what was taken away has no effect.
    pub effect_delay: Duration,
    /// For how long reads may not show what is there, and was not taken away by us.
    pub read_lag: fn(&Settings) -> Duration,
    /// Microsoft permissions that it takes.
    pub permissions: &'static [Permission],
    /// Says what is wrong with the plane's section of the guardrail.
    pub section: fn(&Guardrail, &mut Faults),
    /// Adds what a plan of these looks at. Asked only of a plane that may be looked at.
    pub reads: fn(&Wanted<'_>, &mut ReadSet),
    /// Whether all that was asked for was read.
    pub looked: fn(&Observed) -> Looked,
    /// Decides about the items of the plane.
    pub decide: fn(&mut PlanBuilder<'_>, &Path<'_>),
    /// Takes away what the ledger holds under this key. The conditions stand against it beside the plane's mode.
    pub withdraw: fn(&mut PlanBuilder<'_>, &Path<'_>, &ItemKey, Exit, Vec<Condition>),
    /// What stands against giving somebody what hangs on a group, and what that is, for people.
    pub inherited: fn(&PlanBuilder<'_>, &Carrier, &mut Vec<(String, Condition)>),
    /// Whether what hangs on the group may be readable soon, where it was not read.
    pub is_on_its_way: fn(&PlanBuilder<'_>, Guid) -> bool,
    /// What the account of a person who is to go still holds.
    pub residue: fn(&PlanBuilder<'_>, Guid, &mut Residue),
    /// Where the agent does not look for such: a receipt says so.
    pub unseen: fn(&PlanBuilder<'_>) -> Vec<String>,
    /// Whether what an item names is in the tenant, by this look alone; `None` where nobody knows.
    pub is_there: fn(&PlanBuilder<'_>, &Path<'_>, &ItemKey) -> Option<bool>,
    /// Why the file does not allow what was given under this key, if so; [`Reason::Unread`] where that cannot be told.
    pub refusal: fn(&PlanBuilder<'_>, &ItemKey, &LedgerEntry) -> Option<Reason>,
    /// What was given under this key, for a person.
    pub describe: fn(&PlanBuilder<'_>, &ItemKey, &LedgerEntry) -> String,
    /// Whether somebody has access by an item of the plane. An empty group, or a role that nobody has, gives nothing.
    pub gives_access: fn(&ItemKey) -> bool,
}

/// The register.
pub(crate) fn rules(plane: Plane) -> &'static Rules {
    match plane {
        Plane::Users => &users::rules::RULES,
        Plane::Groups => &groups::rules::RULES,
        Plane::Memberships => &members::rules::RULES,
        Plane::AzureRoles => &azure::rules::RULES,
        Plane::DefenderRoles => &defender::rules::RULES,
        Plane::EntraRoles => &entra::rules::RULES,
    }
}

/// Planes of rights, and then those of the path: what hangs on a group is said before what the group is in.
pub(crate) fn rights_first() -> impl Iterator<Item = Plane> {
    let (path, rights): (Vec<Plane>, Vec<Plane>) = Plane::ALL.iter().copied().partition(|plane| match plane {
        Plane::Users | Plane::Groups | Plane::Memberships => true,
        Plane::AzureRoles | Plane::DefenderRoles | Plane::EntraRoles => false,
    });
    rights.into_iter().chain(path)
}

/// Whether somebody has access by what this item names. Of a kind that is not known it is taken to be so.
pub fn gives_access(key: &ItemKey) -> bool {
    key.plane().is_none_or(|plane| (rules(plane).gives_access)(key))
}

/// Whether a plane was read whole in a look.
pub fn looked(plane: Plane, observed: &Observed) -> Looked {
    (rules(plane).looked)(observed)
}
