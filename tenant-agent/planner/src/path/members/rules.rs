//! What the register knows of memberships.

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
use crate::path::presence;
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

    fn reads(&self, _: &Wanted<'_>, _: &mut ReadSet) {
        // Members are listed with their groups, and what a leaver is in with the people.
    }

    fn looked(&self, observed: &Observed) -> Looked {
        Looked::of(&observed.members)
    }

    fn decide(&self, builder: &mut PlanBuilder<'_>, path: &Path<'_>) {
        super::decide(builder, &path.people, &path.groups)
    }

    fn withdraw(
        &self,
        builder: &mut PlanBuilder<'_>,
        path: &Path<'_>,
        key: &ItemKey,
        exit: Exit,
        against: Vec<Condition>,
    ) {
        super::end(builder, key, path.person_of(key), &path.groups, exit, against)
    }

    fn inherited(&self, _: &PlanBuilder<'_>, _: &Carrier<'_>, _: &mut Vec<(String, Condition)>) {
        // A membership hangs on no group but its own.
    }

    fn is_on_its_way(&self, _: &PlanBuilder<'_>, _: Guid) -> bool {
        false
    }

    fn residue(&self, builder: &PlanBuilder<'_>, account: Guid, found: &mut Residue) {
        super::residue::memberships(builder, account, found)
    }

    fn unseen(&self, builder: &PlanBuilder<'_>) -> Vec<String> {
        closed(builder, Plane::Memberships)
    }

    fn is_there(&self, builder: &PlanBuilder<'_>, path: &Path<'_>, key: &ItemKey) -> Option<bool> {
        presence::member(builder, &path.people, &path.groups, key)
    }

    fn refusal(&self, builder: &PlanBuilder<'_>, key: &ItemKey, _: &LedgerEntry) -> Option<Reason> {
        super::refusal(builder, key)
    }

    fn describe(&self, builder: &PlanBuilder<'_>, key: &ItemKey, entry: &LedgerEntry) -> String {
        super::describe(builder, key, entry)
    }

    fn gives_access(&self, _: &ItemKey) -> bool {
        true
    }
}
