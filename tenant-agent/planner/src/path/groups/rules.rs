//! What the register knows of groups.

use std::time::Duration;

use entente_model::desired::ItemKey;
use entente_model::report::Reason;
use entente_model::{Guid, Plane};

use crate::builder::PlanBuilder;
use crate::input::Settings;
use crate::ledger::LedgerEntry;
use crate::observed::{Looked, Observed};
use crate::path::Path;
use crate::path::inherited;
use crate::path::inherited::Carrier;
use crate::path::person::Exit;
use crate::path::residue::Residue;
use crate::path::residue::closed;
use crate::permission::Permission;
use crate::planes;
use crate::reads::{ReadSet, Wanted};
use crate::verdict::Condition;

pub(crate) struct Rules;

impl planes::Rules for Rules {
    fn effect_delay(&self) -> Duration {
        // Entra: service limits, role changes.
        Duration::from_secs(15 * 60)
    }

    fn read_lag(&self, settings: &Settings) -> Duration {
        settings.replication_lag
    }

    fn permissions(&self) -> &'static [Permission] {
        super::permissions::ROWS
    }

    fn reads(&self, wanted: &Wanted<'_>, set: &mut ReadSet) {
        super::reads::reads(wanted, set)
    }

    fn looked(&self, observed: &Observed) -> Looked {
        Looked::of(&observed.groups).and(Looked::of(&observed.groups_by_name))
    }

    fn decide(&self, _: &mut PlanBuilder<'_>, _: &Path<'_>) {
        // Decided right after the people, as the other planes ask for the groups: see [`Path::decide`].
    }

    fn withdraw(&self, builder: &mut PlanBuilder<'_>, path: &Path<'_>, key: &ItemKey, _: Exit, _: Vec<Condition>) {
        super::withdraw(builder, path, key)
    }

    fn inherited(&self, builder: &PlanBuilder<'_>, group: &Carrier<'_>, found: &mut Vec<(String, Condition)>) {
        inherited::nested(builder, group.id, found)
    }

    fn is_on_its_way(&self, _: &PlanBuilder<'_>, _: Guid) -> bool {
        false
    }

    fn residue(&self, _: &PlanBuilder<'_>, _: Guid, _: &mut Residue) {
        // Groups that a person is in are memberships.
    }

    fn unseen(&self, builder: &PlanBuilder<'_>) -> Vec<String> {
        closed(builder, Plane::Groups)
    }

    fn is_there(&self, _: &PlanBuilder<'_>, _: &Path<'_>, _: &ItemKey) -> Option<bool> {
        None
    }

    fn refusal(&self, _: &PlanBuilder<'_>, _: &ItemKey, _: &LedgerEntry) -> Option<Reason> {
        // The group alone gives nothing.
        None
    }

    fn describe(&self, _: &PlanBuilder<'_>, key: &ItemKey, _: &LedgerEntry) -> String {
        key.to_string()
    }

    fn gives_access(&self, _: &ItemKey) -> bool {
        false
    }
}
