//! What the register knows of planes that have a name and are not carried out yet: nothing. No item is on them, and the file
//! takes `none` for them alone.

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
        // Longer than that of any plane: nothing is claimed.
        Duration::from_secs(24 * 60 * 60)
    }

    fn read_lag(&self, settings: &Settings) -> Duration {
        settings.defender_lag
    }

    fn permissions(&self) -> &'static [Permission] {
        &[]
    }

    fn reads(&self, _: &Wanted<'_>, _: &mut ReadSet) {}

    fn looked(&self, _: &Observed) -> Looked {
        Looked::NotAsked
    }

    fn decide(&self, _: &mut PlanBuilder<'_>, _: &Path<'_>) {}

    fn withdraw(&self, _: &mut PlanBuilder<'_>, _: &Path<'_>, _: &ItemKey, _: Exit, _: Vec<Condition>) {}

    fn inherited(&self, _: &PlanBuilder<'_>, _: &Carrier<'_>, _: &mut Vec<(String, Condition)>) {}

    fn is_on_its_way(&self, _: &PlanBuilder<'_>, _: Guid) -> bool {
        false
    }

    fn residue(&self, _: &PlanBuilder<'_>, _: Guid, _: &mut Residue) {}

    fn unseen(&self, _: &PlanBuilder<'_>) -> Vec<String> {
        Vec::new()
    }

    fn is_there(&self, _: &PlanBuilder<'_>, _: &Path<'_>, _: &ItemKey) -> Option<bool> {
        None
    }

    fn refusal(&self, _: &PlanBuilder<'_>, _: &ItemKey, _: &LedgerEntry) -> Option<Reason> {
        None
    }

    fn describe(&self, _: &PlanBuilder<'_>, key: &ItemKey, _: &LedgerEntry) -> String {
        key.to_string()
    }

    fn gives_access(&self, _: &ItemKey) -> bool {
        // What is not known is taken to give access.
        true
    }
}
