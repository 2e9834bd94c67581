//! What the register knows of accounts.

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
use crate::path::presence;
use crate::path::residue::Residue;
use crate::permission::Permission;
use crate::planes;
use crate::reads::{ReadSet, Wanted};
use crate::verdict::Condition;

pub(crate) struct Rules;

impl planes::Rules for Rules {
    fn effect_delay(&self) -> Duration {
        // An access token that was given out lives for 60 to 90 minutes (Entra: access token lifetime).
        Duration::from_secs(90 * 60)
    }

    fn read_lag(&self, settings: &Settings) -> Duration {
        settings.replication_lag
    }

    fn permissions(&self) -> &'static [Permission] {
        super::permissions::ROWS
    }

    fn reads(&self, wanted: &Wanted<'_>, set: &mut ReadSet) {
        super::reads::users(set, wanted.items, wanted.ledger, wanted.guardrail);
        super::reads::marker(set, wanted.items, wanted.ledger, wanted.guardrail);
    }

    fn looked(&self, observed: &Observed) -> Looked {
        Looked::of(&observed.users).and(Looked::of(&observed.users_by_mail))
    }

    fn decide(&self, _: &mut PlanBuilder<'_>, _: &Path<'_>) {
        // Decided first, as the other planes ask for the people: see [`Path::decide`].
    }

    fn withdraw(
        &self,
        builder: &mut PlanBuilder<'_>,
        path: &Path<'_>,
        key: &ItemKey,
        exit: Exit,
        against: Vec<Condition>,
    ) {
        super::withdraw(builder, path, key, exit, against)
    }

    fn inherited(&self, _: &PlanBuilder<'_>, _: &Carrier<'_>, _: &mut Vec<(String, Condition)>) {
        // An account hangs on no group.
    }

    fn is_on_its_way(&self, _: &PlanBuilder<'_>, _: Guid) -> bool {
        false
    }

    fn residue(&self, _: &PlanBuilder<'_>, _: Guid, _: &mut Residue) {
        // Whether the account itself is shut is the removal's own question.
    }

    fn unseen(&self, _: &PlanBuilder<'_>) -> Vec<String> {
        Vec::new()
    }

    fn is_there(&self, builder: &PlanBuilder<'_>, path: &Path<'_>, key: &ItemKey) -> Option<bool> {
        presence::account(builder, &path.people, key)
    }

    fn refusal(&self, builder: &PlanBuilder<'_>, key: &ItemKey, _: &LedgerEntry) -> Option<Reason> {
        super::refusal(builder, key)
    }

    fn describe(&self, builder: &PlanBuilder<'_>, key: &ItemKey, entry: &LedgerEntry) -> String {
        format!("the account of {}", super::mail(builder, key, entry))
    }

    fn gives_access(&self, _: &ItemKey) -> bool {
        true
    }
}
