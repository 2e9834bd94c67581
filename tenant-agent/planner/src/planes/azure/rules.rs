//! What the register knows of Azure roles.

use std::time::Duration;

use entente_model::Guid;
use entente_model::desired::ItemKey;
use entente_model::report::Reason;

use crate::builder::PlanBuilder;
use crate::input::Settings;
use crate::ledger::LedgerEntry;
use crate::observed::{Looked, Observed};
use crate::path::Path;
use crate::path::inherited::Carrier;
use crate::path::person::Exit;
use crate::path::residue::Residue;
use crate::permission::Permission;
use crate::planes;
use crate::reads::{ReadSet, Wanted};
use crate::verdict::Condition;

pub(crate) struct Rules;

impl planes::Rules for Rules {
    fn effect_delay(&self) -> Duration {
        // Azure: troubleshoot RBAC.
        Duration::from_secs(10 * 60)
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
        Looked::of(&observed.azure)
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

    fn is_on_its_way(&self, builder: &PlanBuilder<'_>, group: Guid) -> bool {
        super::inherited::is_on_its_way(builder, group)
    }

    fn residue(&self, builder: &PlanBuilder<'_>, account: Guid, found: &mut Residue) {
        super::residue::residue(builder, account, found)
    }

    fn unseen(&self, builder: &PlanBuilder<'_>) -> Vec<String> {
        super::residue::unseen(builder)
    }

    fn is_there(&self, builder: &PlanBuilder<'_>, path: &Path<'_>, key: &ItemKey) -> Option<bool> {
        super::presence::is_there(builder, &path.groups, key)
    }

    fn refusal(&self, builder: &PlanBuilder<'_>, _: &ItemKey, entry: &LedgerEntry) -> Option<Reason> {
        super::gate::refusal(builder, entry)
    }

    fn describe(&self, _: &PlanBuilder<'_>, key: &ItemKey, entry: &LedgerEntry) -> String {
        super::gate::describe(key, entry)
    }

    fn gives_access(&self, _: &ItemKey) -> bool {
        true
    }
}
