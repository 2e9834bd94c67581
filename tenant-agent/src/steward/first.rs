//! Acts for leavers before it looks at the tenant: see `entente_planner::plan::first`. It needs no room on disk.

use std::collections::BTreeSet;
use std::time::Duration;

use entente_model::desired::{ItemKey, Want};
use entente_planner::judge;
use entente_planner::ledger::Update;
use entente_planner::plan;
use entente_planner::reads::ReadSet;
use entente_planner::salvage;
use entente_session::Desired;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::given::off_the_workers;
use super::{Look, Steward};
use crate::memory::MemoryError;

/// Time for the short read of a leaver's account. After that the account is blocked unseen.
const GLANCE_BUDGET: Duration = Duration::from_secs(3);

impl Steward {
    /// Remembers the leavers that the control plane names to a parked tenant's agent beside its state.
    pub(super) async fn note_leavers(&mut self, desired: &Desired) -> Result<(), MemoryError> {
        let Some(named) = self.parts.view.borrow().aside.clone() else { return Ok(()) };
        let updates = plan::named_aside(&named, desired.version, &self.ledger);
        for update in &updates {
            if let Update::Left(person, _) = update {
                warn!(%person, "named as a leaver while the tenant is parked: removed, whatever the present state says");
            }
        }
        self.remember_or_owe(&updates).await
    }

    /// Acts once for each removal.
    pub(super) async fn first(&mut self, desired: &Desired, cancel: &CancellationToken) -> Result<(), MemoryError> {
        let (held, ledger) = (desired.clone(), self.ledger.clone());
        let to_do = off_the_workers(move || {
            let items = plan::with_leavers(&held.items, held.version, &ledger);
            plan::has_first(&items, &ledger).then(|| (plan::first_reads(&items, &ledger), items))
        });
        let Some((user_ids, items)) = to_do.await else { return Ok(()) };
        let set = ReadSet { user_ids, ..ReadSet::default() };
        let observed = self.parts.cloud.observe(&set, self.parts.clock.moment(), GLANCE_BUDGET).await;
        let guardrail = self.guardrail();
        let basis = self.basis(&guardrail);
        let given = self.given(desired, items, observed, &guardrail, &basis, self.parts.settings.clone());
        let (plan, faults, salvage) = off_the_workers(move || {
            let input = given.input();
            let plan = plan::first(&input);
            let faults = judge::check_first(&plan, &input);
            let salvage = salvage::salvage(&plan, &faults, &given.items);
            (plan, faults, salvage)
        })
        .await;
        faults
            .iter()
            .for_each(|fault| error!(rule = fault.rule, detail = fault.detail, "the first step breaks a rule"));
        self.remember_or_owe(&salvage.updates).await?;
        let standing = self.standing(&guardrail, Vec::new());
        let look = Look { guardrail, basis, plan, faults: Vec::new(), salvage, standing };
        self.apply_while(&look, cancel, |it, look| it.first_holds(desired, look)).await?;
        Ok(())
    }

    /// Whether the first steps are still valid. They happen once, so neither a lease nor a newer state drops them: only
    /// another file, another switch, or a leaver who stays after all.
    fn first_holds(&self, desired: &Desired, look: &Look) -> bool {
        let now = self.basis(&self.guardrail());
        if (&now.positions, &now.guardrail) != (&look.basis.positions, &look.basis.guardrail) {
            return false;
        }
        let newest = self.unkept().or_else(|| self.parts.view.borrow().desired.clone());
        let leave = |it: &Desired| -> BTreeSet<ItemKey> {
            let absent = it.items.iter().filter(|item| matches!(item.want, Want::Absent { .. }));
            absent.map(|item| item.key.clone()).collect()
        };
        newest.is_some_and(|newest| newest.digest == desired.digest || leave(desired).is_subset(&leave(&newest)))
    }
}
