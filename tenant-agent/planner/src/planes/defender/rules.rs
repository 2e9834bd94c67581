//! What the register knows of Defender roles.

use std::time::Duration;

use entente_model::desired::ItemKey;
use entente_model::report::Reason;
use entente_model::{Guid, Plane};

use crate::builder::PlanBuilder;
use crate::input::Settings;
use crate::ledger::LedgerEntry;
use crate::observed::{Looked, Observed};
use crate::path::Path;
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
        // Microsoft names no time: an hour, as for its scopes.
        Duration::from_secs(60 * 60)
    }

    fn read_lag(&self, settings: &Settings) -> Duration {
        settings.defender_lag
    }

    fn permissions(&self) -> &'static [Permission] {
        super::permissions::ROWS
    }

    fn reads(&self, wanted: &Wanted<'_>, set: &mut ReadSet) {
        super::reads::reads(wanted, set)
    }

    fn looked(&self, observed: &Observed) -> Looked {
        observed.defender.as_ref().map_or(Looked::NotAsked, Looked::of_part)
    }

    fn decide(&self, builder: &mut PlanBuilder<'_>, path: &Path<'_>) {
        super::decide::decide(builder, &path.groups)
    }

    fn withdraw(
        &self,
        builder: &mut PlanBuilder<'_>,
        _: &Path<'_>,
        key: &ItemKey,
        exit: Exit,
        against: Vec<Condition>,
    ) {
        super::decide::remove(builder, key, exit, against)
    }

    fn inherited(&self, builder: &PlanBuilder<'_>, group: &Carrier<'_>, found: &mut Vec<(String, Condition)>) {
        super::inherited::against(builder, group, found)
    }

    fn is_on_its_way(&self, builder: &PlanBuilder<'_>, _: Guid) -> bool {
        super::inherited::is_on_its_way(builder)
    }

    fn residue(&self, builder: &PlanBuilder<'_>, account: Guid, found: &mut Residue) {
        super::residue::residue(builder, account, found)
    }

    fn unseen(&self, builder: &PlanBuilder<'_>) -> Vec<String> {
        closed(builder, Plane::DefenderRoles)
    }

    fn is_there(&self, builder: &PlanBuilder<'_>, path: &Path<'_>, key: &ItemKey) -> Option<bool> {
        super::presence::is_there(builder, &path.groups, key)
    }

    fn refusal(&self, builder: &PlanBuilder<'_>, key: &ItemKey, _: &LedgerEntry) -> Option<Reason> {
        super::gate::refusal(builder, key)
    }

    fn describe(&self, _: &PlanBuilder<'_>, key: &ItemKey, _: &LedgerEntry) -> String {
        super::gate::describe(key)
    }

    fn gives_access(&self, key: &ItemKey) -> bool {
        // A role alone gives nothing.
        !matches!(key, ItemKey::DefenderRole(_))
    }
}
