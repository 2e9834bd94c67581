//! The register of planes: what the rest of the planner asks of each of them. A plane that is missing here does not
//! compile, and one that has nothing to say to a question says so.
//!
//! People, their groups and who is in them are the path on which rights reach a person ([`crate::path`]); the other planes
//! are rights, one folder each.

pub(crate) mod azure;
pub(crate) mod defender;
mod reserved;

use std::time::Duration;

use entente_model::desired::ItemKey;
use entente_model::report::Reason;
use entente_model::{Guid, Plane};

use crate::builder::PlanBuilder;
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

/// What is asked of a plane. There are no default methods.
pub(crate) trait Rules: Sync {
    /// By when Microsoft's own caches follow a change: from then on what was taken away has no effect.
    fn effect_delay(&self) -> Duration;

    /// For how long reads may not show what is there, and was not taken away by us.
    fn read_lag(&self, settings: &Settings) -> Duration;

    /// Microsoft permissions that it takes.
    fn permissions(&self) -> &'static [Permission];

    /// Adds what a plan of these looks at. Asked only of a plane that may be looked at.
    fn reads(&self, wanted: &Wanted<'_>, set: &mut ReadSet);

    /// Whether all that was asked for was read.
    fn looked(&self, observed: &Observed) -> Looked;

    /// Decides about the items of the plane.
    fn decide(&self, builder: &mut PlanBuilder<'_>, path: &Path<'_>);

    /// Takes away what the ledger holds under this key. `against` is what stands against it beside the plane's mode.
    fn withdraw(
        &self,
        builder: &mut PlanBuilder<'_>,
        path: &Path<'_>,
        key: &ItemKey,
        exit: Exit,
        against: Vec<Condition>,
    );

    /// What stands against giving somebody what hangs on a group, and what that is, for people.
    fn inherited(&self, builder: &PlanBuilder<'_>, group: &Carrier<'_>, found: &mut Vec<(String, Condition)>);

    /// Whether what hangs on the group may be readable soon, where it was not read.
    fn is_on_its_way(&self, builder: &PlanBuilder<'_>, group: Guid) -> bool;

    /// What the account of a person who is to go still holds.
    fn residue(&self, builder: &PlanBuilder<'_>, account: Guid, found: &mut Residue);

    /// Where the agent does not look for such: a receipt says so.
    fn unseen(&self, builder: &PlanBuilder<'_>) -> Vec<String>;

    /// Whether what an item names is in the tenant, by this look alone; `None` where nobody knows.
    fn is_there(&self, builder: &PlanBuilder<'_>, path: &Path<'_>, key: &ItemKey) -> Option<bool>;

    /// Why the file does not allow what was given under this key, if so; [`Reason::Unread`] where that cannot be told.
    fn refusal(&self, builder: &PlanBuilder<'_>, key: &ItemKey, entry: &LedgerEntry) -> Option<Reason>;

    /// What was given under this key, for a person.
    fn describe(&self, builder: &PlanBuilder<'_>, key: &ItemKey, entry: &LedgerEntry) -> String;

    /// Whether somebody has access by an item of the plane. An empty group, or a role that nobody has, gives nothing.
    fn gives_access(&self, key: &ItemKey) -> bool;
}

/// The register.
pub(crate) fn rules(plane: Plane) -> &'static dyn Rules {
    match plane {
        Plane::Users => &users::rules::Rules,
        Plane::Groups => &groups::rules::Rules,
        Plane::Memberships => &members::rules::Rules,
        Plane::AzureRoles => &azure::rules::Rules,
        Plane::DefenderRoles => &defender::rules::Rules,
        Plane::CrossTenantTrust | Plane::EntraRoles | Plane::Pim | Plane::Lighthouse => &reserved::Rules,
    }
}

/// Planes of rights, and then those of the path: what hangs on a group is said before what the group is in.
pub(crate) fn rights_first() -> impl Iterator<Item = Plane> {
    let (path, rights): (Vec<Plane>, Vec<Plane>) = Plane::ALL.into_iter().partition(|plane| match plane {
        Plane::Users | Plane::Groups | Plane::Memberships => true,
        Plane::AzureRoles
        | Plane::DefenderRoles
        | Plane::CrossTenantTrust
        | Plane::EntraRoles
        | Plane::Pim
        | Plane::Lighthouse => false,
    });
    rights.into_iter().chain(path)
}

/// Whether somebody has access by what this item names. Of a kind that is not known it is taken to be so.
pub fn gives_access(key: &ItemKey) -> bool {
    key.plane().is_none_or(|plane| rules(plane).gives_access(key))
}

/// Whether a plane was read whole in a look.
pub fn looked(plane: Plane, observed: &Observed) -> Looked {
    rules(plane).looked(observed)
}
