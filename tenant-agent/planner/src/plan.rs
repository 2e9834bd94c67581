//! Desired, observed, ledger, guardrail and now become a plan.
//!
//! A plan is immutable, names what it was made from, and leaves nothing to choose when it is carried out. "Nothing
//! to do" and "waiting for X" are answers, and stand in its reports. How one kind of item is decided is in the file
//! of that name; what the guardrail says in `gate.rs`; the order in `order.rs`. Carrying it out is the agent's.

mod aside;

use std::collections::{BTreeMap, BTreeSet};

use entente_model::Plane;
use entente_model::desired::{ItemKey, Version};
use entente_model::report::ItemReport;

pub use crate::change::{Change, Plan};
pub use crate::input::{Input, Settings};
pub use crate::path::first::{first_reads, has_first};
pub use crate::path::not_allowed::{NotAllowed, not_allowed};
pub use crate::path::residue::NOT_LOOKED_AT;
pub use crate::planes::{gives_access, looked};
pub use aside::{named_aside, with_leavers};

use crate::builder::{PlanBuilder, Purpose};
use crate::guardrail::{Guardrail, Unreadable};
use crate::ledger::{Ledger, LedgerKey, Update};
use crate::moment::Moment;
use crate::observed::Observed;
use crate::path::{Path, first, implied, offboarding, presence, unsupported};
use crate::planes::rules;

/// Decides.
pub fn plan(input: &Input<'_>) -> Plan {
    let mut builder = PlanBuilder::new(input, Purpose::Converge);
    offboarding::begin(&mut builder);
    unsupported::say_all(&mut builder);
    let path = Path::decide(&mut builder);
    Plane::ALL.iter().copied().for_each(|plane| (rules(plane).decide)(&mut builder, &path));
    unsupported::end_all(&mut builder, &path);
    implied::decide(&mut builder, &path);
    builder.there = presence::of(&builder, &path);
    builder.finish()
}

/// What is done for leavers before the tenant is looked at whole; see `first.rs`. `input.observed` holds what
/// [`first_reads`] asks for, as far as it was answered. Its reports say nothing.
pub fn first(input: &Input<'_>) -> Plan {
    let mut builder = PlanBuilder::new(input, Purpose::Converge);
    first::decide(&mut builder);
    builder.finish_first()
}

/// Removes everything that we gave, at the customer's word: from the ledger and what was observed, with nothing
/// asked of the control plane. Protected objects stay protected; pauses, freezes and caps do not stand against it.
pub fn revoke_all(
    ledger: &Ledger,
    observed: &Observed,
    guardrail: Option<&Guardrail>,
    settings: &Settings,
    now: Moment,
) -> Plan {
    let nothing = BTreeMap::new();
    let unreadable = Unreadable { faults: Vec::new() };
    let input = Input {
        version: Version::default(),
        items: &nothing,
        observed,
        ledger,
        guardrail: guardrail.ok_or(&unreadable),
        paused: false,
        revoke_all: false,
        lease_fresh: false,
        permissions: None,
        settings,
        now,
    };
    let mut builder = PlanBuilder::new(&input, Purpose::RevokeAll);
    let path = Path::decide(&mut builder);
    implied::decide(&mut builder, &path);
    builder.there = presence::of(&builder, &path);
    builder.finish()
}

/// What is to be done and how it stands, for these keys alone: as where the customer ends everything.
pub fn revoke(
    keys: &BTreeSet<ItemKey>,
    ledger: &Ledger,
    observed: &Observed,
    guardrail: Option<&Guardrail>,
    settings: &Settings,
    now: Moment,
) -> Plan {
    let mut plan = revoke_all(ledger, observed, guardrail, settings, now);
    let is_one = |key: &LedgerKey| key.item().is_some_and(|key| keys.contains(key));
    plan.changes.retain(|change| is_one(&change.key));
    plan.reports.retain(|report| keys.contains(&report.key));
    plan.findings.clear();
    plan.updates.retain(|update| matches!(update, Update::Put(key, _) | Update::Forget(key) if is_one(key)));
    plan
}

/// Keeps the time at which an item came into its state, where neither state nor reason has changed.
pub fn carry_since(previous: &BTreeMap<ItemKey, ItemReport>, reports: &mut [ItemReport]) {
    for report in reports {
        if let Some(old) = previous.get(&report.key)
            && (old.state, old.reason) == (report.state, report.reason)
        {
            report.since = old.since;
        }
    }
}
